#include "verify/note.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "env/files.h"
#include "env/real_files.h"
#include "verify/note_bodies.h"
#include "verify/testing/forge.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kFooKey =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr std::string_view kFooNote =
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n";
constexpr std::string_view kLogKey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
constexpr std::string_view kLogNote =
    "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
    "— example.com/log/testdata "
    "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI="
    "\n";

std::string Vector(std::string_view name) {
  const auto bytes = env::ReadFile(
      env::RealFiles(), fmt::format("{}/tests/vectors/tlog/{}", SEALTRAIL_SOURCE_DIR, name), 65536);
  EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
  return bytes.ok() ? std::string(AsText(*bytes)) : "";
}

Status Check(std::string_view note, std::string_view vkey) {
  SEAL_ASSIGN_OR_RETURN(const VerifierKey key, ParseVerifierKey(vkey));
  SEAL_ASSIGN_OR_RETURN(const SignedNote parsed, ParseSignedNote(note));
  return VerifyNote(parsed, key);
}

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const size_t at = out.find(from);
  EXPECT_NE(at, out.npos) << from;
  return out.replace(at, from.size(), to);
}

// A note written out again from what was understood.
std::string Rewritten(const SignedNote& note) {
  std::string out(note.text);
  out += '\n';
  for (const NoteSignature& s : note.signatures) {
    Bytes blob = {static_cast<uint8_t>(s.id >> 24), static_cast<uint8_t>(s.id >> 16),
                  static_cast<uint8_t>(s.id >> 8), static_cast<uint8_t>(s.id)};
    AppendTo(blob, s.signature);
    out += fmt::format("— {} {}\n", s.name, Base64Encode(blob));
  }
  return out;
}

TEST(NoteTest, KnownAnswers) {
  EXPECT_TRUE(Check(kFooNote, kFooKey).ok());
  EXPECT_TRUE(Check(kLogNote, kLogKey).ok());
  const std::string key = Vector("signed-note/foo.vkey.txt");
  EXPECT_TRUE(Check(Vector("signed-note/foo.note.txt"), key.substr(0, key.size() - 1)).ok());
}

TEST(NoteTest, VectorsComeBackAsTheyWere) {
  for (const char* name :
       {"signed-note/foo.note.txt", "signed-note/salvatore.note.txt",
        "checkpoint/behind-the-sofa.checkpoint.txt", "cosignature/behind-the-sofa.cosigned.txt"}) {
    const std::string text = Vector(name);
    const auto note = ParseSignedNote(text);
    ASSERT_TRUE(note.ok()) << name << note.status().ToString();
    EXPECT_EQ(Rewritten(*note), text) << name;
  }
  // The text may hold empty lines: only the last one parts it from the signatures.
  const std::string salvatore = Vector("signed-note/salvatore.note.txt");
  const auto note = ParseSignedNote(salvatore);
  ASSERT_TRUE(note.ok());
  EXPECT_NE(note->text.find("\n\n"), std::string_view::npos);
}

TEST(NoteTest, EveryByteCounts) {
  for (size_t i = 0; i < kLogNote.size(); ++i) {
    for (uint8_t flip : {0x01, 0x20, 0x80}) {
      std::string changed(kLogNote);
      changed[i] = static_cast<char>(changed[i] ^ flip);
      EXPECT_FALSE(Check(changed, kLogKey).ok()) << "byte " << i << " flip " << int{flip};
    }
  }
}

TEST(NoteTest, Refusals) {
  const std::string_view mark = "— example.com/foo Uw2Q";
  const struct {
    const char* what;
    std::string note;
  } cases[] = {
      {"empty", ""},
      {"no signature", "text\n\n"},
      {"no empty line", Replaced(kFooNote, "\n\n", "\n")},
      {"no line feed at the end", std::string(kFooNote.substr(0, kFooNote.size() - 1))},
      {"carriage return", Replaced(kFooNote, "message.\n", "message.\r\n")},
      {"tab", Replaced(kFooNote, "This is", "This\tis")},
      {"invalid UTF-8", Replaced(kFooNote, "This", "Th\xffs")},
      {"hyphen for the dash", Replaced(kFooNote, "—", "-")},
      {"two spaces", Replaced(kFooNote, "— ", "—  ")},
      {"no-break space in the name", Replaced(kFooNote, mark, "— example\u00a0com Uw2Q")},
      {"plus in the name", Replaced(kFooNote, mark, "— example+com Uw2Q")},
      {"text after the signature", std::string(kFooNote) + "more\n"},
      {"base64 with unused bits", Replaced(kFooNote, "aQM=", "aQN=")},
      {"base64 without padding", Replaced(kFooNote, "aQM=", "aQM")},
      {"only an id", "text\n\n— example.com/foo Uw2QOg==\n"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseSignedNote(c.note).status().code(), StatusCode::kInvalidArgument) << c.what;
  }
}

// Others may sign as well: however many lines of strangers there are, they neither help nor hinder.
TEST(NoteTest, ManySignatures) {
  const auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
  const std::string own = testing::SignNote("text\n", "example.com/me", *key);
  const auto known = ParseVerifierKey(testing::VerifierKeyText("example.com/me", *key));
  std::string note = "text\n\n", strangers;
  for (int i = 0; i < 40; ++i) strangers += fmt::format("— stranger-{} AAAAAAA=\n", i);
  note += strangers + own.substr(own.find("\n\n") + 2);
  const auto parsed = ParseSignedNote(note);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->signatures.size(), 41u);
  EXPECT_TRUE(VerifyNote(*parsed, *known).ok());
  const std::string without = "text\n\n" + strangers;
  EXPECT_EQ(VerifyNote(*ParseSignedNote(without), *known).code(), StatusCode::kNotFound);
}

TEST(NoteTest, WhoseSignatureCounts) {
  // Of unknown keys, any number is ignored.
  std::string many(kFooNote);
  for (int i = 0; i < 20; ++i) many += fmt::format("— other{} AAAAAAA=\n", i);
  EXPECT_TRUE(Check(many, kFooKey).ok());
  // The right name with an unknown id is an unknown key.
  const std::string other_id = Replaced(kFooNote, "Uw2Q", "Vw2Q");
  EXPECT_EQ(Check(other_id, kFooKey).code(), StatusCode::kNotFound);
  // A known key whose signature is wrong spoils a note that has a right one too.
  const std::string second = std::string(kFooNote) + "— example.com/foo " +
                             Replaced(kFooNote.substr(kFooNote.find("Uw2Q")), "Okn8", "Okn9");
  EXPECT_EQ(Check(second, kFooKey).code(), StatusCode::kDataLoss);
}

TEST(VerifierKeyTest, Refusals) {
  ASSERT_TRUE(ParseVerifierKey(kFooKey).ok());
  for (std::string_view wrong :
       {"", "example.com/foo", "example.com/foo+530d903a",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"}) {
    EXPECT_EQ(ParseVerifierKey(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(NoteBodiesTest, Checkpoint) {
  const std::string vector = Vector("checkpoint/behind-the-sofa.checkpoint.txt");
  const auto note = ParseSignedNote(vector);
  ASSERT_TRUE(note.ok());
  const auto body = ParseCheckpointBody(note->text);
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(body->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(body->size, 20852163u);
  EXPECT_EQ(Base64Encode(body->root), "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");

  const std::string_view root = "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=";
  for (const std::string& wrong :
       {fmt::format("\n1\n{}\n", root), fmt::format("a b\n1\n{}\n", root),
        fmt::format("a\n01\n{}\n", root), fmt::format("a\n-1\n{}\n", root),
        fmt::format("a\n\n{}\n", root), fmt::format("a\n18446744073709551616\n{}\n", root),
        fmt::format("a\n1 \n{}\n", root), std::string("a\n1\nAAAA\n"), std::string("a\n1\n"),
        fmt::format("a\n1\n{}\nextension\n", root), fmt::format("a\n1\n{}", root)}) {
    EXPECT_EQ(ParseCheckpointBody(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

TEST(NoteBodiesTest, Trail) {
  const std::string_view good =
      "sealtrail/trail/v1\norigin example.com/a\nformat 1\ncreated 2026-11-24T03:04:05Z\n";
  const auto body = ParseTrailBody(good);
  ASSERT_TRUE(body.ok()) << body.status().ToString();
  EXPECT_EQ(body->origin, "example.com/a");
  EXPECT_EQ(body->created, "2026-11-24T03:04:05Z");
  EXPECT_EQ(ParseTrailBody(Replaced(good, "format 1", "format 0")).status().code(),
            StatusCode::kUnimplemented);
  for (const auto& [from, to] :
       {std::pair("trail/v1", "trail/x"), std::pair("05Z", "5Z"), std::pair("origin ", "origin:"),
        std::pair("example.com/a", "two words"), std::pair("format 1", "format 01"),
        std::pair("created ", "made "), std::pair("05Z\n", "05Z\nmore\n"),
        std::pair("05Z\n", "05Z")}) {
    EXPECT_EQ(ParseTrailBody(Replaced(good, from, to)).status().code(),
              StatusCode::kInvalidArgument)
        << to;
  }
}

}  // namespace
}  // namespace sealtrail::verify
