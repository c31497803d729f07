// What the writer makes of notes that come after the last record of a segment, as verify reads the specification
// (docs/formats/segment.md §3): with the last block, or in a frame of their own where the segment ends with a block.
#include <algorithm>

#include <gtest/gtest.h>

#include "env/testing/sim_env.h"
#include "ledger/ledger.h"
#include "record/batch_builder.h"
#include "verify/verify.h"

namespace sealtrail::sim {
namespace {

using env::testing::SimEnv;

constexpr char kData[] = "/data";

record::RecordBatch Records(uint64_t count) {
  auto builder = record::BatchBuilder::Make(record::RecordClass::kIngest, {.principal = "local"});
  for (uint64_t i = 0; i < count; ++i) {
    EXPECT_TRUE(builder
                    ->Add({.kind = record::Kind::kLog,
                           .salt = {},
                           .content = R"({"a":[["audit.action","x"]]})",
                           .span = {},
                           .identity = {}})
                    .ok());
  }
  return std::move(*builder).Finish();
}

record::RecordBatch OnlyANote() {
  record::RecordBatch batch = Records(0);
  batch.notes.push_back({'n', 'o', 't', 'e'});
  return batch;
}

class SealedNotesTest : public ::testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(RecordsOfTheSegment, SealedNotesTest, ::testing::Values(256, 300, 512));

TEST_P(SealedNotesTest, AreSealedAsTheSpecificationSays) {
  SimEnv world(5);
  MetricSet metrics;
  {
    auto opened = ledger::Ledger::Open(
        world.env(), {.data_dir = kData, .heartbeat_interval_ns = 100'000 * kNanosPerSecond},
        metrics, [](const Status& s) { ADD_FAILURE() << s.ToString(); });
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    ledger::Ledger& ledger = **opened;
    const auto submit = [&](record::RecordBatch batch) {
      ledger.Submit(std::move(batch), [](const Result<record::CommitOutcome>& outcome) {
        EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
      });
      world.executor().RunUntilIdle();
    };
    world.executor().RunUntilIdle();
    submit(Records(GetParam() - Value(ledger.heights().durable)));
    ASSERT_EQ(Value(ledger.heights().durable), GetParam());
    submit(OnlyANote());
    world.executor().RunFor(2 * 3600 * kNanosPerSecond);
    ASSERT_EQ(ledger.segments().size(), 2u);
    ASSERT_EQ(Value(ledger.segments()[1].first), GetParam());
    ledger.Close([](const Status& s) { EXPECT_TRUE(s.ok()) << s.ToString(); });
    world.executor().RunUntilIdle();
  }
  const auto sealed =
      env::ReadFile(world.files(), "/data/segments/00000000000000000000.seg", 16 * kMiB);
  ASSERT_TRUE(sealed.ok());
  Bytes expected = {0, 0, 0, 12};
  for (int shift = 56; shift >= 0; shift -= 8)
    expected.push_back(static_cast<uint8_t>(GetParam() >> shift));
  AppendTo(expected, AsBytes("note"));
  EXPECT_NE(std::search(sealed->begin(), sealed->end(), expected.begin(), expected.end()),
            sealed->end());
  const verify::Report report = verify::Verify(verify::FolderSource(world.files(), kData), {});
  EXPECT_EQ(report.verdict, verify::Verdict::kSound) << verify::ReportText(report);
}

}  // namespace
}  // namespace sealtrail::sim
