#include "env/files.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "env/real_files.h"
#include "env/testing/temp_folder.h"

namespace sealtrail::env {
namespace {

TEST(FilesTest, PathsAreJoinedWithOneSlash) {
  EXPECT_EQ(JoinPath("/data", "f"), "/data/f");
  EXPECT_EQ(JoinPath("/data/", "f"), "/data/f");
  EXPECT_EQ(JoinPath("/", "f"), "/f");
}

TEST(FilesTest, TheParentHoldsTheEntry) {
  EXPECT_EQ(ParentPath("/a/b"), "/a");
  EXPECT_EQ(ParentPath("/a/b//"), "/a");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("/"), "/");
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("a"), ".");
}

// Goal: a folder in another is seen through links, and where it is yet to be made.
TEST(FilesTest, FoldersThatHoldEachOther) {
  const testing::TempFolder folder;
  const auto at = [&](const std::string& name) { return folder / name; };
  for (const char* name : {"a", "a/in", "ab"}) ASSERT_TRUE(RealFiles().MakeDir(at(name)).ok());
  ASSERT_EQ(::symlink(at("a/in").c_str(), at("link").c_str()), 0);
  const auto overlap = [&](const std::string& a, const std::string& b) {
    EXPECT_EQ(Overlap(RealFiles(), at(a), at(b)).value(),
              Overlap(RealFiles(), at(b), at(a)).value());
    return Overlap(RealFiles(), at(a), at(b)).value();
  };
  EXPECT_TRUE(overlap("a", "a"));
  EXPECT_TRUE(overlap("a", "a/in/"));
  EXPECT_TRUE(overlap("a/", "a/not/yet/"));
  EXPECT_TRUE(overlap("a", "link"));
  EXPECT_TRUE(overlap("a", "link/not"));
  EXPECT_TRUE(overlap("a", "ab/../a"));
  EXPECT_TRUE(overlap("a", ""));
  EXPECT_FALSE(overlap("a", "ab"));
  EXPECT_FALSE(overlap("a", "a-not-yet"));
  EXPECT_FALSE(overlap("a/in", "a/other"));
  EXPECT_TRUE(Overlap(RealFiles(), "/", at("a")).value());
  EXPECT_TRUE(Overlap(RealFiles(), ".", "not-yet").value());
}

}  // namespace
}  // namespace sealtrail::env
