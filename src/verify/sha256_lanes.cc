#include "verify/sha256_lanes.h"

#include <cstring>

#include "base/endian.h"
#include "base/limits.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace sealtrail::verify {
namespace {

constexpr size_t kBlockBytes = 64;
// Tag, message, 0x80, length: of the longest message that takes the fast way.
constexpr size_t kMessageBytesMax = kLeafBytesMax;
constexpr size_t kPaddedBytesMax =
    (1 + kMessageBytesMax + 9 + kBlockBytes - 1) / kBlockBytes * kBlockBytes;

using State = std::array<uint32_t, 8>;
constexpr State kStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

void TakeOut(const State& state, crypto::Hash* out) {
  for (size_t i = 0; i < state.size(); ++i) PutBig32(out->data() + 4 * i, state[i]);
}

void HashPairPortable(const TaggedPair& pair) {
  std::array<uint8_t, 65> bytes;
  bytes[0] = pair.tag;
  std::memcpy(bytes.data() + 1, pair.first->data(), 32);
  std::memcpy(bytes.data() + 33, pair.second->data(), 32);
  *pair.out = crypto::Sha256(bytes);
}

void HashTaggedPortable(uint8_t tag, std::span<const ByteView> messages, crypto::Hash* out) {
  for (const ByteView message : messages) *out++ = crypto::Sha256({ByteView(&tag, 1), message});
}

#if defined(__x86_64__)

alignas(16) constexpr std::array<uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define SEAL_SHA_TARGET __attribute__((target("sha,sse4.1")))

// The registers of one lane: the instructions want the state as (a b e f) and (c d g h).
struct Lane {
  __m128i abef, cdgh;
  __m128i w[4];
};

SEAL_SHA_TARGET inline void Load(const State& state, Lane& lane) {
  const __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data()));
  const __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data() + 4));
  const __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
  lane.abef = _mm_alignr_epi8(badc, hgfe, 8);
  lane.cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

SEAL_SHA_TARGET inline void Store(const Lane& lane, State& state) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Four rounds of FIPS 180-4 §6.2.2; group g of 16.
template <int g>
SEAL_SHA_TARGET inline __attribute__((always_inline)) void FourRounds(Lane& lane,
                                                                      const uint8_t* block) {
  if constexpr (g < 4) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    lane.w[g] =
        _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + g), swap);
  } else {
    const __m128i w7 = _mm_alignr_epi8(lane.w[(g + 3) % 4], lane.w[(g + 2) % 4], 4);
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(lane.w[g % 4], lane.w[(g + 1) % 4]), w7);
    lane.w[g % 4] = _mm_sha256msg2_epu32(sum, lane.w[(g + 3) % 4]);
  }
  const __m128i wk = _mm_add_epi32(
      lane.w[g % 4], _mm_load_si128(reinterpret_cast<const __m128i*>(kRound.data()) + g));
  lane.cdgh = _mm_sha256rnds2_epu32(lane.cdgh, lane.abef, wk);
  lane.abef = _mm_sha256rnds2_epu32(lane.abef, lane.cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

template <int... g>
SEAL_SHA_TARGET inline __attribute__((always_inline)) void AllRounds(
    std::integer_sequence<int, g...>, Lane& lane, const uint8_t* block) {
  (FourRounds<g>(lane, block), ...);
}
template <int... g>
SEAL_SHA_TARGET inline __attribute__((always_inline)) void AllRoundsOfTwo(
    std::integer_sequence<int, g...>, Lane& a, const uint8_t* block_a, Lane& b,
    const uint8_t* block_b) {
  ((FourRounds<g>(a, block_a), FourRounds<g>(b, block_b)), ...);
}
using Groups = std::make_integer_sequence<int, 16>;

SEAL_SHA_TARGET inline void AddSaved(Lane& lane, __m128i abef, __m128i cdgh) {
  lane.abef = _mm_add_epi32(lane.abef, abef);
  lane.cdgh = _mm_add_epi32(lane.cdgh, cdgh);
}

SEAL_SHA_TARGET void CompressOne(State& state, const uint8_t* blocks, size_t count) {
  Lane lane;
  Load(state, lane);
  for (; count > 0; --count, blocks += kBlockBytes) {
    const __m128i abef = lane.abef, cdgh = lane.cdgh;
    AllRounds(Groups(), lane, blocks);
    AddSaved(lane, abef, cdgh);
  }
  Store(lane, state);
}

SEAL_SHA_TARGET void CompressTwo(State& state_a, const uint8_t* a, State& state_b, const uint8_t* b,
                                 size_t count) {
  Lane x, y;
  Load(state_a, x);
  Load(state_b, y);
  for (; count > 0; --count, a += kBlockBytes, b += kBlockBytes) {
    const __m128i x1 = x.abef, x2 = x.cdgh, y1 = y.abef, y2 = y.cdgh;
    AllRoundsOfTwo(Groups(), x, a, y, b);
    AddSaved(x, x1, x2);
    AddSaved(y, y1, y2);
  }
  Store(x, state_a);
  Store(y, state_b);
}

// tag ‖ first ‖ second with its padding: two blocks.
void LayOut(const TaggedPair& pair, uint8_t* out) {
  out[0] = pair.tag;
  std::memcpy(out + 1, pair.first->data(), 32);
  std::memcpy(out + 33, pair.second->data(), 32);
  std::memset(out + 65, 0, 2 * kBlockBytes - 65);
  out[65] = 0x80;
  PutBig16(out + 126, 65 * 8);
}

void HashPairFast(const TaggedPair& pair) {
  alignas(16) uint8_t bytes[2 * kBlockBytes];
  LayOut(pair, bytes);
  State state = kStart;
  CompressOne(state, bytes, 2);
  TakeOut(state, pair.out);
}

void HashPairsFast(const TaggedPair& a, const TaggedPair& b) {
  alignas(16) uint8_t bytes[4 * kBlockBytes];
  LayOut(a, bytes);
  LayOut(b, bytes + 2 * kBlockBytes);
  State state_a = kStart, state_b = kStart;
  CompressTwo(state_a, bytes, state_b, bytes + 2 * kBlockBytes, 2);
  TakeOut(state_a, a.out);
  TakeOut(state_b, b.out);
}

// A message on its way: blocks that are still to be taken in.
struct Job {
  State state;
  const uint8_t* blocks = nullptr;
  size_t count = 0;
  crypto::Hash* out = nullptr;
};

void Begin(uint8_t tag, ByteView message, uint8_t* room, crypto::Hash* out, Job& job) {
  room[0] = tag;
  if (!message.empty()) std::memcpy(room + 1, message.data(), message.size());
  const size_t bytes = 1 + message.size();
  const size_t count = (bytes + 9 + kBlockBytes - 1) / kBlockBytes;
  std::memset(room + bytes, 0, count * kBlockBytes - bytes);
  room[bytes] = 0x80;
  PutBig64(room + count * kBlockBytes - 8, uint64_t{bytes} * 8);
  job = {.state = kStart, .blocks = room, .count = count, .out = out};
}

void HashTaggedFast(uint8_t tag, std::span<const ByteView> messages, crypto::Hash* out) {
  alignas(64) static thread_local uint8_t rooms[2][kPaddedBytesMax];
  Job jobs[2];
  size_t next = 0;
  const auto refill = [&](size_t lane) {
    if (jobs[lane].out != nullptr) TakeOut(jobs[lane].state, jobs[lane].out);
    jobs[lane].out = nullptr;
    if (next == messages.size()) return false;
    Begin(tag, messages[next], rooms[lane], out + next, jobs[lane]);
    ++next;
    return true;
  };
  bool has[2] = {refill(0), refill(1)};
  while (has[0] && has[1]) {
    const size_t count = std::min(jobs[0].count, jobs[1].count);
    CompressTwo(jobs[0].state, jobs[0].blocks, jobs[1].state, jobs[1].blocks, count);
    for (size_t lane = 0; lane < 2; ++lane) {
      jobs[lane].blocks += count * kBlockBytes;
      jobs[lane].count -= count;
      if (jobs[lane].count == 0) has[lane] = refill(lane);
    }
  }
  for (size_t lane = 0; lane < 2; ++lane) {
    if (!has[lane]) continue;
    CompressOne(jobs[lane].state, jobs[lane].blocks, jobs[lane].count);
    TakeOut(jobs[lane].state, jobs[lane].out);
  }
}

bool HasShaExtensions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

#endif

bool Fast() {
  static const bool supported = internal::LanesSupported();
  return supported && internal::lanes_enabled;
}

bool Short(std::span<const ByteView> messages) {
  for (const ByteView message : messages) {
    if (message.size() > kMessageBytesMax) return false;
  }
  return true;
}

}  // namespace

bool internal::lanes_enabled = true;

bool internal::LanesSupported() {
#if defined(__x86_64__)
  return HasShaExtensions();
#else
  return false;
#endif
}

void HashTagged(uint8_t tag, std::span<const ByteView> messages, crypto::Hash* out) {
#if defined(__x86_64__)
  if (Fast() && Short(messages)) return HashTaggedFast(tag, messages, out);
#endif
  HashTaggedPortable(tag, messages, out);
}

void HashPairs(const TaggedPair& a, const TaggedPair& b) {
#if defined(__x86_64__)
  if (Fast()) return HashPairsFast(a, b);
#endif
  HashPairPortable(a);
  HashPairPortable(b);
}

void HashPair(const TaggedPair& pair) {
#if defined(__x86_64__)
  if (Fast()) return HashPairFast(pair);
#endif
  HashPairPortable(pair);
}

}  // namespace sealtrail::verify
