// Which key signed what, and whether the key that somebody trusts leads to it: docs/formats/checkpoint.md, "Key
// epochs".
//
// The names of the keys come from the records of rotations, and so from the log itself. They prove nothing until the
// notes epochs/<n> bind them to a key that was given: each is signed by the key before and by the new one, over a tree
// whose last record names both. So trust walks both ways.
//
// A recovered epoch is another thing: the new key alone signs its note, under a name of its own, for the old key may be in
// strange hands. Nothing leads from one side of such a note to the other. The checkpoint of before, epochs/<n>.before, says
// how far the old key vouches.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verify/note.h"
#include "verify/note_bodies.h"
#include "verify/report.h"
#include "verify/segment_facts.h"

namespace sealtrail::verify {

// The trail's origin in the name of a log, which has `/epoch-<number>` after it in a recovered epoch; and that number, or
// 0.
std::string_view WithoutEpoch(std::string_view log_name);
uint64_t NumberOfLog(std::string_view origin, std::string_view log_name);

// A key is changed once in months. More files than this are not a trail's.
constexpr uint64_t kEpochsMax = 10'000;

class KeyEpochs {
 public:
  // `origin`: the trail's; `given`: the key to verify with. `notes`: the files epochs/<n> by n; `befores`: epochs/<n>.before.
  KeyEpochs(std::string origin, VerifierKey given, std::map<uint64_t, std::string> notes,
            std::map<uint64_t, std::string> befores = {});

  // The sizes of the trees that these files are about, for all that can be read: roots that Check wants.
  std::vector<uint64_t> Sizes() const;

  // The records of rotations and recoveries, in their order; `checkpoint_size` says which of them must have been finished. Call it
  // once, before what follows.
  void TakeRotations(std::span<const OwnLeaf> rotations, uint64_t checkpoint_size);

  // The number of the newest epoch, from 0.
  uint64_t newest() const { return epochs_.size() - 1; }
  // The epoch that was current when the tree had that size: the last one whose note is about no larger one.
  uint64_t AtSize(uint64_t size) const;
  // The size at which that epoch began; 0 for the first one.
  uint64_t BeganAt(uint64_t epoch) const { return epochs_[epoch].size; }
  // Its key, if it is known.
  const std::optional<VerifierKey>& Key(uint64_t epoch) const { return epochs_[epoch].key; }
  // The size of the tree from which a recovery went on under another name, where one ended the log of that epoch.
  std::optional<uint64_t> EndOfLog(uint64_t epoch) const;
  // Under which name checkpoints of a tree of that size were signed.
  const std::string& LogNameAt(uint64_t size) const { return LogName(AtSize(size)); }
  const std::string& LogName(uint64_t epoch) const;
  // The keys that may have signed a checkpoint of that size, in the forms that a note may have: the current one; where a
  // key took over at exactly that size, both, or the old one before the new one's note was made.
  std::vector<std::vector<VerifierKey>> SignersAt(uint64_t size) const;
  // Whether the note of that epoch (1 or more) was among the files.
  bool HasNote(uint64_t epoch) const { return epochs_[epoch].note.has_value(); }

  // Holds each note to what it must say. `root_at`: the root of the records below one of Sizes(), where it is known;
  // `checkpoint_size` says which notes must be there.
  std::vector<Damage> Check(const std::map<uint64_t, Hash>& root_at, uint64_t checkpoint_size);

  // After Check: whether sound notes lead from the given key to that of `epoch`.
  bool LeadsTo(uint64_t epoch) const;
  // After Check: whether they lead from the given key to `other`, forwards or backwards.
  bool LeadsTo(const VerifierKey& other) const;
  // After Check: the first recovery between the given key and that of the later `epoch`, if there is one.
  struct Recovery {
    VerifierKey key;       // the new one
    uint64_t seq = 0;      // of the record that names it
    uint64_t vouched = 0;  // so many records a key vouches for to which the given one leads
  };
  std::optional<Recovery> RecoveryBefore(uint64_t epoch) const;
  // Whether the given key is one of the trail's.
  bool given_is_known() const { return given_epoch_.has_value(); }

 private:
  struct Epoch {
    uint64_t size = 0;
    std::optional<std::string> note;
    std::optional<CheckpointBody> body;
    std::optional<OwnLeaf> rotation;
    std::optional<VerifierKey> key;
    bool recovered = false;  // its record is that of a recovery
    std::optional<std::string> before;
    std::optional<CheckpointBody> before_body;
    bool sound = false;
    bool before_holds = false;
  };

  void DropStrangers();
  void NameKeys();
  bool MaySignAs(uint64_t n) const;
  std::optional<Damage> CheckNote(uint64_t n, const std::map<uint64_t, Hash>& root_at);
  std::optional<std::string> WrongRecord(uint64_t n, const std::map<uint64_t, Hash>& root_at) const;
  std::optional<Damage> CheckBefore(uint64_t n, const std::map<uint64_t, Hash>& root_at);
  std::optional<VerifierKey> NamedKey(const OwnLeaf& record, std::string_view attribute) const;

  const std::string origin_;
  const VerifierKey given_;
  std::vector<Epoch> epochs_;  // epochs_[0] has no note
  std::map<std::string, std::string>
      strangers_;  // files of epochs that nothing else knows of, by path
  std::optional<uint64_t> given_epoch_;
};

}  // namespace sealtrail::verify
