#include "ledger/recovery.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/log.h"
#include "ledger/frame_reader.h"
#include "ledger/tile_hashes.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kChunkBytes = kMiB;
constexpr std::string_view kRotateAction = R"(["audit.action","sealtrail.key.rotate"])";
constexpr std::string_view kEpochAction = R"(["audit.action","sealtrail.recovery.epoch"])";

// Looks through [from, end) for a good frame whose `synced` value is beyond `from`: proof that the
// bytes at `from` were once durable. Returns its offset.
Result<std::optional<uint64_t>> FindProofOfSync(const env::ReadableFile& file, uint64_t from,
                                                uint64_t end) {
  Bytes chunk(kChunkBytes);
  for (uint64_t at = from; at + format::kFrameHeaderBytes <= end;) {
    SEAL_ASSIGN_OR_RETURN(
        const size_t got,
        file.ReadAt(at, std::span(chunk).first(std::min<uint64_t>(chunk.size(), end - at))));
    if (got < format::kFrameHeaderBytes) break;
    const size_t last = got - format::kFrameHeaderBytes;
    for (size_t i = 0; i <= last; ++i) {
      if (chunk[i] != 'S') continue;
      const auto header =
          format::DecodeFrameHeader(ByteView(chunk).subspan(i, format::kFrameHeaderBytes));
      if (!header.ok() || header->synced <= from || header->synced > at + i) continue;
      const Status frame = ReadFrame(file, at + i, end).status();
      if (frame.ok()) return std::optional(at + i);
      if (frame.code() != StatusCode::kDataLoss) return frame;
    }
    at += last + 1;
  }
  return std::optional<uint64_t>();
}

class Recovery {
 public:
  Recovery(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys,
           const std::vector<Claim>& claims, BadEnd bad_end, bool unfinished_start,
           SegmentTable& table, TreeStore& tree)
      : env_(env),
        paths_(paths),
        keys_(keys),
        origin_hash_(crypto::Sha256(AsBytes(keys.origin()))),
        claims_(claims),
        bad_end_(bad_end),
        unfinished_start_(unfinished_start),
        table_(table),
        tree_(tree),
        result_{.sequencer = Sequencer(keys.origin()),
                .sealed = {},
                .log = {},
                .obsolete = {},
                .old_log = {},
                .cut = {}} {}

  Result<Recovered> Run();

 private:
  Status ReadSealed(const SegmentFiles& present);
  Result<std::optional<Seq>> FindLog(const SegmentFiles& present);
  Status ReadLog(Seq first);
  Status ReadFrames(const env::ReadableFile& file, const std::string& path, uint64_t end);
  Status Accept(const Frame& frame);
  Status AcceptLeaf(std::string_view leaf);
  void TakeRotation(std::string_view leaf);
  Status CheckSealRecord(std::string_view leaf) const;
  Status CheckClaim(const Claim& claim, const crypto::Hash& root) const;
  Status CheckOldClaims() const;
  TreeSize Claimed() const;
  Status HandleBadEnd(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end,
                      const Status& why);
  Status CutAt(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end);
  Status SetAside(const env::ReadableFile& file, uint64_t offset, uint64_t end, CutTail& cut);

  const env::Env& env_;
  const TrailPaths& paths_;
  const TrailKeys& keys_;
  const crypto::Hash origin_hash_;
  const std::vector<Claim>& claims_;
  const BadEnd bad_end_;
  const bool unfinished_start_;
  SegmentTable& table_;
  TreeStore& tree_;
  Recovered result_;
  Growth growth_;
};

Result<Recovered> Recovery::Run() {
  SEAL_ASSIGN_OR_RETURN(const SegmentFiles present, ListSegmentFiles(env_.files, paths_.segments));
  SEAL_RETURN_IF_ERROR(ReadSealed(present));
  SEAL_ASSIGN_OR_RETURN(const std::optional<Seq> log, FindLog(present));
  if (log) SEAL_RETURN_IF_ERROR(ReadLog(*log));
  for (const Claim& claim : claims_) {
    if (claim.size <= result_.sequencer.size()) continue;
    return DataLoss("{} covers {} records, the segments hold {}: acknowledged records are missing",
                    claim.name, Value(claim.size), Value(result_.sequencer.size()));
  }
  SEAL_RETURN_IF_ERROR(CheckOldClaims());
  result_.seal_record_missing =
      !result_.sealed.segments.empty() && (!result_.log || result_.log->records == 0);
  return std::move(result_);
}

Status Recovery::ReadSealed(const SegmentFiles& present) {
  SEAL_ASSIGN_OR_RETURN(result_.sealed,
                        ReadSealedPart(env_.files, paths_.segments, present, keys_));
  for (const SealedSegment& segment : result_.sealed.segments) table_.AddSealed(segment.manifest);
  // Where the last segment's log is still there, nobody knows what of its tiles reached the disk.
  TreeSize persisted = result_.sealed.size();
  if (!result_.sealed.segments.empty()) {
    const format::Manifest& last = result_.sealed.segments.back().manifest;
    if (present.logs.contains(last.first)) persisted = last.before.size;
  }
  SEAL_ASSIGN_OR_RETURN(
      const std::vector<int> wrong,
      tree_.Load(persisted, result_.sealed.tree, [this](uint64_t first, uint64_t count) {
        return table_.IndexNodes(first, count);
      }));
  for (const int level : wrong) {
    LogLine(
        LogLevel::kError, env_.clock.Now(), "tiles_damaged",
        fmt::format(
            "{}/{} holds other hashes than those of the tree; it is made anew from the segments",
            paths_.tiles, level));
  }
  if (!result_.sealed.segments.empty()) {
    result_.sequencer =
        Sequencer(result_.sealed.segments.back().manifest.chain_after, result_.sealed.tree);
  }
  return OkStatus();
}

// The log that goes on where the sealed segments end. What else stands there is left from a seal that was interrupted.
Result<std::optional<Seq>> Recovery::FindLog(const SegmentFiles& present) {
  using format::FileKind;
  for (const Seq first : present.sealing) {
    result_.obsolete.push_back(format::SegmentFileName(first, FileKind::kSealing));
  }
  for (const Seq first : present.sealed) {
    if (present.manifests.contains(first)) continue;
    if (!present.logs.contains(first)) {
      return DataLoss("{}/{}: its manifest is missing, and so is the log it was made from",
                      paths_.segments, format::SegmentFileName(first, FileKind::kSealed));
    }
    result_.obsolete.push_back(format::SegmentFileName(first, FileKind::kSealed));
  }
  std::optional<Seq> log;
  for (const Seq first : present.logs) {
    const std::string name = format::SegmentFileName(first, FileKind::kLog);
    if (Value(first) == Value(result_.sealed.size())) {
      log = first;
    } else if (!result_.sealed.segments.empty() &&
               first == result_.sealed.segments.back().manifest.first) {
      result_.old_log = name;
    } else if (present.manifests.contains(first)) {
      result_.obsolete.push_back(name);
    } else {
      return DataLoss("{}/{}: starts at record {}, the segments before it end before record {}",
                      paths_.segments, name, Value(first), Value(result_.sealed.size()));
    }
  }
  return log;
}

Status Recovery::ReadLog(Seq first) {
  const std::string path =
      env::JoinPath(paths_.segments, format::SegmentFileName(first, format::FileKind::kLog));
  SEAL_ASSIGN_OR_RETURN(const auto file, env_.files.OpenRead(path));
  SEAL_ASSIGN_OR_RETURN(const uint64_t end, file->Size());

  Bytes bytes(format::kSegmentHeaderBytes);
  SEAL_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, bytes));
  const auto header = format::DecodeSegmentHeader(ByteView(bytes).first(got));
  if (!header.ok()) {
    return HandleBadEnd(*file, first, 0, end,
                        header.status().Annotate(fmt::format("{} at 0", path)));
  }
  if (header->origin_hash != origin_hash_) return DataLoss("{}: belongs to another trail", path);
  if (header->form != format::Form::kLog || header->first != first) {
    return DataLoss("{}: holds another segment than its name says", path);
  }
  if (header->chain_before != result_.sequencer.chain()) {
    return DataLoss("{}: its running hash does not continue the segment before it", path);
  }
  table_.AddLog(first);
  result_.log = RecoveredLog{
      .first = first, .proven = format::kSegmentHeaderBytes, .created = header->created};
  return ReadFrames(*file, path, end);
}

Status Recovery::ReadFrames(const env::ReadableFile& file, const std::string& path, uint64_t end) {
  uint64_t offset = format::kSegmentHeaderBytes;
  uint64_t whole =
      offset;  // end of the last records frame; side frames belong to the records after them
  Status bad;
  while (offset < end && bad.ok()) {
    auto frame = ReadFrame(file, offset, end);
    bad = frame.ok() ? Accept(*frame) : frame.status();
    if (!bad.ok()) break;
    result_.log->proven = std::max(result_.log->proven, frame->header.synced);
    if (frame->header.type == format::FrameType::kRecords) {
      if (frame->header.count != 0) {
        growth_.frames.push_back(
            {.first = frame->header.first, .count = frame->header.count, .offset = offset});
      }
      whole = frame->end();
    }
    offset = frame->end();
  }
  if (bad.ok() && whole < end) bad = DataLoss("side content without the records that refer to it");
  table_.AddFrames(growth_.frames, whole);
  tree_.Grow(growth_.tile_nodes);
  if (bad.ok()) return OkStatus();
  return HandleBadEnd(file, result_.log->first, whole, end,
                      bad.Annotate(fmt::format("{} at {}", path, offset)));
}

// Holds the frame against what came before it, and moves past its records. Nothing moves on an
// error.
Status Recovery::Accept(const Frame& frame) {
  Sequencer& sequencer = result_.sequencer;
  if (frame.header.first != sequencer.next()) {
    return DataLoss("a frame starts at record {}, expected {}", Value(frame.header.first),
                    Value(sequencer.next()));
  }
  if (frame.header.chain_before != sequencer.chain())
    return DataLoss("a frame's running hash does not continue");
  if (frame.header.synced > frame.offset) return DataLoss("a frame claims a sync beyond itself");
  if (frame.header.type == format::FrameType::kSide) return OkStatus();
  if (frame.header.type != format::FrameType::kRecords) return DataLoss("a log holds no index");
  SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame.Bundle());
  SEAL_ASSIGN_OR_RETURN(const auto leaves, format::SplitBundle(bundle, frame.header.count));
  result_.log->bundle_bytes += bundle.size();
  for (const std::string_view leaf : leaves) SEAL_RETURN_IF_ERROR(AcceptLeaf(leaf));
  return OkStatus();
}

Status Recovery::AcceptLeaf(std::string_view leaf) {
  if (unfinished_start_ && !leaf.starts_with(R"({"k":"self")")) {
    return FailedPrecondition("the trail note is missing, but there are records of others");
  }
  if (result_.log->records == 0 && !result_.sealed.segments.empty())
    SEAL_RETURN_IF_ERROR(CheckSealRecord(leaf));
  Sequencer& sequencer = result_.sequencer;
  sequencer.Append(tlog::LeafHash(AsBytes(leaf)), growth_.NodeSink());
  ++result_.log->records;
  if (leaf.starts_with(R"({"k":"self")")) {
    if (leaf.find(kRotateAction) != leaf.npos) TakeRotation(leaf);
    // A key that had not taken over by then never will: the one of the recovered epoch did.
    if (leaf.find(kEpochAction) != leaf.npos) result_.rotation.reset();
  }
  for (const Claim& claim : claims_) {
    if (claim.size == sequencer.size()) SEAL_RETURN_IF_ERROR(CheckClaim(claim, sequencer.Root()));
  }
  return OkStatus();
}

// Our own writing, so it is found by its spelling.
void Recovery::TakeRotation(std::string_view leaf) {
  constexpr std::string_view kMember = R"(["sealtrail.key.vkey",")";
  const size_t at = leaf.find(kMember);
  if (at == leaf.npos) return;
  const std::string_view rest = leaf.substr(at + kMember.size());
  result_.rotation = RecoveredRotation{.vkey = std::string(rest.substr(0, rest.find('"'))),
                                       .size = result_.sequencer.size(),
                                       .root = result_.sequencer.Root()};
}

Status Recovery::CheckSealRecord(std::string_view leaf) const {
  const SealedSegment& last = result_.sealed.segments.back();
  if (leaf.starts_with(R"({"k":"seal")") &&
      leaf.find(Base64Encode(last.manifest_hash)) != leaf.npos)
    return OkStatus();
  return FailedPrecondition(
      "record {} does not name the manifest of the segment before it: another manifest, or a fork",
      Value(result_.sequencer.next()));
}

Status Recovery::CheckClaim(const Claim& claim, const crypto::Hash& root) const {
  if (claim.root == root) return OkStatus();
  return FailedPrecondition(
      "the first {} records do not have the root that {} states: changed records, or a rollback or "
      "fork",
      Value(claim.size), claim.name);
}

// Those that were overtaken by a seal, so that no log passes them.
Status Recovery::CheckOldClaims() const {
  for (const Claim& claim : claims_) {
    if (claim.size > result_.sealed.size()) continue;
    SEAL_ASSIGN_OR_RETURN(const crypto::Hash root, ReadRootAt(table_, tree_, claim.size));
    SEAL_RETURN_IF_ERROR(CheckClaim(claim, root));
  }
  return OkStatus();
}

TreeSize Recovery::Claimed() const {
  TreeSize size{0};
  for (const Claim& claim : claims_) size = std::max(size, claim.size);
  return size;
}

// Decides between damage and the trace of a power cut. What could not be read, or is of a later version, is neither.
Status Recovery::HandleBadEnd(const env::ReadableFile& file, Seq first, uint64_t offset,
                              uint64_t end, const Status& why) {
  if (why.code() != StatusCode::kDataLoss) return why;
  if (Claimed() > result_.sequencer.size()) {
    return DataLoss("{}; the checkpoint covers {} records, sound are {}", why.message(),
                    Value(Claimed()), Value(result_.sequencer.size()));
  }
  SEAL_ASSIGN_OR_RETURN(const std::optional<uint64_t> proof, FindProofOfSync(file, offset, end));
  if (proof)
    return DataLoss("{}; a later frame at {} proves that these bytes were durable", why.message(),
                    *proof);
  return bad_end_ == BadEnd::kCut ? CutAt(file, first, offset, end) : OkStatus();
}

Status Recovery::CutAt(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end) {
  const std::string name = format::SegmentFileName(first, format::FileKind::kLog);
  const std::string path = env::JoinPath(paths_.segments, name);
  CutTail cut{.segment = name, .offset = offset, .bytes = end - offset, .sha256 = {}, .aside = {}};
  SEAL_RETURN_IF_ERROR(SetAside(file, offset, end, cut));
  if (offset == 0) {
    SEAL_RETURN_IF_ERROR(env_.files.Remove(path));
    SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.segments));
  } else {
    SEAL_RETURN_IF_ERROR(env_.files.Truncate(path, offset));
  }
  result_.cut = std::move(cut);
  return OkStatus();
}

Status Recovery::SetAside(const env::ReadableFile& file, uint64_t offset, uint64_t end,
                          CutTail& cut) {
  SEAL_RETURN_IF_ERROR(env_.files.MakeDir(paths_.aside));
  SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.data_dir));
  cut.aside = fmt::format("{}-{}-{}", cut.segment, offset, Value(env_.clock.Now()));
  SEAL_ASSIGN_OR_RETURN(auto copy, env_.files.Create(env::JoinPath(paths_.aside, cut.aside)));
  crypto::Sha256Stream hash;
  Bytes chunk(kChunkBytes);
  while (offset < end) {
    SEAL_ASSIGN_OR_RETURN(const size_t got,
                          file.ReadAt(offset, std::span(chunk).first(
                                                  std::min<uint64_t>(chunk.size(), end - offset))));
    if (got == 0) return DataLoss("{} became shorter while it was read", cut.segment);
    hash.Update(ByteView(chunk).first(got));
    SEAL_RETURN_IF_ERROR(copy->Append(ByteView(chunk).first(got)));
    offset += got;
  }
  cut.sha256 = hash.Finish();
  SEAL_RETURN_IF_ERROR(copy->Sync());
  SEAL_RETURN_IF_ERROR(copy->Close());
  return env_.files.SyncDir(paths_.aside);
}

}  // namespace

Result<Recovered> Recover(const env::Env& env, const TrailPaths& paths, const TrailKeys& keys,
                          const std::vector<Claim>& claims, BadEnd bad_end, bool unfinished_start,
                          SegmentTable& table, TreeStore& tree) {
  return Recovery(env, paths, keys, claims, bad_end, unfinished_start, table, tree).Run();
}

}  // namespace sealtrail::ledger
