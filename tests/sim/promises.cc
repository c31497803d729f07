#include "promises.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "format/manifest.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"

namespace sealtrail::sim {
namespace {

// The string value of an attribute of a record of the store's own.
std::string AttributeOf(std::string_view leaf, std::string_view name) {
  const std::string start = fmt::format("[\"{}\",\"", name);
  const size_t at = leaf.find(start);
  if (at == leaf.npos) return "";
  const std::string_view rest = leaf.substr(at + start.size());
  return std::string(rest.substr(0, rest.find('"')));
}

}  // namespace

void Promises::Break(std::string what) {
  if (broken_.empty()) broken_ = std::move(what);
}

void Promises::Acknowledged(Seq seq, const std::string& leaf, Seq last_before) {
  if (seq < last_before) Break(fmt::format("record {} was acknowledged out of order", Value(seq)));
  if (!acknowledged_.emplace(seq, leaf).second)
    Break(fmt::format("the number {} was given twice", Value(seq)));
}

void Promises::Written(const std::string& path, ByteView bytes) {
  if (!path.ends_with("/checkpoint.tmp") && path.find("/epochs/") == path.npos) return;
  const auto note = tlog::ParseNote(AsText(bytes));
  if (!note.ok()) return Break(fmt::format("{}: not a note: {}", path, note.status().message()));
  const auto head = tlog::ParseCheckpointText(note->text);
  if (!head.ok()) return Break(fmt::format("{}: {}", path, head.status().message()));
  if (!signed_.empty() && head->size < signed_.rbegin()->first)
    Break(fmt::format("a tree of {} records was signed after one of {}", Value(head->size),
                      Value(signed_.rbegin()->first)));
  signed_[head->size] = head->root;
  NoteHead(head->size, head->root, "signed");
}

void Promises::NoteHead(TreeSize size, const crypto::Hash& root, std::string_view how) {
  const auto [head, is_new] = heads_.emplace(size, root);
  if (!is_new && head->second != root)
    Break(fmt::format("a second root was {} for {} records", how, Value(size)));
}

void Promises::Note(std::string_view leaf, uint64_t seq) {
  if (!leaf.starts_with(R"({"k":"seal")")) return;
  const std::string segment = AttributeOf(leaf, "audit.target.id");
  const std::string manifest = AttributeOf(leaf, "sealtrail.seal.manifest");
  if (segment.empty() || manifest.empty())
    return Break(fmt::format("record {}: a seal record that names nothing", seq));
  if (!seals_.emplace(segment, manifest).second)
    Break(fmt::format("record {}: {} is sealed twice", seq, segment));
}

void Promises::Observe(const ledger::Ledger& ledger) {
  model_.SetOrigin(ledger.origin());
  const uint64_t durable = Value(ledger.heights().durable);
  if (durable < model_.size())
    return Break(fmt::format("{} records, {} were shown before", durable, model_.size()));
  while (model_.size() < durable) {
    const auto range = ledger.Read(Seq{model_.size()}, kFrameRecordsMax, kMiB);
    if (!range.ok()) return Break("a durable record cannot be read: " + range.status().ToString());
    for (const ledger::RecordView& record : range->records) {
      Note(record.leaf, model_.size());
      model_.Append(std::string(record.leaf));
    }
  }
  const ledger::CheckpointInfo head = ledger.checkpoint();
  if (!head.note.empty() && head.size != shown_) {
    if (head.size < shown_)
      Break(fmt::format("a checkpoint of {} records after one of {}", Value(head.size),
                        Value(shown_)));
    shown_ = head.size;
    NoteHead(head.size, head.root, "shown");
    if (Value(head.size) > durable)
      Break(fmt::format("a checkpoint of {} records is shown, {} are durable", Value(head.size),
                        durable));
  }
  std::vector<std::string> vkeys = ledger.vkeys();
  if (vkeys.size() < vkeys_.size() || !std::equal(vkeys_.begin(), vkeys_.end(), vkeys.begin()))
    Break("a key that was shown is gone or in another place");
  vkeys_ = std::move(vkeys);
}

void Promises::CheckRecords(const ledger::Ledger& ledger) {
  const uint64_t durable = Value(ledger.heights().durable);
  if (durable < model_.size())
    return Break(
        fmt::format("{} records are there, {} were shown to be durable", durable, model_.size()));
  for (uint64_t at = 0; at < model_.size();) {
    const auto range = ledger.Read(Seq{at}, kFrameRecordsMax, kMiB);
    if (!range.ok()) return Break(fmt::format("record {}: {}", at, range.status().ToString()));
    for (const ledger::RecordView& record : range->records) {
      if (at == model_.size()) break;
      if (Value(record.seq) != at || record.leaf != model_.leaves()[at])
        return Break(fmt::format("record {} is another than was shown before", at));
      ++at;
    }
  }
  Observe(ledger);
}

void Promises::CheckSigned(const std::optional<ledger::SigningState>& record) {
  if (signed_.empty()) return;
  const auto& [size, root] = *signed_.rbegin();
  if (!record || record->size < size || (record->size == size && record->root != root))
    Break(fmt::format("a tree of {} records was signed, the signing record says {}", Value(size),
                      record ? Value(record->size) : 0));
}

void Promises::CheckManifests(const std::map<Seq, Bytes>& manifests) {
  for (const auto& [first, note] : manifests) {
    const auto [known, is_new] = manifests_.emplace(first, crypto::Sha256(note));
    if (!is_new && known->second != crypto::Sha256(note))
      Break(
          fmt::format("a second manifest of the segment that begins with record {}", Value(first)));
  }
  for (const auto& [first, hash] : manifests_) {
    if (!manifests.contains(first))
      Break(fmt::format("the manifest of the segment that begins with record {} is gone",
                        Value(first)));
  }
}

void Promises::CheckSealed(const std::map<Seq, Bytes>& manifests,
                           const std::map<Seq, Bytes>& segments) {
  CheckManifests(manifests);
  for (const auto& [name, hash] : seals_) {
    const auto file = format::ParseSegmentFileName(name);
    const auto manifest = file.ok() ? manifests.find(file->first) : manifests.end();
    if (manifest == manifests.end() || Base64Encode(crypto::Sha256(manifest->second)) != hash)
      Break(fmt::format("the manifest of {} is not the one that its seal record names", name));
  }
  if (manifests.size() > seals_.size())
    Break(fmt::format("{} manifests, {} seal records", manifests.size(), seals_.size()));
  std::optional<crypto::Hash> previous;
  for (const auto& [first, note] : manifests) {
    const auto segment = segments.find(first);
    if (segment == segments.end())
      return Break(fmt::format("no sealed file for record {}", Value(first)));
    CheckManifest(first, note, segment->second);
    const auto parsed = tlog::ParseNote(AsText(note));
    const auto manifest = format::ParseManifestText(parsed->text);
    if (!manifest.ok() || manifest->previous != previous)
      return Break(fmt::format("the manifest of {} names another one before it", Value(first)));
    previous = crypto::Sha256(note);
  }
}

// Every line that follows from the records, by the formulas.
void Promises::CheckManifest(Seq first, const Bytes& note, const Bytes& segment) {
  const auto wrong = [&](std::string_view line) {
    Break(fmt::format("the manifest of segment {}: {} is wrong", Value(first), line));
  };
  const auto parsed = tlog::ParseNote(AsText(note));
  if (!parsed.ok()) return wrong("the note");
  const auto manifest = format::ParseManifestText(parsed->text);
  if (!manifest.ok()) return wrong("the text");
  const uint64_t begin = Value(first), end = begin + manifest->records;
  if (manifest->first != first || end > model_.size()) return wrong("segment or records");
  if (manifest->file_bytes != segment.size() || manifest->file_hash != crypto::Sha256(segment))
    wrong("file");
  uint64_t leaf_bytes = 0;
  for (uint64_t i = begin; i < end; ++i) leaf_bytes += model_.leaves()[i].size();
  if (manifest->leaf_bytes != leaf_bytes) wrong("leaves");
  if (manifest->chain_before != model_.Chain(begin) || manifest->chain_after != model_.Chain(end))
    wrong("chain");
  if (Value(manifest->before.size) != begin || manifest->before.root != model_.Root(begin))
    wrong("before");
  if (Value(manifest->after.size) != end || manifest->after.root != model_.Root(end))
    wrong("after");
  uint64_t at = begin;
  for (const format::ManifestNode& node : manifest->nodes) {
    const uint64_t width = uint64_t{1} << node.level;
    if (node.index * width != at || node.hash != model_.Root(at, at + width)) return wrong("node");
    at += width;
  }
  if (at != end) wrong("node");
  if (manifest->epoch >= vkeys_.size()) wrong("epoch");
}

void Promises::CheckTiles(const ledger::Ledger& ledger) {
  const auto check = [&](int level, uint64_t width) {
    const uint64_t count = model_.size() / width;
    if (count == 0) return;
    const auto hashes = ledger.TileHashes(level, 0, count);
    if (!hashes.ok())
      return Break(fmt::format("tiles of level {}: {}", level, hashes.status().ToString()));
    for (uint64_t i = 0; i < count; ++i) {
      if ((*hashes)[i] != model_.Root(i * width, (i + 1) * width))
        Break(fmt::format("hash {} of tile level {} is wrong", i, level));
    }
  };
  check(0, 1);
  check(1, 256);
}

void Promises::CheckAll() {
  for (const auto& [seq, leaf] : acknowledged_) {
    if (Value(seq) >= model_.size())
      return Break(fmt::format("record {} was acknowledged and is lost", Value(seq)));
    if (model_.leaves()[Value(seq)] != leaf)
      return Break(fmt::format("record {} is another than was acknowledged", Value(seq)));
  }
  for (const auto& [size, root] : heads_) {
    if (Value(size) > model_.size())
      return Break(fmt::format("a tree of {} records was signed or shown, {} are there",
                               Value(size), model_.size()));
    if (model_.Root(Value(size)) != root)
      return Break(
          fmt::format("the tree of {} records that was signed or shown is another", Value(size)));
  }
}

}  // namespace sealtrail::sim
