// The tables that a statement sees, as views over the parts and the tail. Pure: text in, text out.
//
// A map column that is used only through constant subscripts is a STRUCT of just those keys, each a column of the
// parts; a key that no part has is NULL without reading anything. Only where someone may look at the whole map
// is it put together.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "query/statement_check.h"
#include "query/tail_scan.h"

namespace sealtrail::query {

// Which keys the parts hold, over all parts.
struct PartKeys {
  std::set<std::string> columns;  // have a column in some part
  std::set<std::string> rest;     // lie in the rest map of some part
  bool rest_is_open =
      false;  // some part has more keys in its rest than are listed: any may be there
};

struct SegmentRow {
  std::string name;
  uint64_t first;
  uint64_t count;
  uint64_t bytes;
  bool active;
};
struct CheckpointRow {
  uint64_t tree_size;
  std::string root;  // hexadecimal
  std::string note;
};

struct ViewInput {
  std::vector<std::string> part_paths;
  PartKeys attributes;
  PartKeys resource;
  uint64_t end = UINT64_MAX;  // records from here on are left out
  std::vector<SegmentRow> segments;
  std::vector<CheckpointRow> checkpoints;
};

struct Views {
  std::vector<std::string> statements;      // CREATE VIEW …, in order
  TailColumns tail;                         // what the table function kTailFunction must offer
  std::vector<std::string> attribute_keys;  // of kAttributesFunction, where it is used
  std::vector<std::string> resource_keys;   // of kResourceFunction
};

constexpr std::string_view kTailFunction = "sealtrail_tail";
constexpr std::string_view kAttributesFunction = "sealtrail_attributes";
constexpr std::string_view kResourceFunction = "sealtrail_resource";

// The views that `shape` needs.
Views MakeViews(const StatementShape& shape, const ViewInput& input);

}  // namespace sealtrail::query
