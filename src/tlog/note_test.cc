#include "tlog/note.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kLogSigner =
    "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg";
constexpr std::string_view kLogVkey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

// C2SP signed-note's example.
TEST(NoteTest, OpensThePublishedExample) {
  const auto verifier =
      Verifier::FromVkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  ASSERT_TRUE(verifier.ok()) << verifier.status().ToString();
  const auto text = verifier->Open(
      "This is an example message.\n\n— example.com/foo "
      "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
      "\n");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(*text, "This is an example message.\n");
}

// The checkpoint of the public test log, signed by its published key, byte for byte.
TEST(NoteTest, SignsTheKnownCheckpoint) {
  const auto signer = Signer::FromText(kLogSigner);
  ASSERT_TRUE(signer.ok()) << signer.status().ToString();
  EXPECT_EQ(signer->verifier().vkey(), kLogVkey);
  Checkpoint checkpoint{.origin = "example.com/log/testdata", .size = TreeSize{15}};
  const Bytes root = Base64Decode("rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=").value();
  std::copy(root.begin(), root.end(), checkpoint.root.begin());
  const std::string note = signer->Sign(CheckpointText(checkpoint));
  EXPECT_EQ(note,
            "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
            "— example.com/log/testdata "
            "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/"
            "dlPWF74ewI=\n");
  const auto opened = signer->verifier().Open(note);
  ASSERT_TRUE(opened.ok());
  const auto parsed = ParseCheckpointText(*opened);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->root, checkpoint.root);
}

TEST(NoteTest, RefusesEveryChangedByteOfANote) {
  const auto signer = Signer::FromSeed("trail.example", Bytes(32, 3));
  ASSERT_TRUE(signer.ok());
  const std::string note = signer->Sign("trail.example\n7\n" + Base64Encode(Bytes(32, 9)) + "\n");
  ASSERT_TRUE(signer->verifier().Open(note).ok());
  for (size_t i = 0; i < note.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = note;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(signer->verifier().Open(changed).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(NoteTest, KeyTextsRoundTrip) {
  const Bytes seed(32, 5);
  const auto signer = Signer::FromSeed("a.example/trail", seed);
  ASSERT_TRUE(signer.ok());
  const auto again = Signer::FromText(Signer::KeyText(signer->verifier(), seed));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->verifier().vkey(), signer->verifier().vkey());
  EXPECT_FALSE(Verifier::FromVkey("a.example/trail+00000000+" + Base64Encode(Bytes(33, 1))).ok());
}

TEST(CheckpointTest, RefusesOtherShapes) {
  const std::string root = Base64Encode(Bytes(32, 1));
  EXPECT_TRUE(ParseCheckpointText("o\n0\n" + root + "\n").ok());
  for (const std::string& bad : std::vector<std::string>{
           "o\n01\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n1\n" + root, "o\n1\nAAAA\n",
           "o\n1\n" + root + "\nextension\n", "o\n18446744073709551616\n" + root + "\n"}) {
    EXPECT_FALSE(ParseCheckpointText(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace sealtrail::tlog
