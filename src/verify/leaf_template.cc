#include "verify/leaf_template.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

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

}  // namespace

JsonFault LeafChecker::Check(ByteView leaf, LeafFacts* facts) {
  if (pause_ > 0) {
    --pause_;
    return CheckLeaf(leaf, facts);
  }
  for (size_t i = 0; i < templates_.size(); ++i) {
    if (!Matches(templates_[i], leaf, facts)) continue;
    if (i > 0)
      std::rotate(templates_.begin(), templates_.begin() + static_cast<ptrdiff_t>(i),
                  templates_.begin() + static_cast<ptrdiff_t>(i) + 1);
    misses_ = 0;
    return {};
  }
  if (++misses_ >= kMissesMax) {
    misses_ = 0;
    pause_ = kPause;
  }
  return CheckAndLearn(leaf, facts);
}

bool LeafChecker::Matches(const Template& form, ByteView leaf, LeafFacts* facts) {
  const uint8_t* p = leaf.data();
  const uint8_t* const end = p + leaf.size();
  const uint8_t* literal = form.literals.data();
  uint64_t time = 0, observed_time = 0, number = 0;
  int64_t received_at = 0, signed_number = 0;
  for (const Slot& slot : form.slots) {
    if (!SameBytes(p, literal, slot.literal, end)) return false;
    p += slot.literal;
    literal += slot.literal;
    const uint8_t* const start = p;
    switch (slot.type) {
      case Type::kText:
        p = internal::SkipPlain(p, end);
        if (p == start) return false;
        break;
      case Type::kAnyText:
        p = internal::SkipPlain(p, end);
        break;
      case Type::kTime:
        p = TakeDigits(p, end, 19, &number);
        break;
      case Type::kContentTime:
        p = TakeDigits(p, end, 19, &time);
        break;
      case Type::kObservedTime:
        p = TakeDigits(p, end, 19, &observed_time);
        break;
      case Type::kReceivedAt:
        p = TakeSigned(p, end, 19, &received_at);
        break;
      case Type::kInteger:
        p = TakeSigned(p, end, 19, &signed_number);
        break;
      case Type::kCount:
        p = TakeDigits(p, end, 9, &number);
        break;
      case Type::kInt32:
        p = TakeSigned(p, end, 9, &signed_number);
        break;
      case Type::kSpanId:
        p = TakeHex(p, end, 16);
        break;
      case Type::kTraceId:
        p = TakeHex(p, end, 32);
        break;
      case Type::kSalt:
        p = TakeSalt(p, end);
        break;
      case Type::kResource:
        p = TakeGroup(resources_, p, end);
        break;
      case Type::kScope:
        p = TakeGroup(scopes_, p, end);
        break;
    }
    if (p == nullptr) return false;
  }
  if (static_cast<size_t>(end - p) != form.tail || !SameBytes(p, literal, form.tail, end))
    return false;
  facts->kind = form.kind;
  facts->received_at = received_at;
  facts->content_time = ContentTime(time, observed_time);
  facts->content_beside = false;
  facts->beside_count = 0;
  return true;
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
  Template form;
  form.kind = facts.kind;
  size_t at = 0;
  for (const LeafSlot& slot : slots_) {
    const ByteView literal = leaf.subspan(at, slot.offset - at);
    AppendTo(form.literals, literal);
    form.slots.push_back({.literal = static_cast<uint32_t>(literal.size()), .type = slot.type});
    at = slot.offset + slot.length;
    if (slot.type == Type::kResource)
      LearnGroup(resources_, leaf.subspan(slot.offset, slot.length));
    if (slot.type == Type::kScope) LearnGroup(scopes_, leaf.subspan(slot.offset, slot.length));
  }
  const ByteView tail = leaf.subspan(at);
  AppendTo(form.literals, tail);
  form.tail = static_cast<uint32_t>(tail.size());
  form.literals.resize(form.literals.size() + kRoomBytes);
  const auto same = [&](const Template& other) {
    return other.kind == form.kind && other.literals == form.literals &&
           other.slots.size() == form.slots.size();
  };
  if (std::any_of(templates_.begin(), templates_.end(), same))
    return;  // it was a value that did not fit
  if (templates_.size() == kTemplatesMax) templates_.pop_back();
  templates_.insert(templates_.begin(), std::move(form));
}

void LeafChecker::LearnGroup(std::vector<Bytes>& groups, ByteView text) {
  Bytes group(text.begin(), text.end());
  group.resize(text.size() + kRoomBytes);
  if (std::find(groups.begin(), groups.end(), group) != groups.end()) return;
  if (groups.size() == kGroupsMax) groups.pop_back();
  groups.insert(groups.begin(), std::move(group));
}

}  // namespace sealtrail::verify
