// What clients send: batches as the pipeline makes them of OTLP requests. Made once and handed out as copies, for a
// sweep sends the same ones ten thousand times.
#pragma once

#include <string>
#include <vector>

#include "record/record_sink.h"

namespace sealtrail::sim {

// `records` log records whose names begin with `name`. `beside`: one of them has a content that is too large for its leaf,
// and all of them a resource that lies beside. The same arguments give the same batch.
const record::RecordBatch& BatchOf(const std::string& name, int records, bool beside);

// In the order of the batch.
std::vector<std::string> LeavesOf(const record::RecordBatch& batch);

}  // namespace sealtrail::sim
