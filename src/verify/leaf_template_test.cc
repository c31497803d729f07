#include "verify/leaf_template.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "verify/json_scanner.h"
#include "verify/testing/forge.h"

namespace sealtrail::verify {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  size_t Below(size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state_ >> 33) % n;
  }

 private:
  uint64_t state_;
};

std::vector<std::string> Leaves() {
  const std::string receipt =
      R"("r":{"a":"1764039846000000000","b":"local","c":"agent/1.0","p":"127.0.0.1:5","t":"grpc"})";
  const std::string groups =
      R"("re":{"r":{"a":[["service.name","iam"]]},"u":"s"},"sc":{"s":{"n":"audit","v":"1"}})";
  const std::string salt = R"("n":"CgsMDQ4PEBESExQVFhcYGQ==")";
  return {
      testing::SpanLeaf(1),
      testing::SpanLeaf(77'777),
      testing::SelfLeaf("sealtrail.store.start"),
      testing::LeafWithResourceBeside(testing::ResourceGroup(2500)),
      fmt::format(
          R"({{"k":"span",{},"o":{{"a":[["a","b"],["c",{{"i":"-5"}}],["d",{{"d":1.5}}],["e",true],["f",[null,"x"]],)"
          R"(["g",{{"m":[["k","v"]]}}]],"da":3,"e":"9","ev":[{{"n":"e","w":"7"}}],"f":257,"i":"0123456789abcdef",)"
          R"("k":-2,"l":[{{"t":"0123456789abcdef0123456789abcdef"}}],"n":"name","s":"5","st":{{"c":2,"m":"why"}}}},{},{},"v":1}})",
          salt, receipt, groups),
      fmt::format(
          R"({{"k":"span_event",{},"o":{{"ix":0,"n":"e","w":"18446744073709551615"}},{},{},"sp":{{"n":"parent"}},"v":1}})",
          salt, receipt, groups),
      fmt::format(
          R"({{"k":"log",{},"o":{{"b":"text \"quoted\" é","en":"x","ob":"8","sn":9,"w":"9223372036854775808"}},{},{},"v":1}})",
          salt, receipt, groups),
      fmt::format(
          R"({{"k":"audit",{},"o":{{"b":{{"i":"0"}},"sx":"INFO"}},"r":{{"a":"-9","t":"self"}},"v":1}})",
          salt),
  };
}

void ExpectSame(LeafChecker& checker, const std::string& leaf) {
  LeafFacts fast, slow;
  const JsonFault fast_fault = checker.Check(AsBytes(leaf), &fast);
  const JsonFault slow_fault = CheckLeaf(AsBytes(leaf), &slow);
  ASSERT_STREQ(fast_fault.what, slow_fault.what) << leaf;
  ASSERT_EQ(fast_fault.offset, slow_fault.offset) << leaf;
  if (slow_fault.what != nullptr) return;
  EXPECT_EQ(fast.kind, slow.kind) << leaf;
  EXPECT_EQ(fast.received_at, slow.received_at) << leaf;
  EXPECT_EQ(fast.content_time, slow.content_time) << leaf;
  EXPECT_EQ(fast.content_beside, slow.content_beside) << leaf;
  ASSERT_EQ(fast.beside_count, slow.beside_count) << leaf;
  for (size_t i = 0; i < slow.beside_count; ++i) {
    EXPECT_EQ(fast.beside[i].hash, slow.beside[i].hash);
  }
}

// Goal: whatever came before, the fast way says what CheckLeaf says.
// Method: leaves of many shapes, whole and with a few bytes changed, put in, taken out or copied from elsewhere.
TEST(LeafTemplateTest, IsTheTwin) {
  const std::vector<std::string> leaves = Leaves();
  const std::string letters = "0123456789-\"\\{}[],:abcdefxyz \x01\x7f\xc3\xa9=+/";
  LeafChecker checker;
  Random random(11);
  for (int round = 0; round < 60'000; ++round) {
    std::string leaf = leaves[random.Below(leaves.size())];
    ASSERT_NO_FATAL_FAILURE(ExpectSame(checker, leaf));
    for (size_t changes = random.Below(3) + 1; changes > 0; --changes) {
      const size_t at = random.Below(leaf.size());
      switch (random.Below(4)) {
        case 0:
          leaf[at] = letters[random.Below(letters.size())];
          break;
        case 1:
          leaf.insert(at, 1, letters[random.Below(letters.size())]);
          break;
        case 2:
          leaf.erase(at, 1 + random.Below(3));
          break;
        default:
          leaf[at] = leaf[random.Below(leaf.size())];
      }
      if (leaf.empty()) leaf = "x";
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSame(checker, leaf));
  }
}

// Each value that may vary, replaced by what is at a limit or beyond one.
TEST(LeafTemplateTest, EverySlotAtItsLimits) {
  const std::vector<std::string> values = {"",
                                           "0",
                                           "-0",
                                           "00",
                                           "01",
                                           "1",
                                           "-1",
                                           "9",
                                           "2147483647",
                                           "2147483648",
                                           "-2147483648",
                                           "-2147483649",
                                           "4294967295",
                                           "4294967296",
                                           "999999999",
                                           "1000000000",
                                           "999999999999999999",
                                           "9223372036854775807",
                                           "9223372036854775808",
                                           "-9223372036854775808",
                                           "-9223372036854775809",
                                           "9999999999999999999",
                                           "18446744073709551615",
                                           "18446744073709551616",
                                           "99999999999999999999",
                                           "100000000000000000000",
                                           "-",
                                           "1a",
                                           "a",
                                           "0.5",
                                           "-0.5",
                                           "0.50",
                                           "00.5",
                                           ".5",
                                           "5.",
                                           "1.5",
                                           "12345678901234.5",
                                           "123456789012345.5",
                                           "1234567890123456.5",
                                           "12345678901234567",
                                           "0.000001",
                                           "0.0000011",
                                           "0.0000001",
                                           "0.00000123",
                                           "1e-7",
                                           "1e+21",
                                           "1e21",
                                           "0.12345678901234",
                                           "0.123456789012345",
                                           "0.1234567890123456",
                                           "0.12345678901234567",
                                           "100000",
                                           "0.0",
                                           "0123456789abcdef",
                                           "0123456789abcdeF",
                                           "0123456789abcde",
                                           "0123456789abcdef0123456789abcdef",
                                           "0123456789abcdef0123456789abcdeg",
                                           "CgsMDQ4PEBESExQVFhcYGQ",
                                           "CgsMDQ4PEBESExQVFhcYGR",
                                           "CgsMDQ4PEBESExQVFhcYG=",
                                           "CgsMDQ4PEBESExQVFhcY*Q",
                                           "\\n",
                                           "\\u000a",
                                           "\n",
                                           "\"",
                                           "é",
                                           "\xff",
                                           std::string(15, 'x'),
                                           std::string(16, 'x'),
                                           std::string(33, 'x'),
                                           std::string(9000, 'x'),
                                           "{}",
                                           R"({"s":{}})",
                                           R"({"r":{}})",
                                           R"({"r":{"a":[["service.name","iam"]]},"u":"s"})"};
  for (const std::string& base : Leaves()) {
    LeafFacts facts;
    std::vector<LeafSlot> slots;
    ASSERT_EQ(CheckLeaf(AsBytes(base), &facts, &slots).what, nullptr) << base;
    ASSERT_FALSE(slots.empty());
    LeafChecker checker;
    for (const LeafSlot& slot : slots) {
      for (const std::string& value : values) {
        ASSERT_NO_FATAL_FAILURE(ExpectSame(checker, base));
        std::string leaf = base;
        leaf.replace(slot.offset, slot.length, value);
        ASSERT_NO_FATAL_FAILURE(ExpectSame(checker, leaf));
      }
    }
  }
}

TEST(LeafTemplateTest, HexAndDigitsAreTheirTwins) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 16; ++at) {
      Bytes text(16, 'a');
      text[at] = static_cast<uint8_t>(byte);
      ASSERT_EQ(internal::IsHex16(text.data()), internal::IsHex16Portable(text.data()))
          << byte << " at " << at;
    }
    for (size_t at = 0; at < 8; ++at) {
      std::string text = "12345678";
      text[at] = static_cast<char>(byte);
      uint64_t value = 0;
      const bool taken =
          internal::TakeEightDigits(reinterpret_cast<const uint8_t*>(text.data()), &value);
      ASSERT_EQ(taken, byte >= '0' && byte <= '9') << byte << " at " << at;
      if (!taken) continue;
      ASSERT_EQ(value, std::stoull(text));
    }
  }
}

}  // namespace
}  // namespace sealtrail::verify
