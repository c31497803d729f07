// From a leaf (docs/formats/record.md) to the row that the tables show: the one place where a
// record is read for SQL. About 1 µs a record.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "record/json_cursor.h"
#include "vocab/canonical_row.h"
#include "vocab/findings.h"
#include "vocab/scratch.h"
#include "vocab/vocabulary.h"

namespace sealtrail::vocab {

using record::JsonCursor;

// Fetches content that lies beside the leaf (record.md §6) by its SHA-256.
using BesideLookup = std::function<Result<Bytes>(const std::array<uint8_t, 32>& hash)>;

// Memory   Remembers up to kResourcesMax distinct resources and kActionsMax pairs of action and
// resource type,
//          since a few of each make up nearly all records.
// Threads  Compatible: one decoder a thread.
class RowDecoder {
 public:
  explicit RowDecoder(std::shared_ptr<const Vocabulary> vocabulary);
  ~RowDecoder();
  RowDecoder(const RowDecoder&) = delete;
  RowDecoder& operator=(const RowDecoder&) = delete;

  // Fills the row of record `seq`. The row lives until the next Decode and as long as `leaf`.
  //
  // Errors  DataLoss if the leaf is not what the record format says, or content beside it cannot be
  // had. A caller
  //         that must go on shows Unreadable(seq) instead.
  Status Decode(Seq seq, std::string_view leaf, const BesideLookup& beside, CanonicalRow& row);

  // A row with nothing but its number, the kind `unreadable` and the finding of that name.
  static CanonicalRow Unreadable(Seq seq);

 private:
  static constexpr size_t kResourcesMax = 4096;
  static constexpr size_t kActionsMax = 4096;

  struct Leaf;
  struct Content;
  struct ResourceEntry;
  struct Chosen {
    std::string_view text;
    uint32_t score;
  };

  Status Split(std::string_view json, Leaf& leaf);
  Result<std::string_view> Resolve(std::string_view part, const BesideLookup& beside);
  void ReadContent(JsonCursor& cursor, uint32_t source, Content& content);
  void ReadStatus(JsonCursor& cursor, Content& content);
  void ReadScope(std::string_view json, CanonicalRow& row);
  void ReadAttributes(JsonCursor& cursor, uint32_t source, std::vector<MapEntry>& entries);
  void ReadMapAddresses(std::string_view pairs, std::string_view prefix, uint32_t source,
                        int depth);
  Result<const ResourceEntry*> FindResource(std::string_view part, const BesideLookup& beside);
  void Offer(const std::vector<Alias>& aliases, std::string_view text, uint32_t source);
  std::string_view ClassOf(std::string_view action, std::string_view resource_type);
  void FillTimes(const Leaf& leaf, const Content& content, CanonicalRow& row);
  void FillTexts(const Leaf& leaf, const Content& content, const Content& span, CanonicalRow& row);
  void FindFaults(const Leaf& leaf, const Content& content, const Content& ids, CanonicalRow& row);

  const std::shared_ptr<const Vocabulary> vocabulary_;
  Scratch scratch_;
  std::vector<Bytes> beside_kept_;  // side contents that the current row borrows from
  std::vector<MapEntry> attributes_;
  std::vector<MapEntry> span_attributes_;
  std::array<Chosen, kTextColumnCount> chosen_;
  uint32_t found_ = 0;

  TextMap<std::unique_ptr<ResourceEntry>> resources_;
  std::string last_resource_key_;
  const ResourceEntry* last_resource_ = nullptr;
  uint64_t next_resource_id_ = 1;
  TextMap<std::string_view> classes_;
};

}  // namespace sealtrail::vocab
