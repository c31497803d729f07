// What cannot be read is neither altered nor missing: verify says that it could not be read, and that it cannot tell.
#include <gtest/gtest.h>

#include "crypto/rfc3161.h"
#include "crypto/testing/timestamp_authority.h"
#include "verify/testing/failing_source.h"
#include "verify/testing/full_trail.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Bodies;
using testing::FailingSource;
using testing::FullTrail;
using testing::UnreadableSource;

// Nothing is blamed, and nothing is said to hold that was not looked at.
void ExpectCannotTell(const Report& report) {
  EXPECT_EQ(report.verdict, Verdict::kCannotTell);
  EXPECT_FALSE(report.obstacles.empty());
  EXPECT_EQ(report.damage_total, 0u);
  EXPECT_EQ(report.integrity.answer, Answer::kNotEstablished);
  for (const Finding* each : {&report.integrity, &report.order, &report.completeness,
                              &report.authorship, &report.time, &report.independence})
    EXPECT_NE(each->answer, Answer::kFail) << each->reason;
  for (const Range& range : report.ranges) EXPECT_EQ(range.state, RangeState::kPresentValid);
}

// Each call in turn. Another listing of the segments may come to the same, for a running store seals while it is listed.
template <typename Check>
void FailEach(const Source& source, const Check& check) {
  for (const StatusCode code : {StatusCode::kUnavailable, StatusCode::kFailedPrecondition}) {
    for (int number = 0;; ++number) {
      const FailingSource failing(source, number, code);
      const Report report = check(failing);
      if (!failing.failed()) {
        EXPECT_GT(number, 20);
        break;
      }
      SCOPED_TRACE(
          fmt::format("call {}, of \"{}\"\n{}", number, failing.what(), ReportText(report)));
      const bool again = code == StatusCode::kUnavailable && failing.what().starts_with("segments");
      if (again && report.verdict == Verdict::kSound) continue;
      ExpectCannotTell(report);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(UnreadTest, NothingInATrailIsBlamedForAReadThatFails) {
  crypto::testing::TimestampAuthority authority;
  const FullTrail trail(Bodies::kCompressed, [&](std::string_view note) {
    return authority.Reply(crypto::MakeTimestampQuery(AsBytes(note), 7),
                           UnixNanos{1'795'000'000'000'000'000});
  });
  FailEach(trail.forge.source, [&](const Source& source) {
    return Verify(
        source, {.vkey = trail.forge.vkey(), .policy = trail.policy, .tsa_ca = authority.ca_pem()});
  });
}

// Goal: who alters a record and then makes something else unreadable hides nothing by it.
TEST(UnreadTest, WhatWasReadIsJudgedBesideWhatWasNot) {
  FullTrail trail(Bodies::kCompressed);
  const std::string log = [&] {
    for (const auto& [path, content] : trail.forge.source.files)
      if (path.starts_with("segments/") && path.ends_with(".seg")) return path;
    return std::string();
  }();
  ASSERT_NE(log, "");
  Bytes& content = trail.forge.source.files[log];
  content[content.size() / 2] ^= 1;
  for (const std::string path :
       {"signing/state", "checkpoint", "signing", "aside", "anchors", ""}) {
    const UnreadableSource source(trail.forge.source, path);
    const Report report = Verify(source, {.vkey = trail.forge.vkey()});
    EXPECT_EQ(report.verdict, Verdict::kNotSound) << path << "\n" << ReportText(report);
    EXPECT_EQ(report.damage_total, 1u) << path << "\n" << ReportText(report);
    EXPECT_FALSE(report.obstacles.empty()) << path;
    for (const Damage& each : report.damage) EXPECT_EQ(each.file, log) << path;
  }
}

// A folder in a note's place is no disk that fails.
TEST(UnreadTest, AFolderInANotesPlaceIsDamage) {
  for (const std::string path : {"checkpoint", "trail", "signing/state"}) {
    FullTrail trail(Bodies::kCompressed);
    trail.forge.source.files.erase(path);
    trail.forge.source.files[path + "/x"] = {};
    const Report report = Verify(trail.forge.source, {.vkey = trail.forge.vkey()});
    EXPECT_EQ(report.verdict, Verdict::kNotSound) << path << "\n" << ReportText(report);
  }
}

}  // namespace
}  // namespace sealtrail::verify
