// Attacks by somebody who holds the trail's current key, and files that are gone: what is named, and where.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Forge;
using testing::ShortLeaves;
using testing::SpanLeaves;

// "file kind first-last" of all damage, in the report's order; records as far as they are known.
std::vector<std::string> Places(const Report& report) {
  std::vector<std::string> out;
  for (const Damage& d : report.damage) out.push_back(fmt::format("{} {}", d.file, d.kind));
  return out;
}

std::vector<std::string> Missing(const Report& report) {
  std::vector<std::string> out;
  for (const Range& range : report.ranges) {
    if (range.state != RangeState::kPresentValid)
      out.push_back(fmt::format("{}-{} {}", Value(range.first), Value(range.last),
                                RangeStateName(range.state)));
  }
  return out;
}

using ::testing::Contains;
using ::testing::ElementsAre;

// Four sealed segments of 300, 280, 10 and 10 records, and a log.
Forge FourSealed() {
  Forge forge;
  forge.compress = true;
  forge.BeginFile();
  forge.AddMany(ShortLeaves(0, 300));
  forge.Seal();
  for (const uint64_t records : {279, 9, 9}) {
    forge.AddMany(ShortLeaves(forge.size(), records));
    forge.Seal();
  }
  forge.SignCheckpoint();
  return forge;
}

// --- Files that are gone --------------------------------------------------------------------------

// Nothing is deleted by policy yet, so whatever is gone is missing: which files, and which records.
class MissingTest : public ::testing::Test {
 protected:
  Report Without(std::initializer_list<std::string> paths) {
    Forge forge = FourSealed();
    for (const std::string& path : paths) EXPECT_EQ(forge.source.files.erase(path), 1u);
    return Verify(forge.source, {.vkey = forge.vkey()});
  }
  const Forge whole_ = FourSealed();
  const std::string first_ = whole_.Sealed(0), second_ = whole_.Sealed(1),
                    third_ = whole_.Sealed(2);
  const std::string first_manifest_ = whole_.Manifest(0), second_manifest_ = whole_.Manifest(1),
                    third_manifest_ = whole_.Manifest(2);
};

TEST_F(MissingTest, NothingIs) {
  const Report report = Without({});
  EXPECT_EQ(report.verdict, Verdict::kSound);
  EXPECT_THAT(Missing(report), ElementsAre());
}

// The manifest stands in for the records, so the others are known to be right.
TEST_F(MissingTest, ASegmentWhoseManifestIsThere) {
  const Report report = Without({second_});
  EXPECT_THAT(Places(report), ElementsAre(second_ + " missing_file"));
  EXPECT_EQ(report.damage[0].seq, Seq{300});
  EXPECT_THAT(Missing(report), ElementsAre("300-579 missing-or-altered"));
  EXPECT_EQ(report.completeness.answer, Answer::kFail);
}

TEST_F(MissingTest, ASegmentAndItsManifest) {
  const Report report = Without({second_, second_manifest_});
  EXPECT_THAT(Places(report), ElementsAre(second_ + " missing_file"));
  EXPECT_THAT(report.damage[0].text, ::testing::HasSubstr("records 300 to 579 are missing"));
  EXPECT_THAT(Missing(report), ElementsAre("300-579 missing-or-altered"));
  EXPECT_EQ(report.completeness.answer, Answer::kFail);
}

TEST_F(MissingTest, TheFirstSegmentAndItsManifest) {
  const Report report = Without({first_, first_manifest_});
  EXPECT_THAT(Places(report), ElementsAre(first_ + " missing_file"));
  EXPECT_THAT(Missing(report), ElementsAre("0-299 missing-or-altered"));
}

TEST_F(MissingTest, TwoAdjacentSegmentsAndTheirManifests) {
  const Report report = Without({second_, second_manifest_, third_, third_manifest_});
  EXPECT_THAT(Places(report), ElementsAre(second_ + " missing_file"));
  EXPECT_THAT(Missing(report), ElementsAre("300-589 missing-or-altered"));
}

// A chain of manifests that looks at one link only would be led past both.
TEST_F(MissingTest, TwoAdjacentManifests) {
  const Report report = Without({second_manifest_, third_manifest_});
  EXPECT_THAT(Places(report),
              ElementsAre(second_manifest_ + " missing_file", third_manifest_ + " missing_file"));
  EXPECT_THAT(Missing(report), ElementsAre());
  EXPECT_EQ(report.root, whole_.Root());
}

TEST_F(MissingTest, TheLogAndTheNewestSegments) {
  const Report report = Without({whole_.path(), whole_.Sealed(3), whole_.Manifest(3)});
  EXPECT_THAT(Places(report), Contains("segments/00000000000000000590.log missing_file"));
  EXPECT_THAT(Missing(report), ElementsAre("590-600 missing-or-altered"));
}

// --- By the holder of the current key ---------------------------------------------------------------

// 320 records in a sealed segment by the first key, then the second key's segment and a log. `marker`: another one is
// another history.
Forge TwoEpochs(uint64_t marker = 0) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(ShortLeaves(marker, 320));
  forge.Seal();
  forge.RotateKey();
  forge.AddMany(ShortLeaves(marker + 320, 100));
  forge.Seal();
  forge.AddMany(ShortLeaves(marker + 420, 5));
  forge.SignCheckpoint();
  return forge;
}

// Seals are deleted and made anew over other records, with the key that is current now: the key before is gone, and
// what it signed, the trail's note and the epoch's, stays.
TEST(RewriteTest, SealsMadeAnewWithTheCurrentKey) {
  const Forge before = TwoEpochs();
  for (const bool claims_the_old_epoch : {false, true}) {
    Forge forge = TwoEpochs(1000);
    forge.source.files["trail"] = before.source.files.at("trail");
    forge.source.files["epochs/1"] = before.source.files.at("epochs/1");
    std::string text(AsText(forge.source.files[forge.Manifest(0)]));
    text.resize(text.find("\n\n") + 1);
    if (!claims_the_old_epoch) {
      const size_t at = text.find("\nepoch 0\n");
      ASSERT_NE(at, text.npos);
      text[at + 7] = '1';
    }
    forge.Put(forge.Manifest(0), forge.Signed(text));
    for (const size_t epoch : {0u, 1u}) {
      const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
      EXPECT_THAT(Places(report), Contains("epochs/1 root_mismatch"));
      EXPECT_THAT(Places(report),
                  Contains(forge.Manifest(0) +
                           (claims_the_old_epoch ? " note_damaged" : " manifest_differs")));
      EXPECT_NE(report.authorship.answer, epoch == 0 ? Answer::kPass : Answer::kFail);
    }
  }
}

// Cut below the record of the rotation, and continued with the key that took over there.
TEST(RewriteTest, CutBelowAnEpochAndContinued) {
  const Forge before = TwoEpochs();
  Forge forge;
  forge.BeginFile();
  forge.AddMany(ShortLeaves(0, 200));
  const auto second = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 0x5f));
  for (const char* path : {"trail", "epochs/1"})
    forge.source.files[path] = before.source.files.at(path);
  forge.Put("checkpoint", testing::SignNote(fmt::format("{}\n{}\n{}\n", forge.origin(),
                                                        forge.size(), Base64Encode(forge.Root())),
                                            forge.origin(), *second));
  for (const size_t epoch : {0u, 1u}) {
    const Report report = Verify(forge.source, {.vkey = before.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kNotSound);
    EXPECT_THAT(Places(report),
                Contains(epoch == 0 ? "checkpoint note_damaged" : "epochs/1 note_damaged"))
        << ReportText(report);
  }
}

// Cut at a checkpoint and continued with the trail's own key: nothing in the folder's own files tells, and whatever
// others hold does.
TEST(RewriteTest, CutAndContinuedIsForOthersToTell) {
  Forge before;
  before.BeginFile();
  before.AddMany(SpanLeaves(0, 40));
  const std::string cosigned = before.SignedCheckpoint(40, before.Root());
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 20));
  forge.AddMany(SpanLeaves(100, 20));
  forge.SignCheckpoint();
  EXPECT_EQ(Verify(forge.source, {.vkey = forge.vkey()}).verdict, Verdict::kSound);
  forge.Put("anchors/00000000000000000040.checkpoint", cosigned);
  EXPECT_THAT(Places(Verify(forge.source, {.vkey = forge.vkey()})),
              ElementsAre("anchors/00000000000000000040.checkpoint anchor_differs"));
}

// An old checkpoint in the place of the new one: the records beyond it would count as not covered. What others were
// shown says that there was a newer one.
TEST(RewriteTest, AStaleCheckpointIsReplayed) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 20));
  const std::string stale = forge.SignedCheckpoint(20, forge.Root());
  forge.AddMany(SpanLeaves(20, 20));
  const std::string cosigned = forge.SignedCheckpoint(40, forge.Root());
  forge.SignCheckpoint();
  forge.Put("checkpoint", stale);
  const Report alone = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(alone.verdict, Verdict::kSound);
  EXPECT_EQ(alone.not_yet_checkpointed, 20u);
  ASSERT_EQ(alone.notices.size(), 1u);
  EXPECT_EQ(alone.notices[0].kind, "signature_pending");

  for (const char* suffix : {"checkpoint", "stamped"}) {
    Forge shown = FourSealed();  // another one, so that nothing is left of the turn before
    shown.source.files = forge.source.files;
    shown.Put(fmt::format("anchors/00000000000000000040.{}", suffix), cosigned);
    const Report report = Verify(shown.source, {.vkey = forge.vkey()});
    EXPECT_THAT(Places(report), ElementsAre("checkpoint checkpoint_behind"));
    EXPECT_EQ(report.damage[0].unit, "note line 2");
    // A running store may have published one since the old one was read.
    EXPECT_EQ(Verify(shown.source, {.vkey = forge.vkey(), .running = true}).verdict,
              Verdict::kSound);
  }
}

}  // namespace
}  // namespace sealtrail::verify
