// What verify says of anchors/: time stamps, witnesses that nobody named, what is remembered of witnesses, evidence.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/rfc3161.h"
#include "crypto/testing/timestamp_authority.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using crypto::testing::TimestampAuthority;
using testing::CosignatureLine;
using testing::Forge;
using ::testing::HasSubstr;
using testing::SpanLeaves;
using testing::WitnessKeyText;

constexpr UnixNanos kFirstTime{1'795'000'000'000'000'000};  // 2026-11-18
constexpr UnixNanos kSecondTime{1'795'003'600'000'000'000};
constexpr char kStamped[] = "anchors/00000000000000000020.stamped";
constexpr char kToken[] = "anchors/00000000000000000020.0.tsr";
constexpr char kSecondToken[] = "anchors/00000000000000000040.0.tsr";

crypto::Ed25519PrivateKey Key(uint8_t seed) {
  return *crypto::Ed25519PrivateKey::FromSeed(Bytes(32, seed));
}

// 45 records, stamped at 20 and at 40.
struct Stamped {
  Forge forge;
  TimestampAuthority authority;

  Stamped() {
    forge.BeginFile();
    forge.AddMany(SpanLeaves(0, 20));
    Stamp(authority, 0, kFirstTime);
    forge.AddMany(SpanLeaves(20, 20));
    Stamp(authority, 0, kSecondTime);
    forge.AddMany(SpanLeaves(40, 5));
    forge.SignCheckpoint();
  }

  void Stamp(TimestampAuthority& by, int n, UnixNanos time) {
    const std::string note = forge.SignedCheckpoint(forge.size(), forge.Root());
    forge.Put(fmt::format("anchors/{:020}.stamped", forge.size()), note);
    const Bytes reply = by.Reply(crypto::MakeTimestampQuery(AsBytes(note), 7), time);
    forge.Put(fmt::format("anchors/{:020}.{}.tsr", forge.size(), n), AsText(reply));
  }
  Report Check(std::optional<std::string> ca = std::nullopt) const {
    return Verify(forge.source, {.vkey = forge.vkey(), .tsa_ca = std::move(ca)});
  }
};

void ExpectDamage(const Report& report, std::string_view file, std::string_view kind) {
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  ASSERT_EQ(report.damage.size(), 1u) << ReportText(report);
  EXPECT_EQ(report.damage[0].file, file);
  EXPECT_EQ(report.damage[0].kind, kind) << ReportText(report);
}

bool HasNotice(const Report& report, std::string_view file, std::string_view kind) {
  return std::any_of(report.notices.begin(), report.notices.end(),
                     [&](const Notice& n) { return n.file == file && n.kind == kind; });
}

TEST(TimeStampTest, PassesWhereAGivenCertificateVouchesForIt) {
  const Stamped t;
  const Report report = t.Check(t.authority.ca_pem());
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.time.answer, Answer::kPass);
  EXPECT_EQ(report.time.reason,
            "the first 40 records existed at 2026-11-18T12:06:40.000000000Z, by \"CN=Test TSA\"");
  ASSERT_TRUE(report.time_stamp.has_value());
  EXPECT_EQ(report.time_stamp->size, 40u);
  EXPECT_EQ(report.time_stamp->time, kSecondTime);
  EXPECT_TRUE(report.time_stamp->trusted);
  EXPECT_THAT(ReportJson(report),
              HasSubstr(R"("time_stamp":{"size":40,"time":"2026-11-18T12:06:40.000000000Z",)"
                        R"("authority":"CN=Test TSA","trusted":true})"));
}

TEST(TimeStampTest, IsAClaimWithoutACertificate) {
  const Stamped t;
  const Report report = t.Check();
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.time.answer, Answer::kNotEstablished);
  EXPECT_THAT(report.time.reason, HasSubstr("claims that the first 40 records existed at 2026-11"));
  ASSERT_TRUE(report.time_stamp.has_value());
  EXPECT_FALSE(report.time_stamp->trusted);

  Forge none;
  none.BeginFile();
  none.AddMany(SpanLeaves(0, 20));
  none.SignCheckpoint();
  const Report without = Verify(none.source, {.tsa_ca = t.authority.ca_pem()});
  EXPECT_EQ(without.time.answer, Answer::kNotEstablished);
  EXPECT_THAT(without.time.reason, HasSubstr("no time stamp"));
  EXPECT_FALSE(without.time_stamp.has_value());
  EXPECT_THAT(ReportJson(without), HasSubstr(R"("time_stamp":null)"));
}

// Anybody can be an authority; only the one that the caller knows counts.
TEST(TimeStampTest, OfAnotherAuthorityIsNone) {
  Stamped t;
  TimestampAuthority other;
  Report report = t.Check(other.ca_pem());
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.time.answer, Answer::kFail);
  EXPECT_TRUE(HasNotice(report, kToken, "unknown_authority"));
  EXPECT_FALSE(report.time_stamp->trusted);

  // Of two authorities one is known: the newest that is counts, and the other is told.
  t.forge.SignCheckpoint();
  t.Stamp(other, 1, kFirstTime);
  report = t.Check(t.authority.ca_pem());
  EXPECT_EQ(report.time.answer, Answer::kPass);
  EXPECT_EQ(report.time_stamp->size, 40u);
  EXPECT_TRUE(HasNotice(report, "anchors/00000000000000000045.1.tsr", "unknown_authority"));
  report = t.Check(t.authority.ca_pem() + other.ca_pem());
  EXPECT_EQ(report.time_stamp->size, 45u);

  report = t.Check("no certificate");
  EXPECT_EQ(report.verdict, Verdict::kCannotTell);
  EXPECT_THAT(report.obstacles[0], HasSubstr("time-stamp authorities"));
}

// Each is told with and without a certificate to trust, and leaves the other answers alone.
TEST(TimeStampTest, Tampering) {
  TimestampAuthority late({.expired = true});
  const struct {
    const char* what;
    std::function<void(Stamped&)> act;
    const char* file;
    const char* kind;
    Answer time = Answer::kFail;
  } table[] = {
      {"tokens of two notes changed places",
       [](Stamped& t) { t.forge.source.files[kToken] = t.forge.source.files[kSecondToken]; },
       kToken, "stamp_altered"},
      {"a bit of the signed time",
       [](Stamped& t) {
         Bytes& token = t.forge.source.files[kToken];
         constexpr std::string_view kTime = "20261118";
         const auto at = std::search(token.begin(), token.end(), kTime.begin(), kTime.end());
         ASSERT_NE(at, token.end());
         *at ^= 1;
       },
       kToken, "stamp_altered"},
      {"no reply", [](Stamped& t) { t.forge.Put(kToken, "x"); }, kToken, "stamp_altered"},
      {"an empty file", [](Stamped& t) { t.forge.Put(kToken, ""); }, kToken, "stamp_altered"},
      {"bytes after the reply", [](Stamped& t) { t.forge.source.files[kToken].push_back(0); },
       kToken, "stamp_altered"},
      {"far too long", [](Stamped& t) { t.forge.source.files[kToken].resize(300'000); }, kToken,
       "note_damaged"},
      {"a refusal in its place",
       [](Stamped& t) {
         t.forge.Put(kToken, AsText(t.authority.Reply(Bytes{1, 2}, kFirstTime)));
       },
       kToken, "stamp_altered"},
      {"the note that it is about is gone",
       [](Stamped& t) { t.forge.source.files.erase(kStamped); }, kStamped, "stamped_missing"},
      {"the note was changed", [](Stamped& t) { t.forge.source.files[kStamped][30] ^= 1; },
       kStamped, "note_damaged"},
      {"the note is that of another size",
       [](Stamped& t) {
         t.forge.source.files[kStamped] =
             t.forge.source.files["anchors/00000000000000000040.stamped"];
       },
       kStamped, "file_misplaced"},
      {"a note of another history",
       [](Stamped& t) { t.forge.Put(kStamped, t.forge.SignedCheckpoint(20, t.forge.Root(19))); },
       kStamped, "anchor_differs"},
      {"a note of more records than there are",
       [](Stamped& t) {
         t.forge.Put("anchors/00000000000000000046.stamped",
                     t.forge.SignedCheckpoint(46, t.forge.Root(45)));
       },
       "anchors/00000000000000000046.stamped", "anchor_ahead", Answer::kPass},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Stamped t;
    each.act(t);
    const Report report = t.Check(t.authority.ca_pem());
    ExpectDamage(report, each.file, each.kind);
    EXPECT_EQ(report.time.answer, each.time) << report.time.reason;
    EXPECT_EQ(report.completeness.answer, Answer::kPass);
    ExpectDamage(t.Check(), each.file, each.kind);
  }
  // A certificate that had expired when it signed: the chain is known, and has a fault in it.
  Stamped t;
  t.Stamp(late, 1, kFirstTime);
  const Report report = t.Check(t.authority.ca_pem() + late.ca_pem());
  ExpectDamage(report, "anchors/00000000000000000045.1.tsr", "stamp_altered");
  EXPECT_THAT(report.damage[0].text, HasSubstr("expired"));
}

// Records that are damaged are covered by no stamp.
TEST(TimeStampTest, OfRecordsThatAreNotThereSaysNothing) {
  Stamped t;
  Bytes& log = t.forge.file();
  for (size_t i = 0; i < 40; ++i) log[300 + i] ^= 0x55;
  const Report report = t.Check(t.authority.ca_pem());
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  EXPECT_EQ(report.time.answer, Answer::kNotEstablished) << report.time.reason;
}

// C2SP signed-note: a line by a key that nobody knows is ignored, and one by a known key must hold.
TEST(CosignatureTest, UnknownKeysAreCountedAndKnownOnesMustHold) {
  const auto w1 = Key(1), stranger = Key(9);
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 20));
  forge.SignCheckpoint();
  const std::string path = "anchors/00000000000000000020.checkpoint";
  const std::string note = forge.SignedCheckpoint(20, forge.Root());
  const std::string text = note.substr(0, note.find("\n\n") + 1);
  const std::string known = CosignatureLine(text, "w1", w1, 1764039846);
  const std::string unknown = CosignatureLine("other text\n", "w1", stranger, 1764039846);
  const std::string odd = "— a.name AAAAAAA=\n";  // 1 byte of a signature of who knows which type
  const std::string policy =
      fmt::format("log {}\nwitness W1 {}\nquorum W1\n", forge.vkey(), WitnessKeyText("w1", w1));
  forge.Put(path, note + unknown + known + odd + odd);
  Report report = Verify(forge.source, {.policy = policy});
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.independence.answer, Answer::kPass);
  ASSERT_EQ(report.notices.size(), 2u) << ReportText(report);
  EXPECT_EQ(report.notices[0].kind, "unknown_witness");
  EXPECT_THAT(report.notices[0].text, HasSubstr("2 signature lines by a.name+00000000"));
  EXPECT_THAT(report.notices[1].text, HasSubstr("1 signature lines by w1+"));

  report = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.notices.size(), 3u) << "without a policy nobody is known";

  // By the known key, over another text: no stranger's line makes up for it.
  forge.Put(path, note + CosignatureLine("other text\n", "w1", w1, 1764039846) + known);
  report = Verify(forge.source, {.policy = policy});
  ASSERT_EQ(report.damage.size(), 1u);
  EXPECT_EQ(report.damage[0].unit, "note signature");
  EXPECT_EQ(report.damage[0].offset, note.size());
  EXPECT_EQ(report.independence.answer, Answer::kFail);
}

// --- What is remembered, and evidence -------------------------------------------------------------

std::string StateText(std::string_view vkey, uint64_t size, const crypto::Hash& root,
                      std::string_view alarm = "") {
  std::string text = fmt::format("sealtrail/witness/v1\nvkey {}\nsize {}\nroot {}\nsuccess 5\n",
                                 vkey, size, Base64Encode(root));
  if (!alarm.empty()) text += fmt::format("alarm {}\n", alarm);
  return text + fmt::format("sha256 {}\n", Base64Encode(crypto::Sha256(AsBytes(text))));
}

TEST(WitnessStateTest, IsHeldToTheLog) {
  const std::string vkey = WitnessKeyText("w1", Key(1));
  const std::string path =
      "anchors/witness-" + HexEncode(ByteView(crypto::Sha256(AsBytes(vkey))).first(16)) + ".state";
  Stamped t;
  const auto check = [&](const std::string& text) {
    t.forge.Put(path, text);
    return t.Check();
  };
  const std::string good = StateText(vkey, 33, t.forge.Root(33));
  EXPECT_EQ(check(good).verdict, Verdict::kSound);
  EXPECT_EQ(check(StateText(vkey, 0, {})).verdict, Verdict::kSound);
  const Report alarm = check(StateText(vkey, 33, t.forge.Root(33), "a fork"));
  EXPECT_EQ(alarm.verdict, Verdict::kSound);
  EXPECT_TRUE(HasNotice(alarm, path, "witness_alarm"));
  ExpectDamage(check(StateText(vkey, 46, t.forge.Root(45))), path, "anchor_ahead");
  ExpectDamage(check(StateText(vkey, 33, t.forge.Root(34))), path, "anchor_differs");
  ExpectDamage(check(StateText("w2", 33, t.forge.Root(33))), path, "state_damaged");
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ExpectDamage(check(changed), path, "state_damaged");
  }
}

// Kept under the name that its bytes ask for.
std::string Keep(Forge& forge, uint64_t size, const std::string& note) {
  const std::string path = fmt::format("anchors/evidence/{:020}-{}.note", size,
                                       HexEncode(ByteView(crypto::Sha256(AsBytes(note))).first(4)));
  forge.Put(path, note);
  return path;
}

TEST(EvidenceTest, IsWhatItsNameSays) {
  Stamped t;
  const std::string path = Keep(t.forge, 20, t.forge.SignedCheckpoint(20, t.forge.Root()));
  t.forge.source.files[path][3] ^= 1;
  ExpectDamage(t.Check(), path, "evidence_altered");
}

TEST(EvidenceTest, OfAnotherHistoryByTheTrailsKeyIsAFork) {
  const auto w1 = Key(1);
  Stamped t;
  const std::string note = t.forge.SignedCheckpoint(45, t.forge.Root());
  const std::string text = note.substr(0, note.find("\n\n") + 1);
  t.forge.Put("anchors/00000000000000000045.checkpoint", note + CosignatureLine(text, "w1", w1, 5));
  const std::string policy =
      fmt::format("log {}\nwitness W1 {}\nquorum W1\n", t.forge.vkey(), WitnessKeyText("w1", w1));
  const auto check = [&] { return Verify(t.forge.source, {.policy = policy}); };

  // Our own side of a contradiction, and what only a stranger signed, contradict nothing.
  const std::string ours = Keep(t.forge, 33, t.forge.SignedCheckpoint(33, t.forge.Root(33)));
  const Forge stranger(t.forge.origin(), 0x10);
  const std::string theirs = Keep(t.forge, 33, stranger.SignedCheckpoint(33, t.forge.Root(34)));
  const std::string none = Keep(t.forge, 33, "no note\n");
  Report report = check();
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.independence.answer, Answer::kPass) << report.independence.reason;
  for (const std::string& path : {ours, theirs, none})
    EXPECT_TRUE(HasNotice(report, path, "evidence")) << ReportText(report);

  // With a witness's line, and with a line more than our checkpoints have.
  const std::string other = t.forge.SignedCheckpoint(33, t.forge.Root(34));
  const std::string extended = t.forge.Signed(
      fmt::format("{}\n33\n{}\nmore\n", t.forge.origin(), Base64Encode(t.forge.Root(34))));
  for (const std::string& fork :
       {other, other + CosignatureLine("another text\n", "w1", w1, 5), extended}) {
    const std::string path = Keep(t.forge, 33, fork);
    report = check();
    ExpectDamage(report, path, "anchor_differs");
    EXPECT_EQ(report.independence.answer, Answer::kFail) << report.independence.reason;
    EXPECT_EQ(t.Check().independence.answer, Answer::kFail);
    t.forge.source.files.erase(path);
  }
  const std::string path = Keep(t.forge, 46, t.forge.SignedCheckpoint(46, t.forge.Root()));
  report = check();
  ExpectDamage(report, path, "anchor_ahead");
  EXPECT_EQ(report.independence.answer, Answer::kFail) << report.independence.reason;
}

// A trail that went on from a backup: what its old key signed after that is why it has a new one.
TEST(EvidenceTest, OfALogThatARecoveryEndedIsExplainedByIt) {
  Stamped t;
  const std::string ahead = t.forge.SignedCheckpoint(46, t.forge.Root());
  const std::string fork = t.forge.SignedCheckpoint(33, t.forge.Root(34));
  t.forge.RecoverEpoch();
  t.forge.AddMany(SpanLeaves(46, 5));
  t.forge.SignCheckpoint();
  const std::string path = Keep(t.forge, 46, ahead);
  for (const size_t epoch : {0u, 1u}) {
    const Report report = Verify(t.forge.source, {.vkey = t.forge.vkey(epoch)});
    EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
    EXPECT_TRUE(HasNotice(report, path, "evidence"));
  }
  const std::string below = Keep(t.forge, 33, fork);
  ExpectDamage(t.Check(), below, "anchor_differs");
}

// Whoever holds a key that was changed can still sign with it.
TEST(EvidenceTest, OfAKeyThatWasChangedCounts) {
  Stamped t;
  const std::string fork = t.forge.SignedCheckpoint(47, t.forge.Root(34));
  t.forge.RotateKey();
  t.forge.AddMany(SpanLeaves(46, 5));
  t.forge.SignCheckpoint();
  const std::string path = Keep(t.forge, 47, fork);
  ExpectDamage(t.Check(), path, "anchor_differs");
}

TEST(AnchorFilesTest, OtherNamesAreReported) {
  for (const char* name :
       {"x", "20.checkpoint", "00000000000000000020.tsr", "00000000000000000020.00.tsr",
        "00000000000000000020.x.tsr", "witness-1.state", "evidence/x.note", "x.tmp",
        "0000000000000000002x.0.tsr", "99999999999999999999.stamped"}) {
    Stamped t;
    t.forge.Put(std::string("anchors/") + name, "x");
    ExpectDamage(t.Check(), std::string("anchors/") + name, "unknown_file");
  }
  Stamped t;
  t.forge.Put("anchors/00000000000000000020.1.tsr.tmp", "x");
  t.forge.Put("anchors/policy", "x");
  t.forge.Put("anchors/policy.tmp", "x");
  const Report report = t.Check();
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_TRUE(HasNotice(report, "anchors/00000000000000000020.1.tsr.tmp", "temporary_file"));
  EXPECT_TRUE(HasNotice(report, "anchors/policy.tmp", "temporary_file"));
}

}  // namespace
}  // namespace sealtrail::verify
