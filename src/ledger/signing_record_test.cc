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
  {
    auto record = SigningRecord::Open(world.files(), "/s", "example.com/log");
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(record->Intend(1, TreeSize{5}, {2}).code(), StatusCode::kFailedPrecondition)
        << "over all keys";
    EXPECT_EQ(record->Intend(0, TreeSize{4}, {1}).code(), StatusCode::kFailedPrecondition);
    EXPECT_TRUE(record->Intend(1, TreeSize{6}, {2}).ok());
  }
  EXPECT_EQ(SigningRecord::Open(world.files(), "/s", "example.org/log").status().code(),
            StatusCode::kFailedPrecondition);
}

// Goal: of two copies of a trail that share a record, one signs.
TEST(SigningRecordTest, ItIsOnesAlone) {
  SimEnv world(1);
  ASSERT_TRUE(world.files().MakeDir("/s").ok());
  const auto open = [&] { return SigningRecord::Open(world.files(), "/s", "example.com/log"); };
  const auto open_without_lock = [&] {
    return SigningRecord::OpenLocked(world.files(), "/s", "example.com/log");
  };
  {
    auto one = open();
    ASSERT_TRUE(one.ok());
    EXPECT_EQ(open().status().code(), StatusCode::kUnavailable);
    ASSERT_TRUE(one->Intend(0, TreeSize{5}, {1}).ok());
    // Where the lock does not reach.
    auto other = open_without_lock();
    ASSERT_TRUE(other.ok() && other->Intend(0, TreeSize{6}, {2}).ok());
    EXPECT_EQ(one->Intend(0, TreeSize{6}, {3}).code(), StatusCode::kFailedPrecondition);
    ASSERT_TRUE(world.files().Remove("/s/state").ok());
    EXPECT_EQ(one->Intend(0, TreeSize{7}, {3}).code(), StatusCode::kFailedPrecondition);
  }
  auto next = open();
  ASSERT_TRUE(next.ok());
  ASSERT_TRUE(open_without_lock()->Intend(0, TreeSize{1}, {}).ok());
  EXPECT_EQ(next->Intend(0, TreeSize{1}, {1}).code(), StatusCode::kFailedPrecondition)
      << "there was none, and now there is";
}

TEST(SigningRecordTest, ItLiesOutsideTheTrail) {
  SimEnv world(1);
  for (const char* dir : {"/data", "/data/signing", "/data/segments"})
    ASSERT_TRUE(world.files().MakeDir(dir).ok());
  for (const char* dir : {"/data", "/data/segments", "/data/new", "/data/signing/in"})
    EXPECT_EQ(SigningFolder(world.files(), "/data", dir).status().code(),
              StatusCode::kFailedPrecondition)
        << dir;
  EXPECT_FALSE(world.files().Stat("/data/new").ok());
  EXPECT_EQ(SigningFolder(world.files(), "/data", "/data/signing/").value(), "/data/signing");
  EXPECT_EQ(SigningFolder(world.files(), "/data", "/safe").value(), "/safe");
  EXPECT_TRUE(world.files().Stat("/safe")->is_directory);
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
