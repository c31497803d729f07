// Numbers that must not be mixed up have types of their own.
#pragma once

#include <compare>
#include <cstdint>

namespace sealtrail {

// A record's number, from 0: its position in the ledger.
enum class Seq : uint64_t {};
constexpr uint64_t Value(Seq seq) {
  return static_cast<uint64_t>(seq);
}
constexpr Seq operator+(Seq seq, uint64_t n) {
  return Seq{Value(seq) + n};
}
constexpr auto operator<=>(Seq a, Seq b) {
  return Value(a) <=> Value(b);
}

// A count of records: the size of a tree that holds numbers 0 to size - 1.
enum class TreeSize : uint64_t {};
constexpr uint64_t Value(TreeSize size) {
  return static_cast<uint64_t>(size);
}
constexpr auto operator<=>(TreeSize a, TreeSize b) {
  return Value(a) <=> Value(b);
}

// Wall time in nanoseconds since 1970 UTC, for people. May step back.
enum class UnixNanos : int64_t {};
constexpr int64_t Value(UnixNanos t) {
  return static_cast<int64_t>(t);
}

// Monotonic time in nanoseconds since some start, for intervals. Never converts to wall time.
enum class MonotonicNanos : int64_t {};
constexpr int64_t Value(MonotonicNanos t) {
  return static_cast<int64_t>(t);
}
constexpr MonotonicNanos operator+(MonotonicNanos t, int64_t nanos) {
  return MonotonicNanos{Value(t) + nanos};
}
constexpr int64_t operator-(MonotonicNanos a, MonotonicNanos b) {
  return Value(a) - Value(b);
}

constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

}  // namespace sealtrail
