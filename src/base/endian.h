// Fixed-width big-endian integers, as C2SP and our formats write them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sealtrail {

inline void PutBig16(uint8_t* out, uint16_t v) {
  out[0] = static_cast<uint8_t>(v >> 8);
  out[1] = static_cast<uint8_t>(v);
}
inline void PutBig32(uint8_t* out, uint32_t v) {
  PutBig16(out, static_cast<uint16_t>(v >> 16));
  PutBig16(out + 2, static_cast<uint16_t>(v));
}
inline void PutBig64(uint8_t* out, uint64_t v) {
  PutBig32(out, static_cast<uint32_t>(v >> 32));
  PutBig32(out + 4, static_cast<uint32_t>(v));
}
inline uint16_t GetBig16(const uint8_t* in) {
  return static_cast<uint16_t>(in[0] << 8 | in[1]);
}
inline uint32_t GetBig32(const uint8_t* in) {
  return static_cast<uint32_t>(GetBig16(in)) << 16 | GetBig16(in + 2);
}
inline uint64_t GetBig64(const uint8_t* in) {
  return static_cast<uint64_t>(GetBig32(in)) << 32 | GetBig32(in + 4);
}

}  // namespace sealtrail
