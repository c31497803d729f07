#include "query/format.h"

#include <gtest/gtest.h>

namespace sealtrail::query {
namespace {

constexpr std::string_view kAnswer =
    R"({"columns":[{"name":"a","type":"VARCHAR"},{"name":"n","type":"BIGINT"},{"name":"a","type":"VARCHAR"}],)"
    R"("rows":[["x,\"y\"",1,null],["",-2,"zwei\nZeilen"],["ü",null,{"k":[1]}]],"statement":{}})";

TEST(FormatTest, Table) {
  EXPECT_EQ(FormatAnswer(kAnswer, "table").value(),
            "a      n   a\n"
            "-----  --  ------------\n"
            "x,\"y\"  1\n"
            "       -2  zwei\\nZeilen\n"
            "ü          {\"k\":[1]}\n"
            "(3 rows)\n");
}

TEST(FormatTest, Csv) {
  EXPECT_EQ(
      FormatAnswer(kAnswer, "csv").value(),
      "a,n,a\r\n\"x,\"\"y\"\"\",1,\r\n\"\",-2,\"zwei\nZeilen\"\r\nü,,\"{\"\"k\"\":[1]}\"\r\n");
}

TEST(FormatTest, JsonKeepsTwoColumnsOfOneName) {
  EXPECT_EQ(FormatAnswer(kAnswer, "json").value(), R"([{"a":"x,\"y\"","n":1,"a_2":null},)"
                                                   "\n"
                                                   R"({"a":"","n":-2,"a_2":"zwei\nZeilen"},)"
                                                   "\n"
                                                   R"({"a":"ü","n":null,"a_2":{"k":[1]}}])"
                                                   "\n");
  EXPECT_EQ(FormatAnswer(R"({"columns":[],"rows":[]})", "json").value(), "[]\n");
}

TEST(FormatTest, Ndjson) {
  EXPECT_EQ(FormatAnswer(R"({"columns":[{"name":"a"}],"rows":[[1],[2]]})", "ndjson").value(),
            "{\"a\":1}\n{\"a\":2}\n");
}

TEST(FormatTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(FormatAnswer(kAnswer, "xml").status().code(), StatusCode::kInvalidArgument);
  for (std::string_view bad : {"", "[]", "{}", R"({"columns":[{"name":"a"}],"rows":[[1,2]]})"}) {
    EXPECT_EQ(FormatAnswer(bad, "csv").status().code(), StatusCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace sealtrail::query
