// Both transports against one recording handler, over real loopback connections.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <libdeflate.h>
#include <thread>
#include <zstd.h>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/mutex.h"
#include "env/temp_folder.h"
#include "ingest/otlp_grpc.h"
#include "ingest/otlp_http.h"
#include "net/testing/grpc_client.h"
#include "net/testing/raw_client.h"
#include "net/testing/tls_client.h"
#include "net/tls_certificates.h"

namespace sealtrail::ingest {
namespace {

using net::testing::GrpcClient;
using net::testing::GrpcReply;
using net::testing::RawClient;
using net::testing::RawResponse;

constexpr char kTraces[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr char kLogs[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr UnixNanos kNow{1'764'039'846'000'000'000};

std::string Gzip(std::string_view plain) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, plain.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, plain.data(), plain.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

std::string Zstd(std::string_view plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
  return out;
}

std::string Text(const Bytes& bytes) {
  return std::string(AsText(bytes));
}

class FixedClock : public env::Clock {
 public:
  UnixNanos Now() override { return kNow; }
  MonotonicNanos Monotonic() override { return env::RealEnv().clock.Monotonic(); }
};

struct Seen {
  pipeline::Signal signal;
  otlp::Encoding encoding;
  std::string body;
  pipeline::ExportContext context;
};

// Answers everything with `answer`, from another thread.
class RecordingHandler : public pipeline::ExportHandler {
 public:
  void Export(pipeline::Signal signal, otlp::Encoding encoding, SharedBytes body,
              pipeline::ExportContext context, std::function<void(Status)> done) override {
    Status status;
    {
      MutexLock lock(mutex_);
      seen_.push_back({signal, encoding, std::string(AsText(body.view())), std::move(context)});
      status = answer_;
    }
    worker_->Post([status, done = std::move(done)] { done(status); });
  }
  void CountUndecodable(const pipeline::ExportContext& context, size_t bytes) override {
    EXPECT_EQ(context.principal, "local");
    ++undecodable_requests;
    undecodable_bytes += bytes;
  }

  void Answer(Status status) {
    MutexLock lock(mutex_);
    answer_ = std::move(status);
  }
  std::vector<Seen> TakeSeen() {
    MutexLock lock(mutex_);
    return std::exchange(seen_, {});
  }

  std::atomic<int> undecodable_requests{0};
  std::atomic<size_t> undecodable_bytes{0};

 private:
  std::unique_ptr<env::Worker> worker_ = env::RealEnv().executor.StartWorker("handler");
  Mutex mutex_;
  std::vector<Seen> seen_ SEAL_GUARDED_BY(mutex_);
  Status answer_ SEAL_GUARDED_BY(mutex_);
};

class IngestTest : public testing::Test {
 protected:
  void SetUp() override {
    const env::Env real = env::RealEnv();
    const env::Env env{
        .clock = clock_, .files = real.files, .random = real.random, .executor = real.executor};
    auto http = StartOtlpHttp({.address = "127.0.0.1:0"}, env, budget_, handler_, metrics_);
    auto grpc = StartOtlpGrpc({.address = "127.0.0.1:0"}, env, budget_, handler_, metrics_);
    ASSERT_TRUE(http.ok() && grpc.ok());
    http_ = std::move(*http);
    grpc_ = std::move(*grpc);
  }
  void TearDown() override {
    http_->Stop(10 * kNanosPerSecond);
    grpc_->Stop(10 * kNanosPerSecond);
    handler_.TakeSeen();
    EXPECT_EQ(budget_.used(), 0u);
  }

  double Unserved(const std::string& signal) {
    for (const MetricSet::Sample& sample : metrics_.Collect()) {
      if (sample.name == "sealtrail_unserved_requests_total" &&
          sample.labels == MetricLabels{{"signal", signal}}) {
        return sample.value;
      }
    }
    ADD_FAILURE() << "no such metric";
    return -1;
  }

  FixedClock clock_;
  net::ByteBudget budget_{256 * kMiB};
  RecordingHandler handler_;
  MetricSet metrics_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::GrpcServer> grpc_;
};

TEST_F(IngestTest, HttpHandsOnWhatCame) {
  RawClient client(http_->address());
  const std::string headers = "User-Agent: exporter/1.2\r\nX-Audit-Pipeline: siem\r\n";
  const RawResponse protobuf =
      client.Post("/v1/traces", "application/x-protobuf", "some bytes", headers);
  EXPECT_EQ(protobuf.status, 200);
  EXPECT_EQ(protobuf.body, "");
  EXPECT_EQ(protobuf.Header("content-type"), "application/x-protobuf");
  const RawResponse json = client.Post("/v1/logs?x=y", "Application/JSON; charset=utf-8",
                                       Gzip("{\"a\":1}"), "Content-Encoding: gzip\r\n");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.body, "{}");
  EXPECT_EQ(json.Header("content-type"), "application/json");

  const std::vector<Seen> seen = handler_.TakeSeen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].signal, pipeline::Signal::kTraces);
  EXPECT_EQ(seen[0].encoding, otlp::Encoding::kProtobuf);
  EXPECT_EQ(seen[0].body, "some bytes");
  const pipeline::ExportContext& context = seen[0].context;
  EXPECT_EQ(context.principal, "local");
  EXPECT_TRUE(context.peer.starts_with("127.0.0.1:")) << context.peer;
  EXPECT_EQ(context.client_software, "exporter/1.2");
  EXPECT_EQ(context.pipeline_label, "siem");
  EXPECT_EQ(context.tls_subject, "");
  EXPECT_EQ(context.transport, pipeline::Transport::kHttpProtobuf);
  EXPECT_EQ(context.received_at, kNow);
  EXPECT_EQ(seen[1].signal, pipeline::Signal::kLogs);
  EXPECT_EQ(seen[1].encoding, otlp::Encoding::kJson);
  EXPECT_EQ(seen[1].body, "{\"a\":1}");
  EXPECT_EQ(seen[1].context.transport, pipeline::Transport::kHttpJson);
  EXPECT_EQ(seen[1].context.pipeline_label, "");
}

TEST_F(IngestTest, GrpcHandsOnWhatCame) {
  GrpcClient plain(grpc_->address(), {.user_agent = "exporter/1.2"});
  GrpcClient gzip(grpc_->address(), {.gzip = true});
  const GrpcReply reply = plain.Call(kTraces, "some bytes", {{"x-audit-pipeline", "siem"}});
  EXPECT_EQ(reply.code, 0) << reply.error;
  EXPECT_EQ(reply.message, "");
  const std::string large(100'000, 'x');
  EXPECT_EQ(gzip.Call(kLogs, large).code, 0);

  const std::vector<Seen> seen = handler_.TakeSeen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].signal, pipeline::Signal::kTraces);
  EXPECT_EQ(seen[0].encoding, otlp::Encoding::kProtobuf);
  EXPECT_EQ(seen[0].body, "some bytes");
  EXPECT_EQ(seen[0].context.principal, "local");
  EXPECT_TRUE(seen[0].context.peer.starts_with("127.0.0.1:")) << seen[0].context.peer;
  EXPECT_TRUE(seen[0].context.client_software.starts_with("exporter/1.2 grpc-c++/"));
  EXPECT_EQ(seen[0].context.pipeline_label, "siem");
  EXPECT_EQ(seen[0].context.transport, pipeline::Transport::kGrpc);
  EXPECT_EQ(seen[0].context.received_at, kNow);
  EXPECT_EQ(seen[1].signal, pipeline::Signal::kLogs);
  EXPECT_EQ(seen[1].body, large);
}

TEST_F(IngestTest, ZstdIsReadOnBothPorts) {
  const std::string large(100'000, 'x');
  EXPECT_EQ(RawClient(http_->address())
                .Post("/v1/logs", "application/json", Zstd(large), "Content-Encoding: zstd\r\n")
                .status,
            200);
  EXPECT_EQ(GrpcClient(grpc_->address()).Call(kLogs, Zstd(large)).code, 0);
  const std::vector<Seen> seen = handler_.TakeSeen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].body, large);
  EXPECT_EQ(seen[1].body, large);
}

// OTLP lets an answer be gzip only where the request has Accept-Encoding: gzip. Ours are too small to gain by it.
TEST_F(IngestTest, AnswersAreNotCompressed) {
  RawClient client(http_->address());
  for (const Status& answer : {OkStatus(), Unavailable("full")}) {
    handler_.Answer(answer);
    for (const char* headers :
         {"", "Accept-Encoding: gzip\r\n", "Accept-Encoding: zstd, gzip;q=0.5\r\n"}) {
      const RawResponse response = client.Post("/v1/logs", "application/json", Zstd("{}"),
                                               std::string("Content-Encoding: zstd\r\n") + headers);
      EXPECT_EQ(response.Header("content-encoding"), "");
      EXPECT_EQ(response.body[0], '{');
    }
  }
}

// For whoever maps certificates to principals one day; until then everybody is "local".
TEST_F(IngestTest, TheSubjectOfTheClientsCertificateIsHandedOn) {
  net::testing::TestAuthority authority;
  const net::testing::TestCertificate server = authority.Issue("server");
  const env::TempFolder folder = env::TempFolder::Make().value();
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(env::JoinPath(folder.path(), name)) << text;
    return env::JoinPath(folder.path(), name);
  };
  auto tls = net::TlsCertificates::Load({.cert_file = write("cert", server.certificate_pem),
                                         .key_file = write("key", server.key_pem),
                                         .client_ca_file = write("ca", authority.pem()),
                                         .reload_interval_ns = 0},
                                        "test", env::RealEnv(), metrics_);
  ASSERT_TRUE(tls.ok()) << tls.status().ToString();
  auto http = StartOtlpHttp({.address = "127.0.0.1:0", .tls = tls->get()}, env::RealEnv(), budget_,
                            handler_, metrics_);
  auto grpc = StartOtlpGrpc({.address = "127.0.0.1:0", .tls = tls->get()}, env::RealEnv(), budget_,
                            handler_, metrics_);
  ASSERT_TRUE(http.ok() && grpc.ok());

  const net::testing::TestCertificate collector = authority.Issue("collector");
  net::testing::TlsClient client((*http)->address(),
                                 {.authority_pem = authority.pem(), .certificate = collector});
  client.Send(
      "POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
  EXPECT_TRUE(client.Read().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(
      GrpcClient((*grpc)->address(), {.authority_pem = authority.pem(), .certificate = collector})
          .Call(kLogs, "")
          .code,
      0);
  const std::vector<Seen> seen = handler_.TakeSeen();
  ASSERT_EQ(seen.size(), 2u);
  for (const Seen& request : seen) {
    EXPECT_EQ(request.context.tls_subject, "CN=collector,O=Example");
    EXPECT_EQ(request.context.principal, "local");
  }
}

TEST_F(IngestTest, EmptyRequestsAreSuccesses) {
  RawClient client(http_->address());
  EXPECT_EQ(client.Post("/v1/traces", "application/x-protobuf", "").status, 200);
  EXPECT_EQ(client.Post("/v1/logs", "application/json", "{}").body, "{}");
  EXPECT_EQ(GrpcClient(grpc_->address()).Call(kLogs, "").code, 0);
  EXPECT_EQ(handler_.TakeSeen().size(), 3u);
}

// Reference: the published bytes, as they arrive. Code and message stand twice and are the same.
TEST_F(IngestTest, TheDelayArrivesInAllPlaces) {
  handler_.Answer(Unavailable("overloaded"));
  const std::string status = Text(
      otlp::EncodeStatus(otlp::FailureFrom(Unavailable("overloaded")), otlp::Encoding::kProtobuf));
  const GrpcReply grpc = GrpcClient(grpc_->address()).Call(kTraces, "x");
  EXPECT_EQ(grpc.code, 14);
  EXPECT_EQ(grpc.error, "overloaded");
  EXPECT_EQ(grpc.details, std::string("\x08\x0e\x12\x0aoverloaded\x1a\x30\x0a\x28", 18) +
                              "type.googleapis.com/google.rpc.RetryInfo" +
                              std::string("\x12\x04\x0a\x02\x08\x05", 6));
  EXPECT_EQ(grpc.details, status);
  EXPECT_EQ(grpc.trailers.at("google.rpc.retryinfo-bin"), "\x0a\x02\x08\x05");
  EXPECT_EQ(grpc.trailers.count("grpc-retry-pushback-ms"), 0u);
  const RawResponse http =
      RawClient(http_->address()).Post("/v1/traces", "application/x-protobuf", "x");
  EXPECT_EQ(http.status, 503);
  EXPECT_EQ(http.Header("retry-after"), "5");
  EXPECT_EQ(http.body, status);
}

TEST_F(IngestTest, ChunkedBodiesAreRead) {
  RawClient client(http_->address());
  for (const bool zstd : {false, true}) {
    const std::string body = zstd ? Zstd("chunked") : "chunked";
    std::string request =
        "POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n"
        "Transfer-Encoding: chunked\r\n" +
        std::string(zstd ? "Content-Encoding: zstd\r\n" : "") + "\r\n";
    for (const char byte : body) request += fmt::format("1\r\n{}\r\n", byte);
    client.Send(request + "0\r\n\r\n");
    EXPECT_EQ(client.Read().status, 200);
    const std::vector<Seen> seen = handler_.TakeSeen();
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].body, "chunked");
  }
  client.Send(
      "POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n\r\n");
  EXPECT_EQ(client.Read().status, 200) << "no body at all is an empty request";
  EXPECT_EQ(handler_.TakeSeen().size(), 1u);
}

// Whichever way a body announces itself, 64 MiB of it are allowed and not one byte more.
TEST_F(IngestTest, TheLimitHoldsForChunkedBodiesToo) {
  const std::string limit(kRequestBytesMax, 'x');
  for (const size_t more : {0, 1}) {
    SCOPED_TRACE(more);
    RawClient client(http_->address());
    client.Send(
        "POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    client.Send(fmt::format("{:x}\r\n", limit.size()));
    client.Send(limit);
    client.Send(more == 0 ? "\r\n0\r\n\r\n" : "\r\n1\r\nx\r\n0\r\n\r\n");
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, more == 0 ? 200 : 413);
    EXPECT_EQ(response.Header("content-type"), "application/json");
    EXPECT_EQ(response.Header("retry-after"), "");
    EXPECT_EQ(GrpcClient(grpc_->address()).Call(kLogs, limit + std::string(more, 'x')).code,
              more == 0 ? 0 : 8);
  }
}

TEST_F(IngestTest, MediaTypesInAnyForm) {
  RawClient client(http_->address());
  const std::pair<const char*, const char*> accepted[] = {
      {"application/x-protobuf", "application/x-protobuf"},
      {"application/x-protobuf; messageType=\"x.Y\"", "application/x-protobuf"},
      {"APPLICATION/X-PROTOBUF", "application/x-protobuf"},
      {"application/json;charset=utf-8", "application/json"},
      {"application/json ; charset=\"utf-8\"; x=y", "application/json"},
  };
  for (const auto& [sent, answered] : accepted) {
    SCOPED_TRACE(sent);
    const RawResponse response = client.Post("/v1/logs", sent, "x");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.Header("content-type"), answered);
  }
  for (const char* refused : {"application/protobuf", "application/grpc", "application/jsonx",
                              "text/json", "application/x-protobuf2", ";"}) {
    SCOPED_TRACE(refused);
    const RawResponse response = client.Post("/v1/logs", refused, "x");
    EXPECT_EQ(response.status, 415);
    EXPECT_EQ(response.Header("content-type"), "application/json");
    EXPECT_TRUE(response.body.starts_with("{\"code\":3,")) << response.body;
  }
  for (const char* method : {"GET", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    SCOPED_TRACE(method);
    client.Send(
        fmt::format("{} /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: "
                    "application/x-protobuf\r\nContent-Length: 0\r\n\r\n",
                    method));
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.Header("allow"), "POST");
    EXPECT_EQ(response.Header("content-type"), "application/x-protobuf");
    EXPECT_TRUE(response.body.starts_with("\x08\x03\x12")) << "a Status";
  }
}

// Goal: every error of the pipeline reaches the client as OTLP wants it, over both transports and in both encodings.
TEST_F(IngestTest, FailuresOfThePipelineReachTheClient) {
  struct {
    Status status;
    int grpc;
    int http;
    bool retry;
  } const cases[] = {
      {InvalidArgument("wrong id"), 3, 400, false}, {ResourceExhausted("too large"), 8, 413, false},
      {Unavailable("queue full"), 14, 503, true},   {DataLoss("disk gone"), 14, 503, true},
      {PermissionDenied("no"), 7, 403, false},
  };
  RawClient client(http_->address());
  GrpcClient grpc(grpc_->address());
  for (const auto& expected : cases) {
    SCOPED_TRACE(expected.status.ToString());
    handler_.Answer(expected.status);
    const otlp::Failure failure = otlp::FailureFrom(expected.status);
    const std::string retry_after =
        expected.retry ? std::to_string(failure.retry_after_seconds.value()) : "";

    const RawResponse protobuf = client.Post("/v1/logs", "application/x-protobuf", "x");
    EXPECT_EQ(protobuf.status, expected.http);
    EXPECT_EQ(protobuf.Header("content-type"), "application/x-protobuf");
    EXPECT_EQ(protobuf.Header("retry-after"), retry_after);
    EXPECT_EQ(protobuf.body, Text(otlp::EncodeStatus(failure, otlp::Encoding::kProtobuf)));
    const RawResponse json = client.Post("/v1/logs", "application/json", "x");
    EXPECT_EQ(json.status, expected.http);
    EXPECT_EQ(json.Header("retry-after"), retry_after);
    EXPECT_EQ(json.body, Text(otlp::EncodeStatus(failure, otlp::Encoding::kJson)));

    const GrpcReply reply = grpc.Call(kTraces, "x");
    EXPECT_EQ(reply.code, expected.grpc);
    EXPECT_EQ(reply.error, failure.message);
    EXPECT_EQ(reply.details, Text(otlp::EncodeStatus(failure, otlp::Encoding::kProtobuf)));
    EXPECT_EQ(reply.trailers.count("google.rpc.retryinfo-bin"), expected.retry ? 1u : 0u);
    if (expected.retry) {
      EXPECT_EQ(reply.trailers.at("google.rpc.retryinfo-bin"),
                Text(otlp::EncodeRetryInfo(failure.retry_after_seconds.value())));
    }
  }
}

TEST_F(IngestTest, HttpRefusesWhatItDoesNotServe) {
  RawClient client(http_->address());
  const RawResponse path = client.Post("/", "application/json", "{}");
  EXPECT_EQ(path.status, 404);
  EXPECT_NE(path.body.find("/v1/traces"), std::string::npos) << path.body;
  EXPECT_NE(path.body.find("/v1/logs"), std::string::npos) << path.body;
  EXPECT_EQ(client.Post("/v1/traces/", "application/x-protobuf", "").status, 404);
  const RawResponse get = client.Get("/v1/traces");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(get.Header("allow"), "POST");
  EXPECT_EQ(handler_.undecodable_requests, 0);

  const RawResponse type = client.Post("/v1/logs", "text/plain", "12345");
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(type.Header("content-type"), "application/json");
  EXPECT_NE(type.body.find("text/plain"), std::string::npos) << type.body;
  const RawResponse coding =
      client.Post("/v1/logs", "application/x-protobuf", "12345", "Content-Encoding: br\r\n");
  EXPECT_EQ(coding.status, 415);
  EXPECT_EQ(coding.Header("content-type"), "application/x-protobuf");
  EXPECT_EQ(coding.Header("accept-encoding"), "gzip, zstd");
  EXPECT_EQ(type.Header("accept-encoding"), "");
  EXPECT_EQ(handler_.undecodable_requests, 2);
  EXPECT_EQ(handler_.undecodable_bytes, 10u);
  EXPECT_EQ(handler_.TakeSeen().size(), 0u);
}

// Goal: whoever sends metrics or profiles learns that they are not stored, and does not send them again.
TEST_F(IngestTest, MetricsAndProfilesAreRefusedForGood) {
  struct {
    std::string signal;
    std::string path;
    std::string method;
  } const cases[] = {
      {"metrics", "/v1/metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
      {"profiles", "/v1development/profiles",
       "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"},
  };
  RawClient client(http_->address());
  GrpcClient grpc(grpc_->address());
  for (const auto& sent : cases) {
    SCOPED_TRACE(sent.signal);
    const std::string why = "no " + sent.signal + " pipeline belongs here, and nothing was stored";
    const RawResponse json = client.Post(sent.path, "application/json", "{}");
    EXPECT_EQ(json.status, 404);
    EXPECT_EQ(json.Header("retry-after"), "");
    EXPECT_TRUE(json.body.starts_with("{\"code\":12,\"message\":\"")) << json.body;
    EXPECT_NE(json.body.find(why), std::string::npos) << json.body;
    const RawResponse protobuf = client.Post(sent.path, "application/x-protobuf", "x");
    EXPECT_EQ(protobuf.status, 404);
    EXPECT_EQ(protobuf.Header("content-type"), "application/x-protobuf");
    EXPECT_NE(protobuf.body.find(why), std::string::npos) << protobuf.body;
    EXPECT_EQ(Unserved(sent.signal), 2);

    const GrpcReply reply = grpc.Call(sent.method, "x");
    EXPECT_EQ(reply.code, 12);
    EXPECT_NE(reply.error.find(why), std::string::npos) << reply.error;
    EXPECT_EQ(reply.trailers.count("google.rpc.retryinfo-bin"), 0u);
    EXPECT_EQ(Unserved(sent.signal), 3);
  }
  EXPECT_EQ(Unserved("unknown"), 0);
  EXPECT_EQ(handler_.undecodable_requests, 0);
  EXPECT_EQ(handler_.TakeSeen().size(), 0u);
}

TEST_F(IngestTest, UnknownPathsNameTheRightOnes) {
  RawClient client(http_->address());
  int count = 0;
  for (const char* path : {"/", "/v1/trace", "/v1/traces/", "/v1/metrics/", "/otlp/v1/logs"}) {
    SCOPED_TRACE(path);
    const RawResponse response = client.Post(path, "application/x-protobuf", "x");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.Header("content-type"), "application/x-protobuf");
    for (const std::string& text :
         {fmt::format("no {} here", path), std::string("/v1/traces"), std::string("/v1/logs")}) {
      EXPECT_NE(response.body.find(text), std::string::npos) << response.body;
    }
    EXPECT_EQ(Unserved("unknown"), ++count);
  }
  const RawResponse response = client.Post("/" + std::string(5000, 'x'), "application/json", "x");
  EXPECT_NE(response.body.find("/v1/logs"), std::string::npos) << response.body;
}

TEST_F(IngestTest, GrpcNamesTheRightMethods) {
  const GrpcReply reply =
      GrpcClient(grpc_->address())
          .Call("/opentelemetry.proto.collector.logs.v1.LogService/Export", "x");
  EXPECT_EQ(reply.code, 12);
  EXPECT_EQ(reply.details,
            Text(otlp::EncodeStatus(otlp::FailureFrom(Unimplemented("{}", reply.error)),
                                    otlp::Encoding::kProtobuf)));
  EXPECT_EQ(Unserved("unknown"), 1);
  EXPECT_NE(reply.error.find(kTraces), std::string::npos) << reply.error;
  EXPECT_NE(reply.error.find(kLogs), std::string::npos) << reply.error;
  EXPECT_EQ(handler_.undecodable_requests, 0);
}

struct Coding {
  std::string name;
  std::string (*pack)(std::string_view plain);

  std::string header() const { return "Content-Encoding: " + name + "\r\n"; }
};
const Coding kCodings[] = {{"gzip", Gzip}, {"zstd", Zstd}};

TEST_F(IngestTest, DamagedBodiesAreInvalidOnBothPorts) {
  size_t bytes = 0;
  for (const Coding& coding : kCodings) {
    SCOPED_TRACE(coding.name);
    std::string cut = coding.pack(std::string(5000, 'x'));
    cut.resize(cut.size() - 5);
    const RawResponse http =
        RawClient(http_->address()).Post("/v1/logs", "application/json", cut, coding.header());
    EXPECT_EQ(http.status, 400);
    EXPECT_EQ(http.Header("content-type"), "application/json");
    EXPECT_EQ(GrpcClient(grpc_->address()).Call(kLogs, cut).code, 3);
    bytes += 2 * cut.size();
  }
  EXPECT_EQ(handler_.undecodable_requests, 4);
  EXPECT_EQ(handler_.undecodable_bytes, bytes);
}

TEST_F(IngestTest, BombsAndGiantsAreTooLargeOnBothPorts) {
  size_t bytes = 0;
  for (const Coding& coding : kCodings) {
    SCOPED_TRACE(coding.name);
    const std::string bomb = coding.pack(std::string(kRequestBytesMax + 1, '\0'));
    const RawResponse http = RawClient(http_->address())
                                 .Post("/v1/logs", "application/x-protobuf", bomb, coding.header());
    EXPECT_EQ(http.status, 413);
    EXPECT_EQ(http.Header("retry-after"), "");
    const GrpcReply grpc = GrpcClient(grpc_->address()).Call(kLogs, bomb);
    EXPECT_EQ(grpc.code, 8);
    EXPECT_EQ(grpc.trailers.count("google.rpc.retryinfo-bin"), 0u);
    bytes += 2 * bomb.size();
  }
  EXPECT_EQ(handler_.undecodable_requests, 4);
  EXPECT_EQ(handler_.undecodable_bytes, bytes);

  const std::string giant(kRequestBytesMax + 1, 'x');
  const RawResponse plain =
      RawClient(http_->address()).Post("/v1/logs", "application/x-protobuf", giant);
  EXPECT_EQ(plain.status, 413);
  EXPECT_EQ(plain.Header("content-type"), "application/x-protobuf");
  EXPECT_EQ(GrpcClient(grpc_->address()).Call(kLogs, giant).code, 8);
  // gRPC itself answers one that is too large, and tells the server afterwards.
  while (handler_.undecodable_requests < 6) std::this_thread::yield();
  EXPECT_EQ(handler_.undecodable_requests, 6);
  EXPECT_EQ(handler_.TakeSeen().size(), 0u);
}

size_t HighWaterBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * kKiB;
  }
  ADD_FAILURE() << "no VmHWM";
  return 0;
}

// Goal: a megabyte that stands for a gigabyte costs the process less than 80 MiB, on either port.
TEST_F(IngestTest, ABombAddsLessThan80MiBOnEitherPort) {
  RawClient http(http_->address());
  GrpcClient grpc(grpc_->address());
  EXPECT_EQ(http.Post("/v1/logs", "application/json", "{}").status, 200);
  EXPECT_EQ(grpc.Call(kLogs, "").code, 0);
  for (const Coding& coding : kCodings) {
    SCOPED_TRACE(coding.name);
    std::string bomb;
    for (const std::string part = coding.pack(std::string(64 * kMiB, '\0')); bomb.size() < kMiB;)
      bomb += part;
    for (const bool over_grpc : {false, true}) {
      SCOPED_TRACE(over_grpc ? "gRPC" : "HTTP");
      std::ofstream("/proc/self/clear_refs") << "5";  // lowers the mark to what is in use now
      const size_t before = HighWaterBytes();
      if (over_grpc) {
        EXPECT_EQ(grpc.Call(kTraces, bomb).code, 8);
      } else {
        EXPECT_EQ(http.Post("/v1/traces", "application/json", bomb, coding.header()).status, 413);
      }
      const size_t added = HighWaterBytes() - before;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
      EXPECT_LT(added, 80 * kMiB);
#else
      (void)added;
#endif
    }
  }
}

// A long header is no reason to refuse: the client would drop its records.
TEST_F(IngestTest, LongReceiptTextsAreCut) {
  RawClient client(http_->address());
  const std::string fits(kReceiptTextBytesMax, 'x');
  for (const char* name : {"User-Agent", "X-Audit-Pipeline"}) {
    SCOPED_TRACE(name);
    for (const std::string& text : {fits, fits + "x", fits + fits}) {
      EXPECT_EQ(
          client.Post("/v1/logs", "application/json", "{}", fmt::format("{}: {}\r\n", name, text))
              .status,
          200);
    }
  }
  GrpcClient grpc(grpc_->address());
  EXPECT_EQ(grpc.Call(kLogs, "", {{"x-audit-pipeline", fits}}).code, 0);
  EXPECT_EQ(grpc.Call(kLogs, "", {{"x-audit-pipeline", fits + "x"}}).code, 0);
  EXPECT_EQ(handler_.TakeSeen().back().context.pipeline_label,
            fits.substr(0, kReceiptTextBytesMax - 3) + "\xe2\x80\xa6");
}

// Goal: what HTTP itself refuses is an OTLP answer too.
TEST_F(IngestTest, BrokenHttpGetsAStatusInTheRequestsEncoding) {
  RawClient client(http_->address());
  client.Send(
      "POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n"
      "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n");
  const RawResponse response = client.Read();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.Header("content-type"), "application/x-protobuf");
  EXPECT_EQ(response.body[0], '\x08');  // Status.code
  EXPECT_EQ(response.body[1], '\x03');
  EXPECT_EQ(handler_.undecodable_requests, 1);
}

TEST_F(IngestTest, NoRoomIsRetryableAndNotCountedAsUndecodable) {
  auto all = budget_.TryTake(budget_.bytes_max());
  ASSERT_TRUE(all.has_value());
  const RawResponse http = RawClient(http_->address()).Post("/v1/logs", "application/json", "{}");
  EXPECT_EQ(http.status, 503);
  // Once, and the same as in the body.
  EXPECT_EQ(std::count_if(http.headers.begin(), http.headers.end(),
                          [](const auto& field) { return field.first == "retry-after"; }),
            1);
  EXPECT_EQ(http.Header("retry-after"), "5");
  EXPECT_NE(http.body.find("\"retryDelay\":\"5s\""), std::string::npos) << http.body;
  EXPECT_EQ(http.Header("content-type"), "application/json");
  const GrpcReply grpc = GrpcClient(grpc_->address()).Call(kLogs, "x");
  EXPECT_EQ(grpc.code, 14);
  EXPECT_EQ(grpc.trailers.count("google.rpc.retryinfo-bin"), 1u);

  // Now there is room for what comes over the wire, and none for what it decodes to.
  ASSERT_TRUE(all->Resize(budget_.bytes_max() - 100 * kKiB));
  const RawResponse packed = RawClient(http_->address())
                                 .Post("/v1/logs", "application/json", Gzip(std::string(kMiB, ' ')),
                                       "Content-Encoding: gzip\r\n");
  EXPECT_EQ(packed.status, 503);
  EXPECT_NE(packed.Header("retry-after"), "");
  EXPECT_EQ(handler_.undecodable_requests, 0);
}

TEST_F(IngestTest, AHundredSendersAtOnce) {
  std::atomic<int> ok{0};
  {
    std::vector<std::jthread> senders;
    for (int s = 0; s < 100; ++s) {
      senders.emplace_back([&, s] {
        const std::string body = std::string(static_cast<size_t>(s) * 100, 'x');
        if (s % 2 == 0) {
          GrpcClient client(grpc_->address(), {.gzip = s % 4 == 0});
          for (int i = 0; i < 5; ++i) ok += client.Call(kLogs, body).code == 0 ? 1 : 0;
        } else {
          RawClient client(http_->address());
          for (int i = 0; i < 5; ++i) {
            ok += client.Post("/v1/traces", "application/x-protobuf", body).status == 200 ? 1 : 0;
          }
        }
      });
    }
  }
  EXPECT_EQ(ok, 500);
  EXPECT_EQ(handler_.TakeSeen().size(), 500u);
}

}  // namespace
}  // namespace sealtrail::ingest
