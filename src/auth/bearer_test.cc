#include "auth/bearer.h"

#include <gtest/gtest.h>

namespace sealtrail::auth {
namespace {

TEST(BearerTest, OnlyTheTokenItself) {
  EXPECT_TRUE(PresentsToken("Bearer abc", "abc"));
  for (std::string_view header : {"Bearer ab", "Bearer abcd", "Bearer ABC", "bearer abc", "abc", "",
                                  "Bearer ", "Basic abc"}) {
    EXPECT_FALSE(PresentsToken(header, "abc")) << header;
  }
  EXPECT_FALSE(PresentsToken("Bearer ", ""));
}

}  // namespace
}  // namespace sealtrail::auth
