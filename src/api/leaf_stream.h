// Exact leaves, one a line, as the body of an answer.
#pragma once

#include <cstdint>

#include "ledger/ledger_reader.h"
#include "net/http_message.h"

namespace sealtrail::api {

// Streams records [from, end) in pieces of about 1 MiB. Borrows `reader`.
class LeafStream : public net::HttpBodySource {
 public:
  LeafStream(const ledger::LedgerReader& reader, uint64_t from, uint64_t end)
      : reader_(reader), next_(from), end_(end) {}

  void Next(std::function<void(Result<Bytes>)> done) override;

 private:
  const ledger::LedgerReader& reader_;
  uint64_t next_;
  const uint64_t end_;
};

}  // namespace sealtrail::api
