#include "tlog/checkpoint.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/note.h"
#include "tlog/testing/test_log.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::tlog {
namespace {

TEST(CheckpointTest, PublishedExample) {
  const auto note = ParseNote(testing::TlogVector("checkpoint/behind-the-sofa.checkpoint.txt"));
  ASSERT_TRUE(note.ok());
  const auto checkpoint = ParseCheckpointText(note->text);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().ToString();
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(Value(checkpoint->size), 20852163u);
  EXPECT_EQ(Base64Encode(checkpoint->root), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");
  EXPECT_EQ(CheckpointText(*checkpoint), note->text);
}

TEST(CheckpointTest, RefusesOtherShapes) {
  const std::string root = Base64Encode(Bytes(32, 1));
  EXPECT_TRUE(ParseCheckpointText("o\n0\n" + root + "\n").ok());
  EXPECT_TRUE(ParseCheckpointText("o\n18446744073709551615\n" + root + "\n").ok());
  for (const std::string& bad : std::vector<std::string>{
           "", "o\n", "o\n1\n", "o\n01\n" + root + "\n", "o\n-1\n" + root + "\n",
           "o\n+1\n" + root + "\n", "o\n 1\n" + root + "\n", "o\n\n" + root + "\n",
           "o\n0x1\n" + root + "\n", "o\n1\n" + root, "o\n1\nAAAA\n", "\n1\n" + root + "\n",
           "o\n1\n" + root + "=\n", "o\n1\n" + root + "\nextension", "o\n1\n" + root + "\n\n",
           "o\n18446744073709551616\n" + root + "\n"}) {
    EXPECT_EQ(ParseCheckpointText(bad).status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(ParseCheckpointWithExtensions(bad).status().code(), StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(CheckpointTest, ExtensionsAreOthers) {
  const std::string text = "o\n1\n" + Base64Encode(Bytes(32, 1)) + "\nextension\nmore\n";
  EXPECT_EQ(ParseCheckpointText(text).status().code(), StatusCode::kInvalidArgument);
  const auto checkpoint = ParseCheckpointWithExtensions(text);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->extensions, "extension\nmore\n");
  EXPECT_EQ(CheckpointText(*checkpoint), text);
}

}  // namespace
}  // namespace sealtrail::tlog
