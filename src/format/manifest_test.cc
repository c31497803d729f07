#include "format/manifest.h"

#include <gtest/gtest.h>

namespace sealtrail::format {
namespace {

Manifest Example() {
  Manifest manifest{
      .origin = "example.com/log",
      .first = Seq{300},
      .records = 212,
      .file_bytes = 4096,
      .file_hash = {1},
      .index_offset = 4000,
      .leaf_bytes = 100'000,
      .chain_before = {2},
      .chain_after = {3},
      .before = {.size = TreeSize{300}, .root = {4}},
      .after = {.size = TreeSize{512}, .root = {5}},
      .nodes = {{.level = 2, .index = 75, .hash = {6}}, {.level = 4, .index = 19, .hash = {7}}},
      .times = {.event_min = -5, .event_max = 7, .received_min = 8, .received_max = 9},
      .rules = Hash32{8},
      .config = std::nullopt,
      .previous = Hash32{9},
      .epoch = 2,
      .sealed = UnixNanos{1'764'039'845'000'000'250}};
  return manifest;
}

TEST(ManifestTest, RoundTripsInOneSpelling) {
  const std::string text = ManifestText(Example());
  EXPECT_TRUE(text.starts_with(
      "sealtrail/manifest/v1\norigin example.com/log\nsegment 300\nrecords 212\nfile 4096 "));
  EXPECT_TRUE(text.ends_with("\nepoch 2\nsealed 2025-11-25T03:04:05.000000250Z\n")) << text;
  const auto parsed = ParseManifestText(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(*parsed, Example());
}

// Whatever byte is changed, left out or doubled: another manifest in its one spelling, or none at all.
TEST(ManifestTest, OtherSpellingsAreRefused) {
  const std::string text = ManifestText(Example());
  for (size_t i = 0; i < text.size(); ++i) {
    for (const std::string& changed :
         {text.substr(0, i) + text.substr(i + 1), text.substr(0, i) + text[i] + text.substr(i),
          text.substr(0, i) + static_cast<char>(text[i] ^ 1) + text.substr(i + 1)}) {
      const auto parsed = ParseManifestText(changed);
      if (!parsed.ok()) continue;
      EXPECT_EQ(ManifestText(*parsed), changed);
    }
    EXPECT_FALSE(ParseManifestText(text.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(ParseManifestText(text + "more 1\n").ok());
}

TEST(ManifestTest, ErrorsNameTheLine) {
  std::string text = ManifestText(Example());
  text.replace(text.find("index 4000"), 10, "index 0400");
  EXPECT_NE(ParseManifestText(text).status().message().find("line 6"), std::string::npos)
      << ParseManifestText(text).status().message();
  EXPECT_EQ(ParseManifestText("sealtrail/manifest/v2\n").status().code(),
            StatusCode::kUnimplemented);
  EXPECT_EQ(ParseManifestText("sealtrail/trail/v1\n").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(ManifestTest, SizesMustAddUp) {
  Manifest manifest = Example();
  manifest.records = 211;
  EXPECT_FALSE(ParseManifestText(ManifestText(manifest)).ok());
  manifest = Example();
  manifest.before.size = TreeSize{299};
  EXPECT_FALSE(ParseManifestText(ManifestText(manifest)).ok());
}

}  // namespace
}  // namespace sealtrail::format
