#include "anchor/time_stamper.h"

#include <array>
#include <cstring>

#include "anchor/witness_answer.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time_text.h"

namespace sealtrail::anchor {
namespace {

constexpr uint64_t kCertificateBytesMax = 1 * kMiB;
// A difference between its clock and ours that somebody should look at.
constexpr int64_t kSkewNs = 60 * kNanosPerSecond;

uint64_t RandomNonce(env::Random& random) {
  std::array<uint8_t, 8> bytes;
  random.Fill(bytes);
  uint64_t nonce;
  std::memcpy(&nonce, bytes.data(), bytes.size());  // any bits will do
  return nonce;
}

}  // namespace

TimeStamper::TimeStamper(const env::Env& env, std::string url,
                         crypto::TimestampAuthorities certificates, Transport& transport)
    : env_(env),
      url_(std::move(url)),
      certificates_(std::move(certificates)),
      transport_(transport),
      report_{.url = url_} {}

Result<std::unique_ptr<TimeStamper>> TimeStamper::Open(const env::Env& env,
                                                       const TimeStampAuthority& authority,
                                                       Transport& transport) {
  const auto pem = env::ReadFile(env.files, authority.ca_file, kCertificateBytesMax);
  if (!pem.ok()) return pem.status().Annotate(authority.url);
  auto certificates = crypto::TimestampAuthorities::FromPem(AsText(*pem));
  if (!certificates.ok()) return certificates.status().Annotate(authority.ca_file);
  return std::unique_ptr<TimeStamper>(
      new TimeStamper(env, authority.url, std::move(*certificates), transport));
}

std::optional<TimeStamper::Stamp> TimeStamper::Ask(ByteView data) {
  const uint64_t nonce = RandomNonce(env_.random);
  const Bytes query = crypto::MakeTimestampQuery(data, nonce);
  const auto answer =
      transport_.Fetch({.url = url_,
                        .method = "POST",
                        .headers = {{"Content-Type", std::string(crypto::kTimestampQueryType)},
                                    {"Accept", std::string(crypto::kTimestampReplyType)}},
                        .body = std::string(AsText(query))});
  const auto failed = [this](std::string why, int64_t wait_ns = 0) {
    Fail(std::move(why), wait_ns);
    return std::nullopt;
  };
  if (!answer.ok()) return failed(answer.status().message());
  if (answer->status != 200) {
    const std::string why = fmt::format("status {}", answer->status);
    if (!answer->Header("retry-after").empty()) {
      return failed(why, RetryAfterNs(answer->Header("retry-after")));
    }
    return failed(why, answer->status < 500 ? kOperatorWaitNs : 0);
  }
  const ByteView reply = AsBytes(answer->body);
  auto stamp = certificates_.CheckReply(reply, data, nonce);
  if (!stamp.ok()) {
    const bool passing = stamp.status().code() == StatusCode::kUnavailable;
    return failed(stamp.status().message(), passing ? 0 : kOperatorWaitNs);
  }
  const int64_t skew = Value(stamp->time) - Value(env_.clock.Now());
  if (skew > kSkewNs || skew < -kSkewNs) {
    LogLine(LogLevel::kWarning, env_.clock.Now(), "clock_differs",
            "a time-stamp authority has another time than this machine",
            {{"url", url_}, {"stamped", Iso8601(stamp->time)}});
  }
  pause_.Reset();
  {
    MutexLock lock(mutex_);
    report_ = {.url = url_, .last = *stamp, .error = ""};
  }
  return Stamp{.reply = Bytes(reply.begin(), reply.end()), .stamp = std::move(*stamp)};
}

void TimeStamper::Fail(std::string why, int64_t wait_ns) {
  const MonotonicNanos now = env_.clock.Monotonic();
  if (wait_ns > 0) {
    pause_.FailFor(now, wait_ns);
  } else {
    pause_.Fail(now);
  }
  MutexLock lock(mutex_);
  report_.error = std::move(why);
}

AuthorityReport TimeStamper::report() const {
  MutexLock lock(mutex_);
  return report_;
}

}  // namespace sealtrail::anchor
