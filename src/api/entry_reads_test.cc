#include "api/entry_reads.h"

#include <gtest/gtest.h>

namespace sealtrail::api {
namespace {

TEST(EntryReadsTest, TheFirstOfAMinuteIsForTheCallerToRecord) {
  EntryReads reads;
  EXPECT_FALSE(reads.Count("ann", 0, 256));
  EXPECT_FALSE(reads.Count("ann", 0, 256));  // still not recorded
  reads.MarkRecorded("ann");
  EXPECT_TRUE(reads.Count("ann", 512, 256));
  EXPECT_TRUE(reads.Count("ann", 256, 17));
  EXPECT_FALSE(reads.Count("bob", 0, 1));
  const auto tallies = reads.TakeMinute();
  ASSERT_EQ(tallies.size(), 1u);
  EXPECT_EQ(tallies[0].first, "ann");
  const EntryReads::Tally& tally = tallies[0].second;
  EXPECT_EQ(tally.bundles, 2u);
  EXPECT_EQ(tally.entries, 273u);
  EXPECT_EQ(tally.from, 256u);
  EXPECT_EQ(tally.to, 767u);
}

TEST(EntryReadsTest, EachMinuteBeginsAnew) {
  EntryReads reads;
  reads.MarkRecorded("ann");
  EXPECT_TRUE(reads.TakeMinute().empty());  // its one read has its record
  EXPECT_FALSE(reads.Count("ann", 0, 1));
  reads.MarkRecorded("ann");
  EXPECT_TRUE(reads.Count("ann", 7, 1));
  reads.MarkRecorded("ann");  // by another of its first reads, which were under way together
  const auto tallies = reads.TakeMinute();
  ASSERT_EQ(tallies.size(), 1u);
  EXPECT_EQ(tallies[0].second.bundles, 1u);
  EXPECT_EQ(tallies[0].second.from, 7u);
  EXPECT_TRUE(reads.TakeMinute().empty());
}

}  // namespace
}  // namespace sealtrail::api
