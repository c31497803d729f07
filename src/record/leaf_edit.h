// A batch after its records were judged: without some of them, and with findings in the leaves of others.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "record/record_sink.h"

namespace sealtrail::record {

struct LeafEdit {
  bool keep = true;
  std::vector<std::string_view>
      findings;  // `f` of the leaf, docs/formats/record.md §3; sorted, each once
};

// `edits`: one for each record. A leaf that its findings make too long keeps its content beside.
RecordBatch Edited(RecordBatch batch, std::span<const LeafEdit> edits);

}  // namespace sealtrail::record
