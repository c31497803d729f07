#include "dedupe/delivery_note.h"

#include <algorithm>
#include <utility>

#include "base/endian.h"
#include "base/limits.h"

namespace sealtrail::dedupe {
namespace {

constexpr uint8_t kKind = 1;
constexpr size_t kHeadBytes = 1 + 2;  // kind, length of the principal
constexpr size_t kRunBytes = 3 * 4;

std::vector<DeliveryNote::Run> RunsOf(const record::RecordBatch& batch) {
  std::vector<DeliveryNote::Run> runs;
  for (uint32_t i = 0; i < batch.records.size(); ++i) {
    const record::Identity& identity = batch.records[i].identity;
    if (identity.kind != record::Identity::Kind::kDelivery) continue;
    if (!runs.empty() && runs.back().index + runs.back().count == i &&
        runs.back().unit + runs.back().count == identity.unit) {
      ++runs.back().count;
    } else {
      runs.push_back({.index = i, .unit = identity.unit, .count = 1});
    }
  }
  return runs;
}

void Append32(Bytes& out, uint32_t value) {
  out.resize(out.size() + 4);
  PutBig32(out.data() + out.size() - 4, value);
}

}  // namespace

std::vector<Bytes> DeliveryNotes(const record::RecordBatch& batch, const std::string& principal) {
  const std::vector<DeliveryNote::Run> runs = RunsOf(batch);
  const size_t head = kHeadBytes + principal.size() + batch.request_hash.size();
  const size_t runs_max = (kNoteBytesMax - head) / kRunBytes;
  std::vector<Bytes> notes;
  for (size_t at = 0; at < runs.size(); at += runs_max) {
    Bytes note = {kKind, 0, 0};
    PutBig16(note.data() + 1, static_cast<uint16_t>(principal.size()));
    AppendTo(note, AsBytes(principal));
    AppendTo(note, batch.request_hash);
    for (size_t i = at; i < std::min(runs.size(), at + runs_max); ++i) {
      Append32(note, runs[i].index);
      Append32(note, runs[i].unit);
      Append32(note, runs[i].count);
    }
    notes.push_back(std::move(note));
  }
  return notes;
}

bool IsDeliveryNote(ByteView note) {
  return !note.empty() && note.front() == kKind;
}

Result<DeliveryNote> ParseDeliveryNote(ByteView note) {
  DeliveryNote parsed;
  const size_t hash_bytes = parsed.request_hash.size();
  if (!IsDeliveryNote(note) || note.size() < kHeadBytes + hash_bytes)
    return DataLoss("a delivery note of {} bytes", note.size());
  const size_t principal = GetBig16(note.data() + 1);
  note = note.subspan(kHeadBytes);
  if (note.size() < principal + hash_bytes ||
      (note.size() - principal - hash_bytes) % kRunBytes != 0)
    return DataLoss("a delivery note whose lengths do not fit");
  parsed.principal = AsText(note.first(principal));
  std::copy_n(note.begin() + static_cast<ptrdiff_t>(principal), hash_bytes,
              parsed.request_hash.begin());
  for (note = note.subspan(principal + hash_bytes); !note.empty(); note = note.subspan(kRunBytes)) {
    parsed.runs.push_back({.index = GetBig32(note.data()),
                           .unit = GetBig32(note.data() + 4),
                           .count = GetBig32(note.data() + 8)});
    if (parsed.runs.back().count > kBatchRecordsMax)
      return DataLoss("a delivery note of more records than a batch may have");
  }
  return parsed;
}

}  // namespace sealtrail::dedupe
