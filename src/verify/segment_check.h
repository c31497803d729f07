// Reads one segment file (docs/formats/segment.md), log or sealed, and holds every byte of it to what must stand there.
//
// It goes on after damage: at the next frame whose two checksums hold. What cannot be known is not guessed; what can
// be known is named as narrowly as it can be:
//  - one changed byte of a header is found by its checksum (byte_change.h), so the field is named and its true
//    value used;
//  - one changed byte of a body counts as found once the running hash that follows confirms it; then the record is
//    named. Otherwise the frame's payload is.
//  - where checksums hold and the running hash does not, somebody changed bytes on purpose: the frame before the
//    hash is named, or the hash's own field where the header after it agrees with the records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/file_window.h"
#include "verify/frame_body.h"
#include "verify/leaf_template.h"
#include "verify/segment_facts.h"

namespace sealtrail::verify {

// Threads  Compatible; `trail` may be shared.
class SegmentCheck {
 public:
  // `trail` and what `window` reads from must outlive it.
  SegmentCheck(const TrailFacts& trail, SegmentTask task, FileWindow window);

  // Once. An error only if the file cannot be read.
  Result<SegmentFacts> Run();

 private:
  // A side frame of this file.
  struct Side {
    crypto::Hash hash{};
    uint64_t length = 0;
    SideFacts facts;
    bool damaged = false;
    bool used = false;
    bool records_follow = false;  // of the same group
    uint64_t synced = 0;          // by which a group is known
  };

  // A side frame of the sealed form that says to come before a record inside the block that follows.
  struct LateSide {
    uint64_t offset = 0;
    uint64_t number = 0;
    Hash chain{};
  };

  // What stands at some offset.
  struct Frame {
    enum class State { kGood, kBadPayload, kBad };
    State state = State::kBad;
    FrameHeader header;                // where state is not kBad
    std::optional<size_t> changed_at;  // the byte of the header that was repaired
    std::optional<size_t> wrong_at;    // kBad: the field that no writer could have written
    bool overruns = false;             // kBad: longer than the file
  };

  // A member of a frame's list of side offsets.
  struct SideInUse {
    Side* side;
    bool used = false;
  };

  // A record of the frame that is being read.
  struct Leaf {
    size_t offset = 0;  // of its length, in the decoded body
    ByteView bytes;
  };

  // Of the records of one frame.
  struct FrameTimes {
    BoundsSoFar event;
    BoundsSoFar received;
    bool all_known = true;
  };

  bool sealed() const { return task_.form == Form::kSealed; }

  Result<bool> CheckFileHeader();  // false: what follows cannot be read
  bool FileHeaderPlausible(const FileHeader& header) const;
  Status CheckFileChain(const FileHeader& header);
  Status CheckFrames();
  Result<uint64_t> CheckFrameAt(uint64_t at);

  Result<Frame> ReadFrame(uint64_t at);
  Result<std::optional<FrameHeader>> ReadGoodHeader(uint64_t at);
  Result<std::optional<uint64_t>> FindGoodFrame(uint64_t from);
  Result<std::optional<crypto::Hash>> ChainAfter(uint64_t at, const FrameHeader& header);
  Result<std::optional<Hash>> ChainOver(Hash chain, const FrameHeader& header, ByteView body);

  Result<uint64_t> PassBadFrame(uint64_t at, const Frame& frame);
  Result<uint64_t> PassBadPayload(uint64_t at, const FrameHeader& header);
  Status RepairPayload(uint64_t at, const FrameHeader& header, Bytes payload);
  void ReportAlteredRecord(uint64_t at, const FrameHeader& header, ByteView body, size_t position);
  Result<uint64_t> AcceptFrame(uint64_t at, const Frame& frame);
  bool CheckNumber(uint64_t at, const FrameHeader& header);
  void CheckCut(uint64_t at, const FrameHeader& header);
  Status CheckChain(uint64_t at, const FrameHeader& header);
  Status AcceptSide(uint64_t at, const FrameHeader& header, ByteView body);
  void AddSide(uint64_t at, const FrameHeader& header, ByteView content, bool damaged);
  Status AcceptRecords(uint64_t at, const FrameHeader& header, ByteView payload, bool body_only);
  void AcceptBody(uint64_t at, const FrameHeader& header, std::vector<SideInUse>* sides);
  void CheckTimes(uint64_t at, const FrameHeader& header, const FrameTimes& times);
  bool FindSides(uint64_t at, const FrameHeader& header, ByteView side_offsets,
                 std::vector<SideInUse>* sides);
  void CheckNotes(uint64_t at, const FrameHeader& header, ByteView notes);
  void CheckLateSides(const FrameHeader& header);
  void NoteOwn(Seq seq, LeafKind kind, std::string_view leaf);

  void AcceptIndex(uint64_t at, const FrameHeader& header, ByteView body, bool damaged);
  Bytes ExpectedIndex() const;

  Status HashUpTo(uint64_t offset);
  void CheckSidesUsed();
  void Finish();

  // `torn`: a write that never became durable looks like this too.
  void Report(Damage found, bool torn = false);
  void BadBegins(uint64_t at);
  void Altered(uint64_t first, uint64_t end);
  Damage At(uint64_t offset, uint64_t length, std::string unit, std::string kind,
            std::string text) const;
  Damage AtField(uint64_t header_at, const char* header, const Field& field, std::string kind,
                 std::string text) const;

  const TrailFacts& trail_;
  const SegmentTask task_;
  FileWindow window_;
  SegmentFacts facts_;
  LogHeads heads_;
  BodyDecoder decoder_;
  LeafChecker leaf_checker_;

  // Of the frame that is being read.
  std::vector<Leaf> leaves_;
  std::vector<ByteView> leaf_views_;
  std::vector<Hash> leaf_hashes_;

  std::map<uint64_t, Side> sides_;  // by offset
  std::vector<LateSide> late_sides_;
  uint64_t synced_ = kFileHeaderBytes;
  std::vector<Side*> sides_without_records_;  // read since the last frame of records
  uint64_t search_budget_;                    // bytes that FindGoodFrame may still checksum
  bool frames_lost_ = false;                  // so side contents may seem unused
  bool gap_is_reported_ = false;              // the next frame may carry a higher number
  uint64_t good_frames_ = 0;
  std::optional<FramePlace> unconfirmed_;

  // Sealed form.
  std::vector<uint64_t> records_frames_;  // offsets
  bool last_seen_ = false;                // no frame of records may follow the one before
  bool index_seen_ = false;
  crypto::Sha256Stream file_hash_;
  uint64_t hashed_ = 0;  // bytes that went into it

  // The first place that is not good, as recovery sees it (segment.md §7).
  struct BadStart {
    uint64_t offset;
    uint64_t next;                // record expected there
    bool proven_durable = false;  // a later frame says so
  };
  std::optional<BadStart> bad_;

  struct Found {
    Damage damage;
    bool torn;
  };
  std::vector<Found> found_;
  uint64_t torn_not_kept_ = 0;
  uint64_t others_not_kept_ = 0;
};

}  // namespace sealtrail::verify
