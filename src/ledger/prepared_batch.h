// A batch in the bytes that will be written. Made on the thread that submits it, side by side with others, so that
// the writer is left with what is serial: running hash, tree, write, sync.
#pragma once

#include <vector>

#include "format/segment_format.h"
#include "record/record_sink.h"

namespace sealtrail::ledger {

// The body of one records frame.
struct PreparedFrame {
  uint32_t count;  // records
  format::Codec codec;
  uint32_t decoded_bytes;
  uint32_t body_crc;
  ByteView body;  // borrows from the batch's bundle or from `encoded`
  Bytes encoded;
};

// Ownership  Moving keeps the views valid.
struct PreparedBatch {
  record::RecordBatch batch;  // its bundle is gone where no frame needs it
  std::vector<PreparedFrame> frames;

  // What it holds in memory.
  size_t bytes() const;
};

PreparedBatch Prepare(record::RecordBatch batch);

}  // namespace sealtrail::ledger
