#include "crypto/rfc3161.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/testing/timestamp_authority.h"

namespace sealtrail::crypto {
namespace {

using ::testing::HasSubstr;
using testing::TimestampAuthority;

constexpr UnixNanos kTime{1'700'000'000'123'456'000};  // 2023-11-14
constexpr uint64_t kNonce = 0xfedcba9876543210;

const Bytes kData = {1, 2, 3};

TimestampAuthorities Trust(const std::string& pem) {
  auto authorities = TimestampAuthorities::FromPem(pem);
  SEAL_CHECK(authorities.ok());
  return *std::move(authorities);
}

std::string ReadVector(std::string_view file) {
  std::ifstream in(std::string(SEALTRAIL_SOURCE_DIR "/tests/vectors/rfc3161/").append(file));
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

TEST(Rfc3161Test, AStampComesBack) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const auto stamp = trusted.CheckReply(reply, kData, kNonce);
  ASSERT_TRUE(stamp.ok()) << stamp.status().ToString();
  EXPECT_EQ(stamp->time, kTime);
  EXPECT_EQ(stamp->serial, "01");
  EXPECT_EQ(stamp->policy, "1.2.3.4.1");
  EXPECT_EQ(stamp->tsa, "CN=Test TSA");
  EXPECT_TRUE(trusted.CheckReply(reply, kData).ok()) << "once it was checked, without the nonce";

  const auto token = TimestampToken(reply);
  ASSERT_TRUE(token.ok());
  const auto again = trusted.CheckToken(*token, kData);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->time, kTime);
}

// A stamp that we had no part in: tests/tools/make_timestamp_fixture.py. Its authority's certificate
// hangs on an intermediate one, which is in the reply, and its name is not ASCII.
TEST(Rfc3161Test, AStampByTheOpensslProgram) {
  const std::string reply = ReadVector("reply.tsr"), data = ReadVector("checkpoint.txt");
  const TimestampAuthorities trusted = Trust(ReadVector("root.pem"));
  const auto stamp = trusted.CheckReply(AsBytes(reply), AsBytes(data));
  ASSERT_TRUE(stamp.ok()) << stamp.status().ToString();
  EXPECT_EQ(Value(stamp->time), 1'795'509'098'000'000'000);
  EXPECT_EQ(stamp->serial, "0b");
  EXPECT_EQ(stamp->policy, "1.3.6.1.4.1.99999.1");
  EXPECT_EQ(stamp->tsa, "CN=Fixture Tïme,O=Sealtrail tests");
  EXPECT_TRUE(trusted.CheckReply(AsBytes(reply), AsBytes(data), 0x2e919921033bbfe4).ok());
  EXPECT_EQ(trusted.CheckReply(AsBytes(reply), AsBytes(data + "\n")).status().code(),
            StatusCode::kDataLoss);
}

// The form of a query: version 1, SHA-256 of the data, the nonce, certificates asked for.
TEST(Rfc3161Test, KnownQuery) {
  EXPECT_EQ(HexEncode(MakeTimestampQuery(AsBytes("abc"), 1)),
            "303c020101"
            "3031300d06096086480165030402010500"
            "0420ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            "020101"
            "0101ff");
}

TEST(Rfc3161Test, OtherBytesOrAnotherQueryAreRefused) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const auto other = trusted.CheckReply(reply, Bytes{1, 2, 4});
  EXPECT_EQ(other.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(other.status().message(), HasSubstr("imprint"));
  const auto replayed = trusted.CheckReply(reply, kData, kNonce + 1);
  EXPECT_EQ(replayed.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(replayed.status().message(), HasSubstr("nonce"));
}

TEST(Rfc3161Test, OnlyATrustedAuthorityCounts) {
  TimestampAuthority tsa, stranger;
  const Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const auto refused = Trust(stranger.ca_pem()).CheckReply(reply, kData, kNonce);
  EXPECT_EQ(refused.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(refused.status().message(), HasSubstr("certificate"));
  EXPECT_TRUE(Trust(stranger.ca_pem() + "\nand another:\n" + tsa.ca_pem())
                  .CheckReply(reply, kData, kNonce)
                  .ok());
}

// Without the authority's name in it the library would not look at the signature on its own accord.
TEST(Rfc3161Test, ATokenThatNamesNobodyIsCheckedAsWell) {
  TimestampAuthority tsa({.names_itself = false}), stranger;
  const Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const auto stamp = Trust(tsa.ca_pem()).CheckReply(reply, kData, kNonce);
  ASSERT_TRUE(stamp.ok()) << stamp.status().ToString();
  EXPECT_EQ(stamp->tsa, "CN=Test TSA") << "from the certificate";
  EXPECT_EQ(Trust(stranger.ca_pem()).CheckReply(reply, kData, kNonce).status().code(),
            StatusCode::kNotFound);
}

// A token is checked as of its own time, whenever that was; not outside of its certificate's life.
TEST(Rfc3161Test, TheCertificateMustBeValidAtTheTimeOfTheStamp) {
  TimestampAuthority tsa({.expired = true});
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes query = MakeTimestampQuery(kData, kNonce);
  EXPECT_TRUE(
      trusted.CheckReply(tsa.Reply(query, UnixNanos{1'600'000'000'000'000'000}), kData).ok())
      << "2020, when it was valid";
  const auto late = trusted.CheckReply(tsa.Reply(query, kTime), kData);
  EXPECT_EQ(late.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(late.status().message(), HasSubstr("expired"));
  const auto early =
      trusted.CheckReply(tsa.Reply(query, UnixNanos{1'000'000'000'000'000'000}), kData);
  EXPECT_EQ(early.status().code(), StatusCode::kDataLoss);
}

TEST(Rfc3161Test, ARefusalIsPassedOnInWords) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes refusal = tsa.Reply(Bytes{1, 2, 3}, kTime);
  const auto answer = trusted.CheckReply(refusal, kData, kNonce);
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(answer.status().message(), HasSubstr("bad data format"));
  EXPECT_EQ(TimestampToken(refusal).status().code(), StatusCode::kUnavailable);
}

TEST(Rfc3161Test, TimesBeyondOurRangeAreRefused) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes before = tsa.Reply(MakeTimestampQuery(kData, kNonce), UnixNanos{-kNanosPerSecond});
  const auto stamp = trusted.CheckReply(before, kData, kNonce);
  EXPECT_EQ(stamp.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(stamp.status().message(), HasSubstr("outside 1970 to 2262"));
}

TEST(Rfc3161Test, EveryChangedByteIsNoticed) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  const Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const Timestamp good = trusted.CheckReply(reply, kData, kNonce).value();
  for (size_t i = 0; i < reply.size(); ++i) {
    Bytes changed = reply;
    changed[i] ^= 0x01;
    const auto stamp = trusted.CheckReply(changed, kData, kNonce);
    if (!stamp.ok()) continue;
    // Outside of what is signed (an algorithm's spelling, a certificate that is not needed) a change
    // may pass, but it changes nothing that is said.
    EXPECT_EQ(stamp->time, good.time) << i;
    EXPECT_EQ(stamp->serial, good.serial) << i;
    EXPECT_EQ(stamp->policy, good.policy) << i;
    EXPECT_EQ(stamp->tsa, good.tsa) << i;
  }
}

// Whoever has no certificate to trust still tells a whole reply from an altered one.
TEST(Rfc3161Test, AReplyIsReadForWhatItSays) {
  TimestampAuthority tsa, expired({.expired = true});
  const Bytes query = MakeTimestampQuery(kData, kNonce);
  const Bytes reply = tsa.Reply(query, kTime);
  const auto read = ReadTimestampReply(reply, kData);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->time, kTime);
  EXPECT_EQ(read->tsa, "CN=Test TSA");
  EXPECT_TRUE(ReadTimestampReply(expired.Reply(query, kTime), kData).ok())
      << "says so all the same";
  EXPECT_EQ(ReadTimestampReply(reply, Bytes{1, 2, 4}).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(ReadTimestampReply(tsa.Reply(Bytes{1}, kTime), kData).status().code(),
            StatusCode::kUnavailable);
  EXPECT_EQ(ReadTimestampReply({}, kData).status().code(), StatusCode::kInvalidArgument);
  // openssl's own, with a chain of three.
  const std::string file = ReadVector("reply.tsr"), data = ReadVector("checkpoint.txt");
  EXPECT_TRUE(ReadTimestampReply(AsBytes(file), AsBytes(data)).ok());

  // What is neither signed nor bound by a hash: the status, versions, how an algorithm and the issuer are spelled.
  size_t open = 0;
  for (size_t bit = 0; bit < 8 * reply.size(); ++bit) {
    Bytes changed = reply;
    changed[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    const auto stamp = ReadTimestampReply(changed, kData);
    if (!stamp.ok()) continue;
    ++open;
    EXPECT_EQ(stamp->time, read->time) << bit;
    EXPECT_EQ(stamp->serial, read->serial) << bit;
    EXPECT_EQ(stamp->policy, read->policy) << bit;
    EXPECT_EQ(stamp->tsa, read->tsa) << bit;
  }
  EXPECT_LT(open, reply.size() * 8 / 40);
}

TEST(Rfc3161Test, WhatIsNoReplyIsRefused) {
  TimestampAuthority tsa;
  const TimestampAuthorities trusted = Trust(tsa.ca_pem());
  Bytes reply = tsa.Reply(MakeTimestampQuery(kData, kNonce), kTime);
  const Bytes token = TimestampToken(reply).value();
  for (const size_t size : {size_t{0}, size_t{1}, reply.size() / 2, reply.size() - 1}) {
    const Bytes cut(reply.begin(), reply.begin() + size);
    EXPECT_EQ(trusted.CheckReply(cut, kData).status().code(), StatusCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(trusted.CheckReply(token, kData).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(trusted.CheckToken(reply, kData).status().code(), StatusCode::kInvalidArgument);
  reply.push_back(0);
  EXPECT_EQ(trusted.CheckReply(reply, kData).status().code(), StatusCode::kInvalidArgument);
  reply.resize(kTimestampReplyBytesMax + 1);
  const auto too_long = trusted.CheckReply(reply, kData);
  EXPECT_EQ(too_long.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(too_long.status().message(), HasSubstr("of 262145 bytes"));
  const Bytes granted_without_token = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00};
  EXPECT_EQ(trusted.CheckReply(granted_without_token, kData).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Rfc3161Test, CertificatesInOtherShapesAreRefused) {
  TimestampAuthority tsa;
  const std::string& pem = tsa.ca_pem();
  EXPECT_FALSE(TimestampAuthorities::FromPem("").ok());
  EXPECT_FALSE(TimestampAuthorities::FromPem("no certificate\n").ok());
  std::string broken = pem;
  broken[broken.size() / 2] = '*';
  const auto refused = TimestampAuthorities::FromPem(pem + broken);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.status().message(), HasSubstr("certificate number 2"));
  EXPECT_FALSE(TimestampAuthorities::FromPem(pem + pem.substr(0, pem.size() / 2)).ok());
}

}  // namespace
}  // namespace sealtrail::crypto
