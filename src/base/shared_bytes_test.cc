#include "base/shared_bytes.h"

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

TEST(SharedBytesTest, WipesWhatMayBeWiped) {
  const SharedBytes text = SharedBytes::FromText("a secret");
  const SharedBytes copy = text;
  text.Wipe();
  EXPECT_EQ(AsText(copy.view()), std::string(8, '\0'));

  const SharedBytes bytes(Bytes{1, 2, 3});
  bytes.Wipe();
  EXPECT_TRUE(Equal(bytes.view(), Bytes(3)));

  static constexpr std::string_view kTheirs = "theirs";
  const SharedBytes borrowed(AsBytes(kTheirs), nullptr);
  borrowed.Wipe();
  EXPECT_EQ(AsText(borrowed.view()), "theirs");
  SharedBytes().Wipe();
}

}  // namespace
}  // namespace sealtrail
