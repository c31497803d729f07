#include "verify/segment_check.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "verify/byte_change.h"
#include "verify/own_record.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kSearchBytes = 64 * kKiB;
constexpr size_t kHashBytes = 1 * kMiB;
// Own records that are handed out: key rotations come once in months, and are as long as two keys and an origin.
constexpr size_t kOwnLeavesMax = 100;
constexpr size_t kOwnLeafBytesMax = 4 * kKiB;

std::string Numbers(uint64_t first, uint64_t count) {
  if (count == 0) return "no records";
  if (count == 1) return fmt::format("record {}", first);
  return fmt::format("records {} to {}", first, first + count - 1);
}

// Calls `leaf(offset of its length, leaf)` for each of `count` leaves. False unless they fill `body` exactly.
template <typename Leaf>
bool ForEachLeaf(ByteView body, uint32_t count, Leaf leaf) {
  size_t at = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (body.size() - at < 2) return false;
    const size_t length = GetBig16(body.data() + at);
    if (length == 0 || body.size() - at - 2 < length) return false;
    leaf(at, body.subspan(at + 2, length));
    at += 2 + length;
  }
  return at == body.size();
}

// In the sealed form a side content may say to come before a record inside the block that follows it.
bool IsLate(const FrameHeader& header, uint64_t next) {
  return header.is_side() && header.first > next &&
         header.first / kBlockRecords == next / kBlockRecords;
}

// Where in an index body of `frames` offsets the byte at `position` stands.
Field IndexEntry(size_t position, uint64_t frames) {
  const auto hashes_at = static_cast<size_t>(8 + 8 * frames);
  if (position < 4) return {"count of frames", 0, 4};
  if (position < hashes_at - 4) return {"offset of a frame", 4 + (position - 4) / 8 * 8, 8};
  if (position < hashes_at) return {"count of hashes", hashes_at - 4, 4};
  return {"hash of 256 records", hashes_at + (position - hashes_at) / 32 * 32, 32};
}

bool IsContentShape(SideShape shape) {
  return shape == kSpanShape || shape == kOwnEventShape || shape == kLogShape;
}

// How many subtrees of 256 records end in records first to next - 1.
uint64_t BlocksEndingIn(uint64_t first, uint64_t next) {
  return next / kBlockRecords - first / kBlockRecords;
}

}  // namespace

SegmentCheck::SegmentCheck(const TrailFacts& trail, SegmentTask task, FileWindow window)
    : trail_(trail),
      task_(std::move(task)),
      window_(std::move(window)),
      heads_(task_.first, task_.chain, trail_.marks),
      search_budget_(4 * window_.size()) {}

Result<SegmentFacts> SegmentCheck::Run() {
  facts_.first = task_.first;
  facts_.file_bytes = window_.size();
  if (window_.size() < kFileHeaderBytes) {
    BadBegins(0);
    facts_.end_is_damaged = frames_lost_ = true;
    Report(At(0, window_.size(), "file header", "file_header",
              fmt::format("the file ends inside its header, after {} bytes", window_.size())),
           true);
  } else {
    SEAL_ASSIGN_OR_RETURN(const bool readable, CheckFileHeader());
    if (readable) {
      facts_.was_read = true;
      SEAL_RETURN_IF_ERROR(CheckFrames());
    } else {
      facts_.end_is_damaged = frames_lost_ = true;
    }
  }
  if (sealed()) SEAL_RETURN_IF_ERROR(HashUpTo(window_.size()));
  CheckSidesUsed();
  Finish();
  return std::move(facts_);
}

// A sealed file is also hashed as it stands: its manifest says what that must give.
Status SegmentCheck::HashUpTo(uint64_t offset) {
  while (hashed_ < offset) {
    const auto length = static_cast<size_t>(std::min<uint64_t>(kHashBytes, offset - hashed_));
    SEAL_ASSIGN_OR_RETURN(const ByteView view, window_.View(hashed_, length));
    file_hash_.Update(view);
    hashed_ += length;
  }
  return OkStatus();
}

// --- File header --------------------------------------------------------------------------------

Result<bool> SegmentCheck::CheckFileHeader() {
  SEAL_ASSIGN_OR_RETURN(const ByteView view, window_.View(0, kFileHeaderBytes));
  Bytes bytes(view.begin(), view.end());
  std::optional<size_t> wrong;
  FileHeader header = DecodeFileHeader(bytes, &wrong);
  if (!HeaderChecksumHolds(bytes)) {
    BadBegins(0);
    const auto change = ByteChangeInHeader(bytes);
    if (change) {
      bytes[change->position] ^= change->difference;
      header = DecodeFileHeader(bytes, &wrong);
    }
    if (!change || wrong || !FileHeaderPlausible(header)) {
      Report(At(0, kFileHeaderBytes, "file header", "file_header",
                "the checksum of the file header does not hold"),
             true);
      facts_.chain_before = task_.chain;
      return true;  // its name and its frames say the same once more
    }
    Report(AtField(0, "file header", FileHeader::FieldAt(change->position), "file_header",
                   fmt::format("byte {} of the file header was changed", change->position)),
           true);
  }
  if (header.version != kFormatVersion) {
    facts_.findings.obstacles.push_back(fmt::format("{} has format {}, and this program knows {}",
                                                    task_.path, header.version, kFormatVersion));
    return false;
  }
  if (wrong) {
    Report(AtField(0, "file header", FileHeader::FieldAt(*wrong), "header_field",
                   "the file header holds a value that no writer writes"));
    if (*wrong == 88) return false;
  }
  if (header.origin_hash != trail_.origin_hash) {
    Report(AtField(0, "file header", FileHeader::FieldAt(48), "other_trail",
                   "the file belongs to another trail; it was not read further"));
    return false;
  }
  if (header.form != static_cast<uint8_t>(task_.form)) {
    Report(AtField(0, "file header", FileHeader::FieldAt(88), "file_misplaced",
                   fmt::format("the file is a {}, but its name says otherwise; it was not read "
                               "further",
                               sealed() ? "log" : "sealed segment")));
    return false;
  }
  if (header.first != task_.first) {
    Report(AtField(
        0, "file header", FileHeader::FieldAt(8), "file_misplaced",
        fmt::format("the file begins with record {}, but its name says {}; it was not read further",
                    header.first, task_.first)));
    return false;
  }
  SEAL_RETURN_IF_ERROR(CheckFileChain(header));
  return true;
}

bool SegmentCheck::FileHeaderPlausible(const FileHeader& header) const {
  return header.version == kFormatVersion && header.first == task_.first &&
         header.form == static_cast<uint8_t>(task_.form) &&
         header.origin_hash == trail_.origin_hash;
}

// The first frame states the same hash once more. Where it sides with the other files, the field is wrong; where it
// sides with the field, this file contradicts the others, which is for whoever joins them to say.
Status SegmentCheck::CheckFileChain(const FileHeader& header) {
  const auto& expected = heads_.chain();
  if (expected && header.chain != *expected) {
    SEAL_ASSIGN_OR_RETURN(const auto first_frame, ReadGoodHeader(kFileHeaderBytes));
    if (first_frame && first_frame->chain == *expected) {
      Report(AtField(0, "file header", FileHeader::FieldAt(16), "running_hash",
                     "the running hash is not that of the records before it"));
      facts_.chain_before = expected;
      return OkStatus();
    }
  }
  heads_.TakeChain(header.chain);
  facts_.chain_before = header.chain;
  return OkStatus();
}

// --- Frames -------------------------------------------------------------------------------------

Status SegmentCheck::CheckFrames() {
  for (uint64_t at = kFileHeaderBytes; at < window_.size();) {
    if (index_seen_) {
      Report(At(at, window_.size() - at, "end of file", "trailing_bytes",
                fmt::format("{} bytes stand after the index frame", window_.size() - at)));
      break;
    }
    SEAL_ASSIGN_OR_RETURN(at, CheckFrameAt(at));
    if (sealed()) SEAL_RETURN_IF_ERROR(HashUpTo(at));
  }
  if (sealed() && !index_seen_ && !facts_.end_is_damaged) {
    facts_.end_is_damaged = true;
    Report(At(window_.size(), 0, "end of file", "index_missing",
              "the file ends without its index frame"));
  }
  return OkStatus();
}

Result<uint64_t> SegmentCheck::CheckFrameAt(uint64_t at) {
  SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(at));
  switch (frame.state) {
    case Frame::State::kGood:
      return AcceptFrame(at, frame);
    case Frame::State::kBadPayload:
      return PassBadPayload(at, frame.header);
    case Frame::State::kBad:
      return PassBadFrame(at, frame);
  }
  SEAL_UNREACHABLE();
}

Result<SegmentCheck::Frame> SegmentCheck::ReadFrame(uint64_t at) {
  Frame out;
  const uint64_t left = window_.size() - at;
  if (left < kFrameHeaderBytes) return out;
  SEAL_ASSIGN_OR_RETURN(const ByteView view, window_.View(at, kFrameHeaderBytes));
  out.header = DecodeFrameHeader(view, task_.form, &out.wrong_at);
  if (!HeaderChecksumHolds(view)) {
    out.wrong_at.reset();
    const auto change = ByteChangeInHeader(view);
    if (!change) return out;
    Bytes repaired(view.begin(), view.end());
    repaired[change->position] ^= change->difference;
    std::optional<size_t> wrong;
    out.header = DecodeFrameHeader(repaired, task_.form, &wrong);
    const auto& chain = heads_.chain();
    const bool late = sealed() && IsLate(out.header, heads_.next());
    if (wrong ||
        (!late && (out.header.first != heads_.next() || (chain && out.header.chain != *chain)))) {
      return out;
    }
    out.changed_at = change->position;
  }
  if (out.wrong_at) return out;
  out.overruns = out.header.frame_bytes() > left;
  if (out.overruns) return out;
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(out.header.frame_bytes())));
  const bool payload_good = Crc32c(whole.subspan(kFrameHeaderBytes)) == out.header.payload_crc;
  if (payload_good) {
    out.state = Frame::State::kGood;
  } else if (!out.changed_at) {
    out.state = Frame::State::kBadPayload;
  }
  return out;
}

// The header at `at`, if there is one whose checksum holds.
Result<std::optional<FrameHeader>> SegmentCheck::ReadGoodHeader(uint64_t at) {
  if (at > window_.size() || window_.size() - at < kFrameHeaderBytes)
    return std::optional<FrameHeader>();
  SEAL_ASSIGN_OR_RETURN(const ByteView view, window_.View(at, kFrameHeaderBytes));
  std::optional<size_t> wrong;
  const FrameHeader header = DecodeFrameHeader(view, task_.form, &wrong);
  if (wrong || !HeaderChecksumHolds(view)) return std::optional<FrameHeader>();
  return std::optional(header);
}

// What the header after the frame at `at` says the running hash is then.
Result<std::optional<Hash>> SegmentCheck::ChainAfter(uint64_t at, const FrameHeader& header) {
  SEAL_ASSIGN_OR_RETURN(const auto follower, ReadGoodHeader(at + header.frame_bytes()));
  if (!follower || follower->first != header.end()) return std::optional<Hash>();
  return std::optional(follower->chain);
}

// The running hash after the leaves of `body`; nothing if it is no body of header.count leaves.
Result<std::optional<Hash>> SegmentCheck::ChainOver(Hash chain, const FrameHeader& header,
                                                    ByteView body) {
  SEAL_ASSIGN_OR_RETURN(const std::optional<ByteView> bundle, decoder_.Decode(header, body));
  const bool whole = bundle && ForEachLeaf(*bundle, header.count, [&](size_t, ByteView leaf) {
                       chain = ChainHash(chain, LeafHash(leaf));
                     });
  return whole ? std::optional(chain) : std::nullopt;
}

// The next place where a frame stands whose checksums hold. Hostile bytes may hold many headers that each claim a
// long payload, so the bytes that are checksummed on the way are counted.
Result<std::optional<uint64_t>> SegmentCheck::FindGoodFrame(uint64_t from) {
  while (from < window_.size() && window_.size() - from >= kFrameHeaderBytes) {
    const auto length =
        static_cast<size_t>(std::min<uint64_t>(kSearchBytes, window_.size() - from));
    SEAL_ASSIGN_OR_RETURN(const ByteView chunk, window_.View(from, length));
    const size_t found = AsText(chunk).find(kFrameMagic);
    if (found == std::string_view::npos) {
      if (from + length == window_.size()) break;
      from += length - (kFrameMagic.size() - 1);
      continue;
    }
    from += found;
    SEAL_ASSIGN_OR_RETURN(const auto header, ReadGoodHeader(from));
    const bool candidate =
        header && header->first >= heads_.next() && header->frame_bytes() <= window_.size() - from;
    if (candidate) {
      if (header->frame_bytes() > search_budget_) break;
      search_budget_ -= header->frame_bytes();
      SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                            window_.View(from, static_cast<size_t>(header->frame_bytes())));
      if (Crc32c(whole.subspan(kFrameHeaderBytes)) == header->payload_crc)
        return std::optional(from);
    }
    ++from;
  }
  return std::optional<uint64_t>();
}

// --- What is not good ---------------------------------------------------------------------------

Result<uint64_t> SegmentCheck::PassBadFrame(uint64_t at, const Frame& frame) {
  SEAL_ASSIGN_OR_RETURN(const auto next_good, FindGoodFrame(at + 1));
  const uint64_t end = next_good.value_or(window_.size());
  const uint64_t next = heads_.next();
  BadBegins(at);
  frames_lost_ = gap_is_reported_ = true;
  if (!next_good) facts_.end_is_damaged = true;

  if (frame.wrong_at) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(*frame.wrong_at), "header_field",
                   "the frame header holds a value that no writer writes"));
    return end;
  }
  std::string kind = "frame_damaged";
  std::string text = fmt::format("from record {} on, {} bytes are no frame", next, end - at);
  if (!next_good && !sealed() && task_.next_first == next) {
    kind = "trailing_bytes";
    text = fmt::format(
        "{} bytes stand after the last frame, though the next file goes on with record {}",
        end - at, next);
  } else if (!next_good && task_.is_last && next >= trail_.checkpoint_size) {
    kind = "unfinished_tail";
    text = fmt::format("the last {} bytes are no whole frame; no checkpoint covers them", end - at);
  } else if (frame.overruns) {
    text = fmt::format("the frame with record {} is longer than what is left of the file", next);
  }
  Report(At(at, end - at, "frame", std::move(kind), std::move(text)), true);
  return end;
}

Result<uint64_t> SegmentCheck::PassBadPayload(uint64_t at, const FrameHeader& header) {
  const uint64_t end = at + header.frame_bytes();
  SEAL_ASSIGN_OR_RETURN(const auto follower, ReadGoodHeader(end));
  const bool late = sealed() && IsLate(header, heads_.next());
  if ((!follower && end != window_.size()) || (header.first != heads_.next() && !late)) {
    return PassBadFrame(at, Frame());
  }
  BadBegins(at);
  if (!late) SEAL_RETURN_IF_ERROR(CheckChain(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  Bytes payload(whole.begin() + kFrameHeaderBytes, whole.end());
  if (header.is_side()) {
    Report(At(at + kFrameHeaderBytes, payload.size(), "side content", "side_content",
              "the content does not fit its checksum"),
           true);
    AddSide(at, header, payload, true);
  } else if (header.is_index()) {
    AcceptIndex(at, header, payload, true);
  } else {
    CheckCut(at, header);
    SEAL_RETURN_IF_ERROR(RepairPayload(at, header, std::move(payload)));
    if (end == window_.size() && heads_.chain() == std::nullopt) facts_.end_is_damaged = true;
  }
  return end;
}

Status SegmentCheck::RepairPayload(uint64_t at, const FrameHeader& header, Bytes payload) {
  SEAL_ASSIGN_OR_RETURN(const auto chain_after, ChainAfter(at, header));
  const uint64_t payload_at = at + kFrameHeaderBytes;
  const auto body = [&] { return ByteView(payload).first(header.body_bytes); };
  const auto confirmed = [&]() -> Result<bool> {
    if (!chain_after || !heads_.chain()) return false;
    SEAL_ASSIGN_OR_RETURN(const auto chain, ChainOver(*heads_.chain(), header, body()));
    return chain == chain_after;
  };
  SEAL_ASSIGN_OR_RETURN(const bool body_is_whole, confirmed());
  if (body_is_whole) {
    // A compressed body has bits that decide nothing, so it may be what was changed all the same.
    const uint64_t suspect = header.codec == 0 ? header.body_bytes : 0;
    Report(At(payload_at + suspect, payload.size() - suspect,
              suspect == 0 ? "frame payload" : "notes and side offsets", "frame_payload",
              "it does not fit its checksum; the records of the frame are whole"),
           true);
    return AcceptRecords(at, header, payload, true);
  }
  for (const ByteChange& change : ByteChangesThatExplain(payload, header.payload_crc)) {
    if (change.position >= header.body_bytes) continue;
    payload[change.position] ^= change.difference;
    SEAL_ASSIGN_OR_RETURN(const bool is_it, confirmed());
    if (!is_it) {
      payload[change.position] ^= change.difference;
      continue;
    }
    ReportAlteredRecord(at, header, body(), change.position);
    SEAL_RETURN_IF_ERROR(AcceptRecords(at, header, payload, false));
    heads_.WasRepaired();
    return OkStatus();
  }
  Report(At(payload_at, payload.size(), "frame payload", "frame_payload",
            fmt::format("{}: the payload does not fit its checksum",
                        Numbers(header.first, header.count))),
         true);
  frames_lost_ = true;
  if (header.count > 0 && sealed()) records_frames_.push_back(at);
  Altered(header.first, header.end());
  heads_.LoseUpTo(header.end());
  return OkStatus();
}

// `body` without the change; its byte at `position` was the one.
void SegmentCheck::ReportAlteredRecord(uint64_t at, const FrameHeader& header, ByteView body,
                                       size_t position) {
  const uint64_t payload_at = at + kFrameHeaderBytes;
  const std::string text = fmt::format(
      "one byte was changed, at offset {}: the running hash that follows confirms {} without the "
      "change",
      payload_at + position, header.codec == 0 ? "the record" : "the records");
  if (header.codec != 0) {
    Altered(header.first, header.end());
    Report(At(payload_at, header.body_bytes, "frame body", "records_altered",
              fmt::format("{}: {}", Numbers(header.first, header.count), text)),
           true);
    return;
  }
  uint64_t seq = header.first;
  ForEachLeaf(body, header.count, [&](size_t leaf_at, ByteView leaf) {
    if (position >= leaf_at && position < leaf_at + 2 + leaf.size()) {
      Altered(seq, seq + 1);
      Damage found = At(payload_at + leaf_at, 2 + leaf.size(), "record", "record_altered", text);
      found.seq = Seq{seq};
      Report(std::move(found), true);
    }
    ++seq;
  });
}

// --- What is good by its checksums --------------------------------------------------------------

Result<uint64_t> SegmentCheck::AcceptFrame(uint64_t at, const Frame& frame) {
  const FrameHeader& header = frame.header;
  const uint64_t end = at + header.frame_bytes();
  if (frame.changed_at) {
    BadBegins(at);
    Report(AtField(at, "frame header", FrameHeader::FieldAt(*frame.changed_at), "frame_header",
                   fmt::format("byte {} of the frame header was changed", *frame.changed_at)),
           true);
  }
  if (bad_ && bad_->offset < at && header.synced > bad_->offset) bad_->proven_durable = true;
  const bool late = sealed() && IsLate(header, heads_.next());
  if (!late && !CheckNumber(at, header)) return end;
  ++good_frames_;
  if (!sealed() && (header.synced < synced_ || header.synced > at)) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(32), "header_field",
                   "the synced length goes back, or beyond the frame itself"));
  }
  synced_ = std::max(synced_, header.synced);
  if (!late) SEAL_RETURN_IF_ERROR(CheckChain(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  const ByteView payload = whole.subspan(kFrameHeaderBytes);
  if (header.is_side()) {
    if (late) {
      late_sides_.push_back({.offset = at, .number = header.first, .chain = header.chain});
    }
    SEAL_RETURN_IF_ERROR(AcceptSide(at, header, payload));
  } else if (header.is_index()) {
    AcceptIndex(at, header, payload, false);
  } else {
    CheckCut(at, header);
    SEAL_RETURN_IF_ERROR(AcceptRecords(at, header, payload, false));
  }
  return end;
}

// False if the frame does not continue what was read.
bool SegmentCheck::CheckNumber(uint64_t at, const FrameHeader& header) {
  const uint64_t next = heads_.next();
  const bool reported = std::exchange(gap_is_reported_, false);
  if (header.first == next) return true;
  if (header.first < next) {
    Report(At(at, header.frame_bytes(), "frame", "frame_out_of_order",
              fmt::format("the frame begins with record {}, and record {} has been read already",
                          header.first, next - 1)));
    return false;
  }
  if (!reported) {
    Report(At(at, 0, "gap", "records_missing",
              fmt::format("{} are missing before this frame", Numbers(next, header.first - next))));
  }
  frames_lost_ = true;
  Altered(next, header.first);
  heads_.LoseUpTo(header.first);
  unconfirmed_.reset();
  return true;
}

// The sealed form is cut at the multiples of 256, and at its end; there, notes may stand without records.
void SegmentCheck::CheckCut(uint64_t at, const FrameHeader& header) {
  if (!sealed()) return;
  const bool is_last = header.end() % kBlockRecords != 0 || header.count == 0;
  if (std::exchange(last_seen_, is_last)) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(8), "header_field",
                   "a frame of records stands behind one that can only be the last: inside a "
                   "block of 256, or without records"));
  }
}

Status SegmentCheck::CheckChain(uint64_t at, const FrameHeader& header) {
  const auto chain = heads_.chain();
  if (!chain || header.chain == *chain) {
    if (!chain) heads_.TakeChain(header.chain);
    if (!facts_.chain_before && header.first == task_.first) facts_.chain_before = header.chain;
    unconfirmed_.reset();
    return OkStatus();
  }
  // The header after this frame may side with the records, and then only this field is wrong.
  SEAL_ASSIGN_OR_RETURN(const auto chain_after, ChainAfter(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  std::optional<Hash> from_records = chain;
  if (header.is_records()) {
    SEAL_ASSIGN_OR_RETURN(
        from_records,
        ChainOver(*chain, header, whole.subspan(kFrameHeaderBytes, header.body_bytes)));
  }
  if (!unconfirmed_ || (chain_after && from_records == chain_after)) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(40), "running_hash",
                   "the running hash is not that of the records before it"));
    return OkStatus();
  }
  Damage found = At(unconfirmed_->offset, unconfirmed_->length, "frame", "records_altered",
                    fmt::format("{}: the running hash that follows is not theirs",
                                Numbers(unconfirmed_->first, unconfirmed_->count)));
  found.seq = Seq{unconfirmed_->first};
  Report(std::move(found));
  Altered(unconfirmed_->first, unconfirmed_->first + unconfirmed_->count);
  unconfirmed_.reset();
  heads_.TakeChain(header.chain);
  return OkStatus();
}

Status SegmentCheck::AcceptSide(uint64_t at, const FrameHeader& header, ByteView body) {
  SEAL_ASSIGN_OR_RETURN(const std::optional<ByteView> content, decoder_.Decode(header, body));
  if (!content) {
    Report(At(at + kFrameHeaderBytes, header.body_bytes, "frame body", "body_codec",
              "the body is not one zstd frame of the length that the header states"));
  }
  AddSide(at, header, content.value_or(body), !content);
  return OkStatus();
}

void SegmentCheck::AddSide(uint64_t at, const FrameHeader& header, ByteView content, bool damaged) {
  Side& side = sides_[at];
  side = {.hash = crypto::Sha256(content),
          .length = content.size(),
          .facts = damaged ? SideFacts() : CheckSide(content),
          .damaged = damaged,
          .used = false,
          .synced = header.synced};
  sides_without_records_.push_back(&side);
}

// `body_only`: notes and side offsets are known to be damaged.
Status SegmentCheck::AcceptRecords(uint64_t at, const FrameHeader& header, ByteView payload,
                                   bool body_only) {
  const uint64_t body_at = at + kFrameHeaderBytes;
  for (Side* side : sides_without_records_) side->records_follow = side->synced == header.synced;
  sides_without_records_.clear();
  if (sealed() && header.count > 0) records_frames_.push_back(at);
  SEAL_ASSIGN_OR_RETURN(const std::optional<ByteView> bundle,
                        decoder_.Decode(header, payload.first(header.body_bytes)));
  leaves_.clear();
  const auto add = [&](size_t offset, ByteView leaf) {
    leaves_.push_back({.offset = offset, .bytes = leaf});
  };
  if (!bundle || !ForEachLeaf(*bundle, header.count, add)) {
    Report(At(body_at, header.body_bytes, "frame body", bundle ? "body_layout" : "body_codec",
              fmt::format(
                  "{}: {}", Numbers(header.first, header.count),
                  bundle ? "the lengths of the records do not fill the body"
                         : "the body is not one zstd frame of the length that the header states")));
    frames_lost_ = true;
    Altered(header.first, header.end());
    heads_.LoseUpTo(header.end());
    return OkStatus();
  }
  facts_.leaves_bytes += bundle->size() - 2 * uint64_t{header.count};
  std::vector<SideInUse> sides;
  bool sides_known = false;
  if (body_only) {
    frames_lost_ = frames_lost_ || header.side_count > 0;
  } else {
    CheckNotes(at, header, payload.subspan(header.body_bytes, header.notes_bytes));
    sides_known =
        FindSides(at, header, payload.subspan(header.body_bytes + header.notes_bytes), &sides);
  }
  AcceptBody(at, header, sides_known ? &sides : nullptr);
  for (const SideInUse& each : sides) {
    if (!sides_known || each.used || each.side->damaged) continue;
    Report(At(body_at + header.body_bytes + header.notes_bytes, uint64_t{header.side_count} * 8,
              "side offsets", "side_offset",
              "an offset leads to a side content that no record of the frame names"));
    break;
  }
  if (header.count > 0) {
    unconfirmed_ = FramePlace{
        .first = header.first, .count = header.count, .offset = at, .length = header.frame_bytes()};
  }
  return OkStatus();
}

// The records in leaves_. `sides`: null where they are not known.
void SegmentCheck::AcceptBody(uint64_t at, const FrameHeader& header,
                              std::vector<SideInUse>* sides) {
  const bool one_is_damaged =
      sides && std::any_of(sides->begin(), sides->end(),
                           [](const SideInUse& each) { return each.side->damaged; });
  FrameTimes times;
  LeafFacts leaf_facts;
  for (size_t i = 0; i < leaves_.size(); ++i) {
    const Leaf& leaf = leaves_[i];
    const uint64_t seq = header.first + i;
    const auto report = [&](std::string kind, std::string text) {
      // Inside a compressed body a record has no place of its own.
      Damage found = header.codec == 0
                         ? At(at + kFrameHeaderBytes + leaf.offset, 2 + leaf.bytes.size(), "record",
                              std::move(kind), std::move(text))
                         : At(at + kFrameHeaderBytes, header.body_bytes, "record in the frame body",
                              std::move(kind), std::move(text));
      found.seq = Seq{seq};
      Report(std::move(found));
      Altered(seq, seq + 1);
    };
    if (const JsonFault fault = leaf_checker_.Check(leaf.bytes, &leaf_facts);
        fault.what != nullptr) {
      frames_lost_ = true;  // what it refers to is not known
      times.all_known = false;
      const JsonFault general = CheckCanonicalJson(leaf.bytes);
      report(general.what ? "leaf_not_canonical" : "leaf_shape",
             fmt::format("byte {} of the record: {}", fault.offset, fault.what));
      continue;
    }
    int64_t content_time = leaf_facts.content_time;
    bool content_found = !leaf_facts.content_beside;
    for (size_t k = 0; k < leaf_facts.beside_count && sides; ++k) {
      const BesideRef& ref = leaf_facts.beside[k];
      bool found = false;
      for (SideInUse& each : *sides) {
        if (each.side->length != ref.length || each.side->hash != ref.hash) continue;
        each.used = each.side->used = found = true;
        if (!(each.side->facts.shapes & ref.shape)) {
          report("side_shape", "what lies beside the record is not what the format puts there");
        } else if (IsContentShape(ref.shape)) {
          content_time = each.side->facts.TimeAs(ref.shape);
          content_found = true;
        }
      }
      if (!found && !one_is_damaged) {
        report("beside_missing", "what lies beside the record is not in the frame's side contents");
      }
    }
    times.received.Add(leaf_facts.received_at);
    times.all_known = times.all_known && content_found;
    if (content_found) times.event.Add(content_time != 0 ? content_time : leaf_facts.received_at);
    if (leaf_facts.kind >= LeafKind::kSelf) {
      NoteOwn(Seq{seq}, leaf_facts.kind, AsText(leaf.bytes));
    } else {
      facts_.holds_others = true;
    }
  }
  CheckTimes(at, header, times);
  leaf_views_.clear();
  for (const Leaf& leaf : leaves_) leaf_views_.push_back(leaf.bytes);
  leaf_hashes_.resize(leaves_.size());
  LeafHashes(leaf_views_, leaf_hashes_.data());
  if (!late_sides_.empty()) CheckLateSides(header);
  heads_.Add(leaf_hashes_);
  facts_.records_read += leaves_.size();
}

// The bounds of a log's frame are met; those of the sealed form may be wider, since its frames are cut otherwise.
void SegmentCheck::CheckTimes(uint64_t at, const FrameHeader& header, const FrameTimes& times) {
  const bool exact = !sealed() && times.all_known;
  const auto check = [&](const Bounds& stated, const BoundsSoFar& found, BoundsSoFar& of_file,
                         size_t offset) {
    if (!found.any()) return;
    of_file.Add(found.bounds().least);
    of_file.Add(found.bounds().greatest);
    if (stated == found.bounds()) return;
    const bool least =
        exact ? stated.least != found.bounds().least : stated.least > found.bounds().least;
    const bool greatest = exact ? stated.greatest != found.bounds().greatest
                                : stated.greatest < found.bounds().greatest;
    if (!least && !greatest) return;
    Report(AtField(at, "frame header", FrameHeader::FieldAt(least ? offset : offset + 8),
                   "time_bounds", "the times of the frame's records have other bounds"));
  };
  check(header.event, times.event, facts_.event, 80);
  check(header.received, times.received, facts_.received, 96);
}

// Side contents that said to come before a record of this frame.
void SegmentCheck::CheckLateSides(const FrameHeader& header) {
  for (const LateSide& side : late_sides_) {
    if (side.number >= header.end()) {
      Report(AtField(side.offset, "frame header", FrameHeader::FieldAt(8), "header_field",
                     "the side content comes before no record of the frame that follows"));
      continue;
    }
    if (!heads_.chain()) continue;
    Hash chain = *heads_.chain();
    for (uint64_t i = header.first; i < side.number; ++i) {
      chain = ChainHash(chain, leaf_hashes_[static_cast<size_t>(i - header.first)]);
    }
    if (chain == side.chain) continue;
    Report(AtField(side.offset, "frame header", FrameHeader::FieldAt(40), "running_hash",
                   "the running hash is not that of the records before it"));
  }
  late_sides_.clear();
}

bool SegmentCheck::FindSides(uint64_t at, const FrameHeader& header, ByteView side_offsets,
                             std::vector<SideInUse>* sides) {
  uint64_t last = 0;
  for (size_t i = 0; i < side_offsets.size(); i += 8) {
    const uint64_t offset = GetBig64(side_offsets.data() + i);
    const auto found = sides_.find(offset);
    if (offset > last && found != sides_.end()) {
      sides->push_back({.side = &found->second});
      found->second.used = found->second.used || found->second.damaged;
      last = offset;
      continue;
    }
    if (frames_lost_ && offset > last) return false;  // it may have stood in what was lost
    Report(At(
        at + kFrameHeaderBytes + header.body_bytes + header.notes_bytes + i, 8, "side offset",
        "side_offset",
        fmt::format("no side content stands at offset {}, or the offsets do not ascend", offset)));
    return false;
  }
  return true;
}

void SegmentCheck::CheckNotes(uint64_t at, const FrameHeader& header, ByteView notes) {
  size_t done = 0;
  while (done < notes.size()) {
    if (notes.size() - done < 4) break;
    const size_t length = GetBig32(notes.data() + done);
    if (length > notes.size() - done - 4) break;
    done += 4 + length;
  }
  if (done == notes.size()) return;
  Report(At(at + kFrameHeaderBytes + header.body_bytes, notes.size(), "notes", "note_layout",
            "the lengths of the notes do not fill their place"));
}

// The record that seals the file before this one stands first. A recovery record names what it cut and the hash of
// it; verify only needs to know that some own record does.
void SegmentCheck::NoteOwn(Seq seq, LeafKind kind, std::string_view leaf) {
  if (leaf.size() > kOwnLeafBytesMax) return;
  const bool seal = kind == LeafKind::kSeal && Value(seq) == task_.first;
  if (seal || (kind == LeafKind::kSelf && facts_.own.size() < kOwnLeavesMax &&
               (leaf.find(kRotateAction) != leaf.npos || leaf.find(kEpochAction) != leaf.npos))) {
    facts_.own.push_back({.seq = seq, .leaf = std::string(leaf)});
  }
  if (trail_.aside.empty() || leaf.find(kRecoveryAction) == leaf.npos) return;
  for (const std::string& name : trail_.aside) {
    if (leaf.find(name) != leaf.npos)
      facts_.aside[name] = OwnLeaf{.seq = seq, .leaf = std::string(leaf)};
  }
}

// --- The index frame ----------------------------------------------------------------------------

// What its body must be, where every frame before it could be read.
Bytes SegmentCheck::ExpectedIndex() const {
  const uint64_t frames = records_frames_.size();
  const uint64_t hashes = BlocksEndingIn(task_.first, heads_.next());
  Bytes out(static_cast<size_t>(8 + 8 * frames + 32 * hashes));
  uint8_t* p = out.data();
  PutBig32(p, static_cast<uint32_t>(frames));
  p += 4;
  for (const uint64_t offset : records_frames_) {
    PutBig64(p, offset);
    p += 8;
  }
  PutBig32(p, static_cast<uint32_t>(hashes));
  p += 4;
  p += 32 * (hashes - heads_.tree().blocks().size());  // one that began in an earlier file
  for (const TreeNode& block : heads_.tree().blocks()) {
    std::copy(block.hash.begin(), block.hash.end(), p);
    p += block.hash.size();
  }
  return out;
}

// `damaged`: its checksum does not hold.
void SegmentCheck::AcceptIndex(uint64_t at, const FrameHeader& header, ByteView body,
                               bool damaged) {
  index_seen_ = true;
  facts_.index_offset = at;
  const uint64_t body_at = at + kFrameHeaderBytes;
  const auto report = [&](uint64_t offset, uint64_t length, std::string unit) {
    Damage found = At(body_at + offset, length, std::move(unit), "index_altered",
                      damaged ? "the index does not fit its checksum"
                              : "the index does not say what stands in the file");
    found.seq.reset();
    Report(std::move(found), damaged);
  };
  if (frames_lost_ || !heads_.tree_known()) {
    if (damaged) report(0, header.body_bytes, "index");
    return;
  }
  Bytes expected = ExpectedIndex();
  if (expected.size() != body.size()) return report(0, header.body_bytes, "index");
  const uint64_t hashes = BlocksEndingIn(task_.first, heads_.next());
  const bool straddles = hashes > heads_.tree().blocks().size();
  const size_t hashes_at = 8 + 8 * records_frames_.size();
  if (straddles)
    std::copy_n(body.begin() + static_cast<ptrdiff_t>(hashes_at), 32,
                expected.begin() + static_cast<ptrdiff_t>(hashes_at));
  const auto first = std::mismatch(body.begin(), body.end(), expected.begin()).first;
  if (first == body.end()) {
    // All but the one hash that cannot be known here is right.
    if (damaged)
      return report(straddles ? hashes_at : 0, straddles ? 32 : body.size(),
                    straddles ? "index: hash of 256 records" : "index");
    if (straddles) {
      facts_.stated_first_block.emplace();
      std::copy_n(body.begin() + static_cast<ptrdiff_t>(hashes_at), 32,
                  facts_.stated_first_block->begin());
      facts_.stated_first_block_offset = body_at + hashes_at;
    }
    return;
  }
  const Field entry = IndexEntry(static_cast<size_t>(first - body.begin()), records_frames_.size());
  const auto rest = static_cast<ptrdiff_t>(entry.offset + entry.length);
  const bool only_one = std::equal(body.begin() + rest, body.end(), expected.begin() + rest);
  if (only_one) return report(entry.offset, entry.length, fmt::format("index: {}", entry.name));
  report(0, header.body_bytes, "index");
}

// --- At the end of the file ---------------------------------------------------------------------

// A power cut may leave side contents in a log whose records never came, for recovery cuts from the first frame that
// is not good. Then no frame of records of the same group follows them. None of these are sealed.
void SegmentCheck::CheckSidesUsed() {
  if (frames_lost_) return;
  for (const auto& [offset, side] : sides_) {
    if (side.used || side.damaged) continue;
    if (side.records_follow || sealed()) {
      Damage found = At(offset, kFrameHeaderBytes, "frame header", "side_unused",
                        "no record refers to this side content");
      found.seq.reset();
      Report(std::move(found));
    } else if (!trail_.running || !task_.is_last) {
      facts_.findings.notices.push_back(
          {.file = task_.path,
           .kind = "stray_side_content",
           .text = fmt::format("the side content at offset {} was left by a power cut before "
                               "its records came",
                               offset)});
    }
  }
}

void SegmentCheck::Finish() {
  const bool header_only = bad_ && bad_->offset == 0 && good_frames_ > 0;
  const bool tail = task_.is_last && bad_ && !bad_->proven_durable && !header_only &&
                    bad_->next >= trail_.checkpoint_size;
  const bool pending = tail && trail_.running;
  for (Found& found : found_) {
    if (!pending || !found.torn) facts_.findings.Found(std::move(found.damage));
  }
  facts_.findings.damage_total += others_not_kept_ + (pending ? 0 : torn_not_kept_);
  if (pending) {
    facts_.sure_next = bad_->next;
    facts_.findings.notices.push_back(
        {.file = task_.path,
         .kind = "tail_not_yet_durable",
         .text = fmt::format("from offset {} on, {} bytes are being written", bad_->offset,
                             window_.size() - bad_->offset)});
  }
  facts_.next = heads_.next();
  facts_.chain_after = heads_.chain();
  const bool nothing_lost = facts_.was_read || pending;
  facts_.whole = heads_.whole() && nothing_lost;
  if (heads_.tree_known() && nothing_lost) facts_.nodes = heads_.tree().nodes();
  facts_.blocks = heads_.tree().blocks();
  facts_.at_marks = heads_.TakeMarks();
  facts_.unconfirmed = unconfirmed_;
  if (sealed() && hashed_ == window_.size()) facts_.file_hash = file_hash_.Finish();
}

// --- Damage -------------------------------------------------------------------------------------

// More than are ever shown are only counted.
void SegmentCheck::Report(Damage found, bool torn) {
  if (found_.size() < 2 * kDamageMax) {
    found_.push_back({.damage = std::move(found), .torn = torn});
  } else {
    ++(torn ? torn_not_kept_ : others_not_kept_);
  }
}

void SegmentCheck::BadBegins(uint64_t at) {
  if (!bad_) bad_ = BadStart{.offset = at, .next = heads_.next()};
}

void SegmentCheck::Altered(uint64_t first, uint64_t end) {
  if (first == end) return;
  if (!facts_.altered.empty() && first <= facts_.altered.back().end) {
    facts_.altered.back().end = std::max(facts_.altered.back().end, end);
    facts_.altered.back().first = std::min(facts_.altered.back().first, first);
    return;
  }
  facts_.altered.push_back({.first = first, .end = end});
}

Damage SegmentCheck::At(uint64_t offset, uint64_t length, std::string unit, std::string kind,
                        std::string text) const {
  return {.file = task_.path,
          .seq = Seq{heads_.next()},
          .offset = offset,
          .length = length,
          .unit = std::move(unit),
          .kind = std::move(kind),
          .text = std::move(text)};
}

Damage SegmentCheck::AtField(uint64_t header_at, const char* header, const Field& field,
                             std::string kind, std::string text) const {
  return At(header_at + field.offset, field.length, fmt::format("{}: {}", header, field.name),
            std::move(kind), std::move(text));
}

}  // namespace sealtrail::verify
