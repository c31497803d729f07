// Stored records by number, as the deduper asks for them: many neighbours, one after the other.
#pragma once

#include <map>
#include <optional>

#include "ledger/ledger_reader.h"
#include "record/leaf_members.h"

namespace sealtrail::dedupe {

// Keeps what it read last, so that records in order cost one read a block.
// Threads  Compatible.
class StoredRecords {
 public:
  explicit StoredRecords(const ledger::LedgerReader& reader) : reader_(reader) {}

  // The leaf of a durable record, until the next call. Errors as LedgerReader::Read.
  Result<std::string_view> Leaf(Seq seq);

  // What lies beside record `seq`.
  record::BesideReader BesideOf(Seq seq);

 private:
  const ledger::LedgerReader& reader_;
  ledger::RecordRange range_;
  std::map<crypto::Hash, Bytes> beside_;
  size_t beside_bytes_ = 0;
};

}  // namespace sealtrail::dedupe
