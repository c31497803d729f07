#include "ledger/sealer.h"

#include <map>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "env/testing/sim_env.h"
#include "ledger/log_writer.h"
#include "ledger/testing/batches.h"

namespace sealtrail::ledger {
namespace {

using env::testing::SimEnv;

// Workers of the simulation that count what was posted to them, by priority.
class CountingExecutor : public env::Executor {
 public:
  explicit CountingExecutor(env::Executor& executor) : executor_(executor) {}

  std::map<env::Priority, int> posted;

 private:
  class Counting : public env::Worker {
   public:
    Counting(std::unique_ptr<env::Worker> worker, int& posted)
        : worker_(std::move(worker)), posted_(posted) {}
    ~Counting() override { Counting::End(); }
    void Post(env::Task task) override {
      ++posted_;
      worker_->Post(std::move(task));
    }
    void PostAfter(int64_t delay_ns, env::Task task) override {
      worker_->PostAfter(delay_ns, std::move(task));
    }
    void End() override { worker_->End(); }

   private:
    std::unique_ptr<env::Worker> worker_;
    int& posted_;
  };

  std::unique_ptr<env::Worker> DoStartWorker(std::string name, env::Priority priority) override {
    return std::make_unique<Counting>(executor_.StartWorker(name, priority), posted[priority]);
  }

  env::Executor& executor_;
};

// A log that grows, and the sealer behind it.
class SealerTest : public ::testing::Test {
 protected:
  SealerTest() {
    env::FileSystem& files = world.files();
    EXPECT_TRUE(files.MakeDir("/data").ok());
    EXPECT_TRUE(files.MakeDir(paths.segments).ok());
    log.emplace(
        LogWriter::Create(files, paths.segments, sequencer, "trail.test", UnixNanos{1}).value());
    sealer.emplace(env, paths, [this](const Status& status) { failure = status; });
    sealer->Begin(tlog::Frontier{}, log->size());
  }

  ~SealerTest() override { sealer->End(); }

  // The log grows by more than `bytes` before the sealer hears of it.
  void Grow(uint64_t bytes) {
    for (const uint64_t end = log->size() + bytes; log->size() <= end;) {
      // Fewer than 256: a log keeps them as they are.
      const record::RecordBatch batch = testing::Batch(static_cast<int>(at), 255);
      at += 255;
      const record::RecordBatch* batches[] = {&batch};
      Growth growth;
      ASSERT_TRUE(log->Append(batches, sequencer, growth).ok());
    }
    ASSERT_TRUE(log->Sync().ok());
    sealer->Grow(log->size());
  }

  SimEnv world{1};
  CountingExecutor executor{world.executor()};
  const env::Env env{.clock = world.clock(),
                     .files = world.files(),
                     .random = world.random(),
                     .executor = executor};
  const TrailPaths paths{"/data"};
  Sequencer sequencer{"trail.test"};
  std::optional<LogWriter> log;
  std::optional<Sealer> sealer;
  Status failure;
  uint64_t at = 0;
};

TEST_F(SealerTest, WhoKeepsUpGivesWay) {
  world.executor().RunUntilIdle();
  for (int i = 0; i < 8; ++i) {
    Grow(2 * kMiB);
    world.executor().RunUntilIdle();
  }
  EXPECT_TRUE(failure.ok()) << failure.ToString();
  EXPECT_LT(sealer->lag(), kMiB);
  EXPECT_GE(executor.posted[env::Priority::kBackground], 8);
  EXPECT_EQ(executor.posted[env::Priority::kNormal], 0);
}

TEST_F(SealerTest, WhoIsBehindHurriesUntilItIsNot) {
  world.executor().RunUntilIdle();
  const int before = executor.posted[env::Priority::kBackground];
  Grow(12 * kMiB);
  world.executor().RunUntilIdle();
  EXPECT_TRUE(failure.ok()) << failure.ToString();
  EXPECT_LT(sealer->lag(), kMiB);
  EXPECT_GE(executor.posted[env::Priority::kNormal], 7);  // steps of a MiB, down to 4
  EXPECT_LE(executor.posted[env::Priority::kNormal], 9);
  EXPECT_GE(executor.posted[env::Priority::kBackground], before + 2);
}

// All senders wait for it. That the chain is another one is found before there is anything to sign.
TEST_F(SealerTest, ClosingIsDoneInHaste) {
  Grow(kMiB);
  world.executor().RunUntilIdle();
  ASSERT_EQ(executor.posted[env::Priority::kNormal], 0);
  bool done = false;
  sealer->Finish(crypto::Hash{}, {}, nullptr, [&](const Result<SealedSegment>&) { done = true; });
  world.executor().RunUntilIdle();
  EXPECT_GE(executor.posted[env::Priority::kNormal], 1);
  EXPECT_EQ(failure.code(), StatusCode::kDataLoss) << failure.ToString();
  EXPECT_FALSE(done);
}

TEST_F(SealerTest, WhatIsPostedAcrossBothKeepsItsOrder) {
  std::vector<int> order;
  const auto note = [&](int number) {
    sealer->Then([&order, number] {
      order.push_back(number);
      return OkStatus();
    });
  };
  note(0);
  Grow(12 * kMiB);
  note(1);
  note(2);
  Status settled = Unavailable("not yet");
  sealer->Settle([&](const Status& status) { settled = status; });
  world.executor().RunUntilIdle();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(settled.ok()) << settled.ToString();
}

TEST_F(SealerTest, WhatIsLeftAtTheEndIsThrownAway) {
  Grow(12 * kMiB);
  bool settled = false;
  sealer->Settle([&](const Status&) { settled = true; });
  sealer->End();
  world.executor().RunUntilIdle();
  EXPECT_FALSE(settled);
  EXPECT_GT(sealer->lag(), 12 * kMiB);
}

}  // namespace
}  // namespace sealtrail::ledger
