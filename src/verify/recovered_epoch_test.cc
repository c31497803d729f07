// Trails that go on after a recovery: what each key vouches for, and what does not fit together.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Forge;
using testing::RecoverySpec;
using testing::SpanLeaf;
using testing::SpanLeaves;

constexpr uint64_t kBefore = 11;  // records before the recovery's own

// A rotation, a sealed segment, the recovery, and what came after it: another sealed segment, a rotation.
Forge Recovered(const RecoverySpec& spec = {}) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords(SpanLeaves(0, 4));
  forge.RotateKey();
  forge.AddRecords(SpanLeaves(4, 2));
  forge.Seal();
  forge.AddRecords(SpanLeaves(6, 3));
  forge.RecoverEpoch(spec);
  forge.AddRecords(SpanLeaves(9, 3));
  forge.Seal();
  forge.RotateKey();
  forge.AddRecords(SpanLeaves(12, 3));
  forge.SignCheckpoint();
  return forge;
}

std::string All(const Report& report) {
  return ReportText(report);
}

TEST(RecoveredEpochTest, IntegrityHoldsOverBothSides) {
  const Forge forge = Recovered();
  const Report report = Verify(forge.source, {.origin = forge.origin()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << All(report);
  EXPECT_EQ(report.integrity.answer, Answer::kPass);
  EXPECT_EQ(report.origin, "example.com/forge") << "the trail's, not the log's";
}

TEST(RecoveredEpochTest, TheOldKeyVouchesForWhatWasBefore) {
  const Forge forge = Recovered();
  for (const size_t epoch : {0u, 1u}) {
    const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kSound) << All(report);
    EXPECT_EQ(report.integrity.answer, Answer::kPass);
    EXPECT_EQ(report.authorship.answer, Answer::kNotEstablished);
    EXPECT_NE(report.authorship.reason.find(
                  fmt::format("from record {} on the trail is a recovered epoch under a new key, "
                              "example.com/forge/epoch-2",
                              kBefore)),
              std::string::npos)
        << report.authorship.reason;
    EXPECT_NE(report.authorship.reason.find(fmt::format("vouches for the first {} ", kBefore)),
              std::string::npos)
        << report.authorship.reason;
  }
}

TEST(RecoveredEpochTest, TheNewKeyVouchesForWhatItSigned) {
  const Forge forge = Recovered();
  for (const size_t epoch : {2u, 3u}) {
    const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kSound) << All(report);
    EXPECT_EQ(report.authorship.answer, Answer::kPass) << report.authorship.reason;
  }
}

// The origin of a trail may end like the name of a recovered log.
TEST(RecoveredEpochTest, AnOriginThatLooksLikeARecoveredLog) {
  Forge forge("example.com/epoch-7");
  forge.BeginFile();
  forge.AddRecords(SpanLeaves(0, 4));
  forge.SignCheckpoint();
  const Report plain = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(plain.verdict, Verdict::kSound) << All(plain);
  EXPECT_EQ(plain.origin, "example.com/epoch-7");
  forge.RecoverEpoch();
  forge.SignCheckpoint();
  for (const size_t epoch : {0u, 1u}) {
    const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kSound) << All(report);
    EXPECT_EQ(report.origin, "example.com/epoch-7");
  }
}

// Whoever has no key at all can begin an epoch too. It changes nothing that the known key says.
TEST(RecoveredEpochTest, AStrangersRecoveryIsNotVouchedFor) {
  Forge stranger("example.com/forge", 0x10);
  stranger.BeginFile();
  stranger.AddRecords(SpanLeaves(0, 4));
  stranger.RecoverEpoch();
  stranger.SignCheckpoint();
  const Report report = Verify(stranger.source, {.vkey = Forge().vkey()});
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  EXPECT_EQ(report.authorship.answer, Answer::kFail) << report.authorship.reason;
}

void ExpectDamageAt(const Forge& forge, std::string_view file, std::string_view kind,
                    std::string_view text = "") {
  for (const size_t epoch : {0u, 3u}) {
    const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kNotSound);
    const bool found = std::ranges::any_of(report.damage, [&](const Damage& damage) {
      return damage.file == file && damage.kind == kind &&
             damage.text.find(text) != std::string::npos;
    });
    EXPECT_TRUE(found) << "key " << epoch << ": " << All(report);
  }
}

TEST(RecoveredEpochTest, RecordsThatDoNotFitTheirNote) {
  const std::string stranger = testing::VerifierKeyText(
      "example.com/forge/epoch-2", *crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1)));
  const struct {
    const char* what;
    RecoverySpec spec;
    std::string_view text;
  } table[] = {
      {"another key", {.vkey = stranger}, ""},
      {"another key before it", {.previous = stranger}, "another one before it"},
      {"another size", {.size = kBefore - 1}, "another size"},
      {"another root", {.root = crypto::Hash{1}}, "another root"},
      {"a number that is too small", {.name = "example.com/forge/epoch-1"}, "not its own"},
      {"the name of the trail itself", {.name = "example.com/forge"}, "not its own"},
      {"the old key's signature", {.old_key_signs_too = true}, ""},
      {"a rotation that the old key did not sign", {.action = "sealtrail.key.rotate"}, ""},
      {"a rotation to another name",
       {.action = "sealtrail.key.rotate", .old_key_signs_too = true},
       ""},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    ExpectDamageAt(Recovered(each.spec), "epochs/2", "note_damaged", each.text);
  }
  const Forge higher = Recovered({.name = "example.com/forge/epoch-9"});
  EXPECT_EQ(Verify(higher.source, {.vkey = higher.vkey()}).verdict, Verdict::kSound)
      << "smaller numbers may have been taken by folders that were lost";
}

TEST(RecoveredEpochTest, TamperingWithItsFiles) {
  Forge forge = Recovered();
  const auto whole = forge.source.files;
  const auto again = [&] { forge.source.files = whole; };
  forge.source.files.erase("epochs/2.before");
  ExpectDamageAt(forge, "epochs/2.before", "missing_file");
  again();
  forge.source.files.erase("epochs/2");
  ExpectDamageAt(forge, "epochs/2", "missing_file");
  again();
  forge.source.files["epochs/1.before"] = forge.source.files["epochs/2.before"];
  ExpectDamageAt(forge, "epochs/1.before", "note_damaged");
  again();
  forge.source.files["epochs/8.before"] = forge.source.files["epochs/2.before"];
  ExpectDamageAt(forge, "epochs/8.before", "note_damaged");
  again();
  for (const std::string path : {"epochs/2", "epochs/2.before"}) {
    for (size_t at = 0; at < forge.source.files[path].size(); at += 7) {
      SCOPED_TRACE(fmt::format("{} byte {}", path, at));
      forge.source.files[path][at] ^= 1;
      ExpectDamageAt(forge, path, "note_damaged");
      forge.source.files[path][at] ^= 1;
    }
  }
  // The same tree, signed by the new key: a checkpoint of before that the old key never signed.
  forge.Put("epochs/2.before",
            testing::SignNote(fmt::format("{}\n{}\n{}\n", forge.origin(), kBefore,
                                          Base64Encode(forge.Root(kBefore))),
                              forge.origin(), forge.key()));
  ExpectDamageAt(forge, "epochs/2.before", "note_damaged");
}

// The folder of a backup: what was staged is not part of it, and while files are on their way nothing can be told.
TEST(BackupFilesTest, StagedFilesAreNoticesAndAListOfThemAnObstacle) {
  Forge forge = Recovered();
  const char* const staged[] = {"checkpoint.incoming",
                                "segments/00000000000000000015.log.incoming",
                                "tiles/1.incoming",
                                "epochs/4.incoming",
                                "epochs/4.before.incoming",
                                "signing/state-0.incoming",
                                "trail.incoming"};
  for (const char* path : staged) forge.Put(path, "half of a file");
  forge.Put("signing/state-0", "an older signing record");
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << All(report);
  for (const char* path : staged) {
    EXPECT_TRUE(std::ranges::any_of(report.notices, [&](const Notice& notice) {
      return notice.file == path && notice.kind == "temporary_file";
    })) << path;
  }
  forge.Put("incoming", "sealtrail/backup/v1\ncheckpoint\n");
  forge.source.files.erase(forge.Sealed(0));
  const Report moving = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(moving.verdict, Verdict::kCannotTell) << All(moving);
}

}  // namespace
}  // namespace sealtrail::verify
