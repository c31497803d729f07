// Tampering as a table: each way to alter stored bytes, and what verify must say of it, with the place.
#include "verify/verify.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/encoding.h"
#include "base/endian.h"
#include "verify/testing/full_trail.h"
#include "verify/tree.h"

namespace sealtrail::verify {
namespace {

using testing::Compressed;
using testing::CoveredFiles;
using testing::EncodeFileHeader;
using testing::EncodeFrame;
using testing::Forge;
using testing::FrameSpec;
using testing::LeafWithResourceBeside;
using testing::MemorySource;
using testing::ResourceGroup;
using testing::SelfLeaf;
using testing::SignNote;
using testing::SmallTrail;
using testing::SpanLeaf;

Report Check(const MemorySource& source, Options options = {}) {
  return Verify(source, options);
}

std::string Places(const Report& report) {
  std::string out;
  for (const Damage& d : report.damage) {
    out +=
        fmt::format("{} {} +{} {} [{}] {}\n", d.file, d.offset, d.length, d.kind, d.unit, d.text);
  }
  for (const std::string& obstacle : report.obstacles) out += "obstacle: " + obstacle + "\n";
  return out;
}

bool Holds(const Damage& damage, const std::string& file, uint64_t offset) {
  return damage.file == file && offset >= damage.offset && offset - damage.offset < damage.length;
}

TEST(VerifyTest, ASoundTrail) {
  const Forge forge = SmallTrail();
  const Report report = Check(forge.source, {.vkey = forge.vkey()});
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  EXPECT_EQ(report.size, forge.size());
  EXPECT_EQ(report.checkpoint_size, forge.size());
  EXPECT_EQ(report.root, forge.Root());
  EXPECT_EQ(report.chain, forge.chain());
  EXPECT_EQ(report.not_yet_checkpointed, 0u);
  EXPECT_EQ(report.records_read, forge.size());
  for (const Finding* finding :
       {&report.integrity, &report.order, &report.completeness, &report.authorship}) {
    EXPECT_EQ(finding->answer, Answer::kPass) << finding->reason;
  }
  EXPECT_EQ(report.time.answer, Answer::kNotEstablished);
  EXPECT_EQ(report.independence.answer, Answer::kNotEstablished);
  EXPECT_TRUE(report.notices.empty());
}

TEST(VerifyTest, WithoutAKeyFromOutsideAuthorshipIsNotEstablished) {
  const Report report = Check(SmallTrail().source);
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  EXPECT_EQ(report.authorship.answer, Answer::kNotEstablished);
}

// Goal: whatever byte of the covered files changes, it is found, in the right file, in a unit that holds it, and
// nothing else is blamed.
class EveryByteTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Codecs, EveryByteTest, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Compressed" : "Raw"; });

TEST_P(EveryByteTest, OfEveryFile) {
  Forge forge = SmallTrail(12, GetParam());
  size_t flips = 0, narrow = 0;
  for (const std::string& path : CoveredFiles(forge)) {
    Bytes& content = forge.source.files[path];
    for (size_t i = 0; i < content.size(); ++i) {
      const auto difference = static_cast<uint8_t>(1u << (i % 8));
      content[i] ^= difference;
      const Report report =
          Check(forge.source, {.vkey = i % 2 ? std::optional(forge.vkey()) : std::nullopt});
      content[i] ^= difference;
      ASSERT_EQ(report.verdict, Verdict::kNotSound) << path << " byte " << i << "\n"
                                                    << Places(report);
      ASSERT_EQ(report.damage.size(), 1u) << path << " byte " << i << "\n" << Places(report);
      ASSERT_TRUE(Holds(report.damage[0], path, i)) << path << " byte " << i << "\n"
                                                    << Places(report);
      ASSERT_EQ(report.integrity.answer, Answer::kFail);
      ++flips;
      narrow += report.damage[0].length <= 600;
    }
  }
  EXPECT_GT(flips, 8000u);
  // A payload as a whole is named only where nothing after it confirms a guess, and side contents.
  EXPECT_GT(narrow, flips / 4);
}

// A whole byte wrong is not special: any difference is found.
TEST(VerifyTest, EveryDifferenceOfAByte) {
  Forge forge = SmallTrail(12);
  for (const auto& [path, at] :
       {std::pair(std::string("checkpoint"), size_t{20}),
        std::pair(std::string("trail"), size_t{60}), std::pair(forge.path(), size_t{8}),
        std::pair(forge.path(), size_t{150}), std::pair(forge.path(), size_t{240}),
        std::pair(forge.path(), size_t{700}), std::pair(forge.Sealed(0), size_t{900}),
        std::pair(forge.Manifest(1), size_t{300})}) {
    for (int difference = 1; difference < 256; ++difference) {
      uint8_t& byte = forge.source.files[path][at];
      byte ^= static_cast<uint8_t>(difference);
      const Report report = Check(forge.source);
      byte ^= static_cast<uint8_t>(difference);
      ASSERT_EQ(report.damage.size(), 1u) << path << " " << at << " by " << difference << "\n"
                                          << Places(report);
      ASSERT_TRUE(Holds(report.damage[0], path, at)) << Places(report);
    }
  }
}

struct Tampering {
  const char* what;
  std::function<void(Forge&)> act;
  const char* kind;
  std::string file;  // where it must be found
};

std::string SegmentPath(uint64_t first) {
  return fmt::format("segments/{:020}.seg", first);
}

// A trail of one file with three frames of 4 records each; the frames' places.
struct ThreeFrames {
  Forge forge;
  std::vector<uint64_t> at;

  explicit ThreeFrames(bool checkpoint = true) {
    forge.BeginFile();
    for (uint64_t i = 0; i < 3; ++i) {
      at.push_back(forge.file().size());
      forge.AddRecords(
          {SpanLeaf(4 * i), SpanLeaf(4 * i + 1), SpanLeaf(4 * i + 2), SpanLeaf(4 * i + 3)});
      forge.Sync();
    }
    at.push_back(forge.file().size());
    if (checkpoint) forge.SignCheckpoint();
  }
  Bytes Frame(size_t i) {
    const Bytes& file = forge.file();
    return {file.begin() + static_cast<ptrdiff_t>(at[i]),
            file.begin() + static_cast<ptrdiff_t>(at[i + 1])};
  }
};

TEST(VerifyTest, TamperingWithFiles) {
  const Forge whole = SmallTrail();
  const std::string first = whole.Sealed(0), second = whole.Sealed(1), log = whole.path();
  const Tampering table[] = {
      {"the first segment is gone", [&](Forge& f) { f.source.files.erase(first); }, "missing_file",
       first},
      {"a middle segment is gone", [&](Forge& f) { f.source.files.erase(second); }, "missing_file",
       second},
      {"a segment is gone with its manifest",
       [&](Forge& f) {
         f.source.files.erase(second);
         f.source.files.erase(f.Manifest(1));
       },
       "missing_file", second},
      {"a manifest is gone", [&](Forge& f) { f.source.files.erase(f.Manifest(0)); }, "missing_file",
       whole.Manifest(0)},
      {"the log is gone", [&](Forge& f) { f.source.files.erase(log); }, "missing_file", log},
      {"two segments changed places",
       [&](Forge& f) { std::swap(f.source.files[first], f.source.files[second]); },
       "file_misplaced", second},
      {"two manifests changed places",
       [&](Forge& f) { std::swap(f.source.files[f.Manifest(0)], f.source.files[f.Manifest(1)]); },
       "file_misplaced", whole.Manifest(1)},
      {"a segment of another trail",
       [&](Forge& f) {
         Forge other = SmallTrail();
         Forge of_another("example.com/other");
         of_another.BeginFile();
         of_another.AddRecords({SpanLeaf(1)});
         of_another.Seal();
         f.source.files[first] = of_another.source.files[of_another.Sealed(0)];
       },
       "other_trail", first},
      {"a log under the name of a sealed one",
       [&](Forge& f) { f.source.files[first] = f.source.files[log]; }, "file_misplaced", first},
      {"an overlapping segment",
       [&](Forge& f) {
         f.source.files[SegmentPath(f.size() - 1)] =
             EncodeFileHeader({.form = 2, .first = f.size() - 1});
       },
       "file_misplaced", SegmentPath(whole.size() - 1)},
      {"a sealed segment was cut at its first frame",
       [&](Forge& f) { f.source.files[first].resize(128); }, "index_missing", first},
      {"bytes after the index frame",
       [&](Forge& f) { f.source.files[second].insert(f.source.files[second].end(), 50, 'x'); },
       "trailing_bytes", second},
      {"bytes after the last frame",
       [&](Forge& f) { f.source.files[log].insert(f.source.files[log].end(), 50, 'x'); },
       "unfinished_tail", log},
      {"zeros after the last frame",
       [&](Forge& f) { f.source.files[log].insert(f.source.files[log].end(), 4096, 0); },
       "unfinished_tail", log},
      {"a strange file beside the segments",
       [&](Forge& f) { f.source.files["segments/notes.txt"] = {1}; }, "unknown_file",
       "segments/notes.txt"},
      {"a strange file beside the trail", [&](Forge& f) { f.source.files["readme"] = {1}; },
       "unknown_file", "readme"},
      {"a strange folder", [&](Forge& f) { f.source.files["more/x"] = {1}; }, "unknown_file",
       "more"},
      {"no trail", [&](Forge& f) { f.source.files.erase("trail"); }, "missing_file", "trail"},
      {"the trail of another origin",
       [&](Forge& f) {
         const std::string note = SignNote(
             "sealtrail/trail/v1\norigin example.com/x\nformat 1\ncreated 2026-11-24T03:04:05Z\n",
             f.origin(), f.key());
         f.source.files["trail"].assign(note.begin(), note.end());
       },
       "other_origin", "trail"},
      {"a checkpoint of another origin",
       [&](Forge& f) {
         const std::string note =
             SignNote(fmt::format("example.com/x\n{}\n{}\n", f.size(), Base64Encode(f.Root())),
                      f.origin(), f.key());
         f.source.files["checkpoint"].assign(note.begin(), note.end());
       },
       "other_origin", "checkpoint"},
      {"a checkpoint by another key",
       [&](Forge& f) {
         const auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
         const std::string note =
             SignNote(fmt::format("{}\n{}\n{}\n", f.origin(), f.size(), Base64Encode(f.Root())),
                      f.origin(), *key);
         f.source.files["checkpoint"].assign(note.begin(), note.end());
       },
       "note_damaged", "checkpoint"},
      {"a second signature line",
       [&](Forge& f) {
         const std::string_view line = "— other AAAAAAA=\n";
         f.source.files["checkpoint"].insert(f.source.files["checkpoint"].end(), line.begin(),
                                             line.end());
       },
       "note_damaged", "checkpoint"},
      {"a checkpoint beyond the log",
       [&](Forge& f) {
         const std::string note = f.SignedCheckpoint(f.size() + 1, f.Root());
         f.source.files["checkpoint"].assign(note.begin(), note.end());
       },
       "records_missing", log},
      {"a checkpoint with another root",
       [&](Forge& f) {
         const std::string note = f.SignedCheckpoint(f.size(), f.chain());
         f.source.files["checkpoint"].assign(note.begin(), note.end());
       },
       "root_mismatch", log},
  };
  for (const Tampering& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge = SmallTrail();
    each.act(forge);
    const Report report = Check(forge.source, {.vkey = forge.vkey()});
    EXPECT_EQ(report.verdict, Verdict::kNotSound);
    EXPECT_TRUE(std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& d) {
      return d.kind == each.kind && d.file == each.file;
    })) << Places(report);
    EXPECT_LE(report.damage.size(), 3u) << Places(report);
  }
}

TEST(VerifyTest, TamperingWithFrames) {
  const auto replace = [](ThreeFrames& t, size_t i, const Bytes& with) {
    Bytes& file = t.forge.file();
    const auto begin = file.begin() + static_cast<ptrdiff_t>(t.at[i]);
    const auto after = file.erase(begin, file.begin() + static_cast<ptrdiff_t>(t.at[i + 1]));
    file.insert(after, with.begin(), with.end());
  };
  // The frame's fields as they are, to be changed and written again with right checksums.
  const auto spec_of = [](ThreeFrames& t, size_t i) {
    const Bytes frame = t.Frame(i);
    FrameSpec spec{.first = GetBig64(&frame[8]),
                   .count = GetBig32(&frame[16]),
                   .synced = GetBig64(&frame[32]),
                   .event = {.least = static_cast<int64_t>(GetBig64(&frame[80])),
                             .greatest = static_cast<int64_t>(GetBig64(&frame[88]))},
                   .received = {.least = static_cast<int64_t>(GetBig64(&frame[96])),
                                .greatest = static_cast<int64_t>(GetBig64(&frame[104]))}};
    std::copy_n(frame.begin() + 40, 32, spec.chain.begin());
    spec.body.assign(frame.begin() + kFrameHeaderBytes, frame.end());
    return spec;
  };
  const struct {
    const char* what;
    std::function<void(ThreeFrames&)> act;
    const char* kind;
    size_t frame;  // whose place is named
  } table[] = {
      {"the middle frame is cut out", [&](ThreeFrames& t) { replace(t, 1, {}); }, "records_missing",
       1},
      {"two frames changed places",
       [&](ThreeFrames& t) {
         const Bytes first = t.Frame(0), second = t.Frame(1);
         replace(t, 1, first);
         replace(t, 0, second);
       },
       "frame_out_of_order", 1},
      {"a frame stands twice",
       [&](ThreeFrames& t) {
         Bytes twice = t.Frame(1);
         AppendTo(twice, t.Frame(1));
         replace(t, 1, twice);
       },
       "frame_out_of_order", 2},
      {"one byte is inserted",
       [&](ThreeFrames& t) {
         Bytes frame = t.Frame(1);
         frame.insert(frame.begin() + 300, 'x');
         replace(t, 1, frame);
       },
       "frame_damaged", 1},
      {"one byte is taken out",
       [&](ThreeFrames& t) {
         Bytes frame = t.Frame(1);
         frame.erase(frame.begin() + 300);
         replace(t, 1, frame);
       },
       "frame_damaged", 1},
      {"a record is changed, its checksums too",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.body = testing::Bundle({SpanLeaf(4), SpanLeaf(99), SpanLeaf(6), SpanLeaf(7)});
         replace(t, 1, EncodeFrame(spec));
       },
       "records_altered", 1},
      {"records changed places, checksums are right",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.body = testing::Bundle({SpanLeaf(5), SpanLeaf(4), SpanLeaf(6), SpanLeaf(7)});
         replace(t, 1, EncodeFrame(spec));
       },
       "records_altered", 1},
      {"the running hash is changed, its checksum too",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.chain[5] ^= 1;
         replace(t, 1, EncodeFrame(spec));
       },
       "running_hash", 1},
      {"a record is changed with all that depends on it",
       [&](ThreeFrames& t) {
         Forge rewritten;
         rewritten.BeginFile();
         for (uint64_t i = 0; i < 3; ++i) {
           rewritten.AddRecords({SpanLeaf(4 * i), SpanLeaf(4 * i + (i == 1 ? 90 : 1)),
                                 SpanLeaf(4 * i + 2), SpanLeaf(4 * i + 3)});
           rewritten.Sync();
         }
         t.forge.file() = rewritten.file();
       },
       "root_mismatch", 0},
      {"the synced length is beyond the frame",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.synced = t.at[2];
         replace(t, 1, EncodeFrame(spec));
       },
       "header_field", 1},
      {"an unknown codec",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.codec = 2;
         replace(t, 1, EncodeFrame(spec));
       },
       "header_field", 1},
      {"a raw body that claims another decoded length",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.decoded_bytes = 1;
         replace(t, 1, EncodeFrame(spec));
       },
       "header_field", 1},
      {"a compressed body that is no whole block",
       [&](ThreeFrames& t) { replace(t, 1, EncodeFrame(Compressed(spec_of(t, 1)))); },
       "header_field", 1},
      {"bounds that no record meets",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         --spec.event.least;
         replace(t, 1, EncodeFrame(spec));
       },
       "time_bounds", 1},
      {"a record outside the bounds",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         --spec.received.greatest;
         replace(t, 1, EncodeFrame(spec));
       },
       "time_bounds", 1},
      {"bounds that are none",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         std::swap(spec.received.least, spec.received.greatest);
         replace(t, 1, EncodeFrame(spec));
       },
       "header_field", 1},
      {"an index in a log",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.type = 3;
         replace(t, 1, EncodeFrame(spec));
       },
       "header_field", 1},
      {"a count that does not fit the body",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.count = 3;
         replace(t, 1, EncodeFrame(spec));
       },
       "body_layout", 1},
      {"notes that do not fit their place",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.notes = {0, 0, 0, 9, 'x'};
         replace(t, 1, EncodeFrame(spec));
       },
       "note_layout", 1},
      {"an offset without a side content",
       [&](ThreeFrames& t) {
         FrameSpec spec = spec_of(t, 1);
         spec.side_offsets = {128};
         replace(t, 1, EncodeFrame(spec));
       },
       "side_offset", 1},
      {"the end is cut off at a frame", [&](ThreeFrames& t) { t.forge.file().resize(t.at[2]); },
       "records_missing", 2},
      {"the end is cut off inside a header",
       [&](ThreeFrames& t) { t.forge.file().resize(t.at[2] + 30); }, "frame_damaged", 2},
      {"the end is cut off inside a body",
       [&](ThreeFrames& t) { t.forge.file().resize(t.at[2] + 300); }, "frame_damaged", 2},
      {"the end is overwritten with zeros",
       [&](ThreeFrames& t) {
         std::fill(t.forge.file().begin() + static_cast<ptrdiff_t>(t.at[2]), t.forge.file().end(),
                   0);
       },
       "frame_damaged", 2},
      {"all frames are overwritten with zeros",
       [&](ThreeFrames& t) { std::fill(t.forge.file().begin() + 128, t.forge.file().end(), 0); },
       "frame_damaged", 0},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    ThreeFrames t;
    const std::vector<uint64_t> at = t.at;
    each.act(t);
    for (bool running : {false, true}) {  // under a checkpoint nothing is excused
      const Report report = Check(t.forge.source, {.vkey = t.forge.vkey(), .running = running});
      EXPECT_EQ(report.verdict, Verdict::kNotSound);
      EXPECT_TRUE(std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& d) {
        return d.kind == each.kind && d.file == t.forge.path() &&
               (d.kind == std::string_view("root_mismatch") ||
                (d.offset >= at[each.frame] &&
                 d.offset < at[each.frame] + kFrameHeaderBytes + 1500));
      })) << Places(report);
      EXPECT_LE(report.damage.size(), 3u) << Places(report);
    }
  }
}

// One byte of a record that a later frame confirms: the record is named, and the rest is known to be as it was. But
// what is stored has no root.
TEST(VerifyTest, ARecordWithOneChangedByte) {
  ThreeFrames t;
  const uint64_t leaf_at = t.at[1] + kFrameHeaderBytes + 2 + SpanLeaf(4).size() + 2;
  t.forge.file()[leaf_at + 100] ^= 0x20;
  const Report report = Check(t.forge.source);
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "record_altered");
  EXPECT_EQ(report.damage[0].seq, Seq{5});
  EXPECT_EQ(report.damage[0].offset, leaf_at - 2);
  EXPECT_EQ(report.damage[0].length, 2 + SpanLeaf(5).size());
  EXPECT_FALSE(report.root.has_value());
  EXPECT_FALSE(report.chain.has_value());
  EXPECT_EQ(report.completeness.answer, Answer::kNotEstablished);
}

TEST(VerifyTest, NotesAreToldApartFromRecords) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords({SpanLeaf(0)}, {"a note"});
  const uint64_t end = forge.file().size();
  forge.AddRecords({SpanLeaf(1)});
  forge.SignCheckpoint();
  forge.file()[end - 2] ^= 1;
  const Report report = Check(forge.source);
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].offset, end - 10);
  EXPECT_EQ(report.damage[0].length, 10u);
  EXPECT_EQ(report.root, forge.Root()) << "the records are whole";
}

// Writes the checksum of the frame header at `at` anew.
void FixHeader(Bytes& file, uint64_t at) {
  PutBig32(file.data() + at + 116, Crc32c(ByteView(file).subspan(at, 116)));
}

// The index frame has confirmed the records before the log, so they are not blamed.
TEST(VerifyTest, ARunningHashThatNothingConfirms) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords({SpanLeaf(0)});
  forge.Seal();
  forge.SignCheckpoint();
  forge.file()[128 + 40 + 3] ^= 1;
  FixHeader(forge.file(), 128);
  const Report report = Check(forge.source);
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "running_hash");
  EXPECT_EQ(report.damage[0].file, forge.path());
  EXPECT_EQ(report.damage[0].offset, 128u + 40);
}

// A log stands where its sealed form is lost. Its last frame has only the next file to confirm it.
TEST(VerifyTest, RecordsBeforeAFileWhoseHeaderContradictsThem) {
  Forge forge, other;
  for (Forge* each : {&forge, &other}) {
    each->BeginFile();
    each->AddRecords({SpanLeaf(each == &forge ? 0 : 9)});
  }
  const std::string first = forge.path();
  forge.Seal();
  forge.SignCheckpoint();
  forge.source.files.erase(forge.Sealed(0));
  forge.source.files.erase(forge.Manifest(0));
  forge.source.files[first] = other.file();
  const Report report = Check(forge.source);
  ASSERT_EQ(report.damage.size(), 2u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "records_altered");
  EXPECT_EQ(report.damage[0].file, first);
  EXPECT_EQ(report.damage[0].offset, 128u);
  EXPECT_EQ(report.damage[1].kind, "missing_file");
}

TEST(VerifyTest, ANoteWithoutEnd) {
  Forge forge = SmallTrail();
  forge.source.files["checkpoint"].resize(1 << 20, 'x');
  const Report report = Check(forge.source);
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_THAT(report.damage[0].text, ::testing::HasSubstr("too long"));
}

TEST(VerifyTest, ReservedBytesAreZero) {
  for (const auto& [offset, unit] :
       {std::pair(size_t{6}, size_t{6}), std::pair(size_t{7}, size_t{6}),
        std::pair(size_t{76}, size_t{76}), std::pair(size_t{79}, size_t{76})}) {
    ThreeFrames t;
    uint8_t* const header = t.forge.file().data() + t.at[1];
    header[offset] = 1;
    PutBig32(header + 116, Crc32c(ByteView(header, 116)));
    const Report report = Check(t.forge.source);
    ASSERT_EQ(report.damage.size(), 1u) << Places(report);
    EXPECT_EQ(report.damage[0].kind, "header_field");
    EXPECT_EQ(report.damage[0].offset, t.at[1] + unit);
  }
  ThreeFrames t;
  uint8_t* const header = t.forge.file().data();
  header[100] = 1;
  PutBig32(header + 124, Crc32c(ByteView(header, 124)));
  const Report report = Check(t.forge.source);
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "header_field");
  EXPECT_EQ(report.damage[0].offset, 89u);
}

// A line is named only where putting it right makes the signature hold.
TEST(VerifyTest, ANoteWithTwoChangesIsNamedWhole) {
  for (const char* path : {"checkpoint", "trail"}) {
    Forge forge = SmallTrail();
    Bytes& note = forge.source.files[path];
    note[22] ^= 1;
    note[note.size() - 20] ^= 1;
    const Report report = Check(forge.source);
    ASSERT_EQ(report.damage.size(), 1u) << Places(report);
    EXPECT_EQ(report.damage[0].offset, 0u);
    EXPECT_EQ(report.damage[0].length, note.size());
  }
}

TEST(VerifyTest, LeavesThatNoWriterWrites) {
  const struct {
    const char* what;
    std::string leaf;
    const char* kind;
  } table[] = {
      {"white space", R"({"k":"log", "n":1})", "leaf_not_canonical"},
      {"no JSON", "hello", "leaf_not_canonical"},
      {"another version",
       [] {
         std::string l = SpanLeaf(1);
         return l.replace(l.rfind('1'), 1, "0");
       }(),
       "leaf_shape"},
      {"an unknown member",
       [] {
         std::string l = SpanLeaf(1);
         return l.replace(l.rfind('}'), 1, ",\"w\":1}");
       }(),
       "leaf_shape"},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge;
    forge.BeginFile();
    forge.AddRecords({SpanLeaf(0), each.leaf, SpanLeaf(2)});
    forge.SignCheckpoint();
    const Report report = Check(forge.source);
    ASSERT_EQ(report.damage.size(), 1u) << Places(report);
    EXPECT_EQ(report.damage[0].kind, each.kind);
    EXPECT_EQ(report.damage[0].seq, Seq{1});
    EXPECT_EQ(report.damage[0].offset, 128 + kFrameHeaderBytes + 2 + SpanLeaf(0).size());
    EXPECT_EQ(report.damage[0].length, 2 + each.leaf.size());
    EXPECT_EQ(report.root, forge.Root()) << "the bytes are those that were hashed";
  }
}

TEST(VerifyTest, WhatLiesBesideARecord) {
  const std::string resource = ResourceGroup(2500);
  const struct {
    const char* what;
    std::function<void(Forge&)> write;
    const char* kind;  // null: sound
  } table[] = {
      {"as it should be",
       [&](Forge& f) {
         const uint64_t side = f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
       },
       nullptr},
      {"used by two frames",
       [&](Forge& f) {
         const uint64_t side = f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
         f.Sync();
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
       },
       nullptr},
      {"two copies",
       [&](Forge& f) {
         const uint64_t a = f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {a});
         const uint64_t b = f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {b});
       },
       nullptr},
      {"not there", [&](Forge& f) { f.AddRecords({LeafWithResourceBeside(resource)}); },
       "beside_missing"},
      {"another content",
       [&](Forge& f) {
         const uint64_t side = f.AddSide(ResourceGroup(2501));
         f.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
       },
       "beside_missing"},
      {"not listed",
       [&](Forge& f) {
         f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource)});
       },
       "beside_missing"},
      {"listed and not used",
       [&](Forge& f) {
         const uint64_t side = f.AddSide(resource);
         f.AddRecords({SpanLeaf(1)}, {}, {side});
       },
       "side_offset"},
      {"listed twice",
       [&](Forge& f) {
         const uint64_t side = f.AddSide(resource);
         f.AddRecords({LeafWithResourceBeside(resource), LeafWithResourceBeside(resource)}, {},
                      {side, side});
       },
       "side_offset"},
      {"used by nobody",
       [&](Forge& f) {
         f.AddSide(resource);
         f.AddRecords({SpanLeaf(1)});
       },
       "side_unused"},
      {"after the records",
       [&](Forge& f) {
         f.AddRecords({LeafWithResourceBeside(resource)}, {},
                      {f.file().size() + kFrameHeaderBytes + 2 +
                       LeafWithResourceBeside(resource).size() + 8});
         f.AddSide(resource);
       },
       "side_offset"},
      {"no resource",
       [&](Forge& f) {
         const std::string text = "\"" + std::string(2500, 'x') + "\"";
         const uint64_t side = f.AddSide(text);
         f.AddRecords({LeafWithResourceBeside(text)}, {}, {side});
       },
       "side_shape"},
      {"left by a power cut",
       [&](Forge& f) {
         f.AddSide(resource);
         f.Sync();
         f.AddRecords({SpanLeaf(1)});
       },
       nullptr},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge;
    forge.BeginFile();
    each.write(forge);
    forge.SignCheckpoint();
    const Report report = Check(forge.source);
    EXPECT_EQ(report.verdict, each.kind ? Verdict::kNotSound : Verdict::kSound) << Places(report);
    if (each.kind) {
      EXPECT_TRUE(std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& d) {
        return d.kind == std::string_view(each.kind);
      })) << Places(report);
    }
  }
}

// --- A store that is running, or stopped where the power did ---------------------------------------

TEST(VerifyTest, RecordsBeyondTheCheckpointAreCounted) {
  Forge forge = SmallTrail();
  const uint64_t covered = forge.size();
  const crypto::Hash root = forge.Root(), chain = forge.chain();
  forge.AddRecords({SpanLeaf(1000), SpanLeaf(1001)});
  const Report report = Check(forge.source);
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  EXPECT_EQ(report.size, covered);
  EXPECT_EQ(report.root, root);
  EXPECT_EQ(report.chain, chain);
  EXPECT_EQ(report.not_yet_checkpointed, 2u);
}

TEST(VerifyTest, ATornEndOfARunningStoreIsNoDamage) {
  Forge forge = SmallTrail();
  const uint64_t covered = forge.size();
  forge.AddRecords({SpanLeaf(1000)});
  forge.Sync();
  const uint64_t whole = forge.file().size();
  forge.AddRecords({SpanLeaf(1001), SpanLeaf(1002)});
  const Bytes full = forge.file();
  for (uint64_t length = whole + 1; length < full.size(); ++length) {
    forge.file().assign(full.begin(), full.begin() + static_cast<ptrdiff_t>(length));
    const Report running = Check(forge.source, {.running = true});
    ASSERT_EQ(running.verdict, Verdict::kSound) << length << "\n" << Places(running);
    EXPECT_EQ(running.size, covered);
    EXPECT_EQ(running.not_yet_checkpointed, 1u);
    EXPECT_TRUE(running.root.has_value());
    ASSERT_EQ(running.notices.size(), 1u);
    EXPECT_EQ(running.notices[0].kind, "tail_not_yet_durable");

    const Report stopped = Check(forge.source);
    ASSERT_EQ(stopped.damage.size(), 1u) << Places(stopped);
    EXPECT_EQ(stopped.damage[0].kind, "unfinished_tail");
    EXPECT_TRUE(Holds(stopped.damage[0], forge.path(), length - 1));
  }
}

// Pages of one unsynced write reach the disk in any order, so a good frame after the bad place proves nothing, unless
// it says that the place was durable before it was written.
TEST(VerifyTest, ALaterFrameMayProveThatTheEndWasDurable) {
  for (bool synced_between : {false, true}) {
    Forge forge = SmallTrail();
    const uint64_t bad = forge.file().size();
    forge.AddRecords({SpanLeaf(1000)});
    if (synced_between) forge.Sync();
    forge.AddRecords({SpanLeaf(1001)});
    for (uint64_t i = bad; i < bad + 200; ++i) forge.file()[i] = 0;
    const Report report = Check(forge.source, {.running = true});
    EXPECT_EQ(report.verdict, synced_between ? Verdict::kNotSound : Verdict::kSound)
        << Places(report);
  }
}

// An empty log says no more than one that is not there; where a header is torn, the power went.
TEST(VerifyTest, AFileThatWasJustMade) {
  for (size_t length : {0u, 60u, 128u}) {
    Forge forge = SmallTrail();
    forge.Seal({.keep_log = true, .seal_record = false});
    forge.BeginFile();
    forge.file().resize(length);
    const Report running = Check(forge.source, {.running = true});
    EXPECT_EQ(running.verdict, Verdict::kSound) << Places(running);
    EXPECT_EQ(running.size, forge.size());
    EXPECT_TRUE(running.root.has_value());
    EXPECT_EQ(Check(forge.source).verdict, length == 60 ? Verdict::kNotSound : Verdict::kSound);
  }
}

// The trail note is the last thing that a first start writes. Without it a folder is a trail that lost it, as soon as there
// is a record of somebody else.
TEST(VerifyTest, AFirstStartThatWasNotFinished) {
  for (const bool others : {false, true}) {
    Forge forge;
    forge.BeginFile();
    forge.AddRecords({SelfLeaf("sealtrail.store.start")});
    if (others) forge.AddRecords({SpanLeaf(1)});
    forge.SignCheckpoint();
    forge.source.files.erase("trail");
    const Report report = Check(forge.source);
    EXPECT_EQ(report.verdict, others ? Verdict::kNotSound : Verdict::kCannotTell) << Places(report);
    EXPECT_EQ(report.damage.size(), others ? 1u : 0u) << Places(report);
  }
  Forge forge;
  forge.BeginFile();
  for (auto& [path, bytes] : forge.source.files) {
    if (path.ends_with(".log")) bytes.clear();
  }
  forge.source.files.erase("trail");
  forge.source.files.erase("checkpoint");
  const Report report = Check(forge.source);
  EXPECT_EQ(report.verdict, Verdict::kCannotTell) << Places(report);
  EXPECT_EQ(report.damage.size(), 0u) << Places(report);
}

TEST(VerifyTest, WhatRecoverySetAside) {
  const Bytes tail(100, 'x');
  Forge forge;
  forge.BeginFile();
  forge.AddRecords(
      {SelfLeaf("sealtrail.recovery.cut",
                fmt::format(R"(,["sealtrail.cut.aside","tail-1"],["sealtrail.cut.sha256","{}"])",
                            HexEncode(crypto::Sha256(tail))))});
  forge.SignCheckpoint();
  forge.source.files["aside/tail-1"] = tail;
  Report report = Check(forge.source);
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  ASSERT_EQ(report.notices.size(), 1u);
  EXPECT_EQ(report.notices[0].kind, "aside");

  forge.source.files["aside/tail-1"][50] ^= 1;
  report = Check(forge.source);
  ASSERT_EQ(report.damage.size(), 1u);
  EXPECT_EQ(report.damage[0].kind, "aside_altered");
  EXPECT_TRUE(Holds(report.damage[0], "aside/tail-1", 50));

  forge.source.files.erase("aside/tail-1");
  forge.source.files["aside/other"] = tail;
  report = Check(forge.source);
  EXPECT_EQ(report.verdict, Verdict::kSound);
  ASSERT_EQ(report.notices.size(), 1u);
  EXPECT_EQ(report.notices[0].kind, "aside_unnamed");
}

// --- Where verify cannot tell -------------------------------------------------------------------

TEST(VerifyTest, CannotTell) {
  const struct {
    const char* what;
    std::function<void(Forge&, Options&)> act;
  } table[] = {
      {"no key", [](Forge& f, Options&) { f.source.files.erase("keys/log.vkey"); }},
      {"a broken key", [](Forge& f, Options&) { f.source.files["keys/log.vkey"][30] ^= 1; }},
      {"a broken key is given",
       [](Forge&, Options& o) { o.vkey = "example.com/forge+00000000+AAAA"; }},
      {"another origin is expected", [](Forge&, Options& o) { o.origin = "example.com/other"; }},
      {"no checkpoint", [](Forge& f, Options&) { f.source.files.erase("checkpoint"); }},
      {"a later format of a file",
       [](Forge& f, Options&) {
         std::fill(f.file().begin(), f.file().end(), 0);
         f.SignCheckpoint();
         f.file() = EncodeFileHeader({.version = 2, .first = 28});
       }},
      {"a folder of the format before",
       [](Forge& f, Options&) {
         std::erase_if(f.source.files,
                       [](const auto& file) { return file.first.starts_with("segments/"); });
         f.source.files["segments/00000000000000000000.seg"] = EncodeFileHeader({.version = 0});
         f.source.files.erase("signing/state");
         f.Put("trail", SignNote(fmt::format("sealtrail/trail/v0\norigin {}\nformat 0\ncreated x\n",
                                             f.origin()),
                                 f.origin(), f.key()));
       }},
      {"a later format of a manifest",
       [](Forge& f, Options&) {
         f.Seal({.alter_manifest = [](std::string& text) { text.replace(20, 1, "2"); }});
         f.SignCheckpoint();
       }},
      {"a later format of the trail",
       [](Forge& f, Options&) {
         const std::string note = SignNote(
             fmt::format("sealtrail/trail/v2\norigin {}\nformat 2\ncreated x\n", f.origin()),
             f.origin(), f.key());
         f.source.files["trail"].assign(note.begin(), note.end());
       }},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Forge forge = SmallTrail();
    Options options;
    each.act(forge, options);
    const Report report = Check(forge.source, options);
    EXPECT_EQ(report.verdict, Verdict::kCannotTell) << Places(report);
    EXPECT_FALSE(report.obstacles.empty());
    EXPECT_EQ(report.integrity.answer, Answer::kNotEstablished);
    EXPECT_EQ(ExitCode(report), 2);
  }
}

TEST(VerifyTest, AnEmptiedLogThatTheCheckpointCovers) {
  Forge forge = SmallTrail();
  forge.Seal();
  forge.SignCheckpoint();
  forge.file().clear();
  const Report report = Check(forge.source);
  EXPECT_EQ(report.verdict, Verdict::kNotSound) << Places(report);
  ASSERT_FALSE(report.damage.empty());
  EXPECT_EQ(report.damage[0].kind, "missing_file");
  EXPECT_EQ(report.damage[0].file, forge.path());
}

TEST(VerifyTest, AnotherKeyThanTheOneGiven) {
  Forge forge = SmallTrail();
  const auto other = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 9));
  const Report report =
      Check(forge.source, {.vkey = testing::VerifierKeyText(forge.origin(), *other)});
  EXPECT_EQ(report.verdict, Verdict::kNotSound);
  EXPECT_EQ(report.authorship.answer, Answer::kFail);
}

TEST(VerifyTest, NothingIsReportedWithoutEnd) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(std::vector<std::string>(3000, "no JSON"));
  forge.SignCheckpoint();
  const Report report = Check(forge.source);
  EXPECT_EQ(report.damage.size(), kDamageMax);
  EXPECT_EQ(report.damage_total, 3000u);
}

TEST(VerifyTest, AnEmptyFolder) {
  const Report report = Check(MemorySource());
  EXPECT_EQ(report.verdict, Verdict::kCannotTell);
}

// Whoever keeps a policy of the old key, and is told the new one, need not change the policy first.
TEST(PolicyOfARotatedTrailTest, NamesAKeyThatLeadsToTheGivenOne) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords(testing::SpanLeaves(0, 4));
  forge.RotateKey();
  forge.SignCheckpoint();
  for (const size_t given : {0u, 1u}) {
    for (const size_t named : {0u, 1u}) {
      const std::string policy = fmt::format("log {}\nquorum none\n", forge.vkey(named));
      const Report report = Verify(forge.source, {.vkey = forge.vkey(given), .policy = policy});
      EXPECT_EQ(report.authorship.answer, Answer::kPass) << given << named << ReportText(report);
    }
  }
  const std::string stranger =
      fmt::format("log {}\nquorum none\n", Forge("example.com/forge", 0x10).vkey());
  Report report = Verify(forge.source, {.vkey = forge.vkey(), .policy = stranger});
  EXPECT_EQ(report.authorship.answer, Answer::kFail);

  // Nothing leads over the beginning of a recovered epoch.
  forge.RecoverEpoch();
  forge.SignCheckpoint();
  const std::string old = fmt::format("log {}\nquorum none\n", forge.vkey(0));
  report = Verify(forge.source, {.vkey = forge.vkey(), .policy = old});
  EXPECT_EQ(report.authorship.answer, Answer::kFail) << report.authorship.reason;
}

}  // namespace
}  // namespace sealtrail::verify
