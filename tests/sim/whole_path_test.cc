// Goal: whatever the disk does, no acknowledged request loses a record, and nothing wrong is ever shown.
// Method: OTLP requests go through the pipeline, queue, writer, sync and checkpoint to their answer in one simulated
// thread. The power is cut at, and an error injected into, every disk operation of the run, and into every read; after
// the restart every acknowledged action must be read back, verify (which shares no code with the writer) must find the
// folder sound, and every checkpoint that was shown must be of a tree that is a prefix of the one that is there.
// How many points: sweep.h.
#include <set>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "env/testing/sim_env.h"
#include "ledger/ledger.h"
#include "pipeline/audit_pipeline.h"
#include "sweep.h"
#include "verify/verify.h"

namespace sealtrail {
namespace {

using env::testing::SimEnv;

// Shares of all points (sweep.h), in thousandths.
constexpr uint64_t kCuts = 90, kFailures = 130, kFailedReads = 30;

constexpr char kData[] = "/data";
constexpr int kRequests = 8;

// Three log records; every third request has one that is too large for a leaf, and a resource that lies beside.
std::string RequestJson(int request) {
  const bool large = request % 3 == 2;
  const std::string filler(large ? 70'000 : 10, 'x');
  std::string records;
  for (int i = 0; i < 3; ++i) {
    records += fmt::format(
        R"({}{{"attributes":[{{"key":"audit.action","value":{{"stringValue":"act-{}-{}"}}}},)"
        R"({{"key":"detail","value":{{"stringValue":"{}"}}}}]}})",
        i == 0 ? "" : ",", request, i, i == 1 ? filler : "");
  }
  return fmt::format(
      R"({{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"sim{}"}}}}]}},)"
      R"("scopeLogs":[{{"logRecords":[{}]}}]}}]}})",
      large ? std::string(3000, 'r') : "", records);
}

struct History {
  std::set<std::string> acknowledged;  // actions
  std::vector<ledger::CheckpointInfo> shown;
};

enum class End { kClose, kKill };

// One process: opens, sends, lets time pass, ends.
void RunProcess(SimEnv& world, int start, End end, History& run) {
  MetricSet metrics;
  auto ledger = ledger::Ledger::Open(world.env(), {.data_dir = kData, .segment_bytes_max = 100'000},
                                     metrics, [](const Status&) {});
  if (!ledger.ok()) return;
  pipeline::AuditPipeline pipeline(world.env(), pipeline::Selector({"audit.action"}), **ledger,
                                   metrics);
  for (int i = 0; i < kRequests; ++i) {
    const int request = start * kRequests + i;
    pipeline.Export(pipeline::Signal::kLogs, otlp::Encoding::kJson,
                    SharedBytes::FromText(RequestJson(request)),
                    {.principal = "local", .transport = pipeline::Transport::kHttpJson},
                    [&run, request](const Status& s) {
                      if (!s.ok()) return;
                      for (int k = 0; k < 3; ++k)
                        run.acknowledged.insert(fmt::format("act-{}-{}", request, k));
                    });
    if (i % 3 == 2) world.executor().RunFor(kNanosPerSecond);
    const ledger::CheckpointInfo head = (*ledger)->checkpoint();
    if (run.shown.empty() || run.shown.back().size != head.size) run.shown.push_back(head);
  }
  if (end == End::kKill) {
    world.executor().RunFor(kNanosPerSecond / 100);
    return world.executor().DropAll();
  }
  (*ledger)->Close([](const Status&) {});
  world.executor().RunUntilIdle();
  run.shown.push_back((*ledger)->checkpoint());
}

History RunWorkload(SimEnv& world, End end = End::kClose) {
  History run;
  for (int start = 0; start < 2; ++start) RunProcess(world, start, end, run);
  return run;
}

void ExpectNothingLost(SimEnv& world, const History& run) {
  MetricSet metrics;
  auto ledger =
      ledger::Ledger::Open(world.env(), {.data_dir = kData}, metrics, [](const Status&) {});
  ASSERT_TRUE(ledger.ok()) << ledger.status().ToString() << "\n" << world.Describe();
  std::set<std::string> found;
  tlog::Frontier tree;
  std::map<TreeSize, crypto::Hash> roots;
  for (const ledger::CheckpointInfo& head : run.shown) roots[head.size];
  const uint64_t size = Value((*ledger)->heights().durable);
  for (uint64_t at = 0; at < size;) {
    const auto range = (*ledger)->Read(Seq{at}, 64, kMiB);
    ASSERT_TRUE(range.ok()) << range.status().ToString() << "\n" << world.Describe();
    for (const ledger::RecordView& record : range->records) {
      tree.Append(tlog::LeafHash(AsBytes(record.leaf)));
      if (const auto root = roots.find(tree.size()); root != roots.end())
        root->second = tree.Root();
      std::string content(record.leaf);
      // Content beside the leaf must be there too, whole.
      for (size_t i = content.find("[\""); i != content.npos; i = content.find("[\"", i + 1)) {
        if (content.size() < i + 47 || content[i + 45] != '=' || content[i + 46] != '"') continue;
        crypto::Hash hash;
        const auto bytes = Base64Decode(content.substr(i + 2, 44));
        if (!bytes.ok() || bytes->size() != hash.size()) continue;
        std::copy(bytes->begin(), bytes->end(), hash.begin());
        const auto beside = (*ledger)->ReadBeside(record.seq, hash);
        ASSERT_TRUE(beside.ok()) << beside.status().ToString() << "\n" << world.Describe();
        content += AsText(*beside);
      }
      const size_t action = content.find("[\"audit.action\",\"");
      ASSERT_NE(action, content.npos);
      const size_t begin = action + 17;
      found.insert(content.substr(begin, content.find('"', begin) - begin));
    }
    at = Value(range->records.back().seq) + 1;
  }
  for (const std::string& action : run.acknowledged) {
    ASSERT_TRUE(found.contains(action)) << action << " was acknowledged and is lost\n"
                                        << world.Describe();
  }
  for (const ledger::CheckpointInfo& head : run.shown) {
    if (head.note.empty()) continue;
    ASSERT_LE(Value(head.size), size) << "a checkpoint of more than there is was shown\n"
                                      << world.Describe();
    ASSERT_EQ(roots[head.size], head.root) << "a checkpoint of another history was shown\n"
                                           << world.Describe();
  }
  const verify::Report report =
      verify::Verify(verify::FolderSource(world.files(), kData), {.running = true});
  ASSERT_EQ(report.verdict, verify::Verdict::kSound)
      << verify::ReportText(report) << world.Describe();
}

int OperationsOfACleanRun() {
  SimEnv clean(1);
  const History run = RunWorkload(clean);
  EXPECT_EQ(run.acknowledged.size(), 2u * kRequests * 3);
  return clean.files().operations();
}

// One point; false after a failure: the first one is enough.
bool Survives(sim::Tally& tally, const env::testing::SimFsOptions& options,
              std::optional<int> failing_read = {}) {
  SimEnv world(options);
  if (failing_read) world.files().FailRead(*failing_read);
  const History run = RunWorkload(world, failing_read ? End::kKill : End::kClose);
  world.Crash();
  world.files().PowerOn();
  ExpectNothingLost(world, run);
  ++tally.points;
  tally.cuts += static_cast<uint64_t>(world.files().power_cuts());
  if (options.fail_at || failing_read) ++tally.faults;
  if (!::testing::Test::HasFailure()) return true;
  ++tally.violations;
  return false;
}

TEST(WholePathTest, APowerCutAnywhereLosesNothingAcknowledged) {
  sim::Tally tally("whole path: APowerCutAnywhere");
  sim::ForEachPoint(kCuts, OperationsOfACleanRun(), [&](uint64_t seed, int cut) {
    SCOPED_TRACE(fmt::format("power cut at operation {}, seed {}", cut, seed));
    return Survives(tally, {.seed = seed, .power_cut_at = cut});
  });
}

TEST(WholePathTest, AFailedOperationAnywhereLosesNothingAcknowledged) {
  sim::Tally tally("whole path: AFailedOperationAnywhere");
  sim::ForEachPoint(kFailures, OperationsOfACleanRun() * 2, [&](uint64_t seed, int at_and_error) {
    const int at = at_and_error / 2, error = at_and_error % 2 == 0 ? EIO : ENOSPC;
    SCOPED_TRACE(fmt::format("operation {} fails with errno {}, seed {}", at, error, seed));
    return Survives(tally, {.seed = seed, .fail_at = at, .fail_with = error});
  });
}

// The processes are killed, so that the next start finds acknowledged records that no checkpoint covers.
TEST(WholePathTest, AFailedReadAnywhereLosesNothingAcknowledged) {
  SimEnv clean(1);
  const History run = RunWorkload(clean, End::kKill);
  EXPECT_GT(run.acknowledged.size(), 30u);
  sim::Tally tally("whole path: AFailedReadAnywhere");
  sim::ForEachPoint(kFailedReads, clean.files().reads(), [&](uint64_t seed, int read) {
    SCOPED_TRACE(fmt::format("read {} fails, seed {}", read, seed));
    return Survives(tally, {.seed = seed}, read);
  });
}

// A sync that lies once, anywhere, and then the power goes: this the disk's maker must answer for, not we. But the
// sweep must see it, or it would see nothing.
TEST(WholePathTest, TheSweepSeesASyncThatLies) {
  const int operations = OperationsOfACleanRun();
  int seen = 0;
  for (int at = 0; at < operations; ++at) {
    SimEnv world({.seed = 1, .survival = env::testing::Survival::kNothing});
    world.files().LoseSync(at);
    world.files().CutPowerAt(at + 1);
    const History run = RunWorkload(world);
    world.Crash();
    world.files().PowerOn();
    MetricSet metrics;
    auto ledger =
        ledger::Ledger::Open(world.env(), {.data_dir = kData}, metrics, [](const Status&) {});
    const size_t needed = run.acknowledged.size();
    if (!ledger.ok() || Value((*ledger)->heights().durable) < needed) ++seen;
  }
  EXPECT_GT(seen, 3);
}

}  // namespace
}  // namespace sealtrail
