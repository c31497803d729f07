#include "verify/segment_check.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "verify/byte_change.h"
#include "verify/frame_body.h"
#include "verify/leaf_check.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kSearchBytes = 64 * kKiB;

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

// The running hash after the leaves of `body`; nothing if it is no body of header.count leaves.
std::optional<Hash> ChainOver(Hash chain, const FrameHeader& header, ByteView body) {
  Bytes storage;
  const std::optional<ByteView> bundle = BundleOf(header, body, storage);
  if (!bundle) return std::nullopt;
  const bool whole = ForEachLeaf(*bundle, header.count, [&](size_t, ByteView leaf) {
    chain = ChainHash(chain, LeafHash(leaf));
  });
  return whole ? std::optional(chain) : std::nullopt;
}

bool FillsExactly(ByteView body, uint32_t count) {
  return ForEachLeaf(body, count, [](size_t, ByteView) {});
}

}  // namespace

SegmentCheck::SegmentCheck(RunState& state, const std::string& name,
                           std::optional<uint64_t> next_first, FileWindow window)
    : state_(state),
      path_("segments/" + name),
      name_first_(FirstOfSegmentName(name).value_or(0)),
      next_first_(next_first),
      window_(std::move(window)),
      search_budget_(4 * window_.size()) {}

Status SegmentCheck::Run() {
  state_.bytes_read += window_.size();
  if (window_.size() < kFileHeaderBytes) {
    BadBegins(0);
    state_.end_is_damaged = frames_lost_ = true;
    Report(At(0, window_.size(), "file header", "file_header",
              fmt::format("the file ends inside its header, after {} bytes", window_.size())),
           true);
  } else {
    SEAL_ASSIGN_OR_RETURN(const bool readable, CheckFileHeader());
    if (readable) {
      SEAL_RETURN_IF_ERROR(CheckFrames());
    } else {
      state_.end_is_damaged = frames_lost_ = true;
    }
  }
  CheckSidesUsed();
  Finish();
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
      return true;  // its name and its frames say the same once more
    }
    Report(AtField(0, "file header", FileHeader::FieldAt(change->position), "file_header",
                   fmt::format("byte {} of the file header was changed", change->position)),
           true);
  }
  if (header.version != 0) {
    state_.obstacles.push_back(
        fmt::format("{} has format version {}, and this program knows 0", path_, header.version));
    return false;
  }
  if (wrong) {
    Report(AtField(0, "file header", FileHeader::FieldAt(*wrong), "header_field",
                   "the file header holds a value that no writer writes"));
  }
  if (header.origin_hash != state_.origin_hash) {
    Report(AtField(0, "file header", FileHeader::FieldAt(48), "other_trail",
                   "the file belongs to another trail; it was not read further"));
    return false;
  }
  if (header.first != name_first_) {
    Report(AtField(
        0, "file header", FileHeader::FieldAt(8), "file_misplaced",
        fmt::format("the file begins with record {}, but its name says {}; it was not read further",
                    header.first, name_first_)));
    return false;
  }
  SEAL_RETURN_IF_ERROR(CheckFileChain(header));
  return true;
}

bool SegmentCheck::FileHeaderPlausible(const FileHeader& header) const {
  return header.version == 0 && header.first == name_first_ &&
         header.origin_hash == state_.origin_hash;
}

Status SegmentCheck::CheckFileChain(const FileHeader& header) {
  const auto& chain = state_.heads.chain();
  if (!chain || header.chain == *chain) {
    state_.heads.TakeChain(header.chain);
    if (chain) state_.unconfirmed.reset();
    return OkStatus();
  }
  SEAL_ASSIGN_OR_RETURN(const auto first_frame, ReadGoodHeader(kFileHeaderBytes));
  if (!state_.unconfirmed || (first_frame && first_frame->chain == *chain)) {
    Report(AtField(0, "file header", FileHeader::FieldAt(16), "running_hash",
                   "the running hash is not that of the records before it"));
    return OkStatus();
  }
  const FramePlace& before = *state_.unconfirmed;
  state_.Report({.file = before.file,
                 .seq = Seq{before.first},
                 .offset = before.offset,
                 .length = before.length,
                 .unit = "frame",
                 .kind = "records_altered",
                 .text = fmt::format("{}: the running hash in the next file is not theirs",
                                     Numbers(before.first, before.count))});
  state_.unconfirmed.reset();
  state_.heads.TakeChain(header.chain);
  return OkStatus();
}

// --- Frames -------------------------------------------------------------------------------------

Status SegmentCheck::CheckFrames() {
  for (uint64_t at = kFileHeaderBytes; at < window_.size();) {
    SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(at));
    switch (frame.state) {
      case Frame::State::kGood: {
        SEAL_ASSIGN_OR_RETURN(at, AcceptFrame(at, frame));
        break;
      }
      case Frame::State::kBadPayload: {
        SEAL_ASSIGN_OR_RETURN(at, PassBadPayload(at, frame.header));
        break;
      }
      case Frame::State::kBad: {
        SEAL_ASSIGN_OR_RETURN(at, PassBadFrame(at, frame));
        break;
      }
    }
    if (state_.progress) state_.progress(state_.records_read, at);
  }
  return OkStatus();
}

Result<SegmentCheck::Frame> SegmentCheck::ReadFrame(uint64_t at) {
  Frame out;
  const uint64_t left = window_.size() - at;
  if (left < kFrameHeaderBytes) return out;
  SEAL_ASSIGN_OR_RETURN(const ByteView view, window_.View(at, kFrameHeaderBytes));
  out.header = DecodeFrameHeader(view, &out.wrong_at);
  if (!HeaderChecksumHolds(view)) {
    out.wrong_at.reset();
    const auto change = ByteChangeInHeader(view);
    if (!change) return out;
    Bytes repaired(view.begin(), view.end());
    repaired[change->position] ^= change->difference;
    std::optional<size_t> wrong;
    out.header = DecodeFrameHeader(repaired, &wrong);
    const auto& chain = state_.heads.chain();
    if (wrong || out.header.first != state_.heads.next() || (chain && out.header.chain != *chain))
      return out;
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
  const FrameHeader header = DecodeFrameHeader(view, &wrong);
  if (wrong || !HeaderChecksumHolds(view)) return std::optional<FrameHeader>();
  return std::optional(header);
}

// What the header after the frame at `at` says the running hash is then.
Result<std::optional<Hash>> SegmentCheck::ChainAfter(uint64_t at, const FrameHeader& header) {
  SEAL_ASSIGN_OR_RETURN(const auto follower, ReadGoodHeader(at + header.frame_bytes()));
  if (!follower || follower->first != header.first + header.count) return std::optional<Hash>();
  return std::optional(follower->chain);
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
    const bool candidate = header && header->first >= state_.heads.next() &&
                           header->frame_bytes() <= window_.size() - from;
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
  const uint64_t next = state_.heads.next();
  BadBegins(at);
  frames_lost_ = gap_is_reported_ = true;
  if (!next_good) state_.end_is_damaged = true;

  if (frame.wrong_at) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(*frame.wrong_at), "header_field",
                   "the frame header holds a value that no writer writes"));
    return end;
  }
  std::string kind = "frame_damaged";
  std::string text = fmt::format("from record {} on, {} bytes are no frame", next, end - at);
  if (!next_good && next_first_ && *next_first_ == next) {
    kind = "trailing_bytes";
    text = fmt::format(
        "{} bytes stand after the last frame, though the next file goes on with record {}",
        end - at, next);
  } else if (!next_good && !next_first_ && next >= state_.checkpoint_size) {
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
  if ((!follower && end != window_.size()) || header.first != state_.heads.next()) {
    return PassBadFrame(at, Frame());
  }
  BadBegins(at);
  SEAL_RETURN_IF_ERROR(CheckChain(at, header));
  SEAL_ASSIGN_OR_RETURN(const auto chain_after, ChainAfter(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  Bytes payload(whole.begin() + kFrameHeaderBytes, whole.end());
  const uint64_t payload_at = at + kFrameHeaderBytes;
  const auto body = [&] { return ByteView(payload).first(header.body_bytes); };

  if (header.is_side()) {
    Report(At(payload_at, payload.size(), "side content", "side_content",
              "the content does not fit its checksum"),
           true);
    AcceptSide(at, header, payload, true);
    return end;
  }
  const auto confirmed = [&] {
    return chain_after && ChainOver(*state_.heads.chain(), header, body()) == *chain_after;
  };
  if (confirmed()) {
    // A compressed body has bits that decide nothing, so it may be what was changed all the same.
    const uint64_t suspect = header.codec == 0 ? header.body_bytes : 0;
    Report(At(payload_at + suspect, payload.size() - suspect,
              suspect == 0 ? "frame payload" : "notes and side offsets", "frame_payload",
              "it does not fit its checksum; the records of the frame are whole"),
           true);
    AcceptRecords(at, header, payload, true);
    return end;
  }
  for (const ByteChange& change : ByteChangesThatExplain(payload, header.payload_crc)) {
    if (change.position >= header.body_bytes) continue;
    payload[change.position] ^= change.difference;
    if (confirmed()) {
      if (header.codec != 0) {
        Report(
            At(payload_at, header.body_bytes, "frame body", "records_altered",
               fmt::format(
                   "{}: one byte was changed, at offset {}: the running hash that follows confirms "
                   "the records without the change",
                   Numbers(header.first, header.count), payload_at + change.position)),
            true);
        AcceptRecords(at, header, payload, false);
        state_.heads.WasRepaired();
        return end;
      }
      uint64_t seq = header.first;
      ForEachLeaf(body(), header.count, [&](size_t leaf_at, ByteView leaf) {
        if (change.position >= leaf_at && change.position < leaf_at + 2 + leaf.size()) {
          Damage found =
              At(payload_at + leaf_at, 2 + leaf.size(), "record", "record_altered",
                 fmt::format("one byte was changed, at offset {}: the running hash that follows "
                             "confirms the record without the change",
                             payload_at + change.position));
          found.seq = Seq{seq};
          Report(std::move(found), true);
        }
        ++seq;
      });
      AcceptRecords(at, header, payload, false);
      state_.heads.WasRepaired();
      return end;
    }
    payload[change.position] ^= change.difference;
  }
  Report(At(payload_at, payload.size(), "frame payload", "frame_payload",
            fmt::format("{}: the payload does not fit its checksum",
                        Numbers(header.first, header.count))),
         true);
  frames_lost_ = true;
  state_.heads.LoseUpTo(header.first + header.count);
  if (end == window_.size()) state_.end_is_damaged = true;
  return end;
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
  if (!CheckNumber(at, header)) return end;
  ++good_frames_;
  if (header.synced < synced_ || header.synced > at) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(32), "header_field",
                   "the synced length goes back, or beyond the frame itself"));
  }
  synced_ = std::max(synced_, header.synced);
  SEAL_RETURN_IF_ERROR(CheckChain(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  const ByteView payload = whole.subspan(kFrameHeaderBytes);
  if (header.is_side()) {
    AcceptSide(at, header, payload, false);
  } else {
    AcceptRecords(at, header, payload, false);
  }
  return end;
}

// False if the frame does not continue what was read.
bool SegmentCheck::CheckNumber(uint64_t at, const FrameHeader& header) {
  const uint64_t next = state_.heads.next();
  const bool reported = std::exchange(gap_is_reported_, false);
  if (header.first == next) return true;
  if (header.first < next) {
    Report(At(at, header.frame_bytes(), "frame", "frame_out_of_order",
              fmt::format("the frame begins with record {}, and record {} has been read already",
                          header.first, next - 1)));
    return false;
  }
  if (!reported) {
    Damage found =
        At(at, 0, "gap", "records_missing",
           fmt::format("{} are missing before this frame", Numbers(next, header.first - next)));
    Report(std::move(found));
  }
  frames_lost_ = true;
  state_.heads.LoseUpTo(header.first);
  state_.unconfirmed.reset();
  return true;
}

Status SegmentCheck::CheckChain(uint64_t at, const FrameHeader& header) {
  const auto chain = state_.heads.chain();
  if (!chain || header.chain == *chain) {
    if (!chain) state_.heads.TakeChain(header.chain);
    state_.unconfirmed.reset();
    return OkStatus();
  }
  // The header after this frame may side with the records, and then only this field is wrong.
  SEAL_ASSIGN_OR_RETURN(const auto chain_after, ChainAfter(at, header));
  SEAL_ASSIGN_OR_RETURN(const ByteView whole,
                        window_.View(at, static_cast<size_t>(header.frame_bytes())));
  const auto from_records =
      header.is_side()
          ? chain
          : ChainOver(*chain, header, whole.subspan(kFrameHeaderBytes, header.body_bytes));
  if (!state_.unconfirmed || (chain_after && from_records == chain_after)) {
    Report(AtField(at, "frame header", FrameHeader::FieldAt(40), "running_hash",
                   "the running hash is not that of the records before it"));
    return OkStatus();
  }
  const FramePlace& before = *state_.unconfirmed;
  Damage found{.file = before.file,
               .seq = Seq{before.first},
               .offset = before.offset,
               .length = before.length,
               .unit = "frame",
               .kind = "records_altered",
               .text = fmt::format("{}: the running hash that follows is not theirs",
                                   Numbers(before.first, before.count))};
  state_.unconfirmed.reset();
  state_.Report(std::move(found));
  state_.heads.TakeChain(header.chain);
  return OkStatus();
}

void SegmentCheck::AcceptSide(uint64_t at, const FrameHeader& header, ByteView content,
                              bool damaged) {
  Side& side = sides_[at];
  side = {.hash = crypto::Sha256(content),
          .length = content.size(),
          .shapes = damaged ? uint8_t{0} : ShapesOf(content),
          .damaged = damaged,
          .used = false,
          .synced = header.synced};
  sides_without_records_.push_back(&side);
}

// `body_only`: notes and side offsets are known to be damaged.
void SegmentCheck::AcceptRecords(uint64_t at, const FrameHeader& header, ByteView payload,
                                 bool body_only) {
  const uint64_t body_at = at + kFrameHeaderBytes;
  for (Side* side : sides_without_records_) side->records_follow = side->synced == header.synced;
  sides_without_records_.clear();
  const std::optional<ByteView> bundle =
      BundleOf(header, payload.first(header.body_bytes), bundle_storage_);
  if (!bundle || !FillsExactly(*bundle, header.count)) {
    Report(At(body_at, header.body_bytes, "frame body", bundle ? "body_layout" : "body_codec",
              fmt::format(
                  "{}: {}", Numbers(header.first, header.count),
                  bundle ? "the lengths of the records do not fill the body"
                         : "the body is not one zstd frame of the length that the header states")));
    frames_lost_ = true;
    state_.heads.LoseUpTo(header.first + header.count);
    return;
  }
  std::vector<SideInUse> sides;
  bool sides_known = false;
  if (body_only) {
    frames_lost_ = frames_lost_ || header.side_count > 0;
  } else {
    CheckNotes(at, header, payload.subspan(header.body_bytes, header.notes_bytes));
    sides_known =
        FindSides(at, header, payload.subspan(header.body_bytes + header.notes_bytes), &sides);
  }
  AcceptBody(at, header, *bundle, sides_known ? &sides : nullptr);
  for (const SideInUse& each : sides) {
    if (!sides_known || each.used || each.side->damaged) continue;
    Report(At(body_at + header.body_bytes + header.notes_bytes, uint64_t{header.side_count} * 8,
              "side offsets", "side_offset",
              "an offset leads to a side content that no record of the frame names"));
    break;
  }
  if (header.count > 0) {
    state_.unconfirmed = FramePlace{.file = path_,
                                    .first = header.first,
                                    .count = header.count,
                                    .offset = at,
                                    .length = header.frame_bytes()};
  }
}

// `sides`: null where they are not known.
void SegmentCheck::AcceptBody(uint64_t at, const FrameHeader& header, ByteView body,
                              std::vector<SideInUse>* sides) {
  const bool one_is_damaged =
      sides && std::any_of(sides->begin(), sides->end(),
                           [](const SideInUse& each) { return each.side->damaged; });
  uint64_t seq = header.first;
  LeafFacts facts;
  ForEachLeaf(body, header.count, [&](size_t leaf_at, ByteView leaf) {
    const auto report = [&](std::string kind, std::string text) {
      // Inside a compressed body a record has no place of its own.
      Damage found = header.codec == 0
                         ? At(at + kFrameHeaderBytes + leaf_at, 2 + leaf.size(), "record",
                              std::move(kind), std::move(text))
                         : At(at + kFrameHeaderBytes, header.body_bytes, "record in the frame body",
                              std::move(kind), std::move(text));
      found.seq = Seq{seq};
      Report(std::move(found));
    };
    if (const JsonFault fault = CheckLeaf(leaf, &facts); fault.what != nullptr) {
      facts.beside_count = 0;
      frames_lost_ = true;  // what it refers to is not known
      const JsonFault general = CheckCanonicalJson(leaf);
      report(general.what ? "leaf_not_canonical" : "leaf_shape",
             fmt::format("byte {} of the record: {}", fault.offset, fault.what));
    }
    for (size_t i = 0; i < facts.beside_count && sides; ++i) {
      const BesideRef& ref = facts.beside[i];
      bool found = false;
      for (SideInUse& each : *sides) {
        if (each.side->length != ref.length || each.side->hash != ref.hash) continue;
        each.used = each.side->used = found = true;
        if (!(each.side->shapes & ref.shape)) {
          report("side_shape", "what lies beside the record is not what the format puts there");
        }
      }
      if (!found && !one_is_damaged) {
        report("beside_missing", "what lies beside the record is not in the frame's side contents");
      }
    }
    if (facts.kind == LeafKind::kSelf && !state_.aside.empty()) NoteAside(Seq{seq}, AsText(leaf));
    state_.heads.Add(LeafHash(leaf));
    ++state_.records_read;
    ++seq;
  });
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

// A recovery record names what it cut and the hash of it; verify only needs to know that some own record does.
void SegmentCheck::NoteAside(Seq seq, std::string_view leaf) {
  for (auto& [name, witness] : state_.aside) {
    if (leaf.find(name) != leaf.npos) witness = AsideWitness{.seq = seq, .leaf = std::string(leaf)};
  }
}

// --- At the end of the file ---------------------------------------------------------------------

// A power cut may leave side contents whose records never came, for recovery cuts from the first frame that is not
// good. Then no frame of records of the same group follows them.
void SegmentCheck::CheckSidesUsed() {
  if (frames_lost_) return;
  for (const auto& [offset, side] : sides_) {
    if (side.used || side.damaged) continue;
    if (side.records_follow) {
      Damage found = At(offset, kFrameHeaderBytes + side.length, "frame", "side_unused",
                        "no record refers to this side content");
      found.seq.reset();
      Report(std::move(found));
    } else if (!state_.running || next_first_) {
      state_.notices.push_back(
          {.file = path_,
           .kind = "stray_side_content",
           .text = fmt::format("the side content at offset {} was left by a power cut before "
                               "its records came",
                               offset)});
    }
  }
}

void SegmentCheck::Finish() {
  const bool header_only = bad_ && bad_->offset == 0 && good_frames_ > 0;
  const bool tail = !next_first_ && bad_ && !bad_->proven_durable && !header_only &&
                    bad_->next >= state_.checkpoint_size;
  const bool pending = tail && state_.running;
  for (Found& found : found_) {
    if (!pending || !found.torn) state_.Report(std::move(found.damage));
  }
  if (!pending) return;
  state_.sure_next = bad_->next;
  state_.notices.push_back({.file = path_,
                            .kind = "tail_not_yet_durable",
                            .text = fmt::format("from offset {} on, {} bytes are being written",
                                                bad_->offset, window_.size() - bad_->offset)});
}

// --- Damage -------------------------------------------------------------------------------------

void SegmentCheck::Report(Damage found, bool torn) {
  found_.push_back({.damage = std::move(found), .torn = torn});
}

void SegmentCheck::BadBegins(uint64_t at) {
  if (!bad_) bad_ = BadStart{.offset = at, .next = state_.heads.next()};
}

Damage SegmentCheck::At(uint64_t offset, uint64_t length, std::string unit, std::string kind,
                        std::string text) const {
  return {.file = path_,
          .seq = Seq{state_.heads.next()},
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
