#include "tlog/tile.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using ::testing::ElementsAre;
using testing::SlowTree;

// The specification's examples.
TEST(TilePathTest, KnownPaths) {
  EXPECT_EQ(TilePath({.level = 0, .index = 0}), "tile/0/000");
  EXPECT_EQ(TilePath({.level = 0, .index = 1000}), "tile/0/x001/000");
  EXPECT_EQ(TilePath({.level = 1, .index = 1234067}), "tile/1/x001/x234/067");
  EXPECT_EQ(TilePath({.level = 63, .index = 123456789}), "tile/63/x123/x456/789");
  EXPECT_EQ(TilePath({.level = 0, .index = 273, .width = 112}), "tile/0/273.p/112");
  EXPECT_EQ(TilePath({.level = kEntriesLevel, .index = 1000, .width = 1}),
            "tile/entries/x001/000.p/1");
}

TEST(TilePathTest, RoundTrip) {
  for (const int level : {kEntriesLevel, 0, 1, 9, 10, 63}) {
    for (const uint64_t index : {uint64_t{0}, uint64_t{7}, uint64_t{999}, uint64_t{1000},
                                 uint64_t{123456789}, (uint64_t{1} << 56) - 1}) {
      for (const int width : {1, 9, 255, 256}) {
        const TileId tile{.level = level, .index = index, .width = width};
        const auto parsed = ParseTilePath(TilePath(tile));
        ASSERT_TRUE(parsed.ok()) << TilePath(tile);
        EXPECT_EQ(*parsed, tile);
      }
    }
  }
}

TEST(TilePathTest, RefusesOtherSpellings) {
  for (const std::string_view bad : {"",
                                     "tile",
                                     "tile/",
                                     "tile/0",
                                     "tile/0/",
                                     "/tile/0/000",
                                     "tile/0/000/",
                                     "tile//000",
                                     "tile/00/000",
                                     "tile/01/000",
                                     "tile/64/000",
                                     "tile/-1/000",
                                     "tile/+1/000",
                                     "tile/x/000",
                                     "tile/data/000",
                                     "tile/Entries/000",
                                     "tile/0/0",
                                     "tile/0/00",
                                     "tile/0/0000",
                                     "tile/0/x000",
                                     "tile/0/x000/000",
                                     "tile/0/000/001",
                                     "tile/0/x001/x000",
                                     "tile/0/x001",
                                     "tile/0/xx01/000",
                                     "tile/0/X001/000",
                                     "tile/0/1/000",
                                     "tile/0/x01/000",
                                     "tile/0/ 01",
                                     "tile/0/+01",
                                     "tile/0/x001/x234/067/",
                                     "tile/0/x001//067",
                                     "tile/0/000.p",
                                     "tile/0/000.p/",
                                     "tile/0/000.p/0",
                                     "tile/0/000.p/00",
                                     "tile/0/000.p/01",
                                     "tile/0/000.p/256",
                                     "tile/0/000.p/1/",
                                     "tile/0/000.p/1.p/1",
                                     "tile/0/000.p/-1",
                                     "tile/0/000.P/1",
                                     "tile/0/x072/x057/x594/x037/x927/936",  // 2^56
                                     "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
                                     "tile/0/000\n"}) {
    EXPECT_EQ(ParseTilePath(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(ParseTilePath(std::string_view("tile/0/000\0", 11)).ok());
}

// The specification's examples: 256, 65,536 and 70,000 leaves.
TEST(TileRowsTest, KnownRows) {
  EXPECT_THAT(TileRows(TreeSize{0}), ElementsAre());
  EXPECT_THAT(TileRows(TreeSize{1}), ElementsAre(TileRow{0, 0, 1}));
  EXPECT_THAT(TileRows(TreeSize{255}), ElementsAre(TileRow{0, 0, 255}));
  EXPECT_THAT(TileRows(TreeSize{256}), ElementsAre(TileRow{0, 1, 0}, TileRow{1, 0, 1}));
  EXPECT_THAT(TileRows(TreeSize{65536}),
              ElementsAre(TileRow{0, 256, 0}, TileRow{1, 1, 0}, TileRow{2, 0, 1}));
  EXPECT_THAT(TileRows(TreeSize{70000}),
              ElementsAre(TileRow{0, 273, 112}, TileRow{1, 1, 17}, TileRow{2, 0, 1}));
  EXPECT_EQ(TileRows(TreeSize{~uint64_t{0}}).size(), 8u);
}

TEST(TileRowsTest, WidthOfOneTile) {
  constexpr TreeSize kSize{70000};
  EXPECT_EQ(TileWidth(kSize, 0, 272), 256);
  EXPECT_EQ(TileWidth(kSize, 0, 273), 112);
  EXPECT_EQ(TileWidth(kSize, 0, 274), 0);
  EXPECT_EQ(TileWidth(kSize, kEntriesLevel, 273), 112);
  EXPECT_EQ(TileWidth(kSize, 1, 1), 17);
  EXPECT_EQ(TileWidth(kSize, 2, 0), 1);
  EXPECT_EQ(TileWidth(kSize, 3, 0), 0);
  EXPECT_EQ(TileWidth(kSize, 63, 0), 0);
  EXPECT_EQ(TileWidth(TreeSize{256}, 0, 1), 0) << "no empty tile";
}

TEST(TileLeavesTest, StartAndEndIndex) {
  EXPECT_EQ(TileLeaves({.level = 0, .index = 3}), (LeafRange{768, 1024}));
  EXPECT_EQ(TileLeaves({.level = kEntriesLevel, .index = 3}), (LeafRange{768, 1024}));
  EXPECT_EQ(TileLeaves({.level = 1, .index = 3}), (LeafRange{3 * 65536, 4 * 65536}));
  constexpr uint64_t kMax = ~uint64_t{0};
  EXPECT_EQ(TileLeaves({.level = 0, .index = (uint64_t{1} << 56) - 1}),
            (LeafRange{kMax - 255, kMax}));
  EXPECT_EQ(TileLeaves({.level = 7, .index = 0}), (LeafRange{0, kMax}));
  EXPECT_EQ(TileLeaves({.level = 63, .index = 1}), (LeafRange{kMax, kMax}));
}

TEST(TilePlaceTest, OfNodes) {
  EXPECT_EQ(PlaceOf({0, 0}), (TilePlace{0, 0, 0, 1}));
  EXPECT_EQ(PlaceOf({0, 511}), (TilePlace{0, 1, 255, 1}));
  EXPECT_EQ(PlaceOf({7, 1}), (TilePlace{0, 0, 128, 128}));
  EXPECT_EQ(PlaceOf({7, 2}), (TilePlace{0, 1, 0, 128}));
  EXPECT_EQ(PlaceOf({8, 2}), (TilePlace{1, 0, 2, 1})) << "not the root of tile 2 below";
  EXPECT_EQ(PlaceOf({9, 3}), (TilePlace{1, 0, 6, 2}));
  EXPECT_EQ(PlaceOf({63, 1}), (TilePlace{7, 0, 128, 128}));
}

// The tiles of a tree as the specification defines them: hash i of tile n at level l is
// MTH(D[(n·256+i)·256^l : (n·256+i+1)·256^l]). Made of leaf hashes, hash by hash.
class TileSet {
 public:
  explicit TileSet(const SlowTree& tree, size_t size) : size_(size) {
    std::vector<Hash> hashes(tree.leaves().begin(), tree.leaves().begin() + size);
    for (int level = 0; !hashes.empty(); ++level) {
      for (size_t i = 0; i < hashes.size(); ++i) AppendTo(tiles_[{level, i / 256}], hashes[i]);
      std::vector<Hash> above;
      for (size_t i = 0; i + 256 <= hashes.size(); i += 256) {
        above.push_back(PerfectRoot({&hashes[i], 256}));
      }
      hashes = std::move(above);
    }
  }

  TileReader Reader() {
    return TileReader(TreeSize{size_}, [this](const TileId& id) -> Result<Bytes> {
      ++fetched_;
      const auto found = tiles_.find({id.level, id.index});
      if (found == tiles_.end()) return NotFound("{}", TilePath(id));
      return found->second;
    });
  }

  std::map<std::pair<int, uint64_t>, Bytes>& tiles() { return tiles_; }
  int fetched() const { return fetched_; }

 private:
  static Hash PerfectRoot(std::span<const Hash> hashes) {
    if (hashes.size() == 1) return hashes[0];
    const size_t half = hashes.size() / 2;
    return NodeHash(PerfectRoot(hashes.first(half)), PerfectRoot(hashes.subspan(half)));
  }

  size_t size_;
  std::map<std::pair<int, uint64_t>, Bytes> tiles_;
  int fetched_ = 0;
};

// From tiles alone, at sizes around every edge, the proofs are those of the recursion.
TEST(TileReaderTest, ProofsFromTilesEqualTheRecursion) {
  const SlowTree tree = SlowTree::Numbers(66000);
  for (const size_t size : {1u, 255u, 256u, 257u, 511u, 512u, 70u * 256, 65535u, 65536u, 66000u}) {
    SCOPED_TRACE(size);
    TileSet set(tree, size);
    const std::vector<TileRow> rows = TileRows(TreeSize{size});
    size_t expected = 0;
    for (const TileRow& row : rows) expected += row.full + (row.partial > 0);
    EXPECT_EQ(set.tiles().size(), expected);

    TileReader reader = set.Reader();
    EXPECT_EQ(ReadRoot(TreeSize{size}, reader.reader()).value(), tree.Root(size));
    for (const size_t leaf : {size_t{0}, size / 3, size / 2, size - 1}) {
      const auto path = ReadInclusionProof(Seq{leaf}, TreeSize{size}, reader.reader());
      ASSERT_TRUE(path.ok()) << path.status().ToString();
      EXPECT_EQ(*path, tree.Path(leaf, {0, size}));
      const auto proof = ReadConsistencyProof(TreeSize{leaf + 1}, TreeSize{size}, reader.reader());
      ASSERT_TRUE(proof.ok());
      EXPECT_EQ(*proof, tree.Subproof({0, leaf + 1}, {0, size}));
    }
  }
}

TEST(TileReaderTest, FetchesEachTileOnce) {
  const SlowTree tree = SlowTree::Numbers(66000);
  TileSet set(tree, 66000);
  TileReader reader = set.Reader();
  ASSERT_TRUE(ReadInclusionProof(Seq{5}, TreeSize{66000}, reader.reader()).ok());
  const int first = set.fetched();
  EXPECT_LE(first, 6);
  ASSERT_TRUE(ReadInclusionProof(Seq{5}, TreeSize{66000}, reader.reader()).ok());
  EXPECT_EQ(set.fetched(), first);
}

TEST(TileReaderTest, KeepsTheTilesFetchedLast) {
  const SlowTree tree = SlowTree::Numbers(100 * 256);
  TileSet set(tree, 100 * 256);
  TileReader reader = set.Reader();
  for (uint64_t tile = 0; tile < 100; ++tile) {
    for (const uint64_t leaf : {tile * 256, tile * 256 + 255}) {
      EXPECT_EQ(reader.Read({0, leaf}).value(), tree.leaves()[leaf]);
    }
  }
  EXPECT_EQ(set.fetched(), 100);
}

TEST(TileReaderTest, RefusesTilesOfAnotherWidthAndNodesOutside) {
  const SlowTree tree = SlowTree::Numbers(300);
  TileSet set(tree, 300);
  TileReader reader = set.Reader();
  EXPECT_EQ(reader.Read({0, 300}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.Read({8, 1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.Read({64, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.Read({-1, 0}).status().code(), StatusCode::kInvalidArgument);
  set.tiles()[{0, 1}].pop_back();
  EXPECT_EQ(reader.Read({0, 299}).status().code(), StatusCode::kDataLoss);
  set.tiles()[{0, 1}].resize(45 * 32);
  EXPECT_EQ(reader.Read({0, 299}).status().code(), StatusCode::kDataLoss);
  set.tiles().erase({0, 1});
  EXPECT_EQ(reader.Read({0, 299}).status().code(), StatusCode::kNotFound);
}

TEST(NodeInTileTest, RefusesWhatIsNoTile) {
  EXPECT_EQ(NodeInTile(Bytes(33), {0, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NodeInTile(Bytes(257 * 32), {0, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NodeInTile(Bytes(32), {0, 1}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NodeInTile(Bytes(32), {1, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(NodeInTile({}, {0, 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(NodeInTile(Bytes(64), {1, 0}).ok());
}

TEST(BundleTest, RoundTrip) {
  const std::vector<Bytes> entries = {{}, {1}, Bytes(kEntryBytesMax, 7), {2, 3}};
  Bytes bundle;
  for (const Bytes& entry : entries) ASSERT_TRUE(AppendEntry(bundle, entry).ok());
  const auto split = SplitBundle(bundle, 4);
  ASSERT_TRUE(split.ok());
  ASSERT_EQ(split->size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(Equal((*split)[i], entries[i]));
  EXPECT_EQ(AppendEntry(bundle, Bytes(kEntryBytesMax + 1)).code(), StatusCode::kInvalidArgument);
}

TEST(BundleTest, RefusesOtherShapes) {
  EXPECT_TRUE(SplitBundle(Bytes{0, 1, 9, 0, 0}, 2).ok());
  EXPECT_FALSE(SplitBundle(Bytes{0, 1, 9, 0, 0}, 1).ok()) << "more entries than asked for";
  EXPECT_FALSE(SplitBundle(Bytes{0, 1, 9, 0, 0}, 3).ok()) << "fewer";
  EXPECT_FALSE(SplitBundle(Bytes{0, 1, 9, 0}, 2).ok()) << "ends inside a length";
  EXPECT_FALSE(SplitBundle(Bytes{0, 2, 9}, 1).ok()) << "ends inside an entry";
  EXPECT_FALSE(SplitBundle({}, 1).ok());
  EXPECT_TRUE(SplitBundle(Bytes(512), 256).ok());
  EXPECT_FALSE(SplitBundle(Bytes(514), 256).ok());
  EXPECT_FALSE(SplitBundle(Bytes(514), 257).ok()) << "no bundle has more than 256";
}

}  // namespace
}  // namespace sealtrail::tlog
