#include "verify/leaf_template.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "verify/json_scanner.h"

namespace sealtrail::verify {
namespace {

using Type = LeafSlot::Type;

constexpr size_t kTemplateBytesMax =
    8192;  // a longer leaf is rare, and hashing it costs more than this saves
constexpr size_t kSlotsMax = 256;
constexpr size_t kRoomBytes = 16;

// Both have 16 bytes behind what is compared, or `length` is compared as it is.
inline bool SameBytes(const uint8_t* p, const uint8_t* literal, size_t length, const uint8_t* end) {
#if defined(__SSE2__)
  if (static_cast<size_t>(end - p) >= length + 16) {
    const auto differ = [&](size_t at) {
      const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + at));
      const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(literal + at));
      return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))) ^ 0xffff;
    };
    size_t at = 0;
    for (; at + 16 < length; at += 16) {
      if (differ(at) != 0) return false;
    }
    const auto wanted = static_cast<uint32_t>((uint64_t{1} << (length - at)) - 1);
    return (differ(at) & wanted) == 0;
  }
#endif
  return static_cast<size_t>(end - p) >= length && std::memcmp(p, literal, length) == 0;
}

// Digits without a leading zero, at most `most` of them. Null if there are none or more.
inline const uint8_t* TakeDigits(const uint8_t* p, const uint8_t* end, int most, uint64_t* value) {
  if (p == end || *p < '1' || *p > '9') return nullptr;
  const uint8_t* const start = p;
  uint64_t v = 0;
  for (uint64_t eight; end - p >= 8 && p - start < 16 && internal::TakeEightDigits(p, &eight);) {
    v = v * 100'000'000 + eight;
    p += 8;
  }
  for (; p != end && *p >= '0' && *p <= '9' && p - start < 20; ++p) v = v * 10 + (*p - '0');
  *value = v;
  return p - start <= most ? p : nullptr;
}

// A signed number that is not zero, of at most `most` digits.
inline const uint8_t* TakeSigned(const uint8_t* p, const uint8_t* end, int most, int64_t* value) {
  const bool negative = p != end && *p == '-';
  uint64_t v = 0;
  p = TakeDigits(p + (negative ? 1 : 0), end, most, &v);
  if (v > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return nullptr;
  *value = negative ? -static_cast<int64_t>(v) : static_cast<int64_t>(v);
  return p;
}

inline const uint8_t* TakeHex(const uint8_t* p, const uint8_t* end, int digits) {
  if (end - p < digits) return nullptr;
  for (int i = 0; i < digits; i += 16) {
    if (!internal::IsHex16(p + i)) return nullptr;
  }
  return p + digits;
}

// 16 bytes in base64: 21 digits, one more with four unused bits, and the padding, which is fixed.
inline const uint8_t* TakeSalt(const uint8_t* p, const uint8_t* end) {
  if (end - p < 22) return nullptr;
  for (int i = 0; i < 22; ++i) {
    if (!(internal::kCharClass[p[i]] & internal::kBase64Char)) return nullptr;
  }
  return (internal::kBase64Value[p[21]] & 0x0f) == 0 ? p + 22 : nullptr;
}

// A number that is in the one form that RFC 8785 has for it, by rules that hold for up to 15 digits: so few are what any
// double of that value is written with, and between 1e-6 and 1e21 they are written without an exponent.
inline const uint8_t* TakePlainDouble(const uint8_t* p, const uint8_t* end) {
  const auto digits = [&] {
    const uint8_t* const start = p;
    while (p != end && *p >= '0' && *p <= '9') ++p;
    return p - start;
  };
  if (p != end && *p == '-') ++p;
  const uint8_t* const start = p;
  const auto whole = digits();
  if (whole == 0 || whole > 15 || (*start == '0' && whole > 1)) return nullptr;
  if (p == end || *p != '.') return *start != '0' ? p : nullptr;
  ++p;
  const uint8_t* const point = p;
  const auto behind = digits();
  if (behind == 0 || p[-1] == '0' || whole + behind > 15) return nullptr;
  // Below 1e-6 the form has an exponent.
  if (*start == '0' &&
      std::all_of(point, std::min(point + 6, p), [](uint8_t c) { return c == '0'; }))
    return nullptr;
  return p;
}

struct Times {
  uint64_t content = 0;
  uint64_t observed = 0;
  int64_t received_at = 0;
};

// Null if no plain value of that type stands there. `times` keeps those of a leaf.
inline const uint8_t* TakeValue(Type type, const uint8_t* p, const uint8_t* end, Times* times) {
  uint64_t number = 0;
  int64_t signed_number = 0;
  const uint8_t* after = nullptr;
  switch (type) {
    case Type::kText:
      after = internal::SkipPlain(p, end);
      return after == p ? nullptr : after;
    case Type::kAnyText:
      return internal::SkipPlain(p, end);
    case Type::kTime:
      return TakeDigits(p, end, 19, &number);
    case Type::kContentTime:
      after = TakeDigits(p, end, 19, &number);
      if (after != nullptr) times->content = number;
      return after;
    case Type::kObservedTime:
      after = TakeDigits(p, end, 19, &number);
      if (after != nullptr) times->observed = number;
      return after;
    case Type::kReceivedAt:
      after = TakeSigned(p, end, 19, &signed_number);
      if (after != nullptr) times->received_at = signed_number;
      return after;
    case Type::kInteger:
      return TakeSigned(p, end, 19, &signed_number);
    case Type::kCount:
      return TakeDigits(p, end, 9, &number);
    case Type::kInt32:
      return TakeSigned(p, end, 9, &signed_number);
    case Type::kDouble:
      return TakePlainDouble(p, end);
    case Type::kSpanId:
      return TakeHex(p, end, 16);
    case Type::kTraceId:
      return TakeHex(p, end, 32);
    case Type::kSalt:
      return TakeSalt(p, end);
    case Type::kResource:
    case Type::kScope:
      break;  // groups
  }
  SEAL_UNREACHABLE();
}

}  // namespace

LeafChecker::LeafChecker() : nodes_(1), literals_(kRoomBytes) {}

JsonFault LeafChecker::Check(ByteView leaf, LeafFacts* facts) {
  if (pause_ > 0) {
    --pause_;
    return CheckLeaf(leaf, facts);
  }
  if (Matches(leaf, facts)) {
    misses_ = 0;
    return {};
  }
  if (++misses_ >= kMissesMax) {
    misses_ = 0;
    pause_ = kPause;
  }
  return CheckAndLearn(leaf, facts);
}

// Takes the first way that fits at each fork and never turns back: a leaf that would have fitted another one goes to
// CheckLeaf.
bool LeafChecker::Matches(ByteView leaf, LeafFacts* facts) {
  const uint8_t* p = leaf.data();
  const uint8_t* const end = p + leaf.size();
  Times times;
  for (Node* node = &nodes_[0];;) {
    const uint8_t* after = nullptr;
    for (size_t i = 0; i < node->next.size(); ++i) {
      Node& next = nodes_[node->next[i]];
      if (!SameBytes(p, literals_.data() + next.literal, next.length, end)) continue;
      after = p + next.length;
      if (next.ends) {
        if (after != end) continue;
        facts->kind = next.kind;
        facts->received_at = times.received_at;
        facts->content_time = ContentTime(times.content, times.observed);
        facts->content_beside = false;
        facts->beside_count = 0;
        return true;
      }
      after = next.type == Type::kResource ? TakeGroup(resources_, after, end)
              : next.type == Type::kScope  ? TakeGroup(scopes_, after, end)
                                           : TakeValue(next.type, after, end, &times);
      if (after == nullptr) continue;
      if (i > 0) std::swap(node->next[i], node->next[i - 1]);
      node = &next;
      break;
    }
    if (after == nullptr) return false;
    p = after;
  }
}

// A group ends where its brackets close, so one that begins with another is that other.
const uint8_t* LeafChecker::TakeGroup(std::vector<Bytes>& groups, const uint8_t* p,
                                      const uint8_t* end) {
  for (size_t i = 0; i < groups.size(); ++i) {
    const size_t length = groups[i].size() - kRoomBytes;
    if (!SameBytes(p, groups[i].data(), length, end)) continue;
    if (i > 0) std::swap(groups[i], groups[i - 1]);
    return p + length;
  }
  return nullptr;
}

JsonFault LeafChecker::CheckAndLearn(ByteView leaf, LeafFacts* facts) {
  slots_.clear();
  const JsonFault fault = CheckLeaf(leaf, facts, &slots_);
  if (fault.what == nullptr) Learn(leaf, *facts);
  return fault;
}

void LeafChecker::Learn(ByteView leaf, const LeafFacts& facts) {
  if (facts.beside_count > 0 || leaf.size() > kTemplateBytesMax || slots_.size() > kSlotsMax)
    return;
  size_t at = 0;
  uint32_t node = 0;
  for (const LeafSlot& slot : slots_) {
    node = Follow(node, leaf.subspan(at, slot.offset - at), {.type = slot.type});
    if (node == 0) return;
    at = slot.offset + slot.length;
    if (slot.type == Type::kResource)
      LearnGroup(resources_, leaf.subspan(slot.offset, slot.length));
    if (slot.type == Type::kScope) LearnGroup(scopes_, leaf.subspan(slot.offset, slot.length));
  }
  Follow(node, leaf.subspan(at), {.ends = true, .kind = facts.kind});
}

uint32_t LeafChecker::Follow(uint32_t parent, ByteView literal, Node node) {
  for (const uint32_t next : nodes_[parent].next) {
    const Node& known = nodes_[next];
    const ByteView its = ByteView(literals_).subspan(known.literal, known.length);
    if (known.ends == node.ends && known.type == node.type && std::ranges::equal(its, literal))
      return next;
  }
  if (nodes_.size() == kNodesMax || nodes_[parent].next.size() == kBranchesMax ||
      literals_.size() + literal.size() > kLiteralBytesMax) {
    return 0;
  }
  node.literal = static_cast<uint32_t>(literals_.size() - kRoomBytes);
  node.length = static_cast<uint32_t>(literal.size());
  literals_.insert(literals_.end() - kRoomBytes, literal.begin(), literal.end());
  nodes_.push_back(std::move(node));
  const auto added = static_cast<uint32_t>(nodes_.size() - 1);
  nodes_[parent].next.push_back(added);
  return added;
}

void LeafChecker::LearnGroup(std::vector<Bytes>& groups, ByteView text) {
  Bytes group(text.begin(), text.end());
  group.resize(text.size() + kRoomBytes);
  if (std::find(groups.begin(), groups.end(), group) != groups.end()) return;
  if (groups.size() == kGroupsMax) groups.pop_back();
  groups.insert(groups.begin(), std::move(group));
}

}  // namespace sealtrail::verify
