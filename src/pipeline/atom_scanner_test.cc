#include "pipeline/atom_scanner.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sealtrail::pipeline {
namespace {

size_t Below(std::mt19937_64& random, size_t n) {
  return random() % n;
}

// The plain search is the second witness; the portable twin is held to it, too.
TEST(AtomScannerTest, FindsWhatAPlainSearchFinds) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> atoms;
    for (size_t n = 1 + Below(random, 40); n > 0; --n) {
      std::string atom;
      for (size_t i = 3 + Below(random, 8); i > 0; --i) atom += "abcxyz_-:."[Below(random, 10)];
      if (std::ranges::find(atoms, atom) == atoms.end()) atoms.push_back(atom);
    }
    const AtomScanner fast(atoms);
    AtomScanner portable(atoms);
    portable.UsePortable();
    for (int i = 0; i < 20; ++i) {
      std::string text;
      for (size_t n = Below(random, 200); n > 0; --n)
        text += "abcxyz_-:.ABCXYZ\"\x80"[Below(random, 18)];
      if (Below(random, 2) == 0) text += atoms[Below(random, atoms.size())];
      std::string lower = text;
      for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      std::vector<bool> expected;
      for (const std::string& atom : atoms) expected.push_back(lower.find(atom) != lower.npos);
      const bool any = std::ranges::find(expected, true) != expected.end();
      for (const AtomScanner* scanner : {&fast, static_cast<const AtomScanner*>(&portable)}) {
        std::vector<bool> found;
        ASSERT_EQ(scanner->Contains(text), any) << text;
        ASSERT_EQ(scanner->Find(text, found), any);
        ASSERT_EQ(found, expected) << text;
      }
    }
  }
}

}  // namespace
}  // namespace sealtrail::pipeline
