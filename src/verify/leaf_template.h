// The fast way to say of a leaf what CheckLeaf says.
//
// Records of one kind of event differ in a few places: salt, times, ids, the values of attributes. So a leaf that
// CheckLeaf accepted is remembered as what stands between those places, letter for letter, and which kind of value
// stands at each. A leaf with the same letters and a value of the same kind at each place is a leaf too, for the
// grammar asks nothing else of a value there. Only plain values are taken this way (no escape, no letter beyond
// ASCII, no number near its limits); everything else goes to CheckLeaf, which is also the twin that the tests
// compare with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "verify/leaf_check.h"

namespace sealtrail::verify {

// Threads  Compatible.
class LeafChecker {
 public:
  // As CheckLeaf, to the letter.
  JsonFault Check(ByteView leaf, LeafFacts* facts);

 private:
  // A place, after `literal` bytes that are fixed.
  struct Slot {
    uint32_t literal = 0;
    LeafSlot::Type type = LeafSlot::Type::kText;
  };
  struct Template {
    LeafKind kind = LeafKind::kSpan;
    Bytes literals;  // one after the other, with room behind them
    std::vector<Slot> slots;
    uint32_t tail = 0;  // fixed bytes after the last slot
  };
  static constexpr size_t kTemplatesMax = 8;
  static constexpr size_t kGroupsMax = 16;  // of each kind
  // After so many leaves in a row that fit no template, so many are not tried.
  static constexpr uint32_t kMissesMax = 32, kPause = 512;

  bool Matches(const Template& form, ByteView leaf, LeafFacts* facts);
  const uint8_t* TakeGroup(std::vector<Bytes>& groups, const uint8_t* p, const uint8_t* end);
  JsonFault CheckAndLearn(ByteView leaf, LeafFacts* facts);
  void Learn(ByteView leaf, const LeafFacts& facts);
  void LearnGroup(std::vector<Bytes>& groups, ByteView text);

  std::vector<Template> templates_;  // the last one that matched stands first
  std::vector<Bytes> resources_;     // texts of groups that were accepted, likewise
  std::vector<Bytes> scopes_;
  std::vector<LeafSlot> slots_;
  uint32_t misses_ = 0;
  uint32_t pause_ = 0;
};

}  // namespace sealtrail::verify
