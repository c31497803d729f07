#include "tlog/text.h"

#include <gtest/gtest.h>

namespace sealtrail::tlog {
namespace {

TEST(TextTest, EachNumberHasOneSpelling) {
  EXPECT_EQ(ParseDecimal("0").value(), 0u);
  EXPECT_EQ(ParseDecimal("10").value(), 10u);
  EXPECT_EQ(ParseDecimal("18446744073709551615").value(), ~uint64_t{0});
  for (const std::string_view bad : {"", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1x", "x", "0x1",
                                     "1.0", "1e3", "18446744073709551616", "1\n"}) {
    EXPECT_EQ(ParseDecimal(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(TextTest, LinesAreTakenWhole) {
  std::string_view text = "one\n\ntwo";
  EXPECT_EQ(TakeLine(text), "one");
  EXPECT_EQ(TakeLine(text), "");
  EXPECT_EQ(TakeLine(text), std::nullopt);
  EXPECT_EQ(text, "two");
}

TEST(TextTest, FieldsAreTakenByTheirName) {
  std::string_view text = "old 7\nrest";
  EXPECT_EQ(TakeField(text, "new ").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(TakeField(text, "old ").value(), "7");
  EXPECT_EQ(text, "rest");
  EXPECT_FALSE(TakeField(text, "rest").ok()) << "a line without its end";
}

}  // namespace
}  // namespace sealtrail::tlog
