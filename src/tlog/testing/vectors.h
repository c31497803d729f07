// The examples of the C2SP specifications: tests/vectors/tlog. For *_test.cc, which know where the
// sources are.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/check.h"

namespace sealtrail::tlog::testing {

inline std::string TlogVector(std::string_view file) {
  std::ifstream in(std::string(SEALTRAIL_SOURCE_DIR "/tests/vectors/tlog/").append(file));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  SEAL_CHECK(!text.empty());
  return text;
}

}  // namespace sealtrail::tlog::testing
