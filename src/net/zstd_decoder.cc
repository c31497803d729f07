#include "net/zstd_decoder.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>
#include <zstd.h>

#include "base/check.h"
#include "net/grow_buffer.h"

namespace sealtrail::net {
namespace {

constexpr size_t kFirstBytes = 4 * kKiB;
constexpr size_t kSkippableHeadBytes = 8;      // RFC 8878 §3.1.2: magic and size
constexpr size_t kBlockBytesMax = 128 * kKiB;  // RFC 8878 §3.1.1.2.4
constexpr size_t kInflationMax = 32 * kKiB;    // a block of that size from an RLE block of 4 bytes
constexpr int kWindowLogMax = std::countr_zero(kZstdWindowBytesMax);

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

uint32_t LittleEndian32(ByteView at) {
  return uint32_t{at[0]} | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

bool IsSkippable(ByteView frame) {
  return frame.size() >= 4 && (LittleEndian32(frame) & 0xfffffff0) == 0x184d2a50;
}

// Of today's format. The library may read those before RFC 8878 too, with decoders that nobody looks after.
bool IsZstd(ByteView frame) {
  return frame.size() >= 4 && LittleEndian32(frame) == 0xfd2fb528;
}

// What a frame that does not state its size asks to look back: RFC 8878 §3.1.1.1.2. It has that byte, for only a frame
// of one segment goes without, and such a frame states its size.
size_t WindowBytes(ByteView frame) {
  const size_t base = size_t{1} << (10 + (frame[5] >> 3));
  return base + base / 8 * (frame[5] & 7);
}

class Decoder {
 public:
  Decoder(ByteView body, ByteBudget& budget) : body_(body), budget_(budget), out_(budget) {}

  Result<SharedBytes> Decode() {
    if (body_.empty()) return InvalidArgument("zstd: no bytes");
    if (context_ == nullptr) return NoRoom();
    while (read_ < body_.size()) SEAL_RETURN_IF_ERROR(Frame());
    return std::move(out_).Finish(written_);
  }

 private:
  ByteView rest() const { return body_.subspan(read_); }

  static Status NoRoom() { return Unavailable("zstd: too many bytes are in flight"); }
  static Status TooLarge() {
    return ResourceExhausted("zstd: over {} bytes after decompression", kRequestBytesMax);
  }
  Status Damaged() const {
    return InvalidArgument("zstd: damaged or cut short in the frame at byte {}", read_);
  }

  Status Frame() {
    if (IsSkippable(rest())) return Skip();
    if (!IsZstd(rest())) return Damaged();
    const unsigned long long stated = ZSTD_getFrameContentSize(rest().data(), rest().size());
    if (stated == ZSTD_CONTENTSIZE_ERROR) return Damaged();
    return stated == ZSTD_CONTENTSIZE_UNKNOWN ? Stream() : AtOnce(stated);
  }

  Status Skip() {
    if (rest().size() < kSkippableHeadBytes) return Damaged();
    const size_t size = LittleEndian32(rest().subspan(4));
    if (size > rest().size() - kSkippableHeadBytes) return Damaged();
    read_ += kSkippableHeadBytes + size;
    return OkStatus();
  }

  // A frame that states its size, straight to where it belongs. Belief in the size is bounded by what the input could
  // hold.
  Status AtOnce(uint64_t size) {
    const size_t packed = ZSTD_findFrameCompressedSize(rest().data(), rest().size());
    if (ZSTD_isError(packed) || size > packed * kInflationMax) return Damaged();
    if (size > kRequestBytesMax - written_) return TooLarge();
    if (written_ + size > out_.capacity() && !out_.Grow(Doubled(written_ + size))) return NoRoom();
    const size_t got = ZSTD_decompressDCtx(context_.get(), out_.space().data() + written_,
                                           out_.capacity() - written_, rest().data(), packed);
    if (ZSTD_isError(got) || got != size) return Damaged();
    read_ += packed;
    written_ += got;
    return OkStatus();
  }

  // A frame of unknown size, as it comes. libzstd keeps its window apart from our output.
  Status Stream() {
    const size_t window = WindowBytes(rest());
    if (window > kZstdWindowBytesMax) {
      return InvalidArgument("zstd: a window of {} bytes, allowed {} (RFC 9659)", window,
                             kZstdWindowBytesMax);
    }
    const auto lease = budget_.TryTake(window + 2 * kBlockBytesMax);
    if (!lease.has_value()) return NoRoom();
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    ZSTD_inBuffer in{rest().data(), rest().size(), 0};
    for (;;) {
      ZSTD_outBuffer out{out_.space().data() + written_, out_.capacity() - written_, 0};
      const size_t before = in.pos;
      const size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(left)) return Damaged();
      written_ += out.pos;
      if (left == 0) break;
      if (written_ < out_.capacity()) {
        if (in.pos == in.size) return Damaged();
      } else if (out_.capacity() < kRequestBytesMax) {
        if (!out_.Grow(Doubled(written_ + 1))) return NoRoom();
      } else if (in.pos == before && out.pos == 0) {
        return TooLarge();
      }
    }
    read_ += in.pos;
    return OkStatus();
  }

  // At least `bytes`, and so much more that growing often costs little.
  size_t Doubled(size_t bytes) const {
    return std::min(kRequestBytesMax, std::max({bytes, 2 * out_.capacity(), kFirstBytes}));
  }

  static std::unique_ptr<ZSTD_DCtx, FreeContext> MakeContext() {
    std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
    if (context != nullptr) {
      SEAL_CHECK(
          !ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax)));
    }
    return context;
  }

  const ByteView body_;
  ByteBudget& budget_;
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context_ = MakeContext();
  GrowBuffer out_;
  size_t read_ = 0;     // of body_
  size_t written_ = 0;  // of out_
};

}  // namespace

Result<SharedBytes> DecodeZstd(ByteView body, ByteBudget& budget) {
  return Decoder(body, budget).Decode();
}

}  // namespace sealtrail::net
