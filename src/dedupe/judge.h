// What becomes of the records of a batch that met others with the same fingerprint.
#pragma once

#include <span>
#include <vector>

#include "dedupe/stored_records.h"
#include "dedupe/window.h"
#include "record/leaf_edit.h"

namespace sealtrail::dedupe {

// A stored record that may be the same as one of the batch.
struct Hit {
  size_t record;    // of the batch
  bool by_content;  // else by identity
  Window::Age age;  // kStored or kLate
  Seq seq;
};

struct Verdict {
  enum class Kind : uint8_t {
    kStore,
    kDuplicate,      // of the stored record `of`
    kRepeatsInBatch  // of the record `first` of the batch, which is stored
  };
  Kind kind = Kind::kStore;
  Seq of{0};
  size_t first = 0;
  bool conflict = false;
  bool late_duplicate = false;
  bool possible_duplicate = false;
  bool unconfirmed = false;  // a record that it met could not be read

  record::LeafEdit Edit() const;
};

// One for each record of the batch. `hits` are in the order of the records. Every hit is confirmed against the stored
// record: fingerprints alone decide nothing. `repeats`: two records of the batch share a fingerprint.
std::vector<Verdict> Judge(const record::RecordBatch& batch, std::span<const Hit> hits,
                           bool repeats, StoredRecords& stored);

}  // namespace sealtrail::dedupe
