#include "ledger/signing_record.h"

#include <gtest/gtest.h>

#include "env/testing/sim_env.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;

TEST(SigningRecordTest, NeverTwoRootsForOneSizeAndNeverBack) {
  SimEnv world(1);
  ASSERT_TRUE(world.files().MakeDir("/s").ok());
  {
    auto record = SigningRecord::Open(world.files(), "/s", "example.com/log");
    ASSERT_TRUE(record.ok());
    EXPECT_FALSE(record->state());
    EXPECT_TRUE(record->Intend(0, TreeSize{5}, {1}).ok());
    EXPECT_TRUE(record->Intend(0, TreeSize{5}, {1}).ok()) << "the same again";
  }
  auto record = SigningRecord::Open(world.files(), "/s", "example.com/log");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->Intend(1, TreeSize{5}, {2}).code(), StatusCode::kFailedPrecondition)
      << "over all keys";
  EXPECT_EQ(record->Intend(0, TreeSize{4}, {1}).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(record->Intend(1, TreeSize{6}, {2}).ok());
  EXPECT_EQ(SigningRecord::Open(world.files(), "/s", "example.org/log").status().code(),
            StatusCode::kFailedPrecondition);
}

TEST(SigningRecordTest, EveryChangedByteIsNoticed) {
  const std::string text = SigningStateText(
      {.origin = "example.com/log", .epoch = 3, .size = TreeSize{77}, .root = {9}});
  ASSERT_TRUE(ParseSigningState(text).ok());
  EXPECT_EQ(ParseSigningState(text)->epoch, 3u);
  for (size_t i = 0; i < text.size(); ++i) {
    for (const std::string& changed :
         {text.substr(0, i), text.substr(0, i) + text.substr(i + 1),
          text.substr(0, i) + static_cast<char>(text[i] ^ 1) + text.substr(i + 1)}) {
      EXPECT_FALSE(ParseSigningState(changed).ok()) << changed;
    }
  }
  EXPECT_FALSE(ParseSigningState(text + "\n").ok());
  EXPECT_EQ(ParseSigningState("sealtrail/signing/v2\n").status().code(),
            StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace sealtrail::ledger
