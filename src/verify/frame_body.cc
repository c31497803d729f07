#include "verify/frame_body.h"

#include <string_view>
#include <zstd.h>

#include "base/check.h"
#include "base/endian.h"
#include "verify/parted_body.h"

namespace sealtrail::verify {
namespace {

constexpr std::optional<ByteView> kNone;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";  // RFC 8878 §3.1.1

}  // namespace

BodyDecoder::BodyDecoder() : context_(ZSTD_createDCtx()) {
  SEAL_CHECK(context_ != nullptr);
}
BodyDecoder::~BodyDecoder() = default;

void BodyDecoder::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

Status BodyDecoder::Spend(uint64_t bytes) {
  if (bytes > budget_) {
    return ResourceExhausted("its frames decode to more than {} bytes", kDecodedBytesOfFileMax);
  }
  budget_ -= bytes;
  return OkStatus();
}

Result<std::optional<ByteView>> BodyDecoder::Inflate(ByteView frame, uint64_t max, Bytes& out) {
  // A skippable frame, or one of the formats before zstd's first release, would pass below.
  if (!AsText(frame).starts_with(kZstdMagic)) return kNone;
  const unsigned long long stated = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (stated > max) return kNone;  // also what says that it is none, or states no size
  if (ZSTD_getDictID_fromFrame(frame.data(), frame.size()) != 0) return kNone;
  if (ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) return kNone;
  SEAL_RETURN_IF_ERROR(Spend(stated));
  if (out.size() < stated + kJoinRoom) out.resize(static_cast<size_t>(stated) + kJoinRoom);
  const size_t got = ZSTD_decompressDCtx(context_.get(), out.data(), static_cast<size_t>(stated),
                                         frame.data(), frame.size());
  if (ZSTD_isError(got) || got != stated) return kNone;
  return std::optional(ByteView(out).first(got));
}

// Lengths of three zstd frames, the frames, and the salts.
Result<std::optional<ByteView>> BodyDecoder::Join(const FrameHeader& header, ByteView body) {
  constexpr size_t kLengths = 12;
  if (body.size() < kLengths) return kNone;
  ByteView rest = body.subspan(kLengths);
  std::array<ByteView, 3> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const uint32_t length = GetBig32(body.data() + 4 * i);
    if (length > rest.size()) return kNone;
    if (length == 0) continue;
    SEAL_ASSIGN_OR_RETURN(
        const auto part,
        Inflate(rest.first(length), header.decoded_bytes + kFrameRecordsMax, parts_[i]));
    if (!part || part->empty()) return kNone;  // an empty part is left out
    parts[i] = *part;
    rest = rest.subspan(length);
  }
  SEAL_RETURN_IF_ERROR(Spend(header.decoded_bytes));
  if (decoded_.size() < header.decoded_bytes + kJoinRoom)
    decoded_.resize(header.decoded_bytes + kJoinRoom);
  const std::span<uint8_t> out(decoded_.data(), header.decoded_bytes);
  if (!JoinParts({.text = parts[0], .ids = parts[1], .times = parts[2], .salts = rest}, out))
    return kNone;
  return std::optional(ByteView(out));
}

Result<std::optional<ByteView>> BodyDecoder::Decode(const FrameHeader& header, ByteView body) {
  if (header.codec == 0) return std::optional(body);
  if (header.codec == 2) return Join(header, body);
  SEAL_ASSIGN_OR_RETURN(const auto content, Inflate(body, header.decoded_bytes, decoded_));
  if (content && content->size() != header.decoded_bytes) return kNone;
  return content;
}

}  // namespace sealtrail::verify
