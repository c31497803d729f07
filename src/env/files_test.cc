#include "env/files.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sealtrail::env
