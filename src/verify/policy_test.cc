#include "verify/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::CosignatureLine;
using testing::Forge;
using testing::SpanLeaves;
using testing::WitnessKeyText;

constexpr std::string_view kLog =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
constexpr std::string_view kWitness =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

crypto::Ed25519PrivateKey Key(uint8_t seed) {
  auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, seed));
  SEAL_CHECK(key.ok());
  return std::move(key).value();
}

// The known answer of a cosignature: seed 00 01 … 1f, time 1679315147.
TEST(PolicyTest, ACosignatureOfTheSpecification) {
  const std::string text =
      "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n";
  const std::string line =
      "— witness.example/w1 "
      "519lMgAAAABkGFDLo0vvaVMnQBetpNUCKKILroiWxoSAyyV9iB/"
      "cgczFo9ONQdSuKdatX9+k2ggtjAKaVSHrTWaVvipK5HiRqnepAA==\n";
  Bytes seed(32);
  for (uint8_t i = 0; i < 32; ++i) seed[i] = i;
  const auto key = crypto::Ed25519PrivateKey::FromSeed(seed);
  EXPECT_EQ(CosignatureLine(text, "witness.example/w1", *key, 1679315147), line);
  EXPECT_EQ(WitnessKeyText("witness.example/w1", *key), kWitness);

  const auto policy =
      Policy::Parse(fmt::format("log {}\nwitness W {}\nquorum W\n", kLog, kWitness));
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  const std::string note = text + "\n" + line;
  const auto parsed = ParseSignedNote(note);
  const auto cosigners = policy->Cosigners(*parsed);
  ASSERT_EQ(cosigners.size(), 1u);
  EXPECT_TRUE(cosigners[0].holds);
  EXPECT_EQ(cosigners[0].time, 1679315147u);
  EXPECT_TRUE(policy->QuorumMet(cosigners));
  EXPECT_FALSE(policy->QuorumMet({}));

  const std::string other = "x" + note;
  EXPECT_FALSE(policy->Cosigners(*ParseSignedNote(other))[0].holds);
}

TEST(PolicyTest, Parse) {
  std::string w[4];
  for (uint8_t i = 0; i < 4; ++i) w[i] = WitnessKeyText(fmt::format("w{}", i), Key(i + 1));
  const std::string witnesses = fmt::format(
      "witness A {}\n witness\tB {} https://b.example\nwitness C {}\n", w[0], w[1], w[2]);
  const std::string log = fmt::format("log {} https://log.example\n", kLog);
  for (const std::string& good :
       {log + "quorum none\n", log + "quorum none",
        "# comment\n\n  # more\n" + log + "quorum none\n", log + witnesses + "quorum A\n",
        log + witnesses + "group G 2 A B C\nquorum G\n",
        log + witnesses + "group G any A B\ngroup H all G C\nquorum H\n",
        witnesses + "quorum A\n"}) {
    EXPECT_TRUE(Policy::Parse(good).ok()) << good << Policy::Parse(good).status().ToString();
  }
  for (const std::string& bad :
       {std::string(),
        log,
        log + "quorum none\nquorum none\n",
        log + "quorum X\n",
        log + "quorum\n",
        log + "quorum none more\n",
        log + log + "quorum none\n",
        std::string("log x\nquorum none\n"),
        std::string("log\nquorum none\n"),
        log + witnesses + "group G 2 A B A\nquorum G\n",
        log + witnesses + "group G 0 A B\nquorum G\n",
        log + witnesses + "group G 3 A B\nquorum G\n",
        log + witnesses + "group G 02 A B C\nquorum G\n",
        log + witnesses + "group G most A B\nquorum G\n",
        log + witnesses + "group G any A\ngroup H any A\nquorum H\n",
        log + witnesses + "group G any H\nquorum G\n",
        log + witnesses + "group A any B\nquorum A\n",
        log + witnesses + "group G any G\nquorum G\n",
        log + witnesses + "group none any A\nquorum A\n",
        log + witnesses + fmt::format("witness D {}\nquorum A\n", w[0]),
        log + witnesses + fmt::format("witness A {}\nquorum A\n", w[3]),
        log + fmt::format("witness A {}\nquorum A\n", w[3].substr(0, w[3].size() - 1)),
        log + "mirror x\nquorum none\n",
        log + "quorum\xc2\xa0none\n"}) {
    EXPECT_EQ(Policy::Parse(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(PolicyTest, GroupsInGroups) {
  std::string text;
  for (uint8_t i = 0; i < 5; ++i) {
    text += fmt::format("witness w{} {}\n", i, WitnessKeyText(fmt::format("w{}", i), Key(i + 1)));
  }
  const auto policy =
      Policy::Parse(text + "group G 2 w0 w1 w2\ngroup H any w3 w4\ngroup T all G H\nquorum T\n");
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  const auto met = [&](std::vector<int> who) {
    std::vector<Cosigner> out;
    for (int i : who) out.push_back({.witness = fmt::format("w{}", i), .holds = true});
    return policy->QuorumMet(out);
  };
  EXPECT_TRUE(met({0, 2, 4}));
  EXPECT_FALSE(met({0, 1, 2}));
  EXPECT_FALSE(met({0, 3, 4}));
  EXPECT_FALSE(met({0, 0, 3}));
  EXPECT_FALSE(policy->QuorumMet({{.witness = "w0", .holds = false}}));
}

// --- What it says of a trail ----------------------------------------------------------------------

struct Witnessed {
  Forge forge;
  crypto::Ed25519PrivateKey w1 = Key(1), w2 = Key(2);

  Witnessed() {
    forge.BeginFile();
    forge.AddMany(SpanLeaves(0, 20));
    Anchor({&w1, &w2});
    forge.AddMany(SpanLeaves(20, 20));
    Anchor({&w1});
    forge.AddMany(SpanLeaves(40, 5));
    forge.SignCheckpoint();
  }

  std::string Path() const { return fmt::format("anchors/{:020}.checkpoint", forge.size()); }
  void Anchor(const std::vector<const crypto::Ed25519PrivateKey*>& witnesses) {
    std::string note = forge.SignedCheckpoint(forge.size(), forge.Root());
    const std::string text = note.substr(0, note.find("\n\n") + 1);
    for (const auto* key : witnesses)
      note += CosignatureLine(text, key == &w1 ? "w1" : "w2", *key, 1764039846);
    forge.Put(Path(), note);
  }
  std::string Policy(std::string_view rest) const {
    return fmt::format("log {}\nwitness W1 {}\nwitness W2 {}\n{}\n", forge.vkey(),
                       WitnessKeyText("w1", w1), WitnessKeyText("w2", w2), rest);
  }
  Report Check(std::string_view rest) const {
    return Verify(forge.source, {.policy = Policy(rest)});
  }
};

TEST(AnchorTest, Independence) {
  const Witnessed t;
  const std::string first = fmt::format("anchors/{:020}.checkpoint", 20);
  Report report = t.Check("group G all W1 W2\nquorum G");
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  EXPECT_EQ(report.authorship.answer, Answer::kPass);
  EXPECT_EQ(report.independence.answer, Answer::kPass);
  EXPECT_THAT(report.independence.reason, ::testing::HasSubstr("first 20 records"));
  report = t.Check("group G any W1 W2\nquorum G");
  EXPECT_THAT(report.independence.reason, ::testing::HasSubstr("first 40 records"));
  report = t.Check("quorum none");
  EXPECT_EQ(report.independence.answer, Answer::kNotEstablished);

  Witnessed none;
  none.forge.source.files.erase(first);
  report = none.Check("group G all W1 W2\nquorum G");
  EXPECT_EQ(report.verdict, Verdict::kSound);
  EXPECT_EQ(report.independence.answer, Answer::kFail);

  const Report without = Verify(t.forge.source, {.vkey = t.forge.vkey()});
  EXPECT_EQ(without.verdict, Verdict::kSound);
  EXPECT_EQ(without.independence.answer, Answer::kNotEstablished);
}

TEST(AnchorTest, ThePolicyNamesTheLog) {
  const Witnessed t;
  const std::string other = fmt::format("log {}\nquorum none\n", kLog);
  const Report report = Verify(t.forge.source, {.policy = other});
  EXPECT_EQ(report.authorship.answer, Answer::kFail);
  const Report broken = Verify(t.forge.source, {.policy = "quorum X\n"});
  EXPECT_EQ(broken.verdict, Verdict::kCannotTell);
}

// Another history, made with the trail's own key, after witnesses saw the first one.
TEST(AnchorTest, AnotherHistory) {
  Witnessed t;
  Forge other;
  other.BeginFile();
  other.AddMany(SpanLeaves(100, 45));
  other.SignCheckpoint();
  for (const auto& [path, content] : other.source.files) t.forge.source.files[path] = content;
  const Report report = t.Check("quorum W1");
  ASSERT_EQ(report.damage.size(), 2u) << ReportText(report);
  EXPECT_EQ(report.damage[0].kind, "anchor_differs");
  EXPECT_EQ(report.damage[0].unit, "note line 3");
  EXPECT_EQ(report.independence.answer, Answer::kFail);
}

TEST(AnchorTest, Tampering) {
  const std::string path = fmt::format("anchors/{:020}.checkpoint", 20);
  // Every byte of a note whose witnesses are known: found, or the quorum is not met any more.
  Witnessed t;
  Bytes& note = t.forge.source.files[path];
  for (size_t i = 0; i < note.size(); ++i) {
    note[i] ^= 1;
    const Report report = t.Check("group G all W1 W2\nquorum G");
    note[i] ^= 1;
    EXPECT_EQ(report.independence.answer, Answer::kFail) << i;
    for (const Damage& d : report.damage) {
      EXPECT_EQ(d.file, path);
      EXPECT_TRUE(i >= d.offset && i - d.offset < d.length) << i << "\n" << ReportText(report);
    }
  }
  t.forge.source.files[fmt::format("anchors/{:020}.checkpoint", 21)] = note;
  EXPECT_EQ(t.Check("quorum W1").verdict, Verdict::kNotSound) << "under another name";
  t.forge.source.files.erase(fmt::format("anchors/{:020}.checkpoint", 21));

  // A cut log: others were shown more.
  Witnessed cut;
  Forge shorter;
  shorter.BeginFile();
  shorter.AddMany(SpanLeaves(0, 20));
  shorter.SignCheckpoint();
  for (const auto& [name, content] : shorter.source.files) cut.forge.source.files[name] = content;
  const Report behind = cut.Check("quorum W1");
  ASSERT_EQ(behind.damage.size(), 1u) << ReportText(behind);
  EXPECT_EQ(behind.damage[0].kind, "anchor_ahead");
}

}  // namespace
}  // namespace sealtrail::verify
