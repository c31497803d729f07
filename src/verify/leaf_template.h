// The fast way to say of a leaf what CheckLeaf says.
//
// Records of one kind of event differ in a few places: salt, times, ids, the values of attributes. So of a leaf that
// CheckLeaf accepted is remembered what stands between those places, letter for letter, and which kind of value stands
// at each. A leaf with the same letters and a value of the same kind at each place is a leaf too, for the grammar asks
// nothing else of a value there. Only plain values are taken this way (no escape, no letter beyond ASCII, no number near
// its limits); everything else goes to CheckLeaf, which is also the twin that the tests compare with.
//
// What is remembered is a tree: leaves that begin alike share the way so far. One list of whole leaves was tried before;
// attributes that are there or not make hundreds of forms out of a handful of events, and most were tried in vain.
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
  LeafChecker();

  // As CheckLeaf, to the letter.
  JsonFault Check(ByteView leaf, LeafFacts* facts);

 private:
  // Fixed bytes, then a value, or the end of the leaf.
  struct Node {
    uint32_t literal = 0;  // into literals_
    uint32_t length = 0;
    bool ends = false;
    LeafSlot::Type type = LeafSlot::Type::kText;  // unless it ends
    LeafKind kind = LeafKind::kSpan;              // where it ends
    std::vector<uint32_t> next;                   // what may follow, the likely ones first
  };
  static constexpr size_t kNodesMax = 8192;
  static constexpr size_t kLiteralBytesMax = 512 * 1024;
  static constexpr size_t kBranchesMax = 16;
  static constexpr size_t kGroupsMax = 16;  // of each kind
  // After so many leaves in a row that fit no form, so many are not tried.
  static constexpr uint32_t kMissesMax = 32, kPause = 512;

  bool Matches(ByteView leaf, LeafFacts* facts);
  const uint8_t* TakeGroup(std::vector<Bytes>& groups, const uint8_t* p, const uint8_t* end);
  JsonFault CheckAndLearn(ByteView leaf, LeafFacts* facts);
  void Learn(ByteView leaf, const LeafFacts& facts);
  // The node behind `parent` that is like `node` with these fixed bytes; 0 if there is no room for one.
  uint32_t Follow(uint32_t parent, ByteView literal, Node node);
  void LearnGroup(std::vector<Bytes>& groups, ByteView text);

  std::vector<Node> nodes_;       // the first is where every leaf begins
  Bytes literals_;                // with room behind them
  std::vector<Bytes> resources_;  // texts of groups that were accepted, the last used ones first
  std::vector<Bytes> scopes_;
  std::vector<LeafSlot> slots_;
  uint32_t misses_ = 0;
  uint32_t pause_ = 0;
};

}  // namespace sealtrail::verify
