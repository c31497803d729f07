// The tail: rows that are in no part yet, decoded once into columns that query workers map read-only.
//
// A chunk lives in memory only and is read by this very program, so its numbers have the machine's own layout.
// Canonical columns are arrays of references into one blob of text. Attributes are kept per row, as entries of
// (key number, value) in byte order of keys: a column for each key would cost a key that occurs once as much as
// one that always occurs. A constant key is resolved to its number once a chunk; where the chunk does not have it,
// its column is NULL without a look at any row.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "vocab/canonical_row.h"
#include "vocab/vocabulary.h"

namespace sealtrail::query {

// A text in the blob. A size of kNullSize is NULL.
struct TextRef {
  static constexpr uint32_t kNullSize = UINT32_MAX;
  uint32_t offset = 0;
  uint32_t size = kNullSize;
  bool is_null() const { return size == kNullSize; }
};

struct EntryRef {
  uint32_t key;  // number of the key in its chunk
  TextRef value;
};

// Collects rows and lays them out.
// Threads  Compatible.
class TailChunkBuilder {
 public:
  TailChunkBuilder();

  // Rows must come in the order of their numbers, without a gap, from one decoder (their resource ids are compared).
  void Append(const vocab::CanonicalRow& row);

  size_t rows() const { return findings_.size(); }
  // About what Encode() returns.
  size_t bytes() const;
  // The chunk as it stands; more rows may follow.
  Bytes Encode() const;

 private:
  TextRef Store(std::string_view text);
  // The same reference again where the text is what this place held last: neighbours are alike.
  TextRef StoreLike(TextRef last, std::string_view text);
  uint32_t KeyNumber(std::string_view key);
  void AppendEntries(std::span<const vocab::MapEntry> entries, std::vector<EntryRef>& out);

  Seq first_{};
  std::array<std::vector<int64_t>, vocab::kTimeColumnCount> times_;
  std::array<std::vector<TextRef>, vocab::kTextColumnCount> texts_;
  std::vector<int32_t> severity_numbers_;
  std::vector<uint32_t> findings_;
  std::vector<uint32_t> attribute_ends_;
  std::vector<EntryRef> attributes_;
  std::vector<uint32_t> resource_numbers_;  // a row's resource; 0 is the empty one
  std::vector<uint32_t> resource_ends_;
  std::vector<EntryRef> resource_entries_;
  std::vector<TextRef> keys_;
  std::vector<TextRef> last_values_;  // by key number
  vocab::TextMap<uint32_t> key_numbers_;
  std::unordered_map<uint64_t, uint32_t> resources_;  // resource id of the decoder → number
  std::string blob_;
};

// A view of an encoded chunk.
class TailChunk {
 public:
  // InvalidArgument if `bytes` are no chunk. They must outlive the view.
  static Result<TailChunk> Open(ByteView bytes);

  Seq first() const { return first_; }
  size_t rows() const { return findings_.size(); }

  std::span<const int64_t> times(vocab::TimeColumn column) const {
    return times_[static_cast<size_t>(column)];
  }
  // Empty where the column is NULL in every row.
  std::span<const TextRef> texts(vocab::TextColumn column) const {
    return texts_[static_cast<size_t>(column)];
  }
  std::span<const int32_t> severity_numbers() const { return severity_numbers_; }
  std::span<const uint32_t> findings() const { return findings_; }
  std::span<const EntryRef> attributes(size_t row) const {
    return Slice(attributes_, attribute_ends_, row);
  }
  std::span<const EntryRef> resource(size_t row) const {
    return Slice(resource_entries_, resource_ends_, resource_numbers_[row]);
  }
  // Key texts by their number; attributes and resources share them.
  std::span<const TextRef> keys() const { return keys_; }

  std::string_view text(TextRef ref) const { return {blob_.data() + ref.offset, ref.size}; }

 private:
  static std::span<const EntryRef> Slice(std::span<const EntryRef> entries,
                                         std::span<const uint32_t> ends, size_t i) {
    const uint32_t begin = i == 0 ? 0 : ends[i - 1];
    return entries.subspan(begin, ends[i] - begin);
  }

  Seq first_{};
  std::array<std::span<const int64_t>, vocab::kTimeColumnCount> times_;
  std::array<std::span<const TextRef>, vocab::kTextColumnCount> texts_;
  std::span<const int32_t> severity_numbers_;
  std::span<const uint32_t> findings_;
  std::span<const uint32_t> attribute_ends_;
  std::span<const EntryRef> attributes_;
  std::span<const uint32_t> resource_numbers_;
  std::span<const uint32_t> resource_ends_;
  std::span<const EntryRef> resource_entries_;
  std::span<const TextRef> keys_;
  std::string_view blob_;
};

}  // namespace sealtrail::query
