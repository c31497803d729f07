#include "anchor/witness_state.h"

#include <gtest/gtest.h>

namespace sealtrail::anchor {
namespace {

WitnessState Example() {
  WitnessState state{.vkey = "witness.example/w1+e75f6532+BAOhB7/zzhC+",
                     .size = TreeSize{15},
                     .success = UnixNanos{1'700'000'000'000'000'000}};
  state.root.fill(0xab);
  return state;
}

TEST(WitnessStateTest, RoundTrip) {
  WitnessState state = Example();
  EXPECT_EQ(ParseWitnessState(FormatWitnessState(state)).value(), state);
  state.alarm = "it holds another root, sha256 of nothing";
  EXPECT_EQ(ParseWitnessState(FormatWitnessState(state)).value(), state);
  state = {.vkey = "x"};
  EXPECT_EQ(ParseWitnessState(FormatWitnessState(state)).value(), state);
}

// As docs/formats/anchors.md prints it.
TEST(WitnessStateTest, Text) {
  WitnessState state = Example();
  state.alarm = "why";
  EXPECT_EQ(FormatWitnessState(state),
            "sealtrail/witness/v1\n"
            "vkey witness.example/w1+e75f6532+BAOhB7/zzhC+\n"
            "size 15\n"
            "root q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
            "success 1700000000000000000\n"
            "alarm why\n"
            "sha256 7W4sCmyZqCVd1N+cxgkOlvImMNH8oV3I1BGcLwXLm4A=\n");
  EXPECT_EQ(WitnessStateName("abc"), "witness-ba7816bf8f01cfea414140de5dae2223.state");
}

TEST(WitnessStateTest, EveryFlippedBitAndEveryCutIsNoticed) {
  WitnessState state = Example();
  state.alarm = "why";
  const std::string good = FormatWitnessState(state);
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(ParseWitnessState(good.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_EQ(ParseWitnessState(bad).status().code(), StatusCode::kDataLoss) << i << "." << bit;
    }
  }
  EXPECT_FALSE(ParseWitnessState(good + "x").ok());
}

}  // namespace
}  // namespace sealtrail::anchor
