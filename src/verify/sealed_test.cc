// Tampering with what sealing makes: sealed segments, manifests, seal records, tiles; and what a power cut leaves.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/encoding.h"
#include "base/endian.h"
#include "verify/segment_layout.h"
#include "verify/testing/full_trail.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Bodies;
using testing::Compressed;
using testing::EncodeFrame;
using testing::Forge;
using testing::FrameSpec;
using testing::FullTrail;
using testing::SealLeaf;
using testing::SealSpec;
using testing::SelfLeaf;
using testing::SpanLeaf;
using testing::SpanLeaves;

std::string Places(const Report& report) {
  std::string out;
  for (const Damage& d : report.damage) {
    out +=
        fmt::format("{} {} +{} {} [{}] {}\n", d.file, d.offset, d.length, d.kind, d.unit, d.text);
  }
  for (const Notice& n : report.notices) out += fmt::format("notice: {} {}\n", n.file, n.kind);
  for (const std::string& obstacle : report.obstacles) out += "obstacle: " + obstacle + "\n";
  return out;
}

// Two sealed segments of 300 and 280 records, the second one beginning inside a block, and a log.
Forge TwoSealed(const SealSpec& second = {}) {
  Forge forge;
  forge.compress = true;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 300));
  forge.Seal();
  forge.AddMany(SpanLeaves(300, 279));
  forge.Seal(second);
  if (second.seal_record) forge.AddRecords({SpanLeaf(999)});
  forge.SignCheckpoint();
  return forge;
}

// A frame of a file, with its place, that can be changed and written again.
struct FrameInFile {
  uint64_t at = 0;
  FrameSpec spec;
  uint64_t bytes = 0;
};

std::vector<FrameInFile> FramesOf(const Bytes& file) {
  std::vector<FrameInFile> out;
  for (uint64_t at = 128; at < file.size();) {
    const uint8_t* const p = file.data() + at;
    FrameInFile frame{.at = at};
    FrameSpec& spec = frame.spec;
    const auto time = [&](size_t offset) { return static_cast<int64_t>(GetBig64(p + offset)); };
    spec = {.type = p[4],
            .codec = p[5],
            .first = GetBig64(p + 8),
            .count = GetBig32(p + 16),
            .synced = GetBig64(p + 32),
            .decoded_bytes = GetBig32(p + 72),
            .event = {.least = time(80), .greatest = time(88)},
            .received = {.least = time(96), .greatest = time(104)}};
    std::copy_n(p + 40, 32, spec.chain.begin());
    const size_t body = GetBig32(p + 20), notes = GetBig32(p + 24), sides = GetBig32(p + 28);
    const uint8_t* payload = p + kFrameHeaderBytes;
    spec.body.assign(payload, payload + body);
    spec.notes.assign(payload + body, payload + body + notes);
    for (size_t i = 0; i < sides; ++i)
      spec.side_offsets.push_back(GetBig64(payload + body + notes + 8 * i));
    frame.bytes = kFrameHeaderBytes + body + notes + 8 * sides;
    out.push_back(frame);
    at += frame.bytes;
  }
  return out;
}

// Changes the i-th frame of `file`, with every checksum of the file in order, and the index where frames move.
void ChangeFrame(Bytes& file, size_t i, const std::function<void(FrameSpec&)>& change) {
  std::vector<FrameInFile> frames = FramesOf(file);
  change(frames[i].spec);
  Bytes out(file.begin(), file.begin() + 128);
  std::vector<uint64_t> offsets;
  for (FrameInFile& frame : frames) {
    if (frame.spec.type == 3 && &frame != &frames[i]) {
      for (size_t k = 0; k < offsets.size() && 12 + 8 * k <= frame.spec.body.size(); ++k)
        PutBig64(frame.spec.body.data() + 4 + 8 * k, offsets[k]);
    }
    if (frame.spec.type == 1) offsets.push_back(out.size());
    AppendTo(out, EncodeFrame(frame.spec));
  }
  file = out;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

// The line of a manifest that begins with `word`, made another one.
std::function<void(std::string&)> Line(std::string word, std::function<void(std::string&)> change) {
  return [word, change](std::string& text) {
    const size_t at = text.find("\n" + word + " ") + 1;
    const size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    change(line);
    text.replace(at, end - at, line);
  };
}

struct Expected {
  const char* kind;
  std::string file;
  std::string unit;  // empty: any
};

void ExpectDamage(const Report& report, const Expected& expected) {
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  EXPECT_TRUE(std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& d) {
    return d.kind == std::string_view(expected.kind) && d.file == expected.file &&
           (expected.unit.empty() || d.unit == expected.unit);
  })) << Places(report);
}

TEST(SealedTest, IsSound) {
  const Forge forge = TwoSealed();
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  EXPECT_EQ(report.root, forge.Root());
  EXPECT_TRUE(report.notices.empty());
}

// What somebody changed in a sealed file with every checksum in it in order: the running hash or the manifest tells.
TEST(SealedTest, TamperingWithTheFile) {
  const std::string path = TwoSealed().Sealed(1);
  const struct {
    const char* what;
    std::function<void(Bytes&)> act;
    Expected expected;
  } table[] = {
      {"bytes after a compressed body",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) { s.body.push_back(0); }); },
       {"body_codec", path, "frame body"}},
      {"two compressed bodies in one",
       [](Bytes& f) {
         ChangeFrame(f, 0, [](FrameSpec& s) {
           const Bytes body = s.body;
           AppendTo(s.body, body);
         });
       },
       {"body_codec", path, "frame body"}},
      {"a body that decodes to another length",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) { ++*s.decoded_bytes; }); },
       {"body_codec", path, "frame body"}},
      {"the time of creation, with its checksum",
       [](Bytes& f) {
         f[85] ^= 1;
         PutBig32(f.data() + 124, Crc32c(ByteView(f).first(124)));
       },
       {"file_altered", path, "file"}},
      {"a note, with its checksum",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) {
                        s.notes = {0, 0, 0, 1, 'x'};
                      }); },
       {"file_altered", path, "file"}},
      {"wider bounds, with their checksum",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) { --s.event.least; }); },
       {"file_altered", path, "file"}},
      {"narrower bounds, with their checksum",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) { ++s.event.least; }); },
       {"time_bounds", path, "frame header: least event time"}},
      {"a synced length",
       [](Bytes& f) { ChangeFrame(f, 0, [](FrameSpec& s) { s.synced = 128; }); },
       {"header_field", path, "frame header: synced length"}},
      {"the index is cut off",
       [](Bytes& f) { f.resize(FramesOf(f).back().at); },
       {"index_missing", path, "end of file"}},
      {"the last block is cut out",
       [](Bytes& f) {
         const auto frames = FramesOf(f);
         f.erase(f.begin() + static_cast<ptrdiff_t>(frames[1].at),
                 f.begin() + static_cast<ptrdiff_t>(frames[2].at));
       },
       {"records_missing", path, "gap"}},
      {"an offset in the index",
       [](Bytes& f) { ChangeFrame(f, 2, [](FrameSpec& s) { s.body[11] ^= 1; }); },
       {"index_altered", path, "index: offset of a frame"}},
      {"a hash in the index of a block that began before",
       [](Bytes& f) { ChangeFrame(f, 2, [](FrameSpec& s) { s.body[30] ^= 1; }); },
       {"index_altered", path, "index: hash of 256 records"}},
      {"one hash too few in the index",
       [](Bytes& f) {
         ChangeFrame(f, 2, [](FrameSpec& s) {
           s.body.erase(s.body.end() - 32, s.body.end());
           s.decoded_bytes.reset();
           --s.body[4 + 16 + 3];
         });
       },
       {"index_altered", path, "index"}},
      {"the running hash of the index",
       [](Bytes& f) { ChangeFrame(f, 2, [](FrameSpec& s) { s.chain[0] ^= 1; }); },
       {"records_altered", path, "frame"}},
      {"a second index",
       [](Bytes& f) {
         const auto frames = FramesOf(f);
         AppendTo(f, EncodeFrame(frames.back().spec));
       },
       {"trailing_bytes", path, "end of file"}},
      {"a log of the same records",
       [](Bytes& f) {
         f[88] = 1;
         PutBig32(f.data() + 124, Crc32c(ByteView(f).first(124)));
       },
       {"file_misplaced", path, "file header: form"}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge = TwoSealed();
    each.act(forge.source.files[path]);
    ExpectDamage(Verify(forge.source, {.vkey = forge.vkey()}), each.expected);
  }
}

// A writer that seals what it must not: everything is signed and hashed, and verify has only the specification.
TEST(SealedTest, FilesThatNoWriterSeals) {
  const std::string path = TwoSealed().Sealed(1);
  const struct {
    const char* what;
    std::function<void(Bytes&)> act;
    Expected expected;
  } table[] = {
      {"a block cut in two",
       [](Bytes& f) {
         const auto frames = FramesOf(f);
         FrameSpec whole = frames[0].spec;
         // The first 4 records of a raw body of the same leaves.
         Forge again;
         again.BeginFile();
         again.AddMany(SpanLeaves(0, 300));
         again.Seal();
         again.AddRecords(SpanLeaves(300, 4));
         const auto log = FramesOf(again.file());
         FrameSpec one = log[0].spec, two = log[1].spec;
         one.synced = two.synced = 0;
         Bytes out(f.begin(), f.begin() + 128);
         AppendTo(out, EncodeFrame(one));
         AppendTo(out, EncodeFrame(two));
         f = out;
       },
       {"header_field", path, "frame header: number of the first record"}},
      {"an offset in the index",
       [](Bytes& f) { ChangeFrame(f, 2, [](FrameSpec& s) { s.body[11] ^= 1; }); },
       {"index_altered", path, "index: offset of a frame"}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    const Forge forge = TwoSealed({.alter_file = each.act});
    ExpectDamage(Verify(forge.source, {.vkey = forge.vkey()}), each.expected);
  }
}

// A side content that came in the middle of a block: it stands before the block, and keeps the number of the record that
// came after it, with the running hash before that.
TEST(SealedTest, ASideContentThatComesLate) {
  const auto forge_with = [](const std::function<void(FrameSpec&)>& change) {
    Forge forge;
    forge.BeginFile();
    forge.AddRecords(SpanLeaves(0, 5));
    const std::string resource = testing::ResourceGroup(2100);
    const uint64_t side = forge.AddSide(resource);
    forge.AddRecords({testing::LeafWithResourceBeside(resource)}, {}, {side});
    forge.Seal({.alter_file = [&](Bytes& f) { ChangeFrame(f, 0, change); }});
    forge.SignCheckpoint();
    return forge;
  };
  const Forge sound = forge_with([](FrameSpec& s) { ASSERT_EQ(s.first, 5u); });
  EXPECT_EQ(Verify(sound.source, {}).verdict, Verdict::kSound) << Places(Verify(sound.source, {}));
  const Forge chain = forge_with([](FrameSpec& s) { s.chain[0] ^= 1; });
  ExpectDamage(Verify(chain.source, {}), {"running_hash", chain.Sealed(0),
                                          "frame header: running hash before the first record"});
  const Forge number = forge_with([](FrameSpec& s) { s.first = 6; });
  ExpectDamage(Verify(number.source, {}),
               {"header_field", number.Sealed(0), "frame header: number of the first record"});
}

// The record of a rotation that names another key before the new one binds nothing.
TEST(SealedTest, ARotationFromAnotherKey) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords({SpanLeaf(0)});
  const auto stranger = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
  forge.RotateKey();
  forge.RotateKey(testing::VerifierKeyText(forge.origin(), *stranger));
  forge.SignCheckpoint();
  for (size_t epoch : {0u, 1u, 2u}) {
    const Report report = Verify(forge.source, {.vkey = forge.vkey(epoch)});
    ExpectDamage(report, {"note_damaged", "epochs/2", ""});
    EXPECT_EQ(report.authorship.answer, epoch == 2 ? Answer::kPass : Answer::kNotEstablished);
  }
}

// A whole trail of the same origin, made by somebody else, with keys that lead from one to the next: all in order, and
// not by the key that is known.
TEST(SealedTest, AWholeTrailByAStranger) {
  for (bool claims_the_known_key : {false, true}) {
    Forge stranger("example.com/forge", 0x10);
    const std::string known = Forge().vkey();
    stranger.BeginFile();
    stranger.AddRecords({SpanLeaf(0)});
    stranger.RotateKey(claims_the_known_key ? known : "");
    stranger.AddRecords({SpanLeaf(1)});
    stranger.SignCheckpoint();
    const Report report = Verify(stranger.source, {.vkey = known});
    EXPECT_EQ(report.verdict, Verdict::kNotSound) << Places(report);
    EXPECT_NE(report.authorship.answer, Answer::kPass);
  }
}

// Notes that came after the last record of a segment stand with that record's block; where the segment ends with a
// block, in a frame without records: once, raw, and last.
TEST(SealedTest, NotesAfterTheLastRecord) {
  const auto forge_with = [](uint64_t records, const std::function<void(Bytes&)>& change) {
    Forge forge;
    forge.compress = true;
    forge.BeginFile();
    forge.AddMany(SpanLeaves(0, records));
    forge.AddRecords({}, {"a note"});
    forge.AddRecords({}, {"and one more"});
    forge.Seal({.alter_file = change});
    forge.SignCheckpoint();
    return forge;
  };
  for (const uint64_t records : {300u, 512u}) {
    const Forge forge = forge_with(records, [](Bytes&) {});
    const auto frames = FramesOf(forge.source.files.at(forge.Sealed(0)));
    ASSERT_EQ(frames.size(), records == 512 ? 4u : 3u);
    EXPECT_EQ(frames[frames.size() - 2].spec.notes.size(), 26u);
    const Report report = Verify(forge.source, {.vkey = forge.vkey()});
    EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  }

  const std::string path = TwoSealed().Sealed(0);
  const auto change_of = [](size_t frame, auto change) {
    return [=](Bytes& f) { ChangeFrame(f, frame, change); };
  };
  // The frame's bytes once more, behind the i-th one.
  const auto copied_behind = [](size_t frame) {
    return [=](Bytes& f) {
      auto frames = FramesOf(f);
      FrameSpec notes = frames[2].spec;
      notes.first = frames[frame].spec.first + frames[frame].spec.count;
      const auto at = static_cast<ptrdiff_t>(frames[frame].at + frames[frame].bytes);
      const Bytes bytes = EncodeFrame(notes);
      f.insert(f.begin() + at, bytes.begin(), bytes.end());
    };
  };
  const struct {
    const char* what;
    std::function<void(Bytes&)> act;
    Expected expected;
  } table[] = {
      {"no notes in it",
       change_of(2, [](FrameSpec& s) { s.notes.clear(); }),
       {"header_field", path, "frame header: length of the notes"}},
      {"compressed",
       change_of(2, [](FrameSpec& s) { s = Compressed(s); }),
       {"header_field", path, "frame header: codec"}},
      {"bounds of no records",
       change_of(2,
                 [](FrameSpec& s) {
                   s.event = {1, 2};
                 }),
       {"header_field", path, "frame header: least event time"}},
      {"another running hash",
       change_of(2, [](FrameSpec& s) { s.chain[0] ^= 1; }),
       {"running_hash", path, ""}},
      {"inside a block",
       change_of(2, [](FrameSpec& s) { s.first -= 12; }),
       {"header_field", path, "frame header: count of records"}},
      {"twice",
       copied_behind(2),
       {"header_field", path, "frame header: number of the first record"}},
      {"records behind it",
       copied_behind(0),
       {"header_field", path, "frame header: number of the first record"}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    const Forge forge = forge_with(512, each.act);
    ExpectDamage(Verify(forge.source, {.vkey = forge.vkey()}), each.expected);
  }
}

// Each line of a manifest, false and signed.
TEST(SealedTest, ManifestsThatSayWhatIsNot) {
  const std::string path = TwoSealed().Manifest(1), segment = TwoSealed().Sealed(1);
  const auto digit = [](std::string& line) { line.back() = line.back() == '1' ? '2' : '1'; };
  const auto hash = [](std::string& line) {
    char& c = line[line.size() - 10];
    c = c == 'A' ? 'B' : 'A';
  };
  const auto value = [](std::string to) {
    return [to](std::string& line) { line = line.substr(0, line.find(' ') + 1) + to; };
  };
  const struct {
    const char* what;
    std::function<void(std::string&)> alter;
    Expected expected;
  } table[] = {
      {"another origin",
       Line("origin", value("example.com/x")),
       {"file_misplaced", path, "note line 2"}},
      {"another length",
       Line("file", [](std::string& l) { l.replace(5, 1, "9"); }),
       {"file_altered", segment, "file"}},
      {"another SHA-256", Line("file", hash), {"file_altered", segment, "file"}},
      {"another index", Line("index", digit), {"manifest_differs", path, "note line 6"}},
      {"other leaves", Line("leaves", digit), {"manifest_differs", path, "note line 7"}},
      {"another running hash", Line("chain", hash), {"manifest_differs", path, "note line 8"}},
      {"another root before", Line("before", hash), {"manifest_differs", path, "note line 9"}},
      {"another root after", Line("after", hash), {"manifest_differs", path, "note line 10"}},
      {"another node", Line("node", hash), {"manifest_differs", path, "note line 11"}},
      {"times that are too narrow",
       Line("event", value("1764039845000000500 1764039845000000501")),
       {"manifest_differs", path, ""}},
      {"receipt times that are too narrow",
       Line("received", value("1764039846000000500 1764039846000000501")),
       {"manifest_differs", path, ""}},
      {"bounds that are none", Line("event", value("5 4")), {"note_damaged", path, "note"}},
      {"another record format", Line("record-format", value("2")), {"note_damaged", path, "note"}},
      {"no manifest before", Line("previous", value("none")), {"note_damaged", path, "note"}},
      {"another manifest before", Line("previous", hash), {"manifest_differs", path, ""}},
      {"a key that was not current", Line("epoch", value("1")), {"manifest_differs", path, ""}},
      {"no time", Line("sealed", value("yesterday")), {"note_damaged", path, "note"}},
      {"one line more", [](std::string& t) { t += "more 1\n"; }, {"note_damaged", path, "note"}},
      {"a leading zero", Line("epoch", value("00")), {"note_damaged", path, "note"}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    const Forge forge = TwoSealed({.alter_manifest = each.alter});
    const Report report = Verify(forge.source, {.vkey = forge.vkey()});
    ExpectDamage(report, each.expected);
    EXPECT_EQ(report.damage.size(), 1u) << Places(report);
  }
}

TEST(SealedTest, TamperingWithFiles) {
  const Forge whole = TwoSealed();
  const std::string first = whole.Sealed(0), second = whole.Sealed(1), log = whole.path();
  const struct {
    const char* what;
    std::function<void(Forge&)> act;
    Expected expected;
  } table[] = {
      {"two adjacent manifests are gone",
       [](Forge& f) {
         f.source.files.erase(f.Manifest(0));
         f.source.files.erase(f.Manifest(1));
       },
       {"missing_file", whole.Manifest(0), "file"}},
      {"a manifest that is signed anew, and says the same otherwise",
       [](Forge& f) {
         std::string text(AsText(f.source.files[f.Manifest(1)]));
         text = Replaced(text.substr(0, text.find("\n\n") + 1), "04:05:06", "04:05:07");
         f.Put(f.Manifest(1), f.Signed(text));
       },
       {"manifest_altered", whole.Manifest(1), "note"}},
      {"a manifest by another key",
       [](Forge& f) {
         const auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
         std::string text(AsText(f.source.files[f.Manifest(1)]));
         f.Put(f.Manifest(1),
               testing::SignNote(text.substr(0, text.find("\n\n") + 1), f.origin(), *key));
       },
       {"note_damaged", whole.Manifest(1), "note line 17 and what follows"}},
      {"a segment of the same numbers and other records, with its manifest",
       [](Forge& f) {
         Forge other;
         other.compress = true;
         other.BeginFile();
         other.AddMany(SpanLeaves(0, 300));
         other.Seal();
         other.AddMany(SpanLeaves(1300, 279));
         other.Seal();
         for (const std::string& path : {f.Sealed(1), f.Manifest(1)})
           f.source.files[path] = other.source.files[path];
       },
       {"manifest_altered", whole.Manifest(1), "note"}},
      {"a segment of the same numbers and other records",
       [](Forge& f) {
         Forge other;
         other.compress = true;
         other.BeginFile();
         other.AddMany(SpanLeaves(0, 300));
         other.Seal();
         other.AddMany(SpanLeaves(1300, 279));
         other.Seal();
         f.source.files[f.Sealed(1)] = other.source.files[f.Sealed(1)];
       },
       {"file_altered", second, "file"}},
      {"the log's seal record is cut off",
       [](Forge& f) { f.file().resize(128); },
       {"records_missing", log, "end of file"}},
      {"the log is gone",
       [](Forge& f) { f.source.files.erase(f.path()); },
       {"missing_file", log, "file"}},
      {"a log that was sealed long ago",
       [&](Forge& f) {
         Forge other;
         other.BeginFile();
         other.AddMany(SpanLeaves(0, 300));
         f.source.files[other.path()] = other.file();
       },
       {"log_left", "segments/00000000000000000000.log", "file"}},
      {"a hash of a tile",
       [](Forge& f) { f.source.files["tiles/1"][40] ^= 1; },
       {"tile_altered", "tiles/1", "tile hash"}},
      {"a tile is gone",
       [](Forge& f) { f.source.files.erase("tiles/1"); },
       {"missing_file", "tiles/1", "file"}},
      {"a tile is cut",
       [](Forge& f) { f.source.files["tiles/1"].resize(32); },
       {"tiles_missing", "tiles/1", "end of file"}},
      {"a tile is longer",
       [](Forge& f) { f.source.files["tiles/1"].push_back(0); },
       {"trailing_bytes", "tiles/1", "end of file"}},
      {"a level too many",
       [](Forge& f) { f.source.files["tiles/2"] = Bytes(32, 1); },
       {"trailing_bytes", "tiles/2", "end of file"}},
      {"a strange level",
       [](Forge& f) { f.source.files["tiles/8"] = Bytes(32, 1); },
       {"unknown_file", "tiles/8", "file"}},
      {"the signing record is of another trail",
       [](Forge& f) {
         Forge other("example.com/other");
         f.Put("signing/state", other.SigningState(f.size(), f.Root()));
       },
       {"other_origin", "signing/state", "line 2"}},
      {"the signing record is ahead of the log",
       [](Forge& f) { f.Put("signing/state", f.SigningState(f.size() + 5, f.chain())); },
       {"state_ahead", "signing/state", "line 4"}},
      {"the signing record is of another history",
       [](Forge& f) { f.Put("signing/state", f.SigningState(f.size(), f.chain())); },
       {"state_differs", "signing/state", "line 5"}},
      {"the signing record is older than the checkpoint",
       [](Forge& f) { f.Put("signing/state", f.SigningState(7, f.Root(7))); },
       {"state_behind", "signing/state", "line 4"}},
      {"a strange file beside the signing record",
       [](Forge& f) { f.source.files["signing/more"] = {1}; },
       {"unknown_file", "signing/more", "file"}},
      {"an epoch that nobody began",
       [](Forge& f) { f.Put("epochs/1", f.SignedCheckpoint(3, f.Root(3))); },
       {"note_damaged", "epochs/1", "note"}},
      {"a strange file in epochs/",
       [](Forge& f) { f.Put("epochs/x", "x"); },
       {"unknown_file", "epochs/x", "file"}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge = TwoSealed();
    each.act(forge);
    const Report report = Verify(forge.source, {.vkey = forge.vkey()});
    ExpectDamage(report, each.expected);
    EXPECT_LE(report.damage.size(), 2u) << Places(report);
  }
}

// Epochs of keys: what leads from one key to the next.
TEST(SealedTest, TamperingWithEpochs) {
  const Forge whole = FullTrail(Bodies::kRaw).forge;
  const struct {
    const char* what;
    std::function<void(Forge&)> act;
    Expected expected;
  } table[] = {
      {"a note is gone",
       [](Forge& f) { f.source.files.erase("epochs/1"); },
       {"missing_file", "epochs/1", "file"}},
      {"the newest note is gone",
       [](Forge& f) { f.source.files.erase("epochs/2"); },
       {"missing_file", "epochs/2", "file"}},
      {"the notes changed places",
       [](Forge& f) { std::swap(f.source.files["epochs/1"], f.source.files["epochs/2"]); },
       {"note_damaged", "epochs/1", ""}},
      {"the signature of the key before is gone",
       [](Forge& f) {
         std::string note(AsText(f.source.files["epochs/1"]));
         const size_t at = note.find("\n\n") + 2;
         note.erase(at, note.find('\n', at) + 1 - at);
         f.Put("epochs/1", note);
       },
       {"note_damaged", "epochs/1", "note"}},
      {"the signatures changed places",
       [](Forge& f) {
         std::string note(AsText(f.source.files["epochs/1"]));
         const size_t at = note.find("\n\n") + 2, middle = note.find('\n', at) + 1;
         f.Put("epochs/1", note.substr(0, at) + note.substr(middle) + note.substr(at, middle - at));
       },
       {"note_damaged", "epochs/1", ""}},
      {"a checkpoint by a key that is not current any more",
       [](Forge& f) {
         const auto old = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 0x5e));
         f.Put("checkpoint", testing::SignNote(fmt::format("{}\n{}\n{}\n", f.origin(), f.size(),
                                                           Base64Encode(f.Root())),
                                               f.origin(), *old));
       },
       {"note_damaged", "checkpoint", "note signature"}},
      {"a trail by a later key",
       [](Forge& f) {
         std::string text(AsText(f.source.files["trail"]));
         f.Put("trail", f.Signed(text.substr(0, text.find("\n\n") + 1)));
       },
       {"note_damaged", "trail", ""}},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge = FullTrail(Bodies::kRaw).forge;
    each.act(forge);
    for (size_t epoch : {0u, 2u}) {
      ExpectDamage(Verify(forge.source, {.vkey = forge.vkey(epoch)}), each.expected);
    }
  }
  // A damaged step: the key before it leads nowhere any more, the one after it does.
  Forge forge = FullTrail(Bodies::kRaw).forge;
  forge.source.files["epochs/2"][30] ^= 1;
  EXPECT_EQ(Verify(forge.source, {.vkey = forge.vkey(2)}).authorship.answer, Answer::kPass);
  EXPECT_EQ(Verify(forge.source, {.vkey = forge.vkey(1)}).authorship.answer,
            Answer::kNotEstablished);
  const auto stranger = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
  const Report report =
      Verify(forge.source, {.vkey = testing::VerifierKeyText(forge.origin(), *stranger)});
  EXPECT_EQ(report.authorship.answer, Answer::kFail);
}

// segment.md §6: what the power may leave between two steps.
TEST(SealedTest, WhatAPowerCutLeaves) {
  const struct {
    const char* what;
    std::function<void(Forge&)> act;
    const char* notice;
  } table[] = {
      {"the sealed form is being made",
       [](Forge& f) {
         f.AddRecords({SpanLeaf(1)});
         f.source.files[f.path().substr(0, 29) + ".sealing"] = Bytes(50, 1);
       },
       nullptr},
      {"a sealed file without its manifest",
       [](Forge& f) {
         f.Seal({.keep_log = true, .seal_record = false});
         f.source.files.erase(f.Manifest(0));
       },
       "unfinished_seal"},
      {"a sealed file without its manifest, half written",
       [](Forge& f) {
         f.Seal({.keep_log = true, .seal_record = false});
         f.source.files.erase(f.Manifest(0));
         f.source.files[f.Sealed(0)].resize(100);
       },
       "unfinished_seal"},
      {"no next log yet", [](Forge& f) { f.Seal({.keep_log = true, .seal_record = false}); },
       "seal_record_pending"},
      {"a next log without records",
       [](Forge& f) {
         f.Seal({.keep_log = true, .seal_record = false});
         f.BeginFile();
       },
       "seal_record_pending"},
      {"the seal record, no tiles yet",
       [](Forge& f) { f.Seal({.keep_log = true, .write_tiles = false}); }, "sealed_log"},
      {"tiles of half a hash",
       [](Forge& f) {
         f.Seal({.keep_log = true, .write_tiles = false});
         f.source.files["tiles/1"] = Bytes(10, 3);
       },
       "tiles_behind"},
      {"the old log is still there", [](Forge& f) { f.Seal({.keep_log = true}); }, "sealed_log"},
      {"tiles that were being written",
       [](Forge& f) { f.source.files["tiles/1.tmp"] = Bytes(5, 1); }, "temporary_file"},
      {"an epoch that was being written",
       [](Forge& f) { f.source.files["epochs/1.tmp"] = Bytes(5, 1); }, "temporary_file"},
      {"a manifest that was being written",
       [](Forge& f) { f.source.files["segments/00000000000000000000.manifest.tmp"] = Bytes(5, 1); },
       "temporary_file"},
      {"a checkpoint that was being replaced",
       [](Forge& f) { f.source.files["checkpoint.tmp"] = Bytes(5, 1); }, "temporary_file"},
      {"a token that was being written",
       [](Forge& f) { f.source.files["local.token.tmp"] = Bytes(5, 1); }, "temporary_file"},
      {"a signing record that was being replaced",
       [](Forge& f) { f.source.files["signing/state.tmp"] = Bytes(5, 1); }, "temporary_file"},
      {"the place of the signing record that was being replaced",
       [](Forge& f) { f.source.files["signing/elsewhere.tmp"] = Bytes(5, 1); }, "temporary_file"},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge;
    forge.BeginFile();
    forge.AddMany(SpanLeaves(0, 300));
    each.act(forge);
    forge.SignCheckpoint();
    const Report report = Verify(forge.source, {.vkey = forge.vkey()});
    EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
    EXPECT_EQ(report.root, forge.Root());
    EXPECT_EQ(std::any_of(report.notices.begin(), report.notices.end(),
                          [&](const Notice& n) { return each.notice && n.kind == each.notice; }),
              each.notice != nullptr)
        << Places(report);
  }
}

// The log that is left must hold what was sealed.
TEST(SealedTest, ALeftLogWithOtherRecords) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 300));
  const std::string log = forge.path();
  forge.Seal({.keep_log = true});
  forge.SignCheckpoint();
  Forge other;
  other.BeginFile();
  other.AddMany(SpanLeaves(7, 300));
  forge.source.files[log] = other.file();
  ExpectDamage(Verify(forge.source, {}), {"log_differs", log, "file"});
  forge.source.files[log][500] ^= 1;
  const Report report = Verify(forge.source, {});
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  EXPECT_EQ(report.damage[0].file, log) << Places(report);
}

// A log that is removed before its tiles are written was not removed by a writer.
TEST(SealedTest, TilesMustBeThereWhenTheLogIsGone) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 300));
  forge.Seal({.write_tiles = false});
  forge.SignCheckpoint();
  ExpectDamage(Verify(forge.source, {}), {"missing_file", "tiles/1", "file"});
}

// --- What can still be said of the rest -----------------------------------------------------------

// A manifest stands in for its segment, so the root can be compared, and the other records are known to be right.
TEST(SealedTest, RangesOfATrailWithAMissingSegment) {
  Forge forge = TwoSealed();
  forge.source.files.erase(forge.Sealed(1));
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  ASSERT_EQ(report.ranges.size(), 3u);
  EXPECT_EQ(report.ranges[0].last, Seq{299});
  EXPECT_EQ(report.ranges[1].first, Seq{300});
  EXPECT_EQ(report.ranges[1].last, Seq{579});
  EXPECT_EQ(report.ranges[1].state, RangeState::kMissingOrAltered);
  EXPECT_EQ(report.ranges[2].state, RangeState::kPresentValid);
  EXPECT_EQ(report.size, forge.size());
  EXPECT_FALSE(report.root.has_value());
  EXPECT_EQ(report.completeness.answer, Answer::kFail);
}

TEST(SealedTest, RangesOfATrailWithADamagedBlock) {
  Forge forge = TwoSealed();
  const auto frames = FramesOf(forge.source.files[forge.Sealed(0)]);
  Bytes& file = forge.source.files[forge.Sealed(0)];
  for (int i = 0; i < 60; ++i) file[frames[1].at + 130 + static_cast<size_t>(i)] ^= 0x55;
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "frame_payload");
  ASSERT_EQ(report.ranges.size(), 3u);
  EXPECT_EQ(report.ranges[1].first, Seq{256});
  EXPECT_EQ(report.ranges[1].last, Seq{299});
}

// One changed byte of a compressed block: the block is named, since its records have no places in the file.
TEST(SealedTest, OneChangedByteOfACompressedBlock) {
  Forge forge = TwoSealed();
  const auto frames = FramesOf(forge.source.files[forge.Sealed(0)]);
  forge.source.files[forge.Sealed(0)][frames[0].at + 200] ^= 4;
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].offset, frames[0].at + kFrameHeaderBytes);
  EXPECT_THAT(report.damage[0].kind, ::testing::AnyOf("records_altered", "frame_payload"));
}

// The whole folder is an older state of itself, but for a signing record that lives elsewhere: a rollback.
TEST(SealedTest, AnOlderStateOfTheFolder) {
  Forge forge = TwoSealed();
  const auto before = forge.source.files;
  forge.AddRecords({SpanLeaf(1)});
  forge.SignCheckpoint();
  const Bytes state = forge.source.files["signing/state"];
  forge.source.files = before;
  forge.source.files["signing/state"] = state;
  ExpectDamage(Verify(forge.source, {.vkey = forge.vkey()}),
               {"state_ahead", "signing/state", "line 4"});
}

// A signature that was about to be made when the power went.
TEST(SealedTest, ASigningRecordAheadOfTheCheckpoint) {
  Forge forge = TwoSealed();
  forge.AddRecords({SpanLeaf(1)});
  forge.Put("signing/state", forge.SigningState(forge.size(), forge.Root()));
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  ASSERT_EQ(report.notices.size(), 1u);
  EXPECT_EQ(report.notices[0].kind, "signature_pending");
}

}  // namespace
}  // namespace sealtrail::verify
