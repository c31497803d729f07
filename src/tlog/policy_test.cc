#include "tlog/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using ::testing::HasSubstr;

Cosigner Witness(int number) {
  return Cosigner::FromSeed(fmt::format("w{}.example", number),
                            Bytes(32, static_cast<uint8_t>(number)))
      .value();
}
std::string WitnessKey(int number) {
  return Witness(number).verifier().vkey();
}
std::string LogKey(uint8_t seed) {
  return Signer::FromSeed("log.example", Bytes(32, seed))->verifier().vkey();
}
std::string MlDsaKey(uint8_t fill) {
  const Bytes key(1312, fill);
  constexpr auto kType = SignatureType::kMlDsa44Cosignature;
  return FormatVkey({"pq.example", MakeKeyId("pq.example", kType, key), kType, key});
}

std::string TestLogLine() {
  return fmt::format("log {}\n", testing::kTestLogVkey);
}

// The example of the specification: two of X1 to X3, and any of Y1 to Y3.
std::string ExamplePolicy() {
  std::string text = TestLogLine() + "\n";
  for (int i = 0; i < 3; ++i) text += fmt::format("witness X{} {}\n", i + 1, WitnessKey(i + 1));
  text += "group X-witnesses 2 X1 X2 X3\n\n";
  for (int i = 0; i < 3; ++i) text += fmt::format("witness Y{} {}\n", i + 1, WitnessKey(i + 11));
  return text +
         "group Y-witnesses any Y1 Y2 Y3\n\n"
         "group X-and-Y all X-witnesses Y-witnesses\n"
         "quorum X-and-Y\n";
}

std::string CosignedBy(const std::vector<int>& witnesses, int64_t time_s = 1000) {
  std::string note = testing::TestLogCheckpoint();
  const std::string text = ParseNote(note)->text;
  for (const int witness : witnesses) note += Witness(witness).SignatureLine(text, time_s).value();
  return note;
}

TEST(PolicyTest, ExampleQuorum) {
  const auto policy = Policy::Parse(ExamplePolicy());
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  EXPECT_EQ(policy->logs().size(), 1u);
  EXPECT_EQ(policy->witnesses().size(), 6u);
  const std::vector<std::string> names = {"X1", "X2", "X3", "Y1", "Y2", "Y3"};
  for (unsigned set = 0; set < 64; ++set) {
    std::vector<std::string> cosigned;
    for (unsigned i = 0; i < 6; ++i) {
      if (set >> i & 1) cosigned.push_back(names[i]);
    }
    EXPECT_EQ(policy->QuorumMet(cosigned), std::popcount(set & 7) >= 2 && (set >> 3) != 0) << set;
  }
}

TEST(PolicyTest, JudgesACosignedCheckpoint) {
  const auto policy = Policy::Parse(ExamplePolicy());
  const auto verdict = policy->Judge(CosignedBy({12, 1, 99, 3}));
  ASSERT_TRUE(verdict.ok()) << verdict.status().ToString();
  EXPECT_TRUE(verdict->quorum_met);
  EXPECT_EQ(verdict->log, testing::kTestLogVkey);
  EXPECT_EQ(Value(verdict->checkpoint.size), 15u);
  ASSERT_EQ(verdict->cosignatures.size(), 3u) << "99 is a stranger";
  EXPECT_EQ(verdict->cosignatures[0].witness, "X1");
  EXPECT_EQ(verdict->cosignatures[1].witness, "X3");
  EXPECT_EQ(verdict->cosignatures[2].witness, "Y2");
  EXPECT_EQ(verdict->cosignatures[2].time_s, 1000);

  EXPECT_FALSE(policy->Judge(CosignedBy({1, 12}))->quorum_met);
  EXPECT_FALSE(policy->Judge(CosignedBy({1, 1, 12}))->quorum_met) << "one witness counts once";
  EXPECT_FALSE(policy->Judge(CosignedBy({}))->quorum_met);
}

TEST(PolicyTest, OfSeveralCosignaturesTheLatestTimeCounts) {
  const auto policy = Policy::Parse(ExamplePolicy());
  std::string note = CosignedBy({1}, 1000);
  const std::string text = ParseNote(note)->text;
  for (const int64_t time_s : {3000, 2000}) note += Witness(1).SignatureLine(text, time_s).value();
  const auto verdict = policy->Judge(note);
  ASSERT_TRUE(verdict.ok());
  ASSERT_EQ(verdict->cosignatures.size(), 1u);
  EXPECT_EQ(verdict->cosignatures[0].time_s, 3000);
}

TEST(PolicyTest, OneWrongCosignatureSpoilsTheNote) {
  const auto policy = Policy::Parse(ExamplePolicy());
  const std::string note =
      CosignedBy({1, 2, 11}) +
      Witness(3).SignatureLine("o\n1\n" + Base64Encode(Bytes(32)) + "\n", 7).value();
  EXPECT_EQ(policy->Judge(note).status().code(), StatusCode::kDataLoss);
}

TEST(PolicyTest, TheLogMustBeKnownForItsOrigin) {
  const std::string witnesses_only = fmt::format("witness w {}\nquorum w\n", WitnessKey(1));
  const auto no_log = Policy::Parse(witnesses_only);
  ASSERT_TRUE(no_log.ok());
  EXPECT_EQ(no_log->Judge(CosignedBy({1})).status().code(), StatusCode::kUnauthenticated);
  const Verifier more[] = {Verifier::FromVkey(testing::kTestLogVkey).value()};
  EXPECT_TRUE(no_log->Judge(CosignedBy({1}), more)->quorum_met);
  const auto both = Policy::Parse(TestLogLine() + witnesses_only);
  EXPECT_TRUE(both->Judge(CosignedBy({1}), more)->quorum_met) << "known twice";

  // A log that the policy knows may not sign for another origin.
  const auto log = Signer::FromSeed("log.example", Bytes(32, 50));
  const auto policy = Policy::Parse(fmt::format("log {}\nquorum none\n", LogKey(50)));
  const std::string root = Base64Encode(Bytes(32, 1));
  EXPECT_TRUE(policy->Judge(log->Sign("log.example\n1\n" + root + "\n")).ok());
  EXPECT_EQ(policy->Judge(log->Sign("other.example\n1\n" + root + "\n")).status().code(),
            StatusCode::kUnauthenticated);
  EXPECT_EQ(policy->Judge(log->Sign("no checkpoint\n")).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(PolicyTest, NoneAsksForNoWitness) {
  const auto policy = Policy::Parse(TestLogLine() + "quorum none\n");
  ASSERT_TRUE(policy.ok());
  EXPECT_TRUE(policy->Judge(testing::TestLogCheckpoint())->quorum_met);
  EXPECT_TRUE(Policy::Parse("quorum none\n").ok());
}

TEST(PolicyTest, SpacesTabsCommentsAndAnyOctets) {
  const auto policy = Policy::Parse(
      fmt::format("# comment \xff\n\n \t \n\t # comment\n \tlog\t {} \t https://log.example/  \n"
                  "witness \xe2\x84\xaa\xff {} https://w.example\n"
                  "witness K {}\n"
                  "group all any K\n"
                  "quorum\t\xe2\x84\xaa\xff\t\n#end\n",
                  testing::kTestLogVkey, WitnessKey(1), WitnessKey(2)));
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  EXPECT_EQ(policy->logs()[0].url, "https://log.example/");
  EXPECT_EQ(policy->witnesses()[0].url, "https://w.example");
  EXPECT_EQ(policy->witnesses()[0].name, "\xe2\x84\xaa\xff");
  EXPECT_EQ(policy->witnesses()[1].url, "");
  EXPECT_TRUE(policy->Judge(CosignedBy({1}))->quorum_met);
  EXPECT_FALSE(policy->Judge(CosignedBy({2}))->quorum_met);
}

// Each error names its line.
TEST(PolicyTest, RefusesWhatTheSpecificationDoes) {
  const std::string w1 = fmt::format("witness w1 {}\n", WitnessKey(1));
  const std::string w2 = fmt::format("witness w2 {}\n", WitnessKey(2));
  const std::string two = w1 + w2;
  const auto same_key = [](std::string_view vkey, std::string_view name, SignatureType type) {
    VerifierKey key = ParseVkey(vkey).value();
    key.name = name;
    key.type = type;
    key.id = MakeKeyId(key.name, key.type, key.key);
    return FormatVkey(key);
  };
  const std::string w1_renamed = same_key(WitnessKey(1), "else", SignatureType::kCosignature);
  const std::string w1_as_log = same_key(WitnessKey(1), "else", SignatureType::kEd25519);
  const std::string log_renamed = same_key(testing::kTestLogVkey, "else", SignatureType::kEd25519);
  struct Case {
    std::string text;
    std::string where;
  };
  const std::vector<Case> cases = {
      {"", "no quorum"},
      {two, "no quorum"},
      {"quorum none", "line 1: does not end"},
      {"quorum none\nquorum none\n", "line 2: a second quorum"},
      {w1 + "quorum w1\nquorum none\n", "line 3"},
      {"quorum\n", "line 1"},
      {"quorum none none\n", "line 1"},
      {"quorum w1\n" + w1, "line 1: the name \"w1\" is not defined"},
      {"quorum NONE\n", "line 1"},
      {"Quorum none\n", "line 1: begins with none"},
      {"policy\n", "line 1"},
      {"quorum none\r\n", "line 1: a control"},
      {std::string("quorum none\0\n", 13), "line 1: a control"},
      {"# \x7f\nquorum none\n", "line 1: a control"},
      {"quorum\vnone\n", "line 1: a control"},
      {"log\n", "line 1"},
      {TestLogLine() + "log nonsense\n", "line 2: a key has"},
      {fmt::format("log {} url more\n", testing::kTestLogVkey), "line 1"},
      {fmt::format("log {}\n", WitnessKey(1)), "line 1: a key of signature type 0x04"},
      {fmt::format("witness w {}\n", testing::kTestLogVkey), "type 0x01 is not for a witness"},
      {fmt::format("witness {}\n", WitnessKey(1)), "line 1"},
      {fmt::format("witness w {} url more\n", WitnessKey(1)), "line 1"},
      {w1 + fmt::format("witness w1 {}\n", WitnessKey(2)), "line 2: the name \"w1\" is taken"},
      {w1 + fmt::format("witness other {}\n", WitnessKey(1)), "line 2: this public key"},
      {w1 + fmt::format("witness other {}\n", w1_renamed), "line 2: this public key"},
      {w1 + fmt::format("log {}\n", w1_as_log), "line 2: this public key"},
      {TestLogLine() + fmt::format("log {}\n", log_renamed), "line 2: this public key"},
      {fmt::format("witness none {}\n", WitnessKey(1)), "line 1: the name \"none\""},
      {two + "group none any w1\n", "line 3: the name \"none\""},
      {two + "group g any\n", "line 3"},
      {two + "group g\n", "line 3"},
      {two + "group g any w1 w1\n", "line 3: \"w1\" is already in a group"},
      {two + "group g any w1\ngroup h any w1\n", "line 4: \"w1\" is already in a group"},
      {two + "group g any w1\ngroup h any g\ngroup i any g\n", "line 5: \"g\" is already"},
      {two + "group g any none\n", "line 3: the name \"none\" is not defined"},
      {two + "group g any g\n", "line 3: the name \"g\" is not defined"},
      {two + "group g any h w1\ngroup h any w2\n", "line 3: the name \"h\" is not defined"},
      {two + "group w1 any w2\n", "line 3: the name \"w1\" is taken"},
      {two + "group g any w1\ngroup g any w2\n", "line 4: the name \"g\" is taken"},
      {two + "group g 0 w1 w2\n", "line 3: 0 of 2"},
      {two + "group g 3 w1 w2\n", "line 3: 3 of 2"},
      {two + "group g 01 w1 w2\n", "line 3"},
      {two + "group g -1 w1 w2\n", "line 3"},
      {two + "group g most w1 w2\n", "line 3"},
      {two + "group g ALL w1 w2\n", "line 3"},
  };
  for (const Case& bad : cases) {
    const auto policy = Policy::Parse(bad.text);
    ASSERT_FALSE(policy.ok()) << bad.text;
    EXPECT_EQ(policy.status().code(), StatusCode::kInvalidArgument) << bad.text;
    EXPECT_THAT(policy.status().message(), HasSubstr(bad.where)) << bad.text;
  }
}

TEST(PolicyTest, AKeyOfMlDsaNeverCosigns) {
  const std::string pq = fmt::format("witness pq {}\n", MlDsaKey(1));
  const auto policy =
      Policy::Parse(TestLogLine() + fmt::format("log {}\n", MlDsaKey(2)) + pq +
                    fmt::format("witness w {}\n", WitnessKey(1)) + "group g any pq w\nquorum g\n");
  ASSERT_TRUE(policy.ok()) << policy.status().ToString();
  EXPECT_FALSE(policy->witnesses()[0].verifier.has_value());
  EXPECT_TRUE(policy->Judge(CosignedBy({1}))->quorum_met);
  const auto only = Policy::Parse(TestLogLine() + pq + "quorum pq\n");
  EXPECT_FALSE(only->Judge(CosignedBy({1}))->quorum_met);
  EXPECT_EQ(Policy::Parse(fmt::format("witness a {}\nwitness b {}\n", MlDsaKey(1), MlDsaKey(1)))
                .status()
                .code(),
            StatusCode::kInvalidArgument);
}

TEST(PolicyTest, Limits) {
  const auto logs = [](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      Bytes seed(32, static_cast<uint8_t>(i));
      seed[0] = static_cast<uint8_t>(i >> 8);
      seed[1] = 77;
      text += fmt::format("log {}\n", Signer::FromSeed("log", seed)->verifier().vkey());
    }
    return text + "quorum none\n";
  };
  EXPECT_TRUE(Policy::Parse(logs(kPolicyItemsMax)).ok());
  EXPECT_EQ(Policy::Parse(logs(kPolicyItemsMax + 1)).status().code(),
            StatusCode::kResourceExhausted);
  const std::string long_comment(kPolicyBytesMax, '#');
  EXPECT_EQ(Policy::Parse(long_comment + "\nquorum none\n").status().code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace sealtrail::tlog
