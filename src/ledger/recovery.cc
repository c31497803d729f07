#include "ledger/recovery.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "ledger/frame_reader.h"

namespace sealtrail::ledger {
namespace {

constexpr size_t kChunkBytes = kMiB;

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
      if (ReadFrame(file, at + i, end).ok()) return std::optional(at + i);
    }
    at += last + 1;
  }
  return std::optional<uint64_t>();
}

class Recovery {
 public:
  Recovery(const env::Env& env, const TrailPaths& paths, const std::string& origin,
           const CheckpointInfo& checkpoint, BadEnd bad_end, bool unfinished_start,
           SegmentTable& table)
      : env_(env),
        paths_(paths),
        origin_hash_(crypto::Sha256(AsBytes(origin))),
        checkpoint_(checkpoint),
        bad_end_(bad_end),
        unfinished_start_(unfinished_start),
        table_(table),
        result_{.sequencer = Sequencer(origin), .last_segment = {}, .cut = {}} {}

  Result<Recovered> Run();

 private:
  Result<std::vector<Seq>> ListSegments() const;
  Status ReadSegment(Seq first, bool last);
  Status ReadFrames(const env::ReadableFile& file, const std::string& path, uint64_t end,
                    bool last);
  Status Accept(const Frame& frame);
  Status CheckCheckpoint(const std::string& place) const;
  Status HandleBadEnd(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end,
                      const Status& why);
  Status CutAt(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end);
  Status SetAside(const env::ReadableFile& file, uint64_t offset, uint64_t end, CutTail& cut);

  const env::Env& env_;
  const TrailPaths& paths_;
  const crypto::Hash origin_hash_;
  const CheckpointInfo& checkpoint_;
  const BadEnd bad_end_;
  const bool unfinished_start_;
  SegmentTable& table_;
  Recovered result_;
  Seq current_{};
};

Result<Recovered> Recovery::Run() {
  SEAL_ASSIGN_OR_RETURN(const std::vector<Seq> segments, ListSegments());
  for (size_t i = 0; i < segments.size(); ++i) {
    SEAL_RETURN_IF_ERROR(ReadSegment(segments[i], i + 1 == segments.size()));
  }
  if (checkpoint_.size > result_.sequencer.size()) {
    return DataLoss(
        "the checkpoint covers {} records, the segments hold {}: acknowledged records are missing",
        Value(checkpoint_.size), Value(result_.sequencer.size()));
  }
  return std::move(result_);
}

Result<std::vector<Seq>> Recovery::ListSegments() const {
  SEAL_ASSIGN_OR_RETURN(const auto names, env_.files.List(paths_.segments));
  std::vector<Seq> segments;
  for (const std::string& name : names) {
    const auto first = format::ParseSegmentFileName(name);
    if (!first.ok()) return FailedPrecondition("{}: {}", paths_.segments, first.status().message());
    segments.push_back(*first);
  }
  std::ranges::sort(segments);
  return segments;
}

Status Recovery::ReadSegment(Seq first, bool last) {
  const std::string path = env::JoinPath(paths_.segments, format::SegmentFileName(first));
  SEAL_ASSIGN_OR_RETURN(const auto file, env_.files.OpenRead(path));
  SEAL_ASSIGN_OR_RETURN(const uint64_t end, file->Size());
  current_ = first;

  Bytes bytes(format::kSegmentHeaderBytes);
  SEAL_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, bytes));
  const auto header = format::DecodeSegmentHeader(ByteView(bytes).first(got));
  if (!header.ok()) {
    const Status bad = header.status().Annotate(fmt::format("{} at 0", path));
    if (bad.code() == StatusCode::kUnimplemented || !last) return bad;
    return HandleBadEnd(*file, first, 0, end, bad);
  }
  if (header->origin_hash != origin_hash_) return DataLoss("{}: belongs to another trail", path);
  if (header->first != first || first != result_.sequencer.next()) {
    return DataLoss("{}: starts at record {}, the file before it ends before record {}", path,
                    Value(header->first), Value(result_.sequencer.next()));
  }
  if (header->chain_before != result_.sequencer.chain()) {
    return DataLoss("{}: its running hash does not continue the file before it", path);
  }
  table_.AddSegment(first);
  result_.last_segment = first;
  result_.proven = format::kSegmentHeaderBytes;
  result_.bundle_bytes = 0;
  return ReadFrames(*file, path, end, last);
}

Status Recovery::ReadFrames(const env::ReadableFile& file, const std::string& path, uint64_t end,
                            bool last) {
  std::vector<FramePlace> places;
  uint64_t offset = format::kSegmentHeaderBytes;
  uint64_t whole =
      offset;  // end of the last records frame; side frames belong to the records after them
  Status bad;
  while (offset < end && bad.ok()) {
    auto frame = ReadFrame(file, offset, end);
    bad = frame.ok() ? Accept(*frame) : frame.status();
    if (!bad.ok()) break;
    result_.proven = std::max(result_.proven, frame->header.synced);
    if (frame->header.type == format::FrameType::kRecords) {
      places.push_back(
          {.first = frame->header.first, .count = frame->header.count, .offset = offset});
      whole = frame->end();
    }
    offset = frame->end();
  }
  if (bad.ok() && whole < end) bad = DataLoss("side content without the records that refer to it");
  table_.AddFrames(places, whole);
  if (bad.ok()) return OkStatus();
  bad = bad.Annotate(fmt::format("{} at {}", path, offset));
  if (!last || bad.code() == StatusCode::kUnimplemented) return bad;
  return HandleBadEnd(file, current_, whole, end, bad);
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
  SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame.Bundle());
  SEAL_ASSIGN_OR_RETURN(const auto leaves, format::SplitBundle(bundle, frame.header.count));
  result_.bundle_bytes += bundle.size();
  for (const std::string_view leaf : leaves) {
    if (unfinished_start_ && !leaf.starts_with(R"({"k":"self")")) {
      return FailedPrecondition("the trail note is missing, but there are records of others");
    }
    sequencer.Append(tlog::LeafHash(AsBytes(leaf)));
    if (checkpoint_.size == sequencer.size()) {
      SEAL_RETURN_IF_ERROR(CheckCheckpoint(fmt::format("record {}", Value(sequencer.next()) - 1)));
    }
  }
  return OkStatus();
}

Status Recovery::CheckCheckpoint(const std::string& place) const {
  if (checkpoint_.root == result_.sequencer.Root()) return OkStatus();
  return FailedPrecondition(
      "the records up to {} do not have the root that the checkpoint signs: changed records, or a "
      "rollback or fork",
      place);
}

// Decides between damage and the trace of a power cut.
Status Recovery::HandleBadEnd(const env::ReadableFile& file, Seq first, uint64_t offset,
                              uint64_t end, const Status& why) {
  if (why.code() == StatusCode::kFailedPrecondition) return why;
  if (checkpoint_.size > result_.sequencer.size()) {
    return DataLoss("{}; the checkpoint covers {} records, sound are {}", why.message(),
                    Value(checkpoint_.size), Value(result_.sequencer.size()));
  }
  SEAL_ASSIGN_OR_RETURN(const std::optional<uint64_t> proof, FindProofOfSync(file, offset, end));
  if (proof)
    return DataLoss("{}; a later frame at {} proves that these bytes were durable", why.message(),
                    *proof);
  return bad_end_ == BadEnd::kCut ? CutAt(file, first, offset, end) : OkStatus();
}

Status Recovery::CutAt(const env::ReadableFile& file, Seq first, uint64_t offset, uint64_t end) {
  const std::string name = format::SegmentFileName(first);
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

Result<Recovered> Recover(const env::Env& env, const TrailPaths& paths, const std::string& origin,
                          const CheckpointInfo& checkpoint, BadEnd bad_end, bool unfinished_start,
                          SegmentTable& table) {
  return Recovery(env, paths, origin, checkpoint, bad_end, unfinished_start, table).Run();
}

}  // namespace sealtrail::ledger
