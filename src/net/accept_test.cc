#include "net/accept.h"

#include <gtest/gtest.h>

namespace sealtrail::net {
namespace {

TEST(AcceptTest, WeightsOfWhatIsNamed) {
  EXPECT_EQ(AcceptedWeight("gzip", "gzip"), 1);
  EXPECT_EQ(AcceptedWeight("br, GZip;q=0.5 , zstd", "gzip"), 0.5);
  EXPECT_EQ(AcceptedWeight("gzip; q=0", "gzip"), 0);
  EXPECT_EQ(AcceptedWeight("gzip;q=1.000", "gzip"), 1);
  EXPECT_EQ(AcceptedWeight("text/plain;charset=utf-8;q=0.25", "text/plain"), 0.25);
  EXPECT_EQ(AcceptedWeight("text/plain;charset=utf-8", "text/plain"), 1);
}

TEST(AcceptTest, NothingForWhatIsNotNamed) {
  for (const char* header : {"", ",", ";", "gzipped", "x-gzip", "*", "gzip;q=2", "gzip;q=",
                             "gzip;q=x", "gzip;q=0.1234", "gzip;q=1.5", "gzip;q=-1", "\"gzip\""}) {
    EXPECT_EQ(AcceptedWeight(header, "gzip"), std::nullopt) << header;
  }
}

TEST(AcceptTest, GzipByNameOrByStar) {
  for (const char* header :
       {"gzip", "gzip, deflate, br", "deflate, gzip;q=1.0, *;q=0.5", "*", "identity;q=0, *;q=0.1"})
    EXPECT_TRUE(AcceptsGzip(header)) << header;
  for (const char* header : {"", "identity", "deflate", "gzip;q=0", "*, gzip;q=0", "*;q=0", "br"})
    EXPECT_FALSE(AcceptsGzip(header)) << header;
}

}  // namespace
}  // namespace sealtrail::net
