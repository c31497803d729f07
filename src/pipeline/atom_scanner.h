// Finds which of a few short texts, the atoms, occur in a long one, in any case of letters.
//
// Every record passes here, and nearly none has an atom; so what counts is how fast nothing is found. Of each atom three
// neighbouring bytes are chosen that seldom stand together. Each of the three has a table from byte to a set of eight
// buckets; a place where the three sets have a bucket in common is looked at closely. With AVX2 32 places are looked up at
// once, byte by half byte (the idea is that of Hyperscan's "Teddy"); the portable twin takes them one by one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sealtrail::pipeline {

// Threads  Safe after construction.
class AtomScanner {
 public:
  static constexpr size_t kAtomBytesMin = 3;

  // Atoms are ASCII, of kAtomBytesMin bytes or more; their letters are lower case.
  explicit AtomScanner(std::vector<std::string> atoms);

  // Whether any atom occurs.
  bool Contains(std::string_view text) const;

  // Sets found[i] where atom i occurs; `found` holds as many as there are atoms. False if there is none.
  bool Find(std::string_view text, std::vector<bool>& found) const;

  size_t size() const { return atoms_.size(); }

  // For tests: without AVX2.
  void UsePortable() { fast_ = false; }

 private:
  static constexpr size_t kWindow = 3;
  static constexpr size_t kBuckets = 8;

  struct Place {
    uint32_t atom;
    uint32_t window;  // where the window begins in the atom
  };

  // The place in window_bits_ of three bytes, their letters in any case.
  static uint32_t WindowBit(const char* p);
  bool Verify(std::string_view text, size_t at, uint8_t buckets, std::vector<bool>* found) const;
  bool ScanPortable(std::string_view text, size_t from, std::vector<bool>* found) const;
  bool Scan(std::string_view text, std::vector<bool>* found) const;
  bool ScanAvx2(std::string_view text, std::vector<bool>* found) const;

  std::vector<std::string> atoms_;
  std::array<std::vector<Place>, kBuckets> places_;
  std::array<std::array<uint8_t, 256>, kWindow> buckets_of_{};
  std::array<std::array<uint8_t, 16>, kWindow> low_{};  // the same by half bytes: a superset
  std::array<std::array<uint8_t, 16>, kWindow> high_{};
  std::array<uint64_t, 64>
      window_bits_{};  // by WindowBit: what no window of an atom has is not looked at
  bool fast_ = false;
};

}  // namespace sealtrail::pipeline
