#include "verify/byte_change.h"

#include <array>

#include "base/crc32c.h"
#include "base/endian.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kChangesMax = 8;

// The register after one byte, from its start value alone.
constexpr auto kStep = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}();

// Which entry of kStep has this highest byte: all 256 differ.
constexpr auto kEntryByHighByte = [] {
  std::array<uint8_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) table[kStep[i] >> 24] = static_cast<uint8_t>(i);
  return table;
}();

// The register before a zero byte.
uint32_t StepBack(uint32_t crc) {
  const uint8_t entry = kEntryByHighByte[crc >> 24];
  return (crc ^ kStep[entry]) << 8 | entry;
}

}  // namespace

std::vector<ByteChange> ByteChangesThatExplain(ByteView covered, uint32_t stored) {
  std::vector<ByteChange> out;
  uint32_t crc = Crc32c(covered) ^ stored;
  if (crc == 0) return out;
  for (size_t i = covered.size(); i-- > 0 && out.size() < kChangesMax;) {
    crc = StepBack(crc);
    if (crc < 256) out.push_back({.position = i, .difference = static_cast<uint8_t>(crc)});
  }
  return out;
}

std::optional<ByteChange> ByteChangeInHeader(ByteView header) {
  const ByteView covered = header.first(header.size() - 4);
  const uint32_t stored = GetBig32(header.data() + covered.size());
  std::vector<ByteChange> changes = ByteChangesThatExplain(covered, stored);
  const uint32_t difference = Crc32c(covered) ^ stored;
  for (size_t i = 0; i < 4; ++i) {
    const uint32_t byte = difference >> (24 - 8 * i) & 0xff;
    if (byte != 0 && difference == byte << (24 - 8 * i)) {
      changes.push_back({.position = covered.size() + i, .difference = static_cast<uint8_t>(byte)});
    }
  }
  if (changes.size() != 1) return std::nullopt;
  return changes[0];
}

}  // namespace sealtrail::verify
