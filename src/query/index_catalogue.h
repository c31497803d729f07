// The list of parts, and with it the index's cursor: the next record to index is the one after the last part.
// One file, replaced in one step; what it does not name is not there. Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"

namespace sealtrail::query {

// Raised when parts are laid out in another way; an index of another version is built anew.
constexpr uint32_t kIndexVersion = 2;
// At most so many keys of a rest map are listed.
constexpr size_t kRestKeysMax = 4096;

// The keys of attributes, or of resources, in one part.
struct PartKeyCounts {
  std::map<std::string, uint64_t> columns;  // key → rows that have it
  std::set<std::string> rest;               // keys that lie in the rest map with a value
  bool rest_is_open = false;                // more than kRestKeysMax of them
  bool operator==(const PartKeyCounts&) const = default;
};

struct PartInfo {
  std::string file;  // its name in the folder
  Seq first{};
  uint64_t count = 0;
  uint64_t bytes = 0;
  std::string sha256;  // hexadecimal, of the file
  PartKeyCounts attributes;
  PartKeyCounts resource;
  bool operator==(const PartInfo&) const = default;
};

struct Catalogue {
  std::string aliases_version;
  std::string actions_version;
  std::string
      last_leaf_hash;  // hexadecimal, of the last record in a part: tells another ledger, or a rollback
  std::vector<PartInfo> parts;  // in order, without a gap, from record 0

  Seq next() const { return parts.empty() ? Seq{0} : parts.back().first + parts.back().count; }
};

Bytes EncodeCatalogue(const Catalogue& catalogue);
// InvalidArgument if `bytes` are no catalogue of this version, or its parts do not follow each other.
Result<Catalogue> DecodeCatalogue(std::string_view bytes);

// Which neighbours to merge into one, as [begin, end) of `parts`; begin == end: none. Parts are merged when
// kMergeWidth neighbours are of about one size, so each row is rewritten about log_8 of the number of parts times,
// and the parts stay few.
constexpr size_t kMergeWidth = 8;
constexpr uint64_t kMergedRowsMax = 16'000'000;
struct PartRange {
  size_t begin = 0;
  size_t end = 0;
};
PartRange PartsToMerge(const std::vector<PartInfo>& parts);

}  // namespace sealtrail::query
