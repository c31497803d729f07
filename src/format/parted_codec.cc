#include "format/parted_codec.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "format/compression.h"

namespace sealtrail::format {
namespace {

constexpr uint8_t kSalt = 0x01;
constexpr uint8_t kId32 = 0x02;    // 32 hexadecimal digits
constexpr uint8_t kId16 = 0x03;    // 16
constexpr uint8_t kInLeaf = 0x04;  // a number, from the one before it in its leaf
constexpr uint8_t kAcross = 0x05;  // a number, from that of the same place in the leaf before
constexpr uint8_t kLeafEnd = '\n';
constexpr uint8_t kLeastText = 0x20;

constexpr size_t kSaltBytes = 16;
constexpr size_t kSaltDigits = 24;
constexpr size_t kRunMin = 16;
constexpr size_t kNumberDigits = 19;
constexpr size_t kPlaces = 8;  // numbers of a leaf that the next leaf can lean on
constexpr size_t kVarintBytesMax = 10;
constexpr size_t kHeadBytes = 12;
constexpr uint64_t kPartBytesMax = kFrameRecordsMax * (kLeafBytesMax + 2);

// Of a hexadecimal digit 0 to 15, else 16.
constexpr auto kHexValue = [] {
  std::array<uint8_t, 256> table{};
  table.fill(16);
  for (int i = 0; i < 10; ++i) table[static_cast<size_t>('0' + i)] = static_cast<uint8_t>(i);
  for (int i = 0; i < 6; ++i) table[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
  return table;
}();

bool IsHex(uint8_t byte) {
  return kHexValue[byte] < 16;
}

// How many bytes from the front are text, and neither a mark nor a leaf's end.
size_t TextLength(const uint8_t* p, size_t size) {
  size_t i = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; i + 8 <= size; i += 8) {
      uint64_t word;
      std::memcpy(&word, p + i, 8);
      const uint64_t below = (word - 0x2020202020202020u) & ~word & 0x8080808080808080u;
      if (below != 0) return i + static_cast<size_t>(std::countr_zero(below)) / 8;
    }
  }
  while (i < size && p[i] >= kLeastText) ++i;
  return i;
}

// The numbers that were taken out of a leaf, and of the one before.
class Numbers {
 public:
  void NextLeaf() {
    before_ = here_;
    here_.fill(0);
    place_ = 0;
  }
  bool any() const { return place_ != 0; }
  uint64_t last() const { return last_; }
  uint64_t across() const { return place_ < kPlaces ? before_[place_] : 0; }
  void Add(uint64_t number) {
    if (place_ < kPlaces) here_[place_] = number;
    ++place_;
    last_ = number;
  }

 private:
  std::array<uint64_t, kPlaces> before_{};
  std::array<uint64_t, kPlaces> here_{};
  size_t place_ = 0;
  uint64_t last_ = 0;
};

// --- Taking apart -------------------------------------------------------------------------------

class Parter {
 public:
  // False if it is no leaf that this can be done with.
  bool Add(ByteView leaf) {
    if (TextLength(leaf.data(), leaf.size()) != leaf.size()) return false;
    leaf_ = leaf;
    literal_ = 0;
    TakeSalt();
    TakeRuns();
    AppendTo(text_, leaf_.subspan(literal_));
    text_.push_back(kLeafEnd);
    numbers_.NextLeaf();
    return true;
  }

  void Finish(Bytes& out) {
    out.assign(kHeadBytes, 0);
    Bytes packed;
    for (size_t i = 0; const Bytes* part : {&text_, &ids_, &times_}) {
      if (!part->empty()) {
        Compress(*part, packed);
        PutBig32(out.data() + i * 4, static_cast<uint32_t>(packed.size()));
        AppendTo(out, packed);
      }
      ++i;
    }
    AppendTo(out, salts_);
  }

 private:
  // Puts a mark in the place of leaf bytes [begin, end).
  void Replace(size_t begin, size_t end, uint8_t mark) {
    AppendTo(text_, leaf_.subspan(literal_, begin - literal_));
    text_.push_back(mark);
    literal_ = end;
  }

  // The member "n" is the second of every leaf.
  void TakeSalt() {
    constexpr std::string_view kMember = R"("n":")";
    constexpr size_t kNear = 40;
    const std::string_view head = AsText(leaf_.first(std::min(kNear, leaf_.size())));
    const size_t at = head.find(kMember);
    if (at == head.npos || at + kMember.size() + kSaltDigits > leaf_.size()) return;
    const size_t begin = at + kMember.size();
    std::array<uint8_t, kSaltBytes> salt;
    const ByteView digits = leaf_.subspan(begin, kSaltDigits);
    if (!DecodeSalt(digits, salt)) return;
    AppendTo(salts_, salt);
    Replace(begin, begin + kSaltDigits, kSalt);
  }

  static bool DecodeSalt(ByteView digits, std::array<uint8_t, kSaltBytes>& salt);

  // Every run of 16 hexadecimal digits or more covers one byte of each 16: only these are looked at.
  void TakeRuns() {
    for (size_t at = literal_; at + kRunMin <= leaf_.size();) {
      const size_t probe = at + kRunMin - 1;
      if (!IsHex(leaf_[probe])) {
        at += kRunMin;
        continue;
      }
      size_t begin = probe, end = probe + 1;
      while (begin > at && IsHex(leaf_[begin - 1])) --begin;
      while (end < leaf_.size() && IsHex(leaf_[end])) ++end;
      at = end - begin < kRunMin ? end : TakeRun(begin, end);
    }
  }

  // Returns where to go on.
  size_t TakeRun(size_t begin, size_t end) {
    if (end - begin == kNumberDigits && TakeNumber(begin)) return end;
    const size_t digits = end - begin >= 32 ? 32 : 16;
    for (size_t i = begin; i < begin + digits; i += 2) {
      ids_.push_back(static_cast<uint8_t>(kHexValue[leaf_[i]] << 4 | kHexValue[leaf_[i + 1]]));
    }
    Replace(begin, begin + digits, digits == 32 ? kId32 : kId16);
    return begin + digits;
  }

  bool TakeNumber(size_t begin) {
    uint64_t number = 0;
    for (size_t i = begin; i < begin + kNumberDigits; ++i) {
      if (kHexValue[leaf_[i]] > 9) return false;
      number = number * 10 + kHexValue[leaf_[i]];
    }
    if (leaf_[begin] == '0') return false;
    const uint64_t across = ZigZag(number - numbers_.across());
    const uint64_t in_leaf = ZigZag(number - numbers_.last());
    const bool leans_inside = numbers_.any() && in_leaf < across;
    PutVarint(leans_inside ? in_leaf : across);
    numbers_.Add(number);
    Replace(begin, begin + kNumberDigits, leans_inside ? kInLeaf : kAcross);
    return true;
  }

  static uint64_t ZigZag(uint64_t difference) {
    return difference << 1 ^ (difference >> 63 != 0 ? UINT64_MAX : 0);
  }

  void PutVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) times_.push_back(static_cast<uint8_t>(value | 0x80));
    times_.push_back(static_cast<uint8_t>(value));
  }

  ByteView leaf_;
  size_t literal_ = 0;  // leaf bytes from here on are not in the text yet
  Bytes text_, ids_, times_, salts_;
  Numbers numbers_;
};

// Its own, for there is one in every record: strict, as base64 is everywhere here.
bool Parter::DecodeSalt(ByteView digits, std::array<uint8_t, kSaltBytes>& salt) {
  static constexpr auto kValue = [] {
    std::array<uint8_t, 256> table{};
    table.fill(64);
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < kDigits.size(); ++i)
      table[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
    return table;
  }();
  uint32_t bits = 0;
  size_t made = 0;
  for (size_t i = 0; i < 22; ++i) {
    const uint8_t value = kValue[digits[i]];
    if (value == 64) return false;
    bits = bits << 6 | value;
    if (i % 4 == 0) continue;
    const size_t left = 6 - (i % 4) * 2;  // bits that wait for the next digit
    salt[made++] = static_cast<uint8_t>(bits >> left);
  }
  return (bits & 0x0f) == 0 && digits[22] == '=' && digits[23] == '=';
}

// --- Putting together ---------------------------------------------------------------------------

// Takes bytes off a part. Asking for more than there is gives nothing and is remembered.
class Part {
 public:
  explicit Part(ByteView bytes) : left_(bytes) {}

  ByteView Take(size_t size) {
    if (left_.size() < size) {
      short_ = true;
      return {};
    }
    const ByteView taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  bool used_up() const { return left_.empty() && !short_; }

 private:
  ByteView left_;
  bool short_ = false;
};

class Joiner {
 public:
  Joiner(ByteView text, ByteView ids, ByteView times, ByteView salts, uint32_t decoded_bytes)
      : text_(text), ids_(ids), times_(times), salts_(salts), out_(decoded_bytes) {}

  Result<Bytes> Join() {
    while (!text_.empty()) {
      if (!JoinLeaf()) return DataLoss("parted body: its text and its parts do not fit together");
    }
    if (written_ != out_.size() || !ids_.used_up() || !times_.used_up() || !salts_.used_up()) {
      return DataLoss("parted body: not of {} bytes, or a part is left over", out_.size());
    }
    return std::move(out_);
  }

 private:
  bool JoinLeaf() {
    const size_t begin = written_;
    if (Room(2) == nullptr) return false;
    for (;;) {
      const size_t literal = TextLength(text_.data(), text_.size());
      if (literal != 0) {
        uint8_t* to = Room(literal);
        if (to == nullptr) return false;
        std::memcpy(to, text_.data(), literal);
      }
      if (literal == text_.size()) return false;  // a leaf without its end
      const uint8_t mark = text_[literal];
      text_ = text_.subspan(literal + 1);
      if (mark == kLeafEnd) break;
      if (!Expand(mark)) return false;
    }
    const size_t size = written_ - begin - 2;
    if (size == 0 || size > kLeafBytesMax) return false;
    PutBig16(out_.data() + begin, static_cast<uint16_t>(size));
    numbers_.NextLeaf();
    return true;
  }

  bool Expand(uint8_t mark) {
    switch (mark) {
      case kSalt:
        return ExpandSalt();
      case kId32:
        return ExpandId(16);
      case kId16:
        return ExpandId(8);
      case kInLeaf:
        return numbers_.any() && ExpandNumber(numbers_.last());
      case kAcross:
        return ExpandNumber(numbers_.across());
      default:
        return false;
    }
  }

  bool ExpandSalt() {
    const ByteView salt = salts_.Take(kSaltBytes);
    uint8_t* to = salt.empty() ? nullptr : Room(kSaltDigits);
    if (to == nullptr) return false;
    Base64EncodeAt(to, salt);
    return true;
  }

  bool ExpandId(size_t bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    const ByteView id = ids_.Take(bytes);
    uint8_t* to = id.empty() ? nullptr : Room(2 * bytes);
    if (to == nullptr) return false;
    for (const uint8_t byte : id) {
      *to++ = static_cast<uint8_t>(kDigits[byte >> 4]);
      *to++ = static_cast<uint8_t>(kDigits[byte & 0x0f]);
    }
    return true;
  }

  bool ExpandNumber(uint64_t base) {
    uint64_t zigzag = 0;
    if (!TakeVarint(zigzag)) return false;
    uint64_t number = base + (zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0));
    numbers_.Add(number);
    uint8_t* to = Room(kNumberDigits);
    if (to == nullptr) return false;
    for (size_t i = kNumberDigits; i-- > 0; number /= 10)
      to[i] = static_cast<uint8_t>('0' + number % 10);
    return number == 0 && to[0] != '0';
  }

  bool TakeVarint(uint64_t& value) {
    for (size_t i = 0; i < kVarintBytesMax; ++i) {
      const ByteView byte = times_.Take(1);
      if (byte.empty()) return false;
      value |= static_cast<uint64_t>(byte[0] & 0x7f) << (7 * i);
      if (byte[0] < 0x80) return i + 1 < kVarintBytesMax || byte[0] <= 1;
    }
    return false;
  }

  // The next `size` bytes of the bundle; null beyond its end.
  uint8_t* Room(size_t size) {
    if (out_.size() - written_ < size) return nullptr;
    uint8_t* at = out_.data() + written_;
    written_ += size;
    return at;
  }

  ByteView text_;
  Part ids_, times_, salts_;
  Bytes out_;
  size_t written_ = 0;
  Numbers numbers_;
};

}  // namespace

bool PartBundle(ByteView bundle, Bytes& out) {
  Parter parter;
  while (!bundle.empty()) {
    const size_t size = bundle.size() < 2 ? 0 : GetBig16(bundle.data());
    if (size == 0 || bundle.size() - 2 < size || !parter.Add(bundle.subspan(2, size))) return false;
    bundle = bundle.subspan(2 + size);
  }
  parter.Finish(out);
  return true;
}

Result<Bytes> JoinBundle(ByteView body, uint32_t decoded_bytes) {
  if (body.size() < kHeadBytes) return DataLoss("parted body: {} bytes", body.size());
  ByteView rest = body.subspan(kHeadBytes);
  std::array<Bytes, 3> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t size = GetBig32(body.data() + i * 4);
    if (size > rest.size()) return DataLoss("parted body: a part beyond its end");
    if (size == 0) continue;
    SEAL_ASSIGN_OR_RETURN(const uint64_t content, ContentSize(rest.first(size), kPartBytesMax));
    SEAL_ASSIGN_OR_RETURN(parts[i], Decompress(rest.first(size), content));
    rest = rest.subspan(size);
  }
  return Joiner(parts[0], parts[1], parts[2], rest, decoded_bytes).Join();
}

}  // namespace sealtrail::format
