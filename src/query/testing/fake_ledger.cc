#include "query/testing/fake_ledger.h"

#include <algorithm>
#include <cstring>

namespace sealtrail::query::testing {

Seq FakeLedger::Append(std::string leaf) {
  Seq seq;
  std::vector<std::function<void()>> wakes;
  {
    MutexLock lock(mutex_);
    seq = Seq{leaves_.size()};
    leaves_.push_back(std::move(leaf));
    wakes = wakes_;
  }
  for (const auto& wake : wakes) wake();
  return seq;
}

void FakeLedger::AddBeside(const crypto::Hash& hash, Bytes content) {
  MutexLock lock(mutex_);
  beside_[hash] = std::move(content);
}

void FakeLedger::FailBeside(Status status) {
  MutexLock lock(mutex_);
  beside_unread_ = std::move(status);
}

ledger::Heights FakeLedger::heights() const {
  MutexLock lock(mutex_);
  return {.durable = TreeSize{leaves_.size()}, .checkpointed = TreeSize{leaves_.size()}};
}

Result<ledger::RecordRange> FakeLedger::Read(Seq from, size_t records_max, size_t bytes_max) const {
  MutexLock lock(mutex_);
  if (Value(from) >= leaves_.size()) return NotFound("record {} is not durable", Value(from));
  auto storage = std::make_shared<Bytes>();
  std::vector<size_t> sizes;
  for (uint64_t i = Value(from); i < leaves_.size() && sizes.size() < records_max; ++i) {
    if (!sizes.empty() && storage->size() + leaves_[i].size() > bytes_max) break;
    AppendTo(*storage, AsBytes(leaves_[i]));
    sizes.push_back(leaves_[i].size());
  }
  ledger::RecordRange range;
  size_t at = 0;
  for (const size_t size : sizes) {
    range.records.push_back(
        {from + range.records.size(), AsText(ByteView(*storage).subspan(at, size))});
    at += size;
  }
  range.storage = std::move(storage);
  return range;
}

Result<Bytes> FakeLedger::ReadBeside(Seq, const crypto::Hash& hash) const {
  MutexLock lock(mutex_);
  SEAL_RETURN_IF_ERROR(beside_unread_);
  const auto found = beside_.find(hash);
  if (found == beside_.end()) return NotFound("nothing beside");
  return found->second;
}

ledger::CheckpointInfo FakeLedger::checkpoint() const {
  ledger::CheckpointInfo info = TreeHead();
  info.note = "a note\n";
  return info;
}

// Not a Merkle root: any digest that names the tree will do here.
ledger::CheckpointInfo FakeLedger::TreeHead() const {
  MutexLock lock(mutex_);
  const std::string size = std::to_string(leaves_.size());
  return {.size = TreeSize{leaves_.size()}, .root = crypto::Sha256(AsBytes(size)), .note = ""};
}

std::vector<ledger::SegmentInfo> FakeLedger::segments() const {
  MutexLock lock(mutex_);
  return {{.name = "00000000000000000000.seg",
           .first = Seq{0},
           .count = leaves_.size(),
           .bytes = 4096,
           .sealed = false}};
}

void FakeLedger::OnGrowth(std::function<void()> wake) {
  MutexLock lock(mutex_);
  wakes_.push_back(std::move(wake));
}

std::string MakeLeaf(const LeafParts& parts) {
  const bool is_log = parts.kind != "span" && parts.kind != "span_event";
  std::string content;
  const auto add = [&](std::string_view member) {
    content += fmt::format("{}{}", content.empty() ? "" : ",", member);
  };
  if (!parts.attributes.empty()) add(fmt::format("\"a\":[{}]", parts.attributes));
  if (!parts.body.empty()) add(fmt::format("\"b\":{}", parts.body));
  if (!is_log) {
    add("\"i\":\"eee19b7ec3c1b174\"");
    add(fmt::format("\"n\":\"{}\"", parts.name));
    add(fmt::format("\"s\":\"{}\"", parts.time));
    add("\"t\":\"5b8efff798038103d269b633813fc60c\"");
  } else {
    add(fmt::format("\"w\":\"{}\"", parts.time));
  }
  const std::string resource =
      parts.resource.empty() ? "" : fmt::format(",\"re\":{{\"r\":{{\"a\":[{}]}}}}", parts.resource);
  return fmt::format(
      "{{\"k\":\"{}\",\"n\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"o\":{{{}}},\"r\":{{\"a\":\"{}\",\"b\":"
      "\"local\",\"t\":\"grpc\"}}{},"
      "\"v\":1}}",
      parts.kind, content, parts.received, resource);
}

}  // namespace sealtrail::query::testing
