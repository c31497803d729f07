#include "tlog/merkle.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "tlog/testing/test_log.h"

namespace sealtrail::tlog {
namespace {

using testing::kTestLog;
using testing::SlowTree;

// RFC 6962 reference implementation's leaves and roots.
TEST(FrontierTest, KnownRoots) {
  const std::vector<std::string> leaves = {"",
                                           "00",
                                           "10",
                                           "2021",
                                           "3031",
                                           "40414243",
                                           "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier frontier;
  EXPECT_EQ(HexEncode(frontier.Root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (size_t i = 0; i < leaves.size(); ++i) {
    frontier.Append(LeafHash(HexDecode(leaves[i]).value()));
    EXPECT_EQ(HexEncode(frontier.Root()), roots[i]) << i;
  }
}

TEST(FrontierTest, EqualsTheRecursion) {
  const SlowTree tree = SlowTree::Numbers(300);
  Frontier frontier;
  for (size_t i = 0; i < 300; ++i) {
    frontier.Append(tree.leaves()[i]);
    ASSERT_EQ(frontier.Root(), tree.Root(i + 1)) << i;
    ASSERT_EQ(Value(frontier.size()), i + 1);
  }
}

TEST(FrontierTest, GoesOnFromItsNodes) {
  const SlowTree tree = SlowTree::Numbers(30);
  Frontier frontier;
  for (size_t i = 0; i < 13; ++i) frontier.Append(tree.leaves()[i]);
  auto leaves = CompactRange::FromNodes({0, 13}, frontier.leaves().hashes());
  ASSERT_TRUE(leaves.ok());
  auto again = Frontier::From(*std::move(leaves));
  ASSERT_TRUE(again.ok());
  for (size_t i = 13; i < 30; ++i) again->Append(tree.leaves()[i]);
  EXPECT_EQ(again->Root(), tree.Root(30));
  EXPECT_EQ(Frontier::From(CompactRange(4)).status().code(), StatusCode::kInvalidArgument);
}

// The running hash over the public test log; values recomputed independently.
TEST(ChainTest, KnownAnswers) {
  Hash chain = ChainGenesis("example.com/log/testdata");
  EXPECT_EQ(HexEncode(chain), "01e826efb4d0cfd07b579ca9d5259528a64788aea1edee13cb5d013110e5acd5");
  Frontier frontier;
  for (size_t i = 0; i < std::size(kTestLog); ++i) {
    const Hash leaf = LeafHash(AsBytes(kTestLog[i]));
    frontier.Append(leaf);
    chain = ChainNext(chain, leaf);
    if (i == 0) {
      EXPECT_EQ(HexEncode(chain),
                "39eb83fbfc1e91ca11f87412764adf4878f09721f4bb77b5279bfb9f06cae947");
    }
    if (i == 6) {
      EXPECT_EQ(HexEncode(chain),
                "176cd7ba6843f92f52cd3cc5c5db4ba7f924c4cb571d6a361332a1609cc6c6a8");
    }
  }
  EXPECT_EQ(HexEncode(chain), "89795f03cc488bce254633cbe19397a52165af090e702fd5f2a4a6ff17eafea5");
  EXPECT_EQ(Base64Encode(frontier.Root()), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
}

}  // namespace
}  // namespace sealtrail::tlog
