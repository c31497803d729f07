// Batches of small records for tests.
#pragma once

#include "record/record_sink.h"

namespace sealtrail::ledger::testing {

// Logs with the actions act-<first> to act-<first + count - 1>. `beside_bytes`: of a resource that lies beside them.
record::RecordBatch Batch(int first, int count, size_t beside_bytes = 0);

}  // namespace sealtrail::ledger::testing
