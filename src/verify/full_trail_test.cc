// A trail with everything in it: sound as it is, and every bit of it in its place.
#include "verify/testing/full_trail.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "env/env.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::CoveredFiles;
using testing::Forge;
using testing::FullTrail;

std::string Places(const Report& report) {
  std::string out;
  for (const Damage& d : report.damage) {
    out +=
        fmt::format("{} {} +{} {} [{}] {}\n", d.file, d.offset, d.length, d.kind, d.unit, d.text);
  }
  for (const std::string& obstacle : report.obstacles) out += "obstacle: " + obstacle + "\n";
  return out;
}

TEST(FullTrailTest, IsSound) {
  for (bool compress : {false, true}) {
    const Forge forge = FullTrail(compress);
    for (size_t epoch : {0u, 1u, 2u}) {
      const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
      EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
      EXPECT_EQ(report.root, forge.Root());
      EXPECT_EQ(report.chain, forge.chain());
      EXPECT_EQ(report.authorship.answer, Answer::kPass) << report.authorship.reason;
      ASSERT_EQ(report.ranges.size(), 1u);
      EXPECT_EQ(report.ranges[0].last, Seq{forge.size() - 1});
      EXPECT_EQ(report.ranges[0].state, RangeState::kPresentValid);
      ASSERT_EQ(report.notices.size(), 1u);
      EXPECT_EQ(report.notices[0].kind, "aside");
    }
  }
}

// Goal: whichever bit of whichever file changes, it is found, in that file, in a unit that holds it, and nothing else
// is blamed.
// Method: a sample by seed, so many of each file; all of them with SEALTRAIL_SOAK=1.
class EveryBitTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Codecs, EveryBitTest, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Compressed" : "Raw"; });

TEST_P(EveryBitTest, OfEveryFile) {
  constexpr size_t kSampleOfFile = 350;
  const char* const soak = std::getenv("SEALTRAIL_SOAK");
  const bool all = soak != nullptr && std::string_view(soak) == "1";
  Forge forge = FullTrail(GetParam());
  uint64_t seed = 2026;
  for (const std::string& path : CoveredFiles(forge)) {
    Bytes& content = forge.source.files[path];
    const size_t bits = content.size() * 8;
    const size_t step = all ? 1 : std::max<size_t>(1, 2 * bits / kSampleOfFile);
    for (size_t bit = 0; bit < bits;) {
      const auto difference = static_cast<uint8_t>(1u << (bit % 8));
      const size_t at = bit / 8;
      content[at] ^= difference;
      const Report report = Verify(forge.source, {.vkey = forge.vkey(bit % 3)});
      content[at] ^= difference;
      ASSERT_EQ(report.verdict, Verdict::kNotSound) << path << " bit " << bit << "\n"
                                                    << Places(report);
      ASSERT_EQ(report.damage.size(), 1u) << path << " bit " << bit << "\n" << Places(report);
      const Damage& found = report.damage[0];
      ASSERT_TRUE(found.file == path && at >= found.offset && at - found.offset < found.length)
          << path << " byte " << at << "\n"
          << Places(report);
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bit += all ? 1 : 1 + (seed >> 33) % step;
    }
  }
}

// What is found does not depend on how many workers looked.
TEST(FullTrailTest, OneReportHoweverManyWorkers) {
  env::Executor& executor = env::RealEnv().executor;
  for (bool compress : {false, true}) {
    Forge forge = FullTrail(compress);
    const auto same = [&](const std::string& what) {
      const Options one = {.vkey = forge.vkey()};
      const std::string expected = ReportJson(Verify(forge.source, one));
      for (int threads : {2, 5}) {
        EXPECT_EQ(
            ReportJson(Verify(forge.source,
                              {.vkey = forge.vkey(), .executor = &executor, .threads = threads})),
            expected)
            << what;
      }
    };
    same("whole");
    for (const std::string& path : CoveredFiles(forge)) {
      Bytes& content = forge.source.files[path];
      const Bytes before = content;
      for (size_t at = 3; at < content.size(); at += content.size() / 7 + 1) {
        content[at] ^= 0x10;
        content[content.size() - 1 - at / 2] ^= 0x01;
        same(fmt::format("{} at {}", path, at));
        content = before;
      }
      content.resize(content.size() / 2);
      same(path + " cut");
      forge.source.files.erase(path);
      same(path + " gone");
      forge.source.files[path] = before;
    }
  }
}

}  // namespace
}  // namespace sealtrail::verify
