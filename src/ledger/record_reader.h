// Reads records and their side contents through a SegmentTable. Checks both checksums of every frame it touches.
#pragma once

#include "ledger/ledger_reader.h"
#include "ledger/segment_table.h"

namespace sealtrail::ledger {

// As LedgerReader::Read, over everything in `table`.
Result<RecordRange> ReadRecords(const SegmentTable& table, Seq from, size_t records_max,
                                size_t bytes_max);

// As LedgerReader::ReadBeside.
Result<Bytes> ReadBesideContent(const SegmentTable& table, Seq seq, const crypto::Hash& hash);

}  // namespace sealtrail::ledger
