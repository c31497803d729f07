#include "verify/parted_body.h"

#include <cstring>
#include <string>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"

namespace sealtrail::verify {
namespace {

// One pass over the text: what is no mark is copied, what is one is replaced by the next of its kind.
class Assembly {
 public:
  Assembly(const BodyParts& parts, std::span<uint8_t> out) : parts_(parts), out_(out) {}

  bool Run() {
    ByteView text = parts_.text;
    StartLeaf();
    while (good_ && !text.empty()) {
      size_t plain = 0;
      while (plain < text.size() && text[plain] >= 0x20) ++plain;
      Put(text.first(plain));
      if (plain == text.size()) return false;  // no line feed behind the last leaf
      TakeMark(text[plain]);
      text = text.subspan(plain + 1);
    }
    // The length that was made room for last is of no leaf.
    return good_ && at_ == out_.size() + 2 && parts_.ids.empty() && parts_.times.empty() &&
           parts_.salts.empty();
  }

 private:
  void StartLeaf() {
    leaf_ = at_;
    at_ += 2;
    before_ = now_;
    now_.clear();
  }

  void EndLeaf() {
    const size_t size = at_ - leaf_ - 2;
    good_ = good_ && at_ <= out_.size() && size >= 1 && size <= kLeafBytesMax;
    if (good_) PutBig16(out_.data() + leaf_, static_cast<uint16_t>(size));
    StartLeaf();
  }

  void TakeMark(uint8_t mark) {
    switch (mark) {
      case '\n':
        return EndLeaf();
      case 1:
        return Put(AsBytes(Base64Encode(Next(parts_.salts, 16))));
      case 2:
        return Put(AsBytes(HexEncode(Next(parts_.ids, 16))));
      case 3:
        return Put(AsBytes(HexEncode(Next(parts_.ids, 8))));
      case 4:
        good_ = good_ && !now_.empty();
        return PutNumber(now_.empty() ? 0 : now_.back());
      case 5:
        return PutNumber(now_.size() < 8 && now_.size() < before_.size() ? before_[now_.size()]
                                                                         : 0);
      default:
        good_ = false;
    }
  }

  void PutNumber(uint64_t base) {
    const uint64_t coded = NextVarint();
    const uint64_t difference = coded % 2 == 0 ? coded / 2 : ~(coded / 2);
    now_.push_back(base + difference);
    const std::string digits = std::to_string(now_.back());
    good_ = good_ && digits.size() == 19;
    Put(AsBytes(digits));
  }

  uint64_t NextVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const ByteView byte = Next(parts_.times, 1);
      if (byte.empty() || (shift == 63 && byte[0] > 1)) break;
      value |= uint64_t{byte[0] & 0x7fu} << shift;
      if (byte[0] < 0x80) return value;
    }
    good_ = false;
    return 0;
  }

  ByteView Next(ByteView& part, size_t size) {
    if (part.size() < size) {
      good_ = false;
      return {};
    }
    const ByteView taken = part.first(size);
    part = part.subspan(size);
    return taken;
  }

  void Put(ByteView bytes) {
    if (at_ > out_.size() || out_.size() - at_ < bytes.size()) good_ = false;
    if (good_ && !bytes.empty()) std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
    if (good_) at_ += bytes.size();
  }

  BodyParts parts_;
  std::span<uint8_t> out_;
  size_t at_ = 0;
  size_t leaf_ = 0;  // where the present leaf's length stands
  bool good_ = true;
  std::vector<uint64_t> now_, before_;  // numbers of the present leaf and of the one before
};

}  // namespace

bool JoinParts(const BodyParts& parts, std::span<uint8_t> out) {
  return Assembly(parts, out).Run();
}

}  // namespace sealtrail::verify
