#include "ledger/prepared_batch.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

// Below this, compressing costs more than the bytes it saves.
constexpr size_t kEncodeBytesMin = 8 * kKiB;

// The part of the bundle that holds these records, length bytes included.
ByteView BundleOf(const record::RecordBatch& batch, std::span<const record::RecordEntry> records) {
  const size_t begin = records.front().leaf_offset - 2;
  const size_t end = records.back().leaf_offset + records.back().leaf_size;
  return ByteView(batch.bundle).subspan(begin, end - begin);
}

PreparedFrame PrepareFrame(ByteView bundle, size_t count) {
  PreparedFrame frame{.count = static_cast<uint32_t>(count),
                      .codec = format::Codec::kRaw,
                      .decoded_bytes = static_cast<uint32_t>(bundle.size()),
                      .body_crc = 0,
                      .body = bundle,
                      .encoded = {}};
  if (bundle.size() >= kEncodeBytesMin) {
    thread_local Bytes scratch;
    frame.codec = format::EncodeBody(bundle, scratch);
    if (frame.codec != format::Codec::kRaw) {
      frame.encoded.assign(scratch.begin(), scratch.end());
      frame.body = frame.encoded;
    }
  }
  frame.body_crc = Crc32c(frame.body);
  return frame;
}

}  // namespace

size_t PreparedBatch::bytes() const {
  size_t total = batch.bytes() + batch.records.size() * sizeof(record::RecordEntry);
  for (const PreparedFrame& frame : frames) total += frame.encoded.size();
  return total;
}

PreparedBatch Prepare(record::RecordBatch batch) {
  PreparedBatch prepared{.batch = std::move(batch), .frames = {}};
  std::span<const record::RecordEntry> left = prepared.batch.records;
  bool raw = false;
  while (!left.empty()) {
    const auto records = left.first(std::min(left.size(), kFrameRecordsMax));
    left = left.subspan(records.size());
    prepared.frames.push_back(PrepareFrame(BundleOf(prepared.batch, records), records.size()));
    raw |= prepared.frames.back().codec == format::Codec::kRaw;
  }
  if (!raw) prepared.batch.bundle = Bytes();
  return prepared;
}

}  // namespace sealtrail::ledger
