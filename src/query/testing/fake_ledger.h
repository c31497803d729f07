// A ledger in memory for tests of what pulls from one: leaves are appended, and are durable at once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "ledger/ledger_reader.h"

namespace sealtrail::query::testing {

// Threads  Safe.
class FakeLedger : public ledger::LedgerReader {
 public:
  // Returns the record's number. Whoever watches for growth is told.
  Seq Append(std::string leaf);
  void AddBeside(const crypto::Hash& hash, Bytes content);
  // From now on what lies beside answers `status`; OK: it can be read again.
  void FailBeside(Status status);

  ledger::Heights heights() const override;
  Result<ledger::RecordRange> Read(Seq from, size_t records_max, size_t bytes_max) const override;
  Result<Bytes> ReadBeside(Seq seq, const crypto::Hash& hash) const override;
  Result<std::vector<crypto::Hash>> TileHashes(int, uint64_t, size_t) const override {
    return Unimplemented("no tree here");
  }
  ledger::CheckpointInfo checkpoint() const override;
  ledger::CheckpointInfo TreeHead() const override;
  std::vector<ledger::SegmentInfo> segments() const override;
  void OnGrowth(std::function<void()> wake) override;

 private:
  mutable Mutex mutex_;
  std::vector<std::string> leaves_ SEAL_GUARDED_BY(mutex_);
  std::map<crypto::Hash, Bytes> beside_ SEAL_GUARDED_BY(mutex_);
  Status beside_unread_ SEAL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> wakes_ SEAL_GUARDED_BY(mutex_);
};

// A leaf of docs/formats/record.md. `attributes` are pairs in its form, `["k","v"],…`.
struct LeafParts {
  std::string kind = "span";
  std::string attributes;
  std::string resource;  // pairs, likewise
  int64_t time = 1764039845000000007;
  int64_t received = 1764039846000000000;
  std::string name = "user.role.update";
  std::string body;  // a value, for logs
};
std::string MakeLeaf(const LeafParts& parts);

}  // namespace sealtrail::query::testing
