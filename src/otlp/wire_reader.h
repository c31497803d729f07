// Protobuf's wire format, one field at a time: what every decoder of a message stands on.
// https://protobuf.dev/programming-guides/encoding. Accepts what the official parsers accept:
// varints of up to ten bytes, tags of up to five (not only the shortest form), groups, any order.
// Varints are protozero's.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <protozero/varint.hpp>

#include "base/bytes.h"
#include "base/limits.h"

namespace sealtrail::otlp {

// A tag: a field's number and its wire type. A `switch` over these treats a known number with a
// foreign wire type as an unknown field, as protobuf demands.
constexpr uint32_t Varint(uint32_t number) {
  return number << 3 | 0;
}
constexpr uint32_t Fixed64(uint32_t number) {
  return number << 3 | 1;
}
constexpr uint32_t Length(uint32_t number) {
  return number << 3 | 2;
}
constexpr uint32_t Fixed32(uint32_t number) {
  return number << 3 | 5;
}

// Walks the fields of one message. Never reads outside it, copies nothing, needs a constant amount
// of stack.
//
//   FieldReader in(message);
//   while (in.Next()) { switch (in.tag()) { ... } }
//   if (in.error() != nullptr) ...  // malformed at in.position()
class FieldReader {
 public:
  explicit FieldReader(ByteView message)
      : next_(message.data()), end_(message.data() + message.size()) {}

  // Moves to the next field and reads it whole. False at the end, and at bytes that are no field.
  bool Next() {
    if (next_ == end_) return false;
    begin_ = next_;
    return ReadTag() && ReadValue();
  }

  uint32_t tag() const { return tag_; }
  uint64_t number() const { return number_; }                     // varint and fixed
  double real() const { return std::bit_cast<double>(number_); }  // fixed64 as a double
  ByteView bytes() const {
    return {value_, static_cast<size_t>(next_ - value_)};
  }  // length-delimited
  std::string_view text() const { return AsText(bytes()); }
  ByteView raw() const { return {begin_, static_cast<size_t>(next_ - begin_)}; }  // tag included

  // What is wrong, or null; and where.
  const char* error() const { return error_; }
  const uint8_t* position() const { return begin_; }

  // How many fields with this tag follow without another between them: what to make room for.
  size_t RunAhead() const {
    if (tag_ >= 0x80) return 0;  // a tag of several bytes: none that matters
    size_t run = 0;
    for (const uint8_t* at = next_; at != end_ && *at == tag_; ++run) {
      ++at;
      size_t length = 0;
      int shift = 0;
      for (; at != end_ && shift < 28 && *at >= 0x80; shift += 7) {
        length |= static_cast<size_t>(*at++ & 0x7f) << shift;
      }
      if (at == end_) break;
      length |= static_cast<size_t>(*at++ & 0x7f) << shift;
      if (length > static_cast<size_t>(end_ - at)) break;
      at += length;
    }
    return run;
  }

 private:
  static constexpr int kShortVarintBytesMax = 5;  // of tags and lengths

  bool Malformed(const char* error) {
    error_ = error;
    return false;
  }

  bool ReadVarint(uint64_t& out) {
    if (next_ != end_ && *next_ < 0x80) {
      out = *next_++;
      return true;
    }
    return ReadLongVarint(out);
  }

  bool ReadLongVarint(uint64_t& out) {
    auto at = reinterpret_cast<const char*>(next_);
    try {
      out = protozero::decode_varint(&at, reinterpret_cast<const char*>(end_));
    } catch (const protozero::varint_too_long_exception&) {
      return Malformed("a varint of over ten bytes");
    } catch (const protozero::exception&) {
      return Malformed("truncated in a varint");
    }
    next_ = reinterpret_cast<const uint8_t*>(at);
    return true;
  }

  bool ReadTag() {
    if (*next_ < 0x80) {
      tag_ = *next_++;
    } else {
      const uint8_t* const start = next_;
      uint64_t tag;
      if (!ReadLongVarint(tag)) return false;
      if (tag > UINT32_MAX || next_ - start > kShortVarintBytesMax)
        return Malformed("no valid field number");
      tag_ = static_cast<uint32_t>(tag);
    }
    return tag_ >= 8 || Malformed("field number 0");
  }

  // Nearly all of OTLP is length-delimited: one predictable branch, inlined, in place of a jump table.
  bool ReadValue() { return (tag_ & 7) == 2 ? ReadBytes() : ReadScalar(); }

  bool ReadScalar() {
    switch (tag_ & 7) {
      case 0:
        return ReadVarint(number_);
      case 1:
        return ReadFixed<8>();
      case 3:
        return SkipGroup();
      case 4:
        return Malformed("the end of a group that did not begin");
      case 5:
        return ReadFixed<4>();
      default:
        return Malformed("a wire type that does not exist");
    }
  }

  template <size_t kBytes>
  bool ReadFixed() {
    if (static_cast<size_t>(end_ - next_) < kBytes)
      return Malformed("truncated in a fixed-width number");
    number_ = 0;
    for (size_t i = 0; i < kBytes; ++i) number_ |= static_cast<uint64_t>(next_[i]) << (8 * i);
    next_ += kBytes;
    return true;
  }

  bool ReadBytes() {
    const uint8_t* const start = next_;
    uint64_t length;
    if (!ReadVarint(length)) return false;
    if (next_ - start > kShortVarintBytesMax) return Malformed("a length of over five bytes");
    if (length > static_cast<size_t>(end_ - next_)) {
      return Malformed("truncated: a length reaches past the end");
    }
    value_ = next_;
    next_ += length;
    return true;
  }

  // Groups are unknown to OTLP, but another field may be one. Their nesting is counted, not
  // recursed into.
  bool SkipGroup() {
    const uint32_t tag = tag_;
    std::array<uint32_t, kNestingMax> open;
    size_t depth = 0;
    open[depth++] = tag;
    while (depth > 0) {
      if (next_ == end_) return Malformed("truncated in a group");
      if (!ReadTag()) return false;
      const uint32_t wire = tag_ & 7;
      if (wire == 4) {
        if (open[--depth] != tag_ - 1) return Malformed("the end of another group");
      } else if (wire == 3) {
        if (depth == open.size()) return Malformed("groups nest too deep");
        open[depth++] = tag_;
      } else if (!ReadValue()) {
        return false;
      }
    }
    tag_ = tag;
    return true;
  }

  const uint8_t* next_;
  const uint8_t* const end_;
  const uint8_t* begin_ = nullptr;
  const uint8_t* value_ = nullptr;
  uint64_t number_ = 0;
  uint32_t tag_ = 0;
  const char* error_ = nullptr;
};

}  // namespace sealtrail::otlp
