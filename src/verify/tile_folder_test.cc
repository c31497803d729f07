#include "verify/tile_folder.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/testing/failing_source.h"
#include "verify/testing/forge.h"
#include "verify/tree.h"

namespace sealtrail::verify {
namespace {

using testing::Forge;
using testing::MemorySource;

std::string Places(const Report& report) {
  std::string out;
  for (const Damage& d : report.damage) {
    out +=
        fmt::format("{} {} +{} {} [{}] {}\n", d.file, d.offset, d.length, d.kind, d.unit, d.text);
  }
  for (const std::string& obstacle : report.obstacles) out += "obstacle: " + obstacle + "\n";
  return out;
}

// A log of `size` entries as C2SP tlog-tiles lays it out, by the recursion.
struct Log {
  Forge forge;
  MemorySource source;
  std::vector<Hash> hashes;

  explicit Log(uint64_t size) {
    std::vector<std::string> entries;
    for (uint64_t i = 0; i < size; ++i) entries.push_back(fmt::format("entry {}", i * i));
    for (const std::string& entry : entries) hashes.push_back(LeafHash(AsBytes(entry)));
    const auto put = [&](const std::string& path, ByteView bytes) {
      source.files[path].assign(bytes.begin(), bytes.end());
    };
    const std::string checkpoint = forge.SignedCheckpoint(size, TreeHashByRecursion(hashes));
    put("checkpoint", AsBytes(checkpoint));
    for (uint64_t n = 0; n * 256 < size; ++n) {
      const uint64_t width = std::min<uint64_t>(256, size - n * 256);
      const auto begin = entries.begin() + static_cast<ptrdiff_t>(n * 256);
      put(Name("tile/entries", n, width),
          testing::Bundle({begin, begin + static_cast<ptrdiff_t>(width)}));
    }
    std::vector<Hash> level = hashes;
    for (int l = 0; !level.empty(); ++l) {
      std::vector<Hash> above;
      for (uint64_t n = 0; n * 256 < level.size(); ++n) {
        const auto tile =
            std::span(level).subspan(n * 256).first(std::min<size_t>(256, level.size() - n * 256));
        Bytes bytes;
        for (const Hash& hash : tile) AppendTo(bytes, hash);
        put(Name(fmt::format("tile/{}", l), n, tile.size()), bytes);
        if (tile.size() == 256) above.push_back(TreeHashByRecursion(tile));
      }
      level = above;
    }
  }
  static std::string Name(const std::string& folder, uint64_t n, uint64_t width) {
    std::string name = fmt::format("{:03}", n % 1000);
    if (n >= 1000) name = fmt::format("x{:03}/{}", n / 1000, name);
    return width == 256 ? fmt::format("{}/{}", folder, name)
                        : fmt::format("{}/{}.p/{}", folder, name, width);
  }
  Report Check() const { return VerifyTiles(source, {.vkey = forge.vkey(), .policy = {}}); }
};

TEST(TileFolderTest, SoundLogs) {
  for (uint64_t size : {0, 1, 2, 255, 256, 257, 512, 1000, 65536, 70000}) {
    const Log log(size);
    const Report report = log.Check();
    EXPECT_EQ(report.verdict, Verdict::kSound) << size << "\n" << Places(report);
    EXPECT_EQ(report.size, size);
    EXPECT_EQ(report.root, TreeHashByRecursion(log.hashes));
    EXPECT_EQ(report.records_read, size);
  }
}

// A partial tile may be served from the full one.
TEST(TileFolderTest, FullTilesInPlaceOfPartialOnes) {
  Log log(300), larger(600);
  for (const char* path : {"tile/0/001", "tile/entries/001"}) {
    log.source.files.erase(std::string(path) + ".p/44");
    log.source.files[path] = larger.source.files[path];
  }
  EXPECT_EQ(log.Check().verdict, Verdict::kSound) << Places(log.Check());
}

// Goal: whatever byte of whatever file changes is found in that file, in a unit that holds it, and nothing else is
// blamed.
TEST(TileFolderTest, EveryByte) {
  Log log(600);
  for (auto& [path, content] : log.source.files) {
    for (size_t at = 0; at<content.size(); at += content.size()> 3000 ? 13 : 1) {
      content[at] ^= static_cast<uint8_t>(1u << (at % 8));
      const Report report = log.Check();
      content[at] ^= static_cast<uint8_t>(1u << (at % 8));
      ASSERT_EQ(report.damage.size(), 1u) << path << " " << at << "\n" << Places(report);
      const Damage& d = report.damage[0];
      ASSERT_TRUE(d.file == path && at >= d.offset && at - d.offset < d.length)
          << path << " " << at << "\n"
          << Places(report);
    }
  }
}

TEST(TileFolderTest, Tampering) {
  const struct {
    const char* what;
    std::function<void(MemorySource&)> act;
    const char* file;
    const char* kind;
  } table[] = {
      {"no bundle", [](MemorySource& s) { s.files.erase("tile/entries/001"); }, "tile/entries/001",
       "missing_file"},
      {"no tile", [](MemorySource& s) { s.files.erase("tile/0/002.p/88"); }, "tile/0/002.p/88",
       "missing_file"},
      {"no tile above", [](MemorySource& s) { s.files.erase("tile/1/000.p/2"); }, "tile/1/000.p/2",
       "missing_file"},
      {"a tile that is cut", [](MemorySource& s) { s.files["tile/0/000"].resize(100); },
       "tile/0/000", "tiles_missing"},
      {"bytes after a tile", [](MemorySource& s) { s.files["tile/0/002.p/88"].push_back(1); },
       "tile/0/002.p/88", "trailing_bytes"},
      {"bytes after a bundle", [](MemorySource& s) { s.files["tile/entries/000"].push_back(1); },
       "tile/entries/000", "trailing_bytes"},
      {"two bundles changed places",
       [](MemorySource& s) { std::swap(s.files["tile/entries/000"], s.files["tile/entries/001"]); },
       "tile/entries/000", "record_altered"},
      {"two tiles changed places",
       [](MemorySource& s) { std::swap(s.files["tile/0/000"], s.files["tile/0/001"]); },
       "tile/0/000", "tile_altered"},
  };
  for (const auto& each : table) {
    SCOPED_TRACE(each.what);
    Log log(600);
    each.act(log.source);
    const Report report = log.Check();
    ASSERT_FALSE(report.damage.empty());
    EXPECT_EQ(report.damage[0].file, each.file) << Places(report);
    EXPECT_EQ(report.damage[0].kind, each.kind);
  }
  // An entry that is changed with its hash and every tile above it: only the signature cannot be made.
  Log log(3), other(3);
  other.source.files["tile/entries/000.p/3"][3] ^= 1;
  const Bytes& bundle = other.source.files["tile/entries/000.p/3"];
  const Hash hash = LeafHash(ByteView(bundle).subspan(2, bundle[1]));
  std::copy(hash.begin(), hash.end(), other.source.files["tile/0/000.p/3"].begin());
  const Report report = other.Check();
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "root_mismatch");
  EXPECT_EQ(VerifyTiles(log.source, {.vkey = "x", .policy = {}}).verdict, Verdict::kCannotTell);
  EXPECT_EQ(VerifyTiles(MemorySource(), {.vkey = log.forge.vkey(), .policy = {}}).verdict,
            Verdict::kCannotTell);
}

// Each call in turn: what cannot be read is neither altered nor missing.
TEST(TileFolderTest, NothingIsBlamedForAReadThatFails) {
  const Log log(600);
  for (int number = 0;; ++number) {
    const testing::FailingSource failing(log.source, number, StatusCode::kUnavailable);
    const Report report = VerifyTiles(failing, {.vkey = log.forge.vkey(), .policy = {}});
    if (!failing.failed()) {
      EXPECT_GT(number, 20);
      break;
    }
    SCOPED_TRACE(fmt::format("call {}, of \"{}\"\n{}", number, failing.what(), Places(report)));
    EXPECT_EQ(report.verdict, Verdict::kCannotTell);
    EXPECT_EQ(report.obstacles.size(), 1u);
    EXPECT_EQ(report.damage_total, 0u);
    for (const Finding* each : {&report.integrity, &report.completeness, &report.authorship})
      EXPECT_NE(each->answer, Answer::kFail) << each->reason;
    EXPECT_TRUE(report.ranges.empty());
  }
}

// After an honest rotation, and where somebody mirrors another log: nobody can tell from here, and nothing is damaged.
TEST(TileFolderTest, ACheckpointByAnotherKeyCannotBeTold) {
  Log log(600);
  const std::string old = log.forge.vkey();
  log.forge.RotateKey();
  const auto put = [&](uint64_t size, const Hash& root) {
    const std::string note = log.forge.SignedCheckpoint(size, root);
    log.source.files["checkpoint"].assign(note.begin(), note.end());
  };
  put(600, TreeHashByRecursion(log.hashes));
  const std::string id = log.forge.vkey().substr(0, log.forge.origin().size() + 9);
  Report report = VerifyTiles(log.source, {.vkey = old, .policy = {}});
  EXPECT_EQ(report.verdict, Verdict::kCannotTell) << Places(report);
  EXPECT_TRUE(report.damage.empty()) << Places(report);
  EXPECT_EQ(report.records_read, 600u) << "the tree is held to the root";
  EXPECT_EQ(report.root, TreeHashByRecursion(log.hashes));
  EXPECT_EQ(report.authorship.answer, Answer::kNotEstablished);
  EXPECT_EQ(report.authorship.reason, "the checkpoint is signed by another key, " + id);
  EXPECT_EQ(report.integrity.answer, Answer::kNotEstablished);
  EXPECT_EQ(report.checkpoint_size, std::nullopt);
  EXPECT_EQ(VerifyTiles(log.source, {.vkey = log.forge.vkey(), .policy = {}}).verdict,
            Verdict::kSound);

  put(600, log.hashes[0]);
  report = VerifyTiles(log.source, {.vkey = old, .policy = {}});
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].kind, "root_mismatch");
  EXPECT_EQ(report.authorship.answer, Answer::kNotEstablished);

  // Of a size that nobody vouches for, no more is read than is there.
  put(uint64_t{1} << 62, log.hashes[0]);
  EXPECT_EQ(VerifyTiles(log.source, {.vkey = old, .policy = {}}).verdict, Verdict::kNotSound);
}

TEST(TileFolderTest, APolicyNamesTheKeyAndTheWitnesses) {
  const auto w1 = *crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 1));
  Log log(300);
  const std::string note(AsText(log.source.files["checkpoint"]));
  const std::string text = note.substr(0, note.find("\n\n") + 1);
  const std::string witness =
      fmt::format("witness W1 {}\nquorum W1\n", testing::WitnessKeyText("w1", w1));
  const std::string policy = fmt::format("log {}\n{}", log.forge.vkey(), witness);
  const auto check = [&](const std::string& checkpoint, const TileOptions& options) {
    log.source.files["checkpoint"].assign(checkpoint.begin(), checkpoint.end());
    return VerifyTiles(log.source, options);
  };
  Report report = check(note, {.vkey = log.forge.vkey(), .policy = policy});
  EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
  EXPECT_EQ(report.independence.answer, Answer::kFail);
  EXPECT_EQ(ExitCode(report), 1);

  const std::string cosigned = note + testing::CosignatureLine(text, "w1", w1, 5);
  report = check(cosigned, {.vkey = {}, .policy = policy});
  EXPECT_EQ(ExitCode(report), 0) << ReportText(report);
  EXPECT_EQ(report.authorship.answer, Answer::kPass);
  EXPECT_EQ(report.independence.answer, Answer::kPass);
  EXPECT_EQ(report.independence.reason,
            "witnesses of the policy's quorum (W1) cosigned the first 300 entries");

  report = check(note + testing::CosignatureLine("other\n", "w1", w1, 5),
                 {.vkey = {}, .policy = policy});
  ASSERT_EQ(report.damage.size(), 1u) << Places(report);
  EXPECT_EQ(report.damage[0].offset, note.size());
  EXPECT_EQ(report.independence.answer, Answer::kFail);

  // The policy names other logs, none, or is none.
  const std::string other = Forge("example.com/forge", 0x10).vkey();
  report = check(cosigned,
                 {.vkey = log.forge.vkey(), .policy = fmt::format("log {}\n{}", other, witness)});
  EXPECT_EQ(report.authorship.answer, Answer::kFail);
  report = check(cosigned, {.vkey = {}, .policy = fmt::format("log {}\n{}", other, witness)});
  EXPECT_EQ(report.verdict, Verdict::kCannotTell);
  for (const std::string& none : {witness, std::string("garbage")}) {
    report = check(cosigned, {.vkey = {}, .policy = none});
    EXPECT_EQ(report.verdict, Verdict::kCannotTell);
    EXPECT_EQ(report.records_read, 0u);
  }
}

TEST(TileFolderTest, ReasonsFollowTheAnswers) {
  Log log(300);
  EXPECT_EQ(log.Check().integrity.reason,
            "every entry and every tile below the checkpoint was hashed, up to its root");
  log.source.files["tile/entries/000"][5] ^= 1;
  const Report report = log.Check();
  EXPECT_EQ(report.integrity.answer, Answer::kFail);
  EXPECT_EQ(report.integrity.reason, "stored bytes are not what the checkpoint says");
  EXPECT_EQ(report.completeness.answer, Answer::kFail);
}

}  // namespace
}  // namespace sealtrail::verify
