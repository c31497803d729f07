// Which key signed what, and whether the key that somebody trusts leads to it: docs/formats/checkpoint.md, "Key
// epochs".
//
// The names of the keys come from the records of rotations, and so from the log itself. They prove nothing until the
// notes epochs/<n> bind them to a key that was given: each is signed by the key before and by the new one, over a tree
// whose last record names both. So trust walks both ways.
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

class KeyEpochs {
 public:
  // `given`: the key to verify with. `notes`: the files epochs/<n> by n.
  KeyEpochs(VerifierKey given, std::map<uint64_t, std::string> notes);

  // The size of the tree that epochs/<n> is about, for all that can be read: roots that Check wants.
  std::vector<uint64_t> Sizes() const;

  // The records of rotations, in their order; `checkpoint_size` says which of them must have been finished. Call it
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
  // Whether the note of that epoch (1 or more) was among the files.
  bool HasNote(uint64_t epoch) const { return epochs_[epoch].note.has_value(); }

  // Holds each note to what it must say. `root_at`: the root of the records below one of Sizes(), where it is known;
  // `checkpoint_size` says which notes must be there.
  std::vector<Damage> Check(const std::map<uint64_t, Hash>& root_at, uint64_t checkpoint_size);

  // After Check: whether sound notes lead from the given key to that of `epoch`.
  bool LeadsTo(uint64_t epoch) const;
  // Whether the given key is one of the trail's.
  bool given_is_known() const { return given_epoch_.has_value(); }

 private:
  struct Epoch {
    uint64_t size = 0;
    std::optional<std::string> note;
    std::optional<CheckpointBody> body;
    std::optional<OwnLeaf> rotation;
    std::optional<VerifierKey> key;
    bool sound = false;
  };

  void DropStrangers();
  void NameKeys();
  bool MaySignAs(uint64_t n) const;
  std::optional<Damage> CheckNote(uint64_t n, const std::map<uint64_t, Hash>& root_at);

  const VerifierKey given_;
  std::vector<Epoch> epochs_;                  // epochs_[0] has no note
  std::map<uint64_t, std::string> strangers_;  // notes of epochs that nothing else knows of
  std::optional<uint64_t> given_epoch_;
};

}  // namespace sealtrail::verify
