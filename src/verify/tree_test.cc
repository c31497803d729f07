#include "verify/tree.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace sealtrail::verify {
namespace {

constexpr const char* kTestLog[] = {"one",    "two",   "three",    "four",    "five",
                                    "six",    "seven", "eit",      "nain",    "ten",
                                    "ileven", "twelf", "threeten", "fourten", "fivten"};

std::vector<Hash> TestLogLeaves() {
  std::vector<Hash> out;
  for (const char* entry : kTestLog) out.push_back(LeafHash(AsBytes(entry)));
  return out;
}

Hash StackRoot(std::span<const Hash> leaves) {
  TreeStack tree;
  for (const Hash& leaf : leaves) tree.Append(leaf);
  EXPECT_EQ(tree.size(), leaves.size());
  return tree.Root();
}

// RFC 6962's tree over the leaves that certificate-transparency code is tested with everywhere.
TEST(TreeTest, KnownRoots) {
  const char* const leaves[] = {"",
                                "00",
                                "10",
                                "2021",
                                "3031",
                                "40414243",
                                "5051525354555657",
                                "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                               "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  std::vector<Hash> hashes;
  for (size_t n = 0; n <= 8; ++n) {
    EXPECT_EQ(HexEncode(TreeHashByRecursion(hashes)), roots[n]) << n;
    EXPECT_EQ(HexEncode(StackRoot(hashes)), roots[n]) << n;
    if (n < 8) hashes.push_back(LeafHash(HexDecode(leaves[n]).value()));
  }
}

TEST(TreeTest, TestLogRoots) {
  const std::vector<Hash> leaves = TestLogLeaves();
  const auto root = [&](size_t n) { return Base64Encode(StackRoot(std::span(leaves).first(n))); };
  EXPECT_EQ(root(1), "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(root(7), "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=");
  EXPECT_EQ(root(15), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
}

TEST(TreeTest, StackIsTheRecursion) {
  std::vector<Hash> leaves;
  TreeStack tree;
  for (uint8_t i = 0; i < 130; ++i) {
    const std::array<uint8_t, 1> entry = {i};
    leaves.push_back(LeafHash(entry));
    tree.Append(leaves.back());
    ASSERT_EQ(tree.Root(), TreeHashByRecursion(leaves)) << int{i};
  }
}

TEST(ChainTest, KnownAnswers) {
  const std::vector<Hash> leaves = TestLogLeaves();
  Hash chain = ChainStart("example.com/log/testdata");
  EXPECT_EQ(HexEncode(chain), "01e826efb4d0cfd07b579ca9d5259528a64788aea1edee13cb5d013110e5acd5");
  for (size_t i = 0; i < leaves.size(); ++i) {
    chain = ChainHash(chain, leaves[i]);
    if (i + 1 == 1) {
      EXPECT_EQ(HexEncode(chain),
                "39eb83fbfc1e91ca11f87412764adf4878f09721f4bb77b5279bfb9f06cae947");
    }
    if (i + 1 == 7) {
      EXPECT_EQ(HexEncode(chain),
                "176cd7ba6843f92f52cd3cc5c5db4ba7f924c4cb571d6a361332a1609cc6c6a8");
    }
  }
  EXPECT_EQ(HexEncode(chain), "89795f03cc488bce254633cbe19397a52165af090e702fd5f2a4a6ff17eafea5");
}

}  // namespace
}  // namespace sealtrail::verify
