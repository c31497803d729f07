#include "base/origin.h"

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

TEST(OriginTest, SpacesPlusAndControlsAreRefused) {
  for (std::string_view bad : {"", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "\xff"}) {
    EXPECT_FALSE(CheckOrigin(bad).ok()) << bad;
  }
  EXPECT_TRUE(CheckOrigin("sealtrail.local/0123456789abcdef").ok());
}

}  // namespace
}  // namespace sealtrail
