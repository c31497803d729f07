// Folders that somebody prepared for verify itself: to keep it from ending, to fill its memory, or to hide one thing
// behind another. Whatever lies there, it ends, and never says "sound".
#include <algorithm>
#include <atomic>
#include <functional>
#include <unistd.h>
#include <zstd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/endian.h"
#include "env/env.h"
#include "env/temp_folder.h"
#include "verify/frame_body.h"
#include "verify/testing/forge.h"
#include "verify/testing/full_trail.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Bodies;
using testing::Forge;
using testing::FrameSpec;
using testing::FullTrail;
using testing::MemorySource;
using testing::SelfLeaf;
using testing::ShortLeaves;
using testing::SpanLeaves;

bool HasDamage(const Report& report, std::string_view file, std::string_view kind) {
  return std::any_of(report.damage.begin(), report.damage.end(),
                     [&](const Damage& d) { return d.file == file && d.kind == kind; });
}

// --- Resources ------------------------------------------------------------------------------------

// Counts the files that are open.
class CountingSource : public Source {
 public:
  explicit CountingSource(const Source& inner) : inner_(inner) {}

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override {
    return inner_.List(folder);
  }
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override {
    SEAL_ASSIGN_OR_RETURN(auto file, inner_.Open(path));
    most_ = std::max(most_, ++open_);
    return std::unique_ptr<env::ReadableFile>(std::make_unique<File>(std::move(file), open_));
  }
  int most() const { return most_; }

 private:
  class File : public env::ReadableFile {
   public:
    File(std::unique_ptr<env::ReadableFile> inner, int& open)
        : inner_(std::move(inner)), open_(open) {}
    ~File() override { --open_; }
    Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
      return inner_->ReadAt(offset, out);
    }
    Result<uint64_t> Size() const override { return inner_->Size(); }

   private:
    const std::unique_ptr<env::ReadableFile> inner_;
    int& open_;
  };

  const Source& inner_;
  mutable int open_ = 0;
  mutable int most_ = 0;
};

// A process may have 1,024 files open, and a trail that seals every hour has more segments after six weeks.
TEST(HostileTest, ATrailOfManySegmentsNeedsFewOpenFiles) {
  Forge forge;
  forge.BeginFile();
  for (int i = 0; i < 60; ++i) {
    forge.AddRecords(ShortLeaves(0, 2));
    forge.Seal();
  }
  forge.SignCheckpoint();
  const CountingSource source(forge.source);
  EXPECT_EQ(Verify(source, {}).verdict, Verdict::kSound);
  EXPECT_LE(source.most(), 12);
}

// A file that says to be far longer than any disk, all zeros from where it ends: a sparse file is made in no time.
class SparseSource : public Source {
 public:
  SparseSource(const Source& inner, std::string path) : inner_(inner), path_(std::move(path)) {}

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override {
    return inner_.List(folder);
  }
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override {
    SEAL_ASSIGN_OR_RETURN(auto file, inner_.Open(path));
    if (path != path_) return file;
    return std::unique_ptr<env::ReadableFile>(std::make_unique<File>(std::move(file)));
  }

 private:
  class File : public env::ReadableFile {
   public:
    explicit File(std::unique_ptr<env::ReadableFile> inner) : inner_(std::move(inner)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
      std::fill(out.begin(), out.end(), 0);
      SEAL_RETURN_IF_ERROR(inner_->ReadAt(offset, out).status());
      return out.size();
    }
    Result<uint64_t> Size() const override { return uint64_t{1} << 62; }

   private:
    const std::unique_ptr<env::ReadableFile> inner_;
  };

  const Source& inner_;
  const std::string path_;
};

TEST(HostileTest, FilesWithoutEnd) {
  const FullTrail trail(Bodies::kCompressed, [](std::string_view) { return Bytes{1}; });
  for (const std::string& path : testing::CoveredFiles(trail.forge)) {
    SCOPED_TRACE(path);
    const Report report = Verify(SparseSource(trail.forge.source, path),
                                 {.vkey = trail.forge.vkey(), .policy = trail.policy});
    // What recovery set aside is no evidence of a record: it cannot be told.
    if (path.starts_with("aside/")) {
      EXPECT_EQ(report.obstacles.size(), 1u);
    } else {
      EXPECT_TRUE(std::any_of(report.damage.begin(), report.damage.end(), [&](const Damage& d) {
        return d.file == path;
      })) << ReportText(report);
    }
  }
}

// As deep as a leaf, or a side content, can be.
TEST(HostileTest, DeepJson) {
  for (const char* open : {"[", R"({"a":)"}) {
    std::string deep;
    while (deep.size() + 10 < 65'000) deep += open;
    Forge forge;
    forge.BeginFile();
    forge.AddRecords({deep});
    forge.SignCheckpoint();
    EXPECT_TRUE(HasDamage(Verify(forge.source, {}), forge.path(), "leaf_not_canonical"));

    while (deep.size() < 4'000'000) deep += open;
    Forge beside;
    beside.BeginFile();
    const uint64_t side = beside.AddSide(deep);
    beside.AddRecords({testing::LeafWithResourceBeside(deep)}, {}, {side});
    beside.SignCheckpoint();
    EXPECT_TRUE(HasDamage(Verify(beside.source, {}), beside.path(), "side_shape"));
  }
}

// A few bytes that stand for many: no more is unpacked than the header states, and no header states more than a frame
// holds.
TEST(HostileTest, ZstdBombs) {
  Forge forge;
  forge.BeginFile();
  for (const uint32_t stated : {uint32_t{100}, uint32_t{16 << 20}, UINT32_MAX}) {
    FrameSpec bomb = forge.NextFrame();
    bomb.count = 256;
    bomb.body = Bytes(64 << 20, 0);
    bomb = testing::Compressed(std::move(bomb));
    EXPECT_LT(bomb.body.size(), 10'000u);
    bomb.decoded_bytes = stated;
    Forge copy;
    copy.BeginFile();
    AppendTo(copy.file(), testing::EncodeFrame(bomb));
    copy.SignCheckpoint();
    EXPECT_EQ(Verify(copy.source, {}).verdict, Verdict::kNotSound);
  }
}

// Of the parts of a parted body, one that stands for nothing is left out; a skippable frame may hold anything.
TEST(HostileTest, NothingHidesInAPartOfABody) {
  Forge forge;
  forge.part = true;
  forge.BeginFile();
  FrameSpec spec = forge.NextFrame();
  spec.count = 256;
  spec.body = testing::Bundle(ShortLeaves(0, 256));
  const Bytes plain = spec.body;
  spec = testing::Parted(std::move(spec));
  const FrameHeader header = {.type = 1,
                              .codec = 2,
                              .count = 256,
                              .body_bytes = static_cast<uint32_t>(spec.body.size()),
                              .decoded_bytes = *spec.decoded_bytes};
  BodyDecoder decoder;
  const auto whole = decoder.Decode(header, spec.body);
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_TRUE(Equal(**whole, plain));

  // No ids stand in these leaves, so that part is absent; what is put in its place says nothing either.
  ASSERT_EQ(GetBig32(spec.body.data() + 4), 0u);
  Bytes empty(100);
  empty.resize(ZSTD_compress(empty.data(), empty.size(), nullptr, 0, 1));
  for (const Bytes& nothing :
       {Bytes{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'h', 'i', 'd', 'e'}, empty}) {
    Bytes body = spec.body;
    const size_t at = 12 + GetBig32(body.data());
    PutBig32(body.data() + 4, static_cast<uint32_t>(nothing.size()));
    body.insert(body.begin() + static_cast<ptrdiff_t>(at), nothing.begin(), nothing.end());
    const auto decoded = decoder.Decode(header, body);
    ASSERT_TRUE(decoded.ok());
    EXPECT_FALSE(decoded->has_value());
  }
  Bytes alone = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'h', 'i', 'd', 'e'};
  const auto skipped = decoder.Decode({.type = 1, .codec = 1, .decoded_bytes = 0}, alone);
  EXPECT_TRUE(skipped.ok() && !skipped->has_value());
}

// --- One thing behind another -----------------------------------------------------------------------

// Files that do not belong there are cheap to make; the list of damage has an end.
TEST(HostileTest, StrayFilesCrowdNothingOut) {
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 40));
  forge.AddMany(SpanLeaves(40, 40));
  forge.SignCheckpoint();
  forge.file()[500] ^= 1;
  for (int i = 0; i < 1500; ++i) forge.source.files[fmt::format("stray-{}", i)] = {1};
  const Report report = Verify(forge.source, {});
  EXPECT_EQ(report.damage_total, 1501u);
  EXPECT_TRUE(HasDamage(report, forge.path(), "record_altered"));

  // Beyond what is listed, what was found still counts for the answers.
  Forge many;
  many.BeginFile();
  for (int i = 0; i < 1200; ++i) {
    many.AddRecords({"not json"});
  }
  FrameSpec gap = many.NextFrame();
  gap.first += 5;
  gap.count = 1;
  gap.body = testing::Bundle(SpanLeaves(0, 1));
  AppendTo(many.file(), testing::EncodeFrame(gap));
  many.SignCheckpoint();
  const Report long_one = Verify(many.source, {});
  EXPECT_FALSE(HasDamage(long_one, many.path(), "records_missing"));
  EXPECT_EQ(long_one.order.answer, Answer::kFail);
  EXPECT_EQ(long_one.completeness.answer, Answer::kFail);
}

// Records and all that depends on them were made anew, which only the signed root tells; and a file that everybody
// would take for the whole of the matter lies beside.
TEST(HostileTest, AStrayFileDoesNotExplainAnotherRoot) {
  Forge other;
  other.BeginFile();
  other.AddMany(SpanLeaves(100, 40));
  Forge forge;
  forge.BeginFile();
  forge.AddMany(SpanLeaves(0, 40));
  forge.SignCheckpoint();
  forge.file() = other.file();
  forge.Put("stray", "x");
  const Report report = Verify(forge.source, {.vkey = forge.vkey()});
  EXPECT_TRUE(HasDamage(report, "stray", "unknown_file"));
  EXPECT_TRUE(HasDamage(report, forge.path(), "root_mismatch")) << ReportText(report);
  EXPECT_EQ(report.order.answer, Answer::kFail);
  ASSERT_EQ(report.ranges.size(), 1u);
  EXPECT_EQ(report.ranges[0].state, RangeState::kMissingOrAltered);

  // The signing record of another history, likewise.
  Forge forked;
  forked.BeginFile();
  forked.AddMany(SpanLeaves(0, 40));
  forked.SignCheckpoint();
  forked.Put("signing/state", forked.SigningState(40, other.Root()));
  forked.Put("stray", "x");
  EXPECT_TRUE(HasDamage(Verify(forked.source, {}), "signing/state", "state_differs"));
}

// A file in aside/ whose name stands in every record is not taken for one that recovery named.
TEST(HostileTest, AnAsideFileWithANameThatStandsEverywhere) {
  Forge forge;
  forge.BeginFile();
  forge.AddRecords({SelfLeaf("sealtrail.store.start")});
  forge.SignCheckpoint();
  forge.Put("aside/a", "x");
  const Report report = Verify(forge.source, {});
  EXPECT_EQ(report.verdict, Verdict::kSound) << ReportText(report);
  ASSERT_EQ(report.notices.size(), 1u);
  EXPECT_EQ(report.notices[0].kind, "aside_unnamed");
}

// --- What a real folder may hold --------------------------------------------------------------------

class RealFolderTest : public ::testing::Test {
 protected:
  RealFolderTest() {
    forge_.BeginFile();
    forge_.AddMany(SpanLeaves(0, 40));
    forge_.Seal();
    forge_.SignCheckpoint();
    for (const auto& [path, content] : forge_.source.files) {
      const std::string whole = At(path);
      EXPECT_TRUE(env_.files.MakeDir(env::ParentPath(whole)).ok());
      auto file = env_.files.Create(whole);
      EXPECT_TRUE(file.ok() && (*file)->Append(content).ok());
    }
  }

  std::string At(const std::string& path) const { return env::JoinPath(folder_.path(), path); }
  Report Check() {
    return Verify(FolderSource(env_.files, folder_.path()), {.vkey = forge_.vkey()});
  }
  // Each file is replaced, and put back.
  void ForEach(const std::function<void(const std::string& path)>& replace) {
    for (const auto& [path, content] : forge_.source.files) {
      if (path == "LOCK" || path.starts_with("keys/")) continue;
      SCOPED_TRACE(path);
      const std::string whole = At(path);
      ASSERT_TRUE(env_.files.Rename(whole, whole + "-kept").ok());
      replace(whole);
      ASSERT_TRUE(env_.files.Rename(whole + "-kept", At("kept")).ok());
      EXPECT_NE(Check().verdict, Verdict::kSound);
      ASSERT_TRUE(env_.files.Remove(whole).ok());
      ASSERT_TRUE(env_.files.Rename(At("kept"), whole).ok());
    }
    EXPECT_EQ(Check().verdict, Verdict::kSound);
  }

  env::Env env_ = env::RealEnv();
  env::TempFolder folder_ = *env::TempFolder::Make();
  Forge forge_;
};

TEST_F(RealFolderTest, IsSoundAsItIs) {
  EXPECT_EQ(Check().verdict, Verdict::kSound) << ReportText(Check());
}

TEST_F(RealFolderTest, NamedPipesAreNotWaitedFor) {
  ForEach([](const std::string& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); });
  ASSERT_TRUE(env_.files.Remove(At("LOCK")).ok());
  ASSERT_EQ(::mkfifo(At("LOCK").c_str(), 0600), 0);
  EXPECT_FALSE(env_.files.IsLocked(At("LOCK")));
}

TEST_F(RealFolderTest, LinksThatLeadNowhereOrInACircle) {
  ForEach([](const std::string& path) { ASSERT_EQ(::symlink("nowhere", path.c_str()), 0); });
  ForEach([](const std::string& path) { ASSERT_EQ(::symlink(path.c_str(), path.c_str()), 0); });
}

TEST_F(RealFolderTest, FoldersAndDevicesInPlaceOfFiles) {
  ForEach([](const std::string& path) { ASSERT_EQ(::mkdir(path.c_str(), 0700), 0); });
  ForEach([](const std::string& path) { ASSERT_EQ(::symlink("/dev/zero", path.c_str()), 0); });
}

}  // namespace
}  // namespace sealtrail::verify
