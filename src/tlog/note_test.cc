#include "tlog/note.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/testing/test_log.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::tlog {
namespace {

using testing::kTestLogSigner;
using testing::kTestLogVkey;

Signer SignerOf(std::string name, uint8_t seed) {
  return Signer::FromSeed(std::move(name), Bytes(32, seed)).value();
}

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
  const auto signer = Signer::FromText(kTestLogSigner);
  ASSERT_TRUE(signer.ok()) << signer.status().ToString();
  EXPECT_EQ(signer->verifier().vkey(), kTestLogVkey);
  Checkpoint checkpoint{.origin = "example.com/log/testdata", .size = TreeSize{15}};
  const Bytes root = Base64Decode("rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=").value();
  std::copy(root.begin(), root.end(), checkpoint.root.begin());
  const std::string note = signer->Sign(CheckpointText(checkpoint));
  EXPECT_EQ(note, testing::TestLogCheckpoint());
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

// The specification's notes come back from their parts byte for byte. (Their keys are not published.)
TEST(NoteTest, PublishedNotesRoundTrip) {
  for (const char* file :
       {"signed-note/foo.note.txt", "signed-note/salvatore.note.txt",
        "checkpoint/behind-the-sofa.checkpoint.txt", "cosignature/behind-the-sofa.cosigned.txt"}) {
    const std::string text = testing::TlogVector(file);
    const auto note = ParseNote(text);
    ASSERT_TRUE(note.ok()) << file << ": " << note.status().ToString();
    std::string lines;
    for (const NoteSignature& signature : note->signatures) lines += SignatureLine(signature);
    EXPECT_EQ(MakeNote(note->text, lines), text);
  }
  for (const char* file :
       {"witness/add-checkpoint.response.txt", "mirror/add-entries.response.txt"}) {
    const auto signatures = ParseSignatureLines(testing::TlogVector(file));
    ASSERT_TRUE(signatures.ok()) << file;
    EXPECT_EQ(signatures->size(), 3u);
  }
}

// The text may hold empty lines of its own: only the last one divides.
TEST(NoteTest, DividesAtTheLastEmptyLine) {
  const Signer signer = SignerOf("a.example", 1);
  for (const std::string text :
       {"one\n\ntwo\n", "\n", "\n\n\n", "one\n\n— a.example AAAAAAAA\n", "— \n"}) {
    const auto opened = signer.verifier().Open(signer.Sign(text));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    EXPECT_EQ(*opened, text);
  }
}

TEST(NoteTest, RefusesWhatIsNoNote) {
  const Signer signer = SignerOf("a.example", 1);
  const std::string line = signer.SignatureLine("text\n");
  const std::string good = "text\n\n" + line;
  ASSERT_TRUE(signer.verifier().Open(good).ok());
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string note = good;
    const size_t at = note.find(from);
    return note.replace(at, from.size(), to);
  };
  const std::string field = line.substr(line.rfind(' ') + 1, line.size() - line.rfind(' ') - 2);
  std::string unused_bits = field;
  ASSERT_TRUE(field.ends_with('='));
  ++unused_bits[field.size() - 2];  // of the next digit the lowest bit is set
  const std::vector<std::pair<const char*, std::string>> notes = {
      {"nothing", ""},
      {"only text", "text\n"},
      {"no signature", "text\n\n"},
      {"no empty line", "text\n" + line},
      {"no text", "\n" + line},
      {"no newline at the end", good.substr(0, good.size() - 1)},
      {"empty line at the end", good + "\n"},
      {"other text at the end", good + "more\n"},
      {"carriage returns", "text\r\n\r\n" + line},
      {"carriage return at the end", changed("=\n", "=\r\n")},
      {"carriage return in the text", "te\rxt\n\n" + line},
      {"NUL in the text", std::string("te\0xt\n\n", 8) + line},
      {"tab in the text", "te\txt\n\n" + line},
      {"not UTF-8", "te\xff\n\n" + line},
      {"hyphen for a dash", changed("—", "-")},
      {"en dash", changed("—", "–")},
      {"no space after the dash", changed("— ", "—")},
      {"two spaces after the dash", changed("— ", "—  ")},
      {"no name", changed("a.example ", " ")},
      {"two spaces before the signature", changed("a.example ", "a.example  ")},
      {"space at the end", changed("=\n", "= \n")},
      {"plus in the name", changed("a.example", "a+example")},
      {"Unicode space in the name", changed("a.example", "a\u2003example")},
      {"no signature field", "text\n\n— a.example\n"},
      {"empty signature field", "text\n\n— a.example \n"},
      {"key id without signature", "text\n\n— a.example AAAAAA==\n"},
      {"base64 without padding", changed("=", "")},
      {"base64 of the URL alphabet", changed(field, "-_-_" + field.substr(4))},
      {"base64 with unused bits", changed(field, unused_bits)},
      {"strange line between", "text\n\nnote: hello\n" + line},
  };
  for (const auto& [what, note] : notes) {
    EXPECT_EQ(ParseNote(note).status().code(), StatusCode::kInvalidArgument) << what;
    EXPECT_EQ(signer.verifier().Open(note).status().code(), StatusCode::kInvalidArgument) << what;
  }
}

TEST(NoteTest, AcceptsManySignaturesAndStopsAtALimit) {
  const Signer signer = SignerOf("a.example", 1);
  std::string lines;
  for (size_t i = 0; i + 1 < kSignaturesMax; ++i) {
    lines += SignerOf(fmt::format("stranger-{}", i), 2).SignatureLine("other text\n");
  }
  lines += signer.SignatureLine("text\n");
  EXPECT_TRUE(signer.verifier().Open(MakeNote("text\n", lines)).ok());
  lines += signer.SignatureLine("text\n");
  EXPECT_EQ(ParseNote(MakeNote("text\n", lines)).status().code(), StatusCode::kResourceExhausted);

  std::string text(kSignedNoteBytesMax, 'x');
  text.back() = '\n';
  EXPECT_EQ(ParseNote(signer.Sign(text)).status().code(), StatusCode::kResourceExhausted);
}

TEST(NoteTest, UnknownKeysAreIgnoredEvenWithOneHalfOfANameKnown) {
  const Signer known = SignerOf("a.example", 1);
  const Signer same_name = SignerOf("a.example", 2);
  const NoteSignature good = ParseSignatureLines(known.SignatureLine("text\n")).value()[0];
  NoteSignature same_id = good;
  same_id.name = "b.example";
  const std::string note =
      MakeNote("text\n", same_name.SignatureLine("other\n") + SignatureLine(same_id) +
                             "— who/ever AAAAAAA=\n" + SignatureLine(good));
  const auto opened = known.verifier().Open(note);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ(*opened, "text\n");
}

TEST(NoteTest, OneWrongSignatureByAKnownKeySpoilsTheNote) {
  const Signer a = SignerOf("a.example", 1), b = SignerOf("b.example", 2);
  const NoteVerifier* const both[] = {&a.verifier(), &b.verifier()};
  const NoteVerifier* const one[] = {&a.verifier()};
  const std::string good =
      MakeNote("text\n", a.SignatureLine("text\n") + b.SignatureLine("text\n"));
  const auto opened = OpenNote(good, both);
  ASSERT_TRUE(opened.ok());
  ASSERT_EQ(opened->signatures.size(), 2u);
  EXPECT_EQ(opened->signatures[0].by, &a.verifier());
  EXPECT_EQ(opened->signatures[1].by, &b.verifier());

  const std::string bad =
      MakeNote("text\n", a.SignatureLine("text\n") + b.SignatureLine("other\n"));
  EXPECT_EQ(OpenNote(bad, both).status().code(), StatusCode::kDataLoss);
  EXPECT_TRUE(OpenNote(bad, one).ok()) << "b is a stranger here";

  const std::string twice =
      MakeNote("text\n", a.SignatureLine("text\n") + a.SignatureLine("other\n"));
  EXPECT_EQ(OpenNote(twice, one).status().code(), StatusCode::kDataLoss);

  NoteSignature cut = ParseSignatureLines(a.SignatureLine("text\n")).value()[0];
  cut.signature.pop_back();
  EXPECT_EQ(OpenNote(MakeNote("text\n", SignatureLine(cut)), one).status().code(),
            StatusCode::kDataLoss);
}

TEST(NoteTest, WithoutAKnownSignatureThereIsNoText) {
  const Signer a = SignerOf("a.example", 1), b = SignerOf("b.example", 2);
  const NoteVerifier* const one[] = {&a.verifier()};
  EXPECT_EQ(OpenNote(b.Sign("text\n"), one).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(OpenNote(b.Sign("text\n"), {}).status().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(a.verifier().Open(b.Sign("text\n")).status().code(), StatusCode::kDataLoss);
}

TEST(NoteTest, TwoKeysOfOneNameAndIdAreRefused) {
  const Signer a = SignerOf("a.example", 1);
  const Verifier copy = a.verifier();
  const NoteVerifier* const both[] = {&a.verifier(), &copy};
  EXPECT_EQ(OpenNote(a.Sign("text\n"), both).status().code(), StatusCode::kFailedPrecondition);
}

TEST(NoteTest, LinesAreAddedOnce) {
  const Signer a = SignerOf("a.example", 1), b = SignerOf("b.example", 2);
  const std::string line_a = a.SignatureLine("text\n"), line_b = b.SignatureLine("text\n");
  const auto both = AddSignatureLines(a.Sign("text\n"), line_b + line_a + line_b);
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(*both, MakeNote("text\n", line_a + line_b));
  EXPECT_FALSE(AddSignatureLines("text\n", line_b).ok());
  EXPECT_FALSE(AddSignatureLines(*both, "").ok());
  EXPECT_FALSE(AddSignatureLines(*both, "no line\n").ok());

  std::string many;
  for (size_t i = 0; i < kSignaturesMax; ++i) {
    many += SignerOf(fmt::format("stranger-{}", i), 2).SignatureLine("text\n");
  }
  EXPECT_EQ(AddSignatureLines(*both, many).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace sealtrail::tlog
