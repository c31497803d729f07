#include "net/content_decoder.h"

#include <algorithm>
#include <libdeflate.h>
#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "net/grow_buffer.h"
#include "net/zstd_decoder.h"

namespace sealtrail::net {
namespace {

constexpr size_t kGzipBytesMin = 18;    // RFC 1952 §2.3: header 10, trailer 8
constexpr size_t kInflationMax = 1032;  // deflate cannot do more: 258 bytes from 2 bits
constexpr size_t kFirstBytes = 4 * kKiB;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

// The last four bytes name the length modulo 2^32 if there is one member and nobody lies. It saves
// trying twice; belief in it is bounded by what the input could hold.
size_t LikelySize(ByteView body) {
  const uint8_t* end = body.data() + body.size();
  const size_t named =
      size_t{end[-4]} | size_t{end[-3]} << 8 | size_t{end[-2]} << 16 | size_t{end[-1]} << 24;
  const size_t possible = std::min(kRequestBytesMax, body.size() * kInflationMax);
  return std::clamp(named, std::min(kFirstBytes, possible), possible);
}

// libdeflate needs the whole output in one piece and cannot resume. So a member that does not fit
// is decoded again into twice the room: at most twice the work in all, and members before it stay.
Result<SharedBytes> Gunzip(ByteView body, ByteBudget& budget) {
  if (body.size() < kGzipBytesMin) {
    return InvalidArgument("gzip: {} bytes are too few", body.size());
  }
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  GrowBuffer out(budget);
  if (decompressor == nullptr || !out.Grow(LikelySize(body))) {
    return Unavailable("gzip: too many bytes are in flight");
  }
  size_t read = 0;
  size_t written = 0;
  while (read < body.size()) {
    size_t member_in = 0;
    size_t member_out = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        decompressor.get(), body.data() + read, body.size() - read, out.space().data() + written,
        out.capacity() - written, &member_in, &member_out);
    if (result == LIBDEFLATE_SUCCESS) {
      read += member_in;
      written += member_out;
    } else if (result != LIBDEFLATE_INSUFFICIENT_SPACE) {
      return InvalidArgument("gzip: damaged or cut short in the member at byte {}", read);
    } else if (out.capacity() >= kRequestBytesMax) {
      return ResourceExhausted("gzip: over {} bytes after decompression", kRequestBytesMax);
    } else if (!out.Grow(std::min(kRequestBytesMax, out.capacity() * 2))) {
      return Unavailable("gzip: too many bytes are in flight");
    }
  }
  return std::move(out).Finish(written);
}

bool BeginsWith(ByteView body, ByteView magic) {
  return body.size() >= magic.size() && Equal(body.first(magic.size()), magic);
}

}  // namespace

std::optional<ContentCoding> CodingNamed(std::string_view content_encoding) {
  std::string name(content_encoding);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (name.empty() || name == "identity") return ContentCoding::kIdentity;
  if (name == "zstd") return ContentCoding::kZstd;
  if (name == "gzip" || name == "x-gzip") return ContentCoding::kGzip;  // RFC 9110 §8.4.1.3
  return std::nullopt;
}

ContentCoding CodingByMagic(ByteView body) {
  constexpr uint8_t kGzip[] = {0x1f, 0x8b};              // RFC 1952 §2.3.1
  constexpr uint8_t kZstd[] = {0x28, 0xb5, 0x2f, 0xfd};  // RFC 8878 §3.1.1
  if (BeginsWith(body, kGzip)) return ContentCoding::kGzip;
  if (BeginsWith(body, kZstd)) return ContentCoding::kZstd;
  return ContentCoding::kIdentity;
}

Result<SharedBytes> DecodeContent(ContentCoding coding, SharedBytes body, ByteBudget& budget) {
  if (body.size() > kRequestBytesMax) {
    return ResourceExhausted("request of {} bytes, allowed {}", body.size(), kRequestBytesMax);
  }
  switch (coding) {
    case ContentCoding::kIdentity:
      return body;
    case ContentCoding::kGzip:
      return Gunzip(body.view(), budget);
    case ContentCoding::kZstd:
      return DecodeZstd(body.view(), budget);
  }
  SEAL_UNREACHABLE();
}

}  // namespace sealtrail::net
