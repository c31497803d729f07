#include "base/metrics.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sealtrail {
namespace {

TEST(MetricsTest, TheSameNameAndLabelsGiveTheSameCounter) {
  MetricSet set;
  Counter& a = set.GetCounter("x_total", "Things.", {{"kind", "a"}});
  Counter& b = set.GetCounter("x_total", "Things.", {{"kind", "b"}});
  EXPECT_NE(&a, &b);
  EXPECT_EQ(&a, &set.GetCounter("x_total", "Things.", {{"kind", "a"}}));
  EXPECT_EQ(&set.GetGauge("y", "Level."), &set.GetGauge("y", "Level."));
}

TEST(MetricsTest, CollectIsOrderedByNameAndLabels) {
  MetricSet set;
  set.GetGauge("m", "Middle.").Set(-1.5);
  set.GetCounter("z_total", "Last.").Add(3);
  set.GetCounter("a_total", "First.", {{"k", "2"}}).Add();
  set.GetCounter("a_total", "First.", {{"k", "1"}}).Add(10);
  std::string all;
  for (const MetricSet::Sample& sample : set.Collect()) {
    all += sample.name + (sample.labels.empty() ? "" : "/" + sample.labels[0].second) + "=" +
           std::to_string(sample.value) + (sample.is_counter ? "c " : "g ");
  }
  EXPECT_EQ(all, "a_total/1=10.000000c a_total/2=1.000000c m=-1.500000g z_total=3.000000c ");
  EXPECT_EQ(set.Collect()[0].help, "First.");
}

TEST(MetricsTest, ThreadsMayCountAndCollect) {
  MetricSet set;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10'000; ++i) {
          set.GetCounter("n_total", "N.", {{"k", std::to_string(i % 3)}}).Add();
          if (i % 1'000 == 0) (void)set.Collect();
        }
      });
    }
  }
  double total = 0;
  for (const MetricSet::Sample& sample : set.Collect()) total += sample.value;
  EXPECT_EQ(total, 40'000);
}

}  // namespace
}  // namespace sealtrail
