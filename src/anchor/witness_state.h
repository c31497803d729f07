// What we remember of a witness between two runs: the file `witness-<hex>.state` of
// docs/formats/anchors.md. Losing it costs one more request and, for an alarm, the time until the
// witness raises it again; no proof rests on it.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "tlog/hashes.h"

namespace sealtrail::anchor {

struct WitnessState {
  std::string vkey;      // whose
  TreeSize size{0};      // of the last checkpoint it cosigned for us
  tlog::Hash root{};     // of that tree; all zero before the first
  UnixNanos success{0};  // when it did; 0: never
  std::string alarm;     // why it is not asked any more; one line, empty: no alarm

  bool operator==(const WitnessState&) const = default;
};

// "witness-<hex>.state", hex the first 16 bytes of SHA-256(vkey).
std::string WitnessStateName(std::string_view vkey);

std::string FormatWitnessState(const WitnessState& state);

// DataLoss, with the reason, unless `text` is exactly what FormatWitnessState() writes of some state.
Result<WitnessState> ParseWitnessState(std::string_view text);

}  // namespace sealtrail::anchor
