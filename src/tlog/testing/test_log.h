// The public test log of transparency-dev/tessera (testdata/log/), and a tree kept whole in memory,
// with the recursion that RFC 6962 prints: the slow twin of everything that tlog does cleverly.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tlog/hashes.h"
#include "tlog/proof.h"

namespace sealtrail::tlog::testing {

constexpr std::array<std::string_view, 15> kTestLog = {
    "one",  "two", "three",  "four",  "five",     "six",     "seven", "eit",
    "nain", "ten", "ileven", "twelf", "threeten", "fourten", "fivten"};
constexpr std::string_view kTestLogOrigin = "example.com/log/testdata";
constexpr std::string_view kTestLogSigner =
    "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg";
constexpr std::string_view kTestLogVkey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
constexpr std::string_view kTestLogRoot15 = "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=";

// The checkpoint of all 15 leaves, as published.
std::string TestLogCheckpoint();

// Leaf hashes, from which all else is computed anew at every call.
class SlowTree {
 public:
  // The test log.
  static SlowTree TestLog();
  // `size` leaves, each the decimal text of its number.
  static SlowTree Numbers(size_t size);

  const std::vector<Hash>& leaves() const { return leaves_; }

  // MTH(D[range]).
  Hash Root(LeafRange range) const;
  Hash Root(size_t size) const { return Root({0, size}); }

  // PATH(leaf, D[range]) and SUBPROOF(subtree, D[range], true), as printed.
  Proof Path(size_t leaf, LeafRange range) const;
  Proof Subproof(LeafRange subtree, LeafRange range, bool known = true) const;

  // Reads perfect subtrees of the first `size` leaves; NotFound for one that reaches beyond. Borrows
  // this.
  NodeReader Reader(size_t size) const;

 private:
  std::vector<Hash> leaves_;
};

}  // namespace sealtrail::tlog::testing
