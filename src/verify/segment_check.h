// Reads one segment file (docs/formats/segment.md) and holds every byte of it to what must stand there.
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
#include "verify/run_state.h"
#include "verify/segment_layout.h"

namespace sealtrail::verify {

class SegmentCheck {
 public:
  // `name`: the file's, without its folder; its first record is expected to be heads.next().
  // `next_first`: the number in the name of the file that follows, none for the last one.
  SegmentCheck(RunState& state, const std::string& name, std::optional<uint64_t> next_first,
               FileWindow window);

  // An error only if the file cannot be read.
  Status Run();

 private:
  // A side frame of this file.
  struct Side {
    crypto::Hash hash{};
    uint64_t length = 0;
    uint8_t shapes = 0;
    bool damaged = false;
    bool used = false;
    bool records_follow = false;  // of the same group
    uint64_t synced = 0;          // by which a group is known
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

  Result<bool> CheckFileHeader();  // false: what follows cannot be read
  bool FileHeaderPlausible(const FileHeader& header) const;
  Status CheckFileChain(const FileHeader& header);
  Status CheckFrames();

  Result<Frame> ReadFrame(uint64_t at);
  Result<std::optional<FrameHeader>> ReadGoodHeader(uint64_t at);
  Result<std::optional<uint64_t>> FindGoodFrame(uint64_t from);
  Result<std::optional<crypto::Hash>> ChainAfter(uint64_t at, const FrameHeader& header);

  Result<uint64_t> PassBadFrame(uint64_t at, const Frame& frame);
  Result<uint64_t> PassBadPayload(uint64_t at, const FrameHeader& header);
  Result<uint64_t> AcceptFrame(uint64_t at, const Frame& frame);
  bool CheckNumber(uint64_t at, const FrameHeader& header);
  Status CheckChain(uint64_t at, const FrameHeader& header);
  void AcceptSide(uint64_t at, const FrameHeader& header, ByteView content, bool damaged);
  void AcceptRecords(uint64_t at, const FrameHeader& header, ByteView payload, bool body_only);
  void AcceptBody(uint64_t at, const FrameHeader& header, ByteView body,
                  std::vector<SideInUse>* sides);
  bool FindSides(uint64_t at, const FrameHeader& header, ByteView side_offsets,
                 std::vector<SideInUse>* sides);
  void CheckNotes(uint64_t at, const FrameHeader& header, ByteView notes);
  void NoteAside(Seq seq, std::string_view leaf);

  void CheckSidesUsed();
  void Finish();

  // `torn`: a write that never became durable looks like this too.
  void Report(Damage found, bool torn = false);
  void BadBegins(uint64_t at);
  Damage At(uint64_t offset, uint64_t length, std::string unit, std::string kind,
            std::string text) const;
  Damage AtField(uint64_t header_at, const char* header, const Field& field, std::string kind,
                 std::string text) const;

  RunState& state_;
  const std::string path_;
  const uint64_t name_first_;
  const std::optional<uint64_t> next_first_;
  FileWindow window_;

  Bytes bundle_storage_;            // of the frame that is being read
  std::map<uint64_t, Side> sides_;  // by offset
  uint64_t synced_ = kFileHeaderBytes;
  std::vector<Side*> sides_without_records_;  // read since the last frame of records
  uint64_t search_budget_;                    // bytes that FindGoodFrame may still checksum
  bool frames_lost_ = false;                  // so side contents may seem unused
  bool gap_is_reported_ = false;              // the next frame may carry a higher number
  uint64_t good_frames_ = 0;

  // The first place that is not good, as recovery sees it (segment.md §5).
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
};

}  // namespace sealtrail::verify
