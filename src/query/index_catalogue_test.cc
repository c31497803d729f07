#include "query/index_catalogue.h"

#include <random>

#include <gtest/gtest.h>

#include "query/part_columns.h"

namespace sealtrail::query {
namespace {

PartInfo Part(uint64_t first, uint64_t count) {
  return {.file = fmt::format("part-{}", first),
          .first = Seq{first},
          .count = count,
          .bytes = count * 40,
          .sha256 = "00ff"};
}

Catalogue Small() {
  Catalogue catalogue{
      .aliases_version = "1-a", .actions_version = "1-b", .last_leaf_hash = "cd", .parts = {}};
  catalogue.parts = {Part(0, 5), Part(5, 7)};
  catalogue.parts[0].attributes = {
      .columns = {{"enduser.id", 5}, {"schlüssel\n", 1}}, .rest = {"rare"}, .rest_is_open = true};
  catalogue.parts[1].resource.columns = {{"service.name", 7}};
  return catalogue;
}

TEST(IndexCatalogueTest, ReadsBackWhatItWrote) {
  const Catalogue catalogue = Small();
  const Bytes bytes = EncodeCatalogue(catalogue);
  const auto read = DecodeCatalogue(AsText(bytes));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->parts, catalogue.parts);
  EXPECT_EQ(read->next(), Seq{12});
  EXPECT_EQ(read->aliases_version, "1-a");
  EXPECT_EQ(read->last_leaf_hash, "cd");
}

TEST(IndexCatalogueTest, RefusesWhatIsNone) {
  const Bytes bytes = EncodeCatalogue(Small());
  const std::string good(AsText(bytes));
  for (size_t cut = 0; cut + 2 < good.size(); cut += 7)
    EXPECT_FALSE(DecodeCatalogue(good.substr(0, cut)).ok());
  EXPECT_FALSE(DecodeCatalogue("[]").ok());
  EXPECT_FALSE(DecodeCatalogue("{\"version\":1}").ok());
  Catalogue gap = Small();
  gap.parts[1].first = Seq{6};
  EXPECT_FALSE(DecodeCatalogue(AsText(EncodeCatalogue(gap))).ok());
  Catalogue outside = Small();
  outside.parts[0].file = "../../etc/passwd";
  EXPECT_FALSE(DecodeCatalogue(AsText(EncodeCatalogue(outside))).ok());
}

// Goal: however parts come, they stay few, and no row is rewritten often.
// Method: parts of random sizes arrive, and each merge is applied at once.
TEST(IndexCatalogueTest, MergingKeepsPartsFew) {
  for (const uint64_t rows_max : {uint64_t{1}, uint64_t{100}, uint64_t{250'000}}) {
    std::mt19937_64 random(7);
    std::vector<PartInfo> parts;
    uint64_t next = 0;
    uint64_t rewritten = 0;
    size_t most = 0;
    for (int i = 0; i < 20'000 && next < 200'000'000; ++i) {
      const uint64_t count = 1 + random() % rows_max;
      parts.push_back(Part(next, count));
      next += count;
      for (PartRange range = PartsToMerge(parts); range.begin != range.end;
           range = PartsToMerge(parts)) {
        uint64_t rows = 0;
        for (size_t p = range.begin; p < range.end; ++p) rows += parts[p].count;
        ASSERT_LE(rows, kMergedRowsMax);
        const PartInfo merged = Part(Value(parts[range.begin].first), rows);
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(range.begin),
                    parts.begin() + static_cast<std::ptrdiff_t>(range.end));
        parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(range.begin), merged);
        rewritten += rows;
      }
      most = std::max(most, parts.size());
    }
    EXPECT_LE(most, 56u) << rows_max;
    EXPECT_LE(rewritten, 9 * next) << rows_max;
  }
}

// DuckDB folds the case of column names, so no two keys may differ in that alone.
TEST(PartColumnsTest, GiveEveryKeyANameOfItsOwn) {
  EXPECT_EQ(AttributeColumn("enduser.id"), "a.enduser.id");
  EXPECT_EQ(AttributeColumn("Key"), "a.%4bey");
  EXPECT_EQ(AttributeColumn("key"), "a.key");
  EXPECT_EQ(AttributeColumn("%4bey"), "a.%254bey");
  EXPECT_EQ(AttributeColumn("ü \"'"), "a.%c3%bc%20%22%27");
  EXPECT_EQ(ResourceColumn(""), "r.");
}

}  // namespace
}  // namespace sealtrail::query
