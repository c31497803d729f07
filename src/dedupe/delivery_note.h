// Which records of a batch have their identity from the delivery: docs/formats/notes.md §2. It rides with the commit, for
// the leaf does not say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "record/record_sink.h"

namespace sealtrail::dedupe {

struct DeliveryNote {
  // `count` records from place `index` of the batch on, which are the counted units from `unit` on.
  struct Run {
    uint32_t index;
    uint32_t unit;
    uint32_t count;
  };

  std::string principal;
  crypto::Hash request_hash{};
  std::vector<Run> runs;
};

// As many notes as it takes; none where no record has such an identity. `principal`: at most kReceiptTextBytesMax.
std::vector<Bytes> DeliveryNotes(const record::RecordBatch& batch, const std::string& principal);

bool IsDeliveryNote(ByteView note);
// DataLoss: not one, or damaged.
Result<DeliveryNote> ParseDeliveryNote(ByteView note);

}  // namespace sealtrail::dedupe
