#include "pipeline/atom_scanner.h"

#include <algorithm>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#define SEAL_AVX2_TARGET __attribute__((target("avx2")))
#endif

#include "base/check.h"

namespace sealtrail::pipeline {
namespace {

uint8_t Lower(char c) {
  return static_cast<uint8_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// How often a byte stands in the JSON of a record, roughly: keys of attributes, words, hexadecimal digits.
int Frequency(char c) {
  constexpr std::string_view kByFrequency = "e.\"atirsnuodcl,:0123456789fbmp_-[]gvhy{}kwxzjq";
  const size_t rank = kByFrequency.find(c);
  return rank == std::string_view::npos ? 1 : static_cast<int>(kByFrequency.size() - rank);
}

// The start of the three bytes of `atom` that are rarest together.
size_t RarestWindow(std::string_view atom, size_t window) {
  size_t best = 0;
  int best_score = INT32_MAX;
  for (size_t at = 0; at + window <= atom.size(); ++at) {
    int score = 1;
    for (size_t i = 0; i < window; ++i) score *= Frequency(atom[at + i]);
    if (score < best_score) {
      best = at;
      best_score = score;
    }
  }
  return best;
}

}  // namespace

// 0x20 makes letters lower case and tells no other bytes of atoms apart that it should: what it lets through is compared.
uint32_t AtomScanner::WindowBit(const char* p) {
  const auto byte = [p](size_t i) { return uint32_t{static_cast<uint8_t>(p[i])} | 0x20u; };
  return (((byte(0) << 16 | byte(1) << 8 | byte(2)) * 0x9E3779B1u) >> 20);
}

AtomScanner::AtomScanner(std::vector<std::string> atoms) : atoms_(std::move(atoms)) {
  std::vector<std::pair<std::string, Place>> windows;
  for (size_t i = 0; i < atoms_.size(); ++i) {
    SEAL_CHECK(atoms_[i].size() >= kAtomBytesMin);
    const size_t at = RarestWindow(atoms_[i], kWindow);
    windows.push_back(
        {atoms_[i].substr(at, kWindow), {static_cast<uint32_t>(i), static_cast<uint32_t>(at)}});
  }
  // Neighbours in this order share bytes, so a bucket of neighbours lets fewest others through.
  std::ranges::sort(windows, {}, [](const auto& window) { return window.first; });
  for (size_t i = 0; i < windows.size(); ++i) {
    const size_t bucket = i * kBuckets / windows.size();
    const auto bit = static_cast<uint8_t>(1u << bucket);
    const uint32_t window_bit = WindowBit(windows[i].first.data());
    window_bits_[window_bit / 64] |= uint64_t{1} << window_bit % 64;
    places_[bucket].push_back(windows[i].second);
    for (size_t w = 0; w < kWindow; ++w) {
      for (int c = 0; c < 256; ++c) {
        if (Lower(static_cast<char>(c)) != static_cast<uint8_t>(windows[i].first[w])) continue;
        buckets_of_[w][static_cast<size_t>(c)] |= bit;
        low_[w][static_cast<size_t>(c & 15)] |= bit;
        high_[w][static_cast<size_t>(c >> 4)] |= bit;
      }
    }
  }
#if defined(__x86_64__)
  fast_ = __builtin_cpu_supports("avx2");
#endif
}

bool AtomScanner::Contains(std::string_view text) const {
  return Scan(text, nullptr);
}

bool AtomScanner::Find(std::string_view text, std::vector<bool>& found) const {
  found.assign(atoms_.size(), false);
  return Scan(text, &found);
}

// Whether an atom of one of `buckets` stands where its window is at `at`. Without `found` one is enough.
bool AtomScanner::Verify(std::string_view text, size_t at, uint8_t buckets,
                         std::vector<bool>* found) const {
  const uint32_t bit = WindowBit(text.data() + at);
  if ((window_bits_[bit / 64] >> bit % 64 & 1) == 0) return false;
  bool any = false;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    if ((buckets >> bucket & 1) == 0) continue;
    for (const Place& place : places_[bucket]) {
      const std::string& atom = atoms_[place.atom];
      if (at < place.window || text.size() - (at - place.window) < atom.size()) continue;
      const char* const start = text.data() + at - place.window;
      if (!std::equal(atom.begin(), atom.end(), start,
                      [](char a, char b) { return static_cast<uint8_t>(a) == Lower(b); }))
        continue;
      if (found == nullptr) return true;
      (*found)[place.atom] = true;
      any = true;
    }
  }
  return any;
}

bool AtomScanner::ScanPortable(std::string_view text, size_t from, std::vector<bool>* found) const {
  bool any = false;
  const auto* const p = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t i = from; i + kWindow <= text.size(); ++i) {
    const auto buckets = static_cast<uint8_t>(buckets_of_[0][p[i]] & buckets_of_[1][p[i + 1]] &
                                              buckets_of_[2][p[i + 2]]);
    if (buckets == 0 || !Verify(text, i, buckets, found)) continue;
    if (found == nullptr) return true;
    any = true;
  }
  return any;
}

bool AtomScanner::Scan(std::string_view text, std::vector<bool>* found) const {
  if (atoms_.empty()) return false;
#if defined(__x86_64__)
  if (fast_ && text.size() >= 32 + kWindow - 1) return ScanAvx2(text, found);
#endif
  return ScanPortable(text, 0, found);
}

#if defined(__x86_64__)
namespace {

SEAL_AVX2_TARGET inline __m256i Table(const std::array<uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

// The buckets that each of the 32 bytes at `p` may belong to.
SEAL_AVX2_TARGET inline __m256i BucketsAt(const char* p, __m256i low, __m256i high) {
  const __m256i nibbles = _mm256_set1_epi8(15);
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i low_half = _mm256_and_si256(bytes, nibbles);
  const __m256i high_half = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibbles);
  return _mm256_and_si256(_mm256_shuffle_epi8(low, low_half), _mm256_shuffle_epi8(high, high_half));
}

}  // namespace

// The last step may begin before the end of the one before it: a place is then looked at twice.
SEAL_AVX2_TARGET bool AtomScanner::ScanAvx2(std::string_view text, std::vector<bool>* found) const {
  const __m256i low0 = Table(low_[0]), low1 = Table(low_[1]), low2 = Table(low_[2]);
  const __m256i high0 = Table(high_[0]), high1 = Table(high_[1]), high2 = Table(high_[2]);
  const size_t last = text.size() - 32 - (kWindow - 1);
  bool any = false;
  for (size_t i = 0;; i = std::min(i + 32, last)) {
    const char* const p = text.data() + i;
    const __m256i hits =
        _mm256_and_si256(_mm256_and_si256(BucketsAt(p, low0, high0), BucketsAt(p + 1, low1, high1)),
                         BucketsAt(p + 2, low2, high2));
    if (!_mm256_testz_si256(hits, hits)) {
      alignas(32) std::array<uint8_t, 32> buckets;
      _mm256_store_si256(reinterpret_cast<__m256i*>(buckets.data()), hits);
      auto places = ~static_cast<uint32_t>(
          _mm256_movemask_epi8(_mm256_cmpeq_epi8(hits, _mm256_setzero_si256())));
      for (; places != 0; places &= places - 1) {
        const auto at = static_cast<size_t>(__builtin_ctz(places));
        if (!Verify(text, i + at, buckets[at], found)) continue;
        if (found == nullptr) return true;
        any = true;
      }
    }
    if (i == last) return any;
  }
}
#else
bool AtomScanner::ScanAvx2(std::string_view text, std::vector<bool>* found) const {
  return ScanPortable(text, 0, found);
}
#endif

}  // namespace sealtrail::pipeline
