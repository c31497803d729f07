#include "query/tail_chunk.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sealtrail::query {
namespace {

constexpr uint64_t kMagic = 0x5345414c5441494cu;

// Sections follow each other in one order, each: u64 size in bytes, then the bytes, padded to 8.
class SectionWriter {
 public:
  explicit SectionWriter(size_t expected) { out_.reserve(expected); }

  template <typename T>
  void Put(std::span<const T> values) {
    const uint64_t size = values.size_bytes();
    Raw(&size, sizeof(size));
    Raw(values.data(), values.size_bytes());
    out_.resize((out_.size() + 7) & ~size_t{7});
  }
  template <typename T>
  void Put(const std::vector<T>& values) {
    Put(std::span<const T>(values));
  }
  Bytes Take() { return std::move(out_); }

 private:
  void Raw(const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    out_.insert(out_.end(), bytes, bytes + size);
  }

  Bytes out_;
};

class SectionReader {
 public:
  explicit SectionReader(ByteView bytes) : left_(bytes) {}

  template <typename T>
  std::span<const T> Take() {
    uint64_t size = 0;
    if (left_.size() >= sizeof(size)) std::memcpy(&size, left_.data(), sizeof(size));
    const bool fits = left_.size() >= sizeof(size) && size <= left_.size() - sizeof(size) &&
                      size % sizeof(T) == 0;
    if (!fits) {
      ok_ = false;
      return {};
    }
    const auto* at = reinterpret_cast<const T*>(left_.data() + sizeof(size));
    left_ = left_.subspan(std::min(left_.size(), (sizeof(size) + size + 7) & ~size_t{7}));
    return {at, size / sizeof(T)};
  }
  bool ok() const { return ok_; }

 private:
  ByteView left_;
  bool ok_ = true;
};

bool IsAllNull(const std::vector<TextRef>& refs) {
  return std::all_of(refs.begin(), refs.end(), [](TextRef ref) { return ref.is_null(); });
}

}  // namespace

TailChunkBuilder::TailChunkBuilder() {
  resource_ends_.push_back(0);
}

void TailChunkBuilder::Append(const vocab::CanonicalRow& row) {
  if (rows() == 0) first_ = row.seq;
  SEAL_CHECK(row.seq == first_ + rows());
  for (size_t i = 0; i < times_.size(); ++i) times_[i].push_back(row.times[i]);
  for (size_t i = 0; i < texts_.size(); ++i) {
    const TextRef last = texts_[i].empty() ? TextRef{} : texts_[i].back();
    texts_[i].push_back(StoreLike(last, row.texts[i]));
  }
  severity_numbers_.push_back(row.severity_number);
  findings_.push_back(row.findings);
  AppendEntries(row.attributes, attributes_);
  attribute_ends_.push_back(static_cast<uint32_t>(attributes_.size()));

  uint32_t number = 0;
  if (row.resource_id != 0) {
    const auto [known, is_new] =
        resources_.try_emplace(row.resource_id, static_cast<uint32_t>(resource_ends_.size()));
    number = known->second;
    if (is_new) {
      AppendEntries(row.resource, resource_entries_);
      resource_ends_.push_back(static_cast<uint32_t>(resource_entries_.size()));
    }
  }
  resource_numbers_.push_back(number);
}

TextRef TailChunkBuilder::Store(std::string_view text) {
  if (vocab::IsNull(text)) return {};
  const TextRef ref{static_cast<uint32_t>(blob_.size()), static_cast<uint32_t>(text.size())};
  blob_ += text;
  return ref;
}

TextRef TailChunkBuilder::StoreLike(TextRef last, std::string_view text) {
  if (vocab::IsNull(text)) return {};
  if (!last.is_null() && last.size == text.size() &&
      std::memcmp(blob_.data() + last.offset, text.data(), text.size()) == 0) {
    return last;
  }
  return Store(text);
}

uint32_t TailChunkBuilder::KeyNumber(std::string_view key) {
  if (const auto found = key_numbers_.find(key); found != key_numbers_.end()) return found->second;
  const auto number = static_cast<uint32_t>(keys_.size());
  key_numbers_.emplace(std::string(key), number);
  keys_.push_back(Store(key));
  last_values_.emplace_back();
  return number;
}

void TailChunkBuilder::AppendEntries(std::span<const vocab::MapEntry> entries,
                                     std::vector<EntryRef>& out) {
  for (const vocab::MapEntry& entry : entries) {
    const uint32_t key = KeyNumber(entry.key);
    const TextRef value = StoreLike(last_values_[key], entry.value);
    if (!value.is_null()) last_values_[key] = value;
    out.push_back({key, value});
  }
}

size_t TailChunkBuilder::bytes() const {
  const size_t per_row = vocab::kTimeColumnCount * sizeof(int64_t) +
                         vocab::kTextColumnCount * sizeof(TextRef) + 4 * sizeof(uint32_t);
  return blob_.size() + rows() * per_row +
         (attributes_.size() + resource_entries_.size()) * sizeof(EntryRef);
}

Bytes TailChunkBuilder::Encode() const {
  SectionWriter out(bytes() + 4096);
  const std::array<uint64_t, 2> header = {kMagic, Value(first_)};
  out.Put(std::span<const uint64_t>(header));
  for (const auto& column : times_) out.Put(column);
  for (const auto& column : texts_) {
    out.Put(IsAllNull(column) ? std::span<const TextRef>() : std::span<const TextRef>(column));
  }
  out.Put(severity_numbers_);
  out.Put(findings_);
  out.Put(attribute_ends_);
  out.Put(attributes_);
  out.Put(resource_numbers_);
  out.Put(resource_ends_);
  out.Put(resource_entries_);
  out.Put(keys_);
  out.Put(std::span<const char>(blob_));
  return out.Take();
}

Result<TailChunk> TailChunk::Open(ByteView bytes) {
  SectionReader in(bytes);
  TailChunk chunk;
  const auto header = in.Take<uint64_t>();
  if (header.size() != 2 || header[0] != kMagic) return InvalidArgument("no tail chunk");
  chunk.first_ = Seq{header[1]};
  for (auto& column : chunk.times_) column = in.Take<int64_t>();
  for (auto& column : chunk.texts_) column = in.Take<TextRef>();
  chunk.severity_numbers_ = in.Take<int32_t>();
  chunk.findings_ = in.Take<uint32_t>();
  chunk.attribute_ends_ = in.Take<uint32_t>();
  chunk.attributes_ = in.Take<EntryRef>();
  chunk.resource_numbers_ = in.Take<uint32_t>();
  chunk.resource_ends_ = in.Take<uint32_t>();
  chunk.resource_entries_ = in.Take<EntryRef>();
  chunk.keys_ = in.Take<TextRef>();
  const auto blob = in.Take<char>();
  chunk.blob_ = {blob.data(), blob.size()};
  if (!in.ok()) return InvalidArgument("a tail chunk that ends too early");
  return chunk;
}

}  // namespace sealtrail::query
