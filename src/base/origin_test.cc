#include "base/origin.h"

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

TEST(OriginTest, SpacesPlusAndControlsAreRefused) {
  for (std::string_view bad : {"", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "\xff"}) {
    EXPECT_FALSE(CheckOrigin(bad).ok()) << bad;
    EXPECT_FALSE(CheckKeyName(bad).ok()) << bad;
  }
  EXPECT_TRUE(CheckOrigin("sealtrail.local/0123456789abcdef").ok());
}
TEST(OriginTest, OnlyOursAreShortAndWithoutDelete) {
  EXPECT_TRUE(CheckOrigin(std::string(255, 'a')).ok());
  EXPECT_FALSE(CheckOrigin(std::string(256, 'a')).ok());
  EXPECT_FALSE(CheckOrigin("a\x7f").ok());
  EXPECT_TRUE(CheckKeyName(std::string(256, 'a')).ok());
  EXPECT_TRUE(CheckKeyName("a\x7f").ok());
}

}  // namespace
}  // namespace sealtrail
