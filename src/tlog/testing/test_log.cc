#include "tlog/testing/test_log.h"

namespace sealtrail::tlog::testing {
namespace {

size_t Split(LeafRange range) {
  size_t split = 1;
  while (split * 2 < range.count()) split *= 2;
  return range.begin + split;
}

}  // namespace

std::string TestLogCheckpoint() {
  return "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
         "— example.com/log/testdata "
         "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/"
         "dlPWF74ewI=\n";
}

SlowTree SlowTree::TestLog() {
  SlowTree tree;
  for (std::string_view entry : kTestLog) tree.leaves_.push_back(LeafHash(AsBytes(entry)));
  return tree;
}

SlowTree SlowTree::Numbers(size_t size) {
  SlowTree tree;
  for (size_t i = 0; i < size; ++i) tree.leaves_.push_back(LeafHash(AsBytes(std::to_string(i))));
  return tree;
}

Hash SlowTree::Root(LeafRange range) const {
  if (range.count() == 0) return EmptyRoot();
  if (range.count() == 1) return leaves_[range.begin];
  const size_t split = Split(range);
  return NodeHash(Root({range.begin, split}), Root({split, range.end}));
}

Proof SlowTree::Path(size_t leaf, LeafRange range) const {
  if (range.count() == 1) return {};
  const LeafRange left{range.begin, Split(range)}, right{Split(range), range.end};
  Proof path = Path(leaf, leaf < left.end ? left : right);
  path.push_back(Root(leaf < left.end ? right : left));
  return path;
}

Proof SlowTree::Subproof(LeafRange subtree, LeafRange range, bool known) const {
  if (subtree == range) return known ? Proof{} : Proof{Root(range)};
  const LeafRange left{range.begin, Split(range)}, right{Split(range), range.end};
  Proof proof;
  if (subtree.end <= left.end) {
    proof = Subproof(subtree, left, known);
  } else if (subtree.begin >= right.begin) {
    proof = Subproof(subtree, right, known);
  } else {
    proof = Subproof({right.begin, subtree.end}, right, false);
  }
  proof.push_back(Root(subtree.end <= left.end ? right : left));
  return proof;
}

NodeReader SlowTree::Reader(size_t size) const {
  return [this, size](NodeId node) -> Result<Hash> {
    const LeafRange range{node.index << node.level, (node.index + 1) << node.level};
    if (range.end > size) return NotFound("node {}.{}", node.level, node.index);
    return Root(range);
  };
}

}  // namespace sealtrail::tlog::testing
