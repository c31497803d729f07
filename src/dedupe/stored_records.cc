#include "dedupe/stored_records.h"

#include "base/limits.h"

namespace sealtrail::dedupe {
namespace {

constexpr size_t kRecords = 1024;
constexpr size_t kBytes = 2 * kMiB;
constexpr size_t kBesideBytes = 16 * kMiB;

}  // namespace

Result<std::string_view> StoredRecords::Leaf(Seq seq) {
  if (range_.records.empty() || seq < range_.records.front().seq ||
      seq > range_.records.back().seq) {
    range_ = {};
    SEAL_ASSIGN_OR_RETURN(range_, reader_.Read(seq, kRecords, kBytes));
  }
  return range_.records[Value(seq) - Value(range_.records.front().seq)].leaf;
}

record::BesideReader StoredRecords::BesideOf(Seq seq) {
  return [this, seq](const crypto::Hash& hash) -> Result<Bytes> {
    if (const auto found = beside_.find(hash); found != beside_.end()) return found->second;
    SEAL_ASSIGN_OR_RETURN(Bytes content, reader_.ReadBeside(seq, hash));
    if (beside_bytes_ + content.size() > kBesideBytes) {
      beside_.clear();
      beside_bytes_ = 0;
    }
    beside_bytes_ += content.size();
    beside_[hash] = content;
    return content;
  };
}

}  // namespace sealtrail::dedupe
