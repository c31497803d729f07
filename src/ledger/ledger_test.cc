// The ledger in a simulated world: everything from a submitted batch to its answer runs in one thread.
#include "ledger/ledger.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "env/testing/sim_env.h"
#include "ledger/testing/batches.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;
using env::testing::SimFsOptions;
using ledger::testing::Batch;
using record::RecordBatch;

constexpr char kData[] = "/data";

std::vector<std::string> LeavesOf(const RecordBatch& batch) {
  std::vector<std::string> leaves;
  for (const record::RecordEntry& entry : batch.records) {
    leaves.emplace_back(AsText(ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
  }
  return leaves;
}

void CopyFolder(env::FileSystem& files, const std::string& from, const std::string& to) {
  ASSERT_TRUE(files.MakeDir(to).ok());
  for (const std::string& name : files.List(from).value()) {
    const std::string path = env::JoinPath(from, name);
    if (files.Stat(path)->is_directory) {
      CopyFolder(files, path, env::JoinPath(to, name));
    } else {
      const Bytes content = env::ReadFile(files, path, kMiB).value();
      ASSERT_TRUE(env::ReplaceFile(files, to, name, content).ok());
    }
  }
}

// A process: opens the ledger, and remembers what was acknowledged to it.
struct Process {
  explicit Process(SimEnv& world, Options options = {}) : world(world) {
    options.data_dir = kData;
    auto opened =
        Ledger::Open(world.env(), options, metrics, [this](const Status& s) { failure = s; });
    if (opened.ok()) {
      ledger = std::move(*opened);
    } else {
      failure = opened.status();
    }
  }

  void Submit(RecordBatch batch) {
    const std::vector<std::string> leaves = LeavesOf(batch);
    ledger->Submit(std::move(batch), [this, leaves](Result<record::CommitOutcome> outcome) {
      ++answers;
      if (!outcome.ok()) {
        last_error = outcome.status();
        return;
      }
      for (size_t i = 0; i < leaves.size(); ++i) acknowledged[(*outcome)[i].seq] = leaves[i];
    });
  }

  Status Close() {
    Status result = Unavailable("not closed");
    ledger->Close([&](const Status& s) { result = s; });
    world.executor().RunUntilIdle();
    return result;
  }

  SimEnv& world;
  MetricSet metrics;
  std::unique_ptr<Ledger> ledger;
  Status failure;
  std::map<Seq, std::string> acknowledged;
  Status last_error;
  int answers = 0;
};

std::map<Seq, std::string> ReadAll(const Ledger& ledger) {
  std::map<Seq, std::string> all;
  const uint64_t size = Value(ledger.heights().durable);
  for (uint64_t at = 0; at < size;) {
    const auto range = ledger.Read(Seq{at}, 100, kMiB);
    EXPECT_TRUE(range.ok()) << range.status().ToString();
    if (!range.ok()) break;
    for (const RecordView& record : range->records) all[record.seq] = std::string(record.leaf);
    at = Value(range->records.back().seq) + 1;
  }
  return all;
}

// The tree over what a reader sees, by the plain formulas.
Sequencer Resequence(const Ledger& ledger, uint64_t size) {
  Sequencer sequencer(ledger.origin());
  for (const auto& [seq, leaf] : ReadAll(ledger)) {
    if (Value(seq) < size) sequencer.Append(tlog::LeafHash(AsBytes(leaf)));
  }
  return sequencer;
}

TEST(LedgerTest, AcknowledgedRecordsAreReadBackInOrder) {
  SimEnv world(1);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  for (int i = 0; i < 20; ++i) p.Submit(Batch(i * 40, 40));
  world.executor().RunUntilIdle();
  EXPECT_EQ(p.answers, 20);
  EXPECT_EQ(p.acknowledged.size(), 800u);
  const auto all = ReadAll(*p.ledger);
  for (const auto& [seq, leaf] : p.acknowledged) EXPECT_EQ(all.at(seq), leaf);
  // Every start of a read gives the same records.
  for (uint64_t from : {0, 1, 255, 256, 257, 500, 800}) {
    const auto range = p.ledger->Read(Seq{from}, 3, kMiB);
    ASSERT_TRUE(range.ok());
    EXPECT_EQ(range->records.front().seq, Seq{from});
    EXPECT_EQ(range->records.front().leaf, all.at(Seq{from}));
  }
  EXPECT_EQ(p.ledger->Read(Seq{801}, 1, 1).status().code(), StatusCode::kNotFound);
}

TEST(LedgerTest, CheckpointSignsTheTreeOfWhatIsDurable) {
  SimEnv world(2);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr);
  p.Submit(Batch(0, 300));
  world.executor().RunUntilIdle();
  const CheckpointInfo before = p.ledger->checkpoint();
  world.executor().RunFor(3 * kNanosPerSecond);
  const CheckpointInfo after = p.ledger->checkpoint();
  EXPECT_GT(after.size, before.size);
  EXPECT_EQ(Value(after.size), 301u);  // and the start record
  EXPECT_EQ(after.root, Resequence(*p.ledger, 301).Root());
  const auto verifier = tlog::Verifier::FromVkey(p.ledger->vkey());
  const auto text = verifier->Open(after.note);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(tlog::ParseCheckpointText(*text)->size, after.size);
  // It is on disk before it is shown.
  EXPECT_EQ(AsText(env::ReadFile(world.files(), "/data/checkpoint", kMiB).value()), after.note);
}

TEST(LedgerTest, BesideContentIsFoundThroughItsRecord) {
  SimEnv world(3);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr);
  RecordBatch batch = Batch(0, 600, 5000);
  const record::BesideContent content = batch.beside.at(0);
  p.Submit(std::move(batch));
  p.Submit(Batch(600, 3));
  world.executor().RunUntilIdle();
  for (uint64_t seq : {1, 256, 600}) {
    const auto bytes = p.ledger->ReadBeside(Seq{seq}, content.hash);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_EQ(*bytes, content.bytes);
  }
  EXPECT_EQ(p.ledger->ReadBeside(Seq{602}, content.hash).status().code(), StatusCode::kNotFound);
}

TEST(LedgerTest, GoesOnAfterAnOrderlyStop) {
  SimEnv world(4);
  std::map<Seq, std::string> before;
  std::string origin;
  {
    Process p(world, {.segment_bytes_max = 20'000});
    ASSERT_NE(p.ledger, nullptr);
    origin = p.ledger->origin();
    for (int i = 0; i < 10; ++i) {
      p.Submit(Batch(i * 100, 100));
      world.executor().RunUntilIdle();
    }
    ASSERT_TRUE(p.Close().ok());
    before = p.acknowledged;
  }
  Process p(world, {.segment_bytes_max = 20'000});
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  EXPECT_EQ(p.ledger->origin(), origin);
  EXPECT_GT(p.ledger->segments().size(), 3u);
  const auto all = ReadAll(*p.ledger);
  for (const auto& [seq, leaf] : before) EXPECT_EQ(all.at(seq), leaf);
  EXPECT_EQ(all.size(),
            1000u + 3 + p.ledger->segments().size() - 1);  // start, stop, start, and the seals
  EXPECT_EQ(p.ledger->checkpoint().root, Resequence(*p.ledger, all.size()).Root());
}

// What the ledger says of its segments and its tree, against the plain formulas over all its records.
void ExpectSealedSoundly(SimEnv& world, const Ledger& ledger) {
  const auto all = ReadAll(ledger);
  const auto segments = ledger.segments();
  uint64_t next = 0;
  crypto::Hash manifest_hash{};
  for (const SegmentInfo& segment : segments) {
    ASSERT_EQ(Value(segment.first), next);
    next += segment.count;
    ASSERT_EQ(segment.sealed, &segment != &segments.back());
    if (&segment != &segments.front()) {
      const std::string& seal = all.at(segment.first);
      EXPECT_TRUE(seal.starts_with(R"({"k":"seal")")) << seal;
      EXPECT_NE(seal.find(Base64Encode(manifest_hash)), seal.npos) << seal;
    }
    if (!segment.sealed) continue;
    const std::string name =
        "/data/segments/" + format::SegmentFileName(segment.first, format::FileKind::kManifest);
    const Bytes note = env::ReadFile(world.files(), name, kMiB).value();
    const auto text = tlog::Verifier::FromVkey(ledger.vkey())->Open(AsText(note));
    ASSERT_TRUE(text.ok());
    const auto manifest = format::ParseManifestText(*text);
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    const Sequencer after = Resequence(ledger, next);
    EXPECT_EQ(manifest->after.root, after.Root());
    EXPECT_EQ(manifest->chain_after, after.chain());
    const Bytes file = env::ReadFile(world.files(), "/data/segments/" + segment.name, kGiB).value();
    EXPECT_EQ(manifest->file_hash, crypto::Sha256(file));
    EXPECT_EQ(manifest->file_bytes, file.size());
    manifest_hash = crypto::Sha256(note);
  }
  EXPECT_EQ(next, all.size());

  std::vector<crypto::Hash> leaf_hashes;
  for (const auto& [seq, leaf] : all) leaf_hashes.push_back(tlog::LeafHash(AsBytes(leaf)));
  EXPECT_EQ(ledger.TileHashes(0, 0, leaf_hashes.size()).value(), leaf_hashes);
  std::vector<crypto::Hash> roots;
  for (size_t at = 0; at + 256 <= leaf_hashes.size(); at += 256) {
    tlog::Frontier block;
    for (size_t i = at; i < at + 256; ++i) block.Append(leaf_hashes[i]);
    roots.push_back(block.Root());
  }
  EXPECT_EQ(ledger.TileHashes(1, 0, roots.size()).value(), roots);
  EXPECT_FALSE(ledger.TileHashes(1, 0, roots.size() + 1).ok());
}

TEST(LedgerTest, FullSegmentsAreSealed) {
  for (const int batch : {1, 7, 256, 300}) {
    SCOPED_TRACE(batch);
    SimEnv world(41);
    const Options options{.segment_bytes_max = 60'000};
    {
      Process p(world, options);
      ASSERT_NE(p.ledger, nullptr);
      for (int i = 0; i < 1500; i += batch) {
        p.Submit(Batch(i, batch, i % 5 == 0 ? 3000 : 0));
        world.executor().RunFor(kNanosPerMilli);
      }
      EXPECT_GE(p.ledger->segments().size(), 3u);
      ExpectSealedSoundly(world, *p.ledger);
      const auto all = ReadAll(*p.ledger);
      for (const auto& [seq, leaf] : p.acknowledged) ASSERT_EQ(all.at(seq), leaf);
      ASSERT_TRUE(p.Close().ok());
    }
    Process p(world, options);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    ExpectSealedSoundly(world, *p.ledger);
    for (const std::string& name : world.files().List("/data/segments").value()) {
      EXPECT_FALSE(name.ends_with(".sealing") &&
                   !name.starts_with(p.ledger->segments().back().name.substr(0, 20)))
          << name;
    }
  }
}

TEST(LedgerTest, BesideContentIsFoundInSealedSegments) {
  SimEnv world(42);
  Process p(world, {.segment_bytes_max = 40'000});
  ASSERT_NE(p.ledger, nullptr);
  RecordBatch batch = Batch(0, 600, 50'000);
  const record::BesideContent content = batch.beside.at(0);
  p.Submit(std::move(batch));
  world.executor().RunFor(kNanosPerSecond);
  p.Submit(Batch(600, 3));
  world.executor().RunFor(kNanosPerSecond);
  ASSERT_GT(p.ledger->segments().size(), 1u);
  for (uint64_t seq : {1, 256, 600}) {
    const auto bytes = p.ledger->ReadBeside(Seq{seq}, content.hash);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_EQ(*bytes, content.bytes);
  }
}

// An hour after its first record, however few; but a segment that holds nothing but the seal record before it stays.
// Nothing but the tree itself vouches for them, so a start looks; what was shown before came from them.
TEST(LedgerTest, TilesThatChangedAreMadeAnew) {
  SimEnv world(47);
  const Options options{.segment_bytes_max = 60'000};
  {
    Process p(world, options);
    for (int i = 0; i < 1500; i += 100) {
      p.Submit(Batch(i, 100));
      world.executor().RunFor(kNanosPerMilli);
    }
    ASSERT_TRUE(p.Close().ok());
  }
  const Bytes tiles = *env::ReadFile(world.files(), "/data/tiles/1", kMiB);
  ASSERT_GE(tiles.size(), 3 * sizeof(crypto::Hash));
  for (uint64_t at = 5; at < tiles.size(); at += 40) world.files().FlipBit("/data/tiles/1", at, 2);
  Process p(world, options);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  const auto shown = p.ledger->TileHashes(1, 0, tiles.size() / sizeof(crypto::Hash));
  ASSERT_TRUE(shown.ok()) << shown.status().ToString();
  EXPECT_EQ(std::memcmp(shown->data(), tiles.data(), tiles.size()), 0);
  ASSERT_TRUE(p.Close().ok());
  EXPECT_EQ(*env::ReadFile(world.files(), "/data/tiles/1", kMiB), tiles);
}

TEST(LedgerTest, AgeClosesASegmentThatIsMoreThanASealRecord) {
  SimEnv world(43);
  Process p(world, {.heartbeat_interval_ns = 100'000 * kNanosPerSecond});
  ASSERT_NE(p.ledger, nullptr);
  world.executor().RunFor(3590 * kNanosPerSecond);
  EXPECT_EQ(p.ledger->segments().size(), 1u);
  world.executor().RunFor(20 * kNanosPerSecond);
  EXPECT_EQ(p.ledger->segments().size(), 2u);
  world.executor().RunFor(3 * 3600 * kNanosPerSecond);
  EXPECT_EQ(p.ledger->segments().size(), 2u);
  p.Submit(Batch(0, 1));
  world.executor().RunFor(2 * kNanosPerSecond);
  EXPECT_EQ(p.ledger->segments().size(), 3u);
  ExpectSealedSoundly(world, *p.ledger);
}

// A start reads the manifests, not what they name; whoever reads a damaged block is told.
TEST(LedgerTest, DamageInASealedSegmentIsToldToItsReaders) {
  SimEnv world(44);
  const Options options{.segment_bytes_max = 60'000};
  {
    Process p(world, options);
    ASSERT_NE(p.ledger, nullptr);
    for (int i = 0; i < 10; ++i) {
      p.Submit(Batch(i * 100, 100));
      world.executor().RunFor(kNanosPerMilli);
    }
    ASSERT_TRUE(p.Close().ok());
  }
  const std::string path = "/data/segments/00000000000000000000.seg";
  world.files().FlipBit(path, 128 + 120 + 300, 1);
  Process p(world, options);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  const Status read = p.ledger->Read(Seq{0}, 1, kMiB).status();
  EXPECT_EQ(read.code(), StatusCode::kDataLoss);
  EXPECT_NE(read.message().find("00000000000000000000.seg at 128"), std::string::npos)
      << read.message();
  EXPECT_TRUE(p.ledger->Read(Seq{256}, 1, kMiB).ok());
}

// Holds the trail to docs/formats/checkpoint.md, "Key epochs": each key is vouched for by the one before it.
void ExpectKeysFollow(SimEnv& world, const Ledger& ledger) {
  const auto vkeys = ledger.vkeys();
  const auto all = ReadAll(ledger);
  for (size_t epoch = 1; epoch < vkeys.size(); ++epoch) {
    const std::string path = fmt::format("/data/epochs/{}", epoch);
    const auto note = env::ReadFile(world.files(), path, kMiB);
    ASSERT_TRUE(note.ok()) << note.status().ToString();
    for (const size_t by : {epoch - 1, epoch}) {
      const auto text = tlog::Verifier::FromVkey(vkeys[by])->Open(AsText(*note));
      ASSERT_TRUE(text.ok()) << epoch << " by " << by;
      const auto head = tlog::ParseCheckpointText(*text);
      const std::string& leaf = all.at(Seq{Value(head->size) - 1});
      EXPECT_NE(leaf.find("sealtrail.key.rotate"), leaf.npos);
      EXPECT_NE(leaf.find(vkeys[epoch]), leaf.npos);
      EXPECT_EQ(head->root, Resequence(ledger, Value(head->size)).Root());
    }
  }
  EXPECT_TRUE(tlog::Verifier::FromVkey(vkeys.back())->Open(ledger.checkpoint().note).ok());
}

TEST(LedgerTest, ANewKeyTakesOver) {
  SimEnv world(46);
  const Options options{.segment_bytes_max = 9'000};
  std::vector<std::string> vkeys;
  {
    Process p(world, options);
    ASSERT_NE(p.ledger, nullptr);
    for (int i = 0; i < 3; ++i) {
      p.Submit(Batch(i * 20, 20));
      Status rotated = Unavailable("not yet");
      p.ledger->RotateKey("local:somebody", [&](const Status& s) { rotated = s; });
      p.Submit(Batch(i * 20 + 10, 10));
      world.executor().RunFor(kNanosPerSecond);
      ASSERT_TRUE(rotated.ok()) << rotated.ToString();
      ExpectKeysFollow(world, *p.ledger);
    }
    vkeys = p.ledger->vkeys();
    EXPECT_EQ(vkeys.size(), 4u);
    ASSERT_TRUE(p.Close().ok());
  }
  Process p(world, options);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  EXPECT_EQ(p.ledger->vkeys(), vkeys);
  ExpectKeysFollow(world, *p.ledger);
}

// The process that wrote the note of the new epoch died when the sync of its name failed. The next one finds it, in the page
// cache alone, and puts the new key in charge: then a power cut must not take the note.
TEST(LedgerTest, AnEpochNoteThatWasNotDurableIsBeforeItsKeyTakesOver) {
  const auto rotate = [](SimEnv& world) {
    Process p(world);
    p.ledger->RotateKey("local:somebody", [](const Status&) {});
    world.executor().RunUntilIdle();
  };
  int sync = 0;
  {
    SimEnv clean(47);
    rotate(clean);
    const std::string trace = clean.Describe();
    const size_t line = trace.rfind('\n', trace.find(" fsync folder /data/epochs")) + 1;
    sync = std::atoi(trace.c_str() + line);
    ASSERT_GT(sync, 0) << trace;
  }
  SimEnv world({.seed = 47, .survival = env::testing::Survival::kNothing, .fail_at = sync});
  rotate(world);
  {
    Process p(world);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    EXPECT_EQ(p.ledger->vkeys().size(), 2u);
  }
  world.Crash();
  world.files().PowerOn();
  Process p(world);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString() << "\n" << world.Describe();
  EXPECT_EQ(p.ledger->vkeys().size(), 2u);
  ExpectKeysFollow(world, *p.ledger);
}

// A second history cannot be signed: neither by a copy that was taken earlier, nor without the signing record.
TEST(LedgerTest, ARestoredCopyIsRefusedWhereTheSigningRecordLivesElsewhere) {
  SimEnv world(45);
  ASSERT_TRUE(world.files().MakeDir("/safe").ok());
  const Options options{.signing_state_dir = "/safe/signing"};
  {
    Process p(world, options);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    p.Submit(Batch(0, 5));
    ASSERT_TRUE(p.Close().ok());
  }
  const Bytes checkpoint = env::ReadFile(world.files(), "/data/checkpoint", kMiB).value();
  const std::string log = "/data/segments/00000000000000000000.log";
  const Bytes records = env::ReadFile(world.files(), log, kMiB).value();
  {
    Process p(world, options);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    p.Submit(Batch(5, 5));
    ASSERT_TRUE(p.Close().ok());
  }
  ASSERT_TRUE(env::ReplaceFile(world.files(), "/data", "checkpoint", checkpoint).ok());
  ASSERT_TRUE(
      env::ReplaceFile(world.files(), "/data/segments", "00000000000000000000.log", records).ok());
  {
    Process p(world, options);
    EXPECT_EQ(p.ledger, nullptr);
    EXPECT_NE(p.failure.message().find("the signing record"), std::string::npos)
        << p.failure.ToString();
  }
  {
    Process p(world);  // the folder knows where it lies
    EXPECT_EQ(p.ledger, nullptr);
    EXPECT_NE(p.failure.message().find("the signing record"), std::string::npos)
        << p.failure.ToString();
  }
  {
    Process p(world, {.signing_state_dir = "/safe/other"});  // as if there had never been one
    EXPECT_EQ(p.ledger, nullptr);
    EXPECT_NE(p.failure.message().find("/safe/other/state is missing"), std::string::npos)
        << p.failure.ToString();
  }
}

// Goal: the record of a trail keeps a copy of it from signing beside it, wherever the record lies.
TEST(LedgerTest, ACopyDoesNotSignByTheRecordInAnothersFolder) {
  SimEnv world(46);
  {
    Process p(world);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    p.Submit(Batch(0, 5));
    ASSERT_TRUE(p.Close().ok());
  }
  CopyFolder(world.files(), kData, "/copy");
  Process original(world);
  ASSERT_NE(original.ledger, nullptr) << original.failure.ToString();
  MetricSet metrics;
  const auto copy = Ledger::Open(
      world.env(), {.data_dir = "/copy", .signing_state_dir = "/data/signing"}, metrics, {});
  EXPECT_EQ(copy.status().code(), StatusCode::kUnavailable) << copy.status().ToString();
  EXPECT_NE(copy.status().message().find("another process signs by it"), std::string::npos)
      << copy.status().ToString();
}

// Goal: what cannot be read is not taken for what a crash tore off.
// Method: a log with acknowledged records that no checkpoint covers, and each read of the next start fails once.
TEST(LedgerTest, AReadThatFailsAtAStartCutsNothing) {
  int refused = 0;
  for (int read = 0;; ++read) {
    SimEnv world(52);
    std::map<Seq, std::string> acknowledged;
    {
      Process p(world);
      ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
      for (int i = 0; i < 4; ++i) {
        p.Submit(Batch(i * 5, 5));
        world.executor().RunFor(kNanosPerSecond / 100);
      }
      acknowledged = p.acknowledged;
      ASSERT_EQ(acknowledged.size(), 20u);
      ASSERT_LT(Value(p.ledger->heights().checkpointed), Value(p.ledger->heights().durable));
    }
    const int before = world.files().reads();
    world.files().FailRead(before + read);
    {
      Process p(world);
      refused += p.ledger == nullptr;
      if (world.files().reads() <= before + read) break;  // a start makes no more
    }
    Process p(world);
    ASSERT_NE(p.ledger, nullptr) << "read " << read << ": " << p.failure.ToString();
    const auto all = ReadAll(*p.ledger);
    for (const auto& [seq, leaf] : acknowledged) {
      const auto found = all.find(seq);
      ASSERT_TRUE(found != all.end() && found->second == leaf) << "read " << read;
    }
    EXPECT_FALSE(world.files().Stat("/data/aside").ok()) << "read " << read;
  }
  EXPECT_GT(refused, 10);
}

// Behind the newest checkpoint a cut by hand looks like a crash: so no more is claimed of it than is known.
TEST(LedgerTest, ACutLogIsNotSaidToHaveHeldNothingAcknowledged) {
  SimEnv world(51);
  {
    Process p(world);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    p.Submit(Batch(0, 5));
    world.executor().RunFor(kNanosPerSecond / 100);
    ASSERT_EQ(p.acknowledged.size(), 5u);
    ASSERT_LT(Value(p.ledger->heights().checkpointed), Value(p.ledger->heights().durable));
  }
  const std::string log = "/data/segments/00000000000000000000.log";
  ASSERT_TRUE(world.files().Truncate(log, world.files().Stat(log)->size - 10).ok());
  ::testing::internal::CaptureStderr();
  Process p(world);
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
  EXPECT_NE(said.find("tail_cut"), std::string::npos) << said;
  EXPECT_NE(said.find("records that were acknowledged may be gone"), std::string::npos) << said;
  EXPECT_EQ(said.find("never acknowledged"), std::string::npos) << said;
}
TEST(LedgerTest, AQuietTrailWritesAHeartbeatAMinute) {
  SimEnv world(5);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr);
  world.executor().RunFor(10 * 60 * kNanosPerSecond);
  int heartbeats = 0;
  for (const auto& [seq, leaf] : ReadAll(*p.ledger))
    heartbeats += leaf.find("sealtrail.store.heartbeat") != leaf.npos;
  EXPECT_GE(heartbeats, 9);
  EXPECT_LE(heartbeats, 10);
}

TEST(LedgerTest, AStepOfTheClockIsARecord) {
  SimEnv world(6);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr);
  for (const int64_t step :
       {-3600 * kNanosPerSecond, 86400 * 365 * kNanosPerSecond, kNanosPerSecond / 2}) {
    world.clock().StepWall(step);
    p.Submit(Batch(0, 1));
    world.executor().RunUntilIdle();
  }
  std::vector<std::string> steps;
  for (const auto& [seq, leaf] : ReadAll(*p.ledger)) {
    if (leaf.find("sealtrail.clock.step\"") != leaf.npos) steps.push_back(leaf);
  }
  ASSERT_EQ(steps.size(), 2u);  // half a second is none
  EXPECT_NE(steps[0].find("-3600000000000"), std::string::npos);
  EXPECT_NE(steps[1].find("31536000000000000"), std::string::npos);
}

TEST(LedgerTest, NumbersAreThoseOfTheRecordsAlsoAfterAClockStep) {
  SimEnv world(61);
  Process p(world);
  ASSERT_NE(p.ledger, nullptr);
  for (int i = 0; i < 4; ++i) {
    if (i % 2 == 1) world.clock().StepWall(3600 * kNanosPerSecond);
    p.Submit(Batch(i * 3, 3));
    world.executor().RunUntilIdle();
  }
  const auto all = ReadAll(*p.ledger);
  ASSERT_EQ(p.acknowledged.size(), 12u);
  for (const auto& [seq, leaf] : p.acknowledged) EXPECT_EQ(all.at(seq), leaf);
}

// A clock step whose record cannot be written, at the place where a file would be closed: nothing more is written.
TEST(LedgerTest, AFailedClockRecordIsFinalToo) {
  for (int extra = 0; extra < 3; ++extra) {
    SimEnv world(62);
    std::map<Seq, std::string> acknowledged;
    {
      Process p(world, {.segment_bytes_max = 300});
      ASSERT_NE(p.ledger, nullptr);
      world.clock().StepWall(3600 * kNanosPerSecond);
      world.files().FailOperation(world.files().operations() + extra, EIO);
      p.Submit(Batch(0, 2));
      world.executor().RunUntilIdle();
      p.Submit(Batch(2, 2));
      world.executor().RunUntilIdle();
      EXPECT_FALSE(p.failure.ok()) << extra;
      acknowledged = p.acknowledged;
    }
    Process p(world, {.segment_bytes_max = 300});
    ASSERT_NE(p.ledger, nullptr) << extra << ": " << p.failure.ToString();
    const auto all = ReadAll(*p.ledger);
    for (const auto& [seq, leaf] : acknowledged) EXPECT_EQ(all.at(seq), leaf);
  }
}

// Without its checkpoint a trail is not continued: what was acknowledged could be cut, and other roots be signed.
TEST(LedgerTest, AMissingCheckpointRefusesToStart) {
  SimEnv world(63);
  {
    Process p(world);
    ASSERT_NE(p.ledger, nullptr);
    p.Submit(Batch(0, 5));
    world.executor().RunUntilIdle();
    ASSERT_TRUE(p.Close().ok());
  }
  const Bytes checkpoint = env::ReadFile(world.files(), "/data/checkpoint", kMiB).value();
  ASSERT_TRUE(world.files().Remove("/data/checkpoint").ok());
  {
    Process p(world);
    EXPECT_EQ(p.ledger, nullptr);
    EXPECT_EQ(p.failure.code(), StatusCode::kFailedPrecondition);
  }
  ASSERT_TRUE(world.files().Rename("/data/segments/00000000000000000000.log", "/data/taken").ok());
  {
    Process p(world);
    EXPECT_EQ(p.ledger, nullptr);
  }
  ASSERT_TRUE(world.files().Rename("/data/taken", "/data/segments/00000000000000000000.log").ok());
  ASSERT_TRUE(env::ReplaceFile(world.files(), "/data", "checkpoint", checkpoint).ok());
  EXPECT_NE(Process(world).ledger, nullptr);
}

// The trail note is the last thing that a first start writes; without it there can be no records of others.
TEST(LedgerTest, AMissingTrailNoteRefusesToStart) {
  SimEnv world(64);
  {
    Process p(world);
    ASSERT_NE(p.ledger, nullptr);
    p.Submit(Batch(0, 5));
    world.executor().RunUntilIdle();
    ASSERT_TRUE(p.Close().ok());
  }
  ASSERT_TRUE(world.files().Remove("/data/trail").ok());
  Process p(world);
  EXPECT_EQ(p.ledger, nullptr);
  EXPECT_EQ(p.failure.code(), StatusCode::kFailedPrecondition);
}

TEST(LedgerTest, RefusesWhenTheQueueIsFullAndTakesMoreLater) {
  SimEnv world(7);
  Process p(world, {.queue_bytes_max = 50'000});
  ASSERT_NE(p.ledger, nullptr);
  for (int i = 0; i < 20; ++i) p.Submit(Batch(i * 100, 100));
  EXPECT_GT(p.answers, 0);  // refused at once, the writer has not run
  EXPECT_EQ(p.last_error.code(), StatusCode::kUnavailable);
  const int refused = p.answers;
  world.executor().RunUntilIdle();
  EXPECT_EQ(p.answers, 20);
  EXPECT_EQ(p.acknowledged.size(), static_cast<size_t>(20 - refused) * 100);
  p.Submit(Batch(0, 1));
  world.executor().RunUntilIdle();
  EXPECT_EQ(p.acknowledged.size(), static_cast<size_t>(20 - refused) * 100 + 1);
}

TEST(LedgerTest, TheFloorRefusesIngestButNotOwnRecordsAndResumesByItself) {
  SimEnv world(8);
  Process p(world, {.min_free_bytes = 100'000});
  ASSERT_NE(p.ledger, nullptr);
  world.files().SetCapacity(115'000);
  for (int i = 0; i < 20; ++i) {
    p.Submit(Batch(i * 100, 100));
    world.executor().RunUntilIdle();
  }
  EXPECT_EQ(p.last_error.code(), StatusCode::kUnavailable);
  EXPECT_NE(p.last_error.message().find("min_free_bytes"), std::string::npos);
  EXPECT_GE(world.files().FreeBytes(kData).value(), 100'000u - 5'000);
  EXPECT_FALSE(p.ledger->Accepting().ok());

  RecordBatch own = Batch(0, 1);
  own.record_class = record::RecordClass::kOwn;
  const size_t before = p.acknowledged.size();
  p.Submit(std::move(own));
  world.executor().RunUntilIdle();
  EXPECT_EQ(p.acknowledged.size(), before + 1);

  world.files().SetCapacity(10'000'000);
  world.executor().RunFor(2 * kNanosPerSecond);
  EXPECT_TRUE(p.ledger->Accepting().ok());
  p.Submit(Batch(0, 1));
  world.executor().RunUntilIdle();
  EXPECT_EQ(p.acknowledged.size(), before + 2);
}

TEST(LedgerTest, AFailedWriteIsFinalAndLosesNothingAcknowledged) {
  for (const int error : {ENOSPC, EIO, EROFS}) {
    SimEnv world(9);
    std::map<Seq, std::string> acknowledged;
    {
      Process p(world);
      ASSERT_NE(p.ledger, nullptr);
      p.Submit(Batch(0, 10));
      world.executor().RunUntilIdle();
      world.files().FailOperation(world.files().operations(), error);
      p.Submit(Batch(10, 10));
      world.executor().RunUntilIdle();
      EXPECT_FALSE(p.failure.ok());
      EXPECT_EQ(p.last_error.code(), StatusCode::kUnavailable);
      EXPECT_FALSE(p.ledger->Accepting().ok());
      p.Submit(Batch(20, 10));  // the disk would work again, but nothing is trusted to it
      world.executor().RunUntilIdle();
      EXPECT_EQ(p.acknowledged.size(), 10u);
      acknowledged = p.acknowledged;
    }
    Process p(world);
    ASSERT_NE(p.ledger, nullptr) << p.failure.ToString();
    const auto all = ReadAll(*p.ledger);
    for (const auto& [seq, leaf] : acknowledged) EXPECT_EQ(all.at(seq), leaf);
  }
}

// Also one that comes when the last answer was given: the sealer may then be at work still.
TEST(LedgerTest, NoFailureIsPassedOverAtAStop) {
  const auto live = [](SimEnv& world) {  // the failure that was told
    Process p(world, {.segment_bytes_max = 10'000});
    if (p.ledger == nullptr) return p.failure;
    p.Submit(Batch(0, 60));
    const Status closed = p.Close();
    return p.failure.ok() ? closed : p.failure;
  };
  for (uint64_t seed = 1; seed <= 8; ++seed) {  // orders of the tasks
    SimEnv clean(seed);
    ASSERT_TRUE(live(clean).ok());
    for (int at = 0; at < clean.files().operations(); ++at) {
      SimEnv world({.seed = seed, .fail_at = at});
      EXPECT_FALSE(live(world).ok()) << "operation " << at << "\n" << world.Describe();
      if (HasFailure()) return;
    }
  }
}

TEST(LedgerTest, OneProcessPerFolder) {
  SimEnv world(10);
  Process first(world);
  ASSERT_NE(first.ledger, nullptr);
  Process second(world);
  EXPECT_EQ(second.ledger, nullptr);
  EXPECT_EQ(second.failure.code(), StatusCode::kUnavailable);
}

TEST(LedgerTest, AnotherOriginRefusesToStart) {
  SimEnv world(11);
  {
    Process p(world, {.origin = "trail.example/a"});
    ASSERT_NE(p.ledger, nullptr);
  }
  Process p(world, {.origin = "trail.example/b"});
  EXPECT_EQ(p.ledger, nullptr);
  EXPECT_EQ(p.failure.code(), StatusCode::kFailedPrecondition);
}

// One flipped bit anywhere in what a checkpoint covers: refuse to start, and say where.
TEST(LedgerTest, DamageUnderACheckpointRefusesToStart) {
  SimEnv clean(12);
  {
    Process p(clean);
    ASSERT_NE(p.ledger, nullptr);
    p.Submit(Batch(0, 5));
    clean.executor().RunUntilIdle();
    ASSERT_TRUE(p.Close().ok());
  }
  const std::string path = "/data/segments/00000000000000000000.log";
  const uint64_t size = clean.files().Stat(path)->size;
  for (uint64_t offset = 0; offset < size; offset += 37) {
    clean.files().FlipBit(path, offset, 3);
    Process p(clean);
    EXPECT_EQ(p.ledger, nullptr) << "byte " << offset;
    EXPECT_NE(p.failure.message().find("segments/"), std::string::npos) << p.failure.ToString();
    clean.files().FlipBit(path, offset, 3);
  }
  Process p(clean);
  EXPECT_NE(p.ledger, nullptr) << p.failure.ToString();
}

// What a run of the sweep acknowledges before its world ends.
struct SweepRun {
  std::map<Seq, std::string> acknowledged;
  TreeSize shown{0};  // the largest checkpoint that was shown
  crypto::Hash shown_root{};
};

SweepRun RunWorkload(SimEnv& world) {
  SweepRun run;
  for (int start = 0; start < 2; ++start) {
    Process p(world, {.segment_bytes_max = 9'000});
    if (p.ledger == nullptr) break;
    for (int i = 0; i < 6; ++i) {
      p.Submit(Batch(i * 10, 10, i == 2 ? 3000 : 0));
      if (i == 3) p.ledger->RotateKey("local:somebody", [](const Status&) {});
      if (i % 2 == 1) world.executor().RunFor(kNanosPerSecond);
      const CheckpointInfo shown = p.ledger->checkpoint();
      if (shown.size > run.shown) {
        run.shown = shown.size;
        run.shown_root = shown.root;
      }
    }
    (void)p.Close();
    run.acknowledged.merge(p.acknowledged);
    const CheckpointInfo shown = p.ledger->checkpoint();
    if (shown.size > run.shown) {
      run.shown = shown.size;
      run.shown_root = shown.root;
    }
  }
  return run;
}

void ExpectNothingLost(SimEnv& world, const SweepRun& run) {
  Process p(world);
  ASSERT_NE(p.ledger, nullptr) << p.failure.ToString() << "\n" << world.Describe();
  const auto all = ReadAll(*p.ledger);
  for (const auto& [seq, leaf] : run.acknowledged) {
    const auto found = all.find(seq);
    ASSERT_NE(found, all.end()) << "acknowledged record " << Value(seq) << " is lost\n"
                                << world.Describe();
    ASSERT_EQ(found->second, leaf) << "acknowledged record " << Value(seq) << " changed\n"
                                   << world.Describe();
  }
  ExpectKeysFollow(world, *p.ledger);
  ASSERT_GE(all.size(), Value(run.shown)) << world.Describe();
  if (Value(run.shown) != 0) {
    ASSERT_EQ(Resequence(*p.ledger, Value(run.shown)).Root(), run.shown_root) << world.Describe();
  }
}

// Goal: whenever the power fails, the next start finds every record that was acknowledged, and every tree that was
// shown is a prefix of what is there.
// Method: count the disk operations of a clean run, then repeat it from several seeds, cutting the power at each.
TEST(LedgerCrashTest, KeepsEveryAcknowledgedRecord) {
  SimEnv clean(1);
  RunWorkload(clean);
  const int operations = clean.files().operations();
  ASSERT_GT(operations, 50);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (int cut = 0; cut < operations; ++cut) {
      SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
      SimEnv world({.seed = seed, .power_cut_at = cut});
      const SweepRun run = RunWorkload(world);
      world.Crash();
      world.files().PowerOn();
      ExpectNothingLost(world, run);
      if (HasFatalFailure()) return;
    }
  }
}

// The same with an operation that fails (full disk, I/O error) and a restart on the mended disk.
TEST(LedgerCrashTest, SurvivesEveryFailedOperation) {
  SimEnv clean(1);
  RunWorkload(clean);
  const int operations = clean.files().operations();
  for (const int error : {EIO, ENOSPC}) {
    for (int at = 0; at < operations; ++at) {
      SCOPED_TRACE(fmt::format("operation {} fails with errno {}", at, error));
      SimEnv world({.seed = 3, .fail_at = at, .fail_with = error});
      const SweepRun run = RunWorkload(world);
      world.Crash();
      world.files().PowerOn();
      ExpectNothingLost(world, run);
      if (HasFatalFailure()) return;
    }
  }
}

// The sweep can fail: with syncs that do nothing it must.
TEST(LedgerCrashTest, TheSweepNoticesLostSyncs) {
  bool lost = false;
  for (uint64_t seed = 1; seed <= 20 && !lost; ++seed) {
    SimEnv world({.seed = seed, .lose_file_syncs = true});
    const SweepRun run = RunWorkload(world);
    world.Crash();
    world.files().PowerOn();
    Process p(world);
    if (p.ledger == nullptr) {
      lost = true;
      break;
    }
    const auto all = ReadAll(*p.ledger);
    for (const auto& [seq, leaf] : run.acknowledged) lost |= all.find(seq) == all.end();
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace sealtrail::ledger
