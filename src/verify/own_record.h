// What the store's own records say: the attributes of a leaf of kind `self` or `seal` (docs/formats/record.md §4).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace sealtrail::verify {

// Actions of own records that verify reads (docs/formats/).
constexpr std::string_view kSealAction = "sealtrail.segment.seal";
constexpr std::string_view kRotateAction = "sealtrail.key.rotate";
constexpr std::string_view kRecoveryAction = "sealtrail.recovery.cut";
constexpr std::string_view kEpochAction = "sealtrail.recovery.epoch";

// The attributes whose value is a string or an integer, in their order, unescaped; an integer as its decimal text.
// Nothing where the leaf has none or its content lies beside. `leaf` must have passed CheckLeaf.
using OwnAttributes = std::vector<std::pair<std::string, std::string>>;
OwnAttributes AttributesOfOwn(std::string_view leaf);

// The value of the only attribute of that name.
std::optional<std::string> Find(const OwnAttributes& attributes, std::string_view name);

}  // namespace sealtrail::verify
