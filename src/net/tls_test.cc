// TLS of both transports: what is spoken, who is let in, and what happens when the files change.
#include <cstdio>
#include <fstream>
#include <thread>

#include <boost/asio/ssl/context.hpp>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "env/temp_folder.h"
#include "net/grpc_server.h"
#include "net/http_server.h"
#include "net/testing/grpc_client.h"
#include "net/testing/raw_client.h"
#include "net/testing/test_authority.h"
#include "net/testing/tls_client.h"
#include "net/tls_certificates.h"

namespace sealtrail::net {
namespace {

using testing::GrpcClient;
using testing::GrpcReply;
using testing::RawClient;
using testing::TestAuthority;
using testing::TestCertificate;
using testing::TlsClient;
using testing::TlsClientOptions;

constexpr char kMethod[] = "/test.Service/Export";
constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("server.pem", server_.certificate_pem);
    Write("server.key", server_.key_pem);
    Write("clients.pem", clients_.pem());
  }
  void TearDown() override {
    if (http_) http_->Stop(0);
    if (grpc_) grpc_->Stop(0);
    EXPECT_EQ(budget_.used(), 0u);
  }

  std::string Path(const std::string& name) const { return env::JoinPath(folder_.path(), name); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  TlsOptions Files(bool mutual) const {
    return {.cert_file = Path("server.pem"),
            .key_file = Path("server.key"),
            .client_ca_file = mutual ? Path("clients.pem") : "",
            .reload_interval_ns = 0};
  }
  void Load(bool mutual) {
    if (tls_) return;  // both servers use one
    auto tls = TlsCertificates::Load(Files(mutual), "test", env::RealEnv(), metrics_);
    ASSERT_TRUE(tls.ok()) << tls.status().ToString();
    tls_ = std::move(*tls);
  }

  // Both tell the client who it is.
  void StartHttp(bool mutual, HttpServerOptions options = {}) {
    Load(mutual);
    options.address = "127.0.0.1:0";
    options.tls = tls_.get();
    auto server = HttpServer::Start(std::move(options), env::RealEnv(), budget_,
                                    [](HttpRequest request, HttpResponder responder) {
                                      const std::string text = fmt::format(
                                          "<{}> {}", request.tls_subject, request.body.size());
                                      responder.Send({.status = 200,
                                                      .content_type = "text/plain",
                                                      .headers = {},
                                                      .body = SharedBytes::FromText(text),
                                                      .source = nullptr});
                                    });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    http_ = std::move(*server);
  }
  void StartGrpc(bool mutual, GrpcServerOptions options = {}) {
    Load(mutual);
    options.address = "127.0.0.1:0";
    options.tls = tls_.get();
    options.methods = {kMethod};
    auto server = GrpcServer::Start(
        std::move(options), env::RealEnv(), budget_, [](GrpcCall call, GrpcResponder responder) {
          responder.Ok(AsBytes(fmt::format("<{}> {}", call.tls_subject, call.message.size())));
        });
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    grpc_ = std::move(*server);
  }

  TlsClient HttpClient(TlsClientOptions options = {}) {
    if (options.authority_pem.empty()) options.authority_pem = authority_.pem();
    return TlsClient(http_->address(), options);
  }
  GrpcReply GrpcCallAs(const TestCertificate& certificate, const std::string& authority = "") {
    return GrpcClient(grpc_->address(),
                      {.authority_pem = authority.empty() ? authority_.pem() : authority,
                       .certificate = certificate})
        .Call(kMethod, "12345");
  }
  double Failures() {
    return static_cast<double>(
        metrics_.GetCounter("sealtrail_tls_reload_failures_total", "", {{"listener", "test"}})
            .value());
  }

  TestAuthority authority_{"of servers"};
  TestAuthority clients_{"of clients"};
  TestCertificate server_ = authority_.Issue("server");
  env::TempFolder folder_ = env::TempFolder::Make().value();
  MetricSet metrics_;
  ByteBudget budget_{256 * kMiB};
  std::unique_ptr<TlsCertificates> tls_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> grpc_;
};

bool EndsWith(const std::string& text, const std::string& end) {
  return text.ends_with(end);
}

TEST_F(TlsTest, HttpSpeaksTls) {
  StartHttp(/*mutual=*/false);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    TlsClient client = HttpClient({.version_max = version});
    ASSERT_TRUE(client.ok()) << client.error();
    EXPECT_EQ(client.peer_subject(), "CN=server,O=Example");
    client.Send(kGet);
    const std::string answer = client.Read();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(EndsWith(answer, "\r\n\r\n<> 0")) << answer;
    EXPECT_TRUE(client.ended_orderly());
    EXPECT_FALSE(client.resumable());
  }
}

// Goal: bodies larger than every buffer on the way, in both directions of one connection.
TEST_F(TlsTest, HttpCarriesLargeBodiesAndKeepsTheConnection) {
  StartHttp(/*mutual=*/false);
  TlsClient client = HttpClient();
  for (const size_t size : {size_t{3}, 5 * kMiB, size_t{0}, 100 * kKiB}) {
    client.Send(fmt::format("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", size) +
                std::string(size, 'x'));
    std::string answer;
    const std::string end = fmt::format("<> {}", size);
    while (!EndsWith(answer, end)) {
      const std::string more = client.Read(1);
      ASSERT_FALSE(more.empty()) << client.error();
      answer += more;
    }
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(TlsTest, OldProtocolsAndWeakCiphersAreRefused) {
  StartHttp(/*mutual=*/false);
  SSL_CTX* context = tls_->current()->context->native_handle();
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
  TlsClient old = HttpClient({.version_max = TLS1_1_VERSION});
  EXPECT_FALSE(old.ok());
  EXPECT_EQ(old.error(), "tlsv1 alert protocol version");
  for (const char* ciphers :
       {"AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"}) {
    TlsClient weak = HttpClient({.version_max = TLS1_2_VERSION, .ciphers = ciphers});
    EXPECT_FALSE(weak.ok()) << ciphers;
  }
  EXPECT_TRUE(
      HttpClient({.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"}).ok());

  StartGrpc(/*mutual=*/false);
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsClient client(grpc_->address(),
                           {.authority_pem = authority_.pem(), .version_max = version});
    EXPECT_EQ(client.ok(), version != TLS1_1_VERSION) << client.error();
  }
}

TEST_F(TlsTest, GrpcSpeaksTls) {
  StartGrpc(/*mutual=*/false);
  const GrpcReply reply = GrpcCallAs({});
  EXPECT_EQ(reply.code, 0) << reply.error;
  EXPECT_EQ(reply.message, "<> 5");
  EXPECT_EQ(GrpcCallAs({}, clients_.pem()).code, 14) << "a client that believes somebody else";
  EXPECT_EQ(GrpcClient(grpc_->address()).Call(kMethod, "x").code, 14) << "without TLS";
}

// Goal: only who shows a certificate of the right authority is heard, and both transports say the same of who it is.
TEST_F(TlsTest, ClientsAreKnownByTheirCertificate) {
  StartHttp(/*mutual=*/true);
  StartGrpc(/*mutual=*/true);
  const TestCertificate known = clients_.Issue("collector, \u00fcber", "M\u00fcller & S\u00f6hne");
  const std::string subject = "<CN=collector\\, \u00fcber,O=M\u00fcller & S\u00f6hne>";
  TlsClient client = HttpClient({.certificate = known});
  client.Send(kGet);
  const std::string answer = client.Read();
  EXPECT_TRUE(EndsWith(answer, subject + " 0")) << answer;
  const GrpcReply reply = GrpcCallAs(known);
  EXPECT_EQ(reply.message, subject + " 5") << reply.error;

  const TestCertificate others[] = {
      {},                                                      // none
      authority_.Issue("collector"),                           // of another authority
      clients_.Issue("collector", "Example", /*seconds=*/-60)  // expired
  };
  for (const TestCertificate& other : others) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClient stranger = HttpClient({.certificate = other, .version_max = version});
      stranger.Send(kGet);
      EXPECT_EQ(stranger.Read(), "");
    }
    EXPECT_EQ(GrpcCallAs(other).code, 14);
  }
}

// Goal: new files count from the next handshake on, for both transports; open connections go on.
TEST_F(TlsTest, ReloadedFilesCount) {
  StartHttp(/*mutual=*/true);
  StartGrpc(/*mutual=*/true);
  const TestCertificate old_client = clients_.Issue("old");
  TlsClient open = HttpClient({.certificate = old_client});
  EXPECT_EQ(GrpcCallAs(old_client).code, 0);
  EXPECT_TRUE(tls_->Reload().ok());
  EXPECT_EQ(tls_->current()->generation, 1u) << "nothing has changed";

  TestAuthority next_authority("of servers, next");
  TestAuthority next_clients("of clients, next");
  const TestCertificate next = next_authority.Issue("next");
  const TestCertificate new_client = next_clients.Issue("new");
  Write("server.pem", next.certificate_pem);
  Write("server.key", next.key_pem);
  Write("clients.pem", next_clients.pem());
  EXPECT_TRUE(tls_->Reload().ok());

  TlsClient client = HttpClient({.authority_pem = next_authority.pem(), .certificate = new_client});
  ASSERT_TRUE(client.ok()) << client.error();
  EXPECT_EQ(client.peer_subject(), "CN=next,O=Example");
  client.Send(kGet);
  EXPECT_TRUE(EndsWith(client.Read(), "<CN=new,O=Example> 0"));
  TlsClient refused =
      HttpClient({.authority_pem = next_authority.pem(), .certificate = old_client});
  refused.Send(kGet);
  EXPECT_EQ(refused.Read(), "");
  open.Send(kGet);
  EXPECT_TRUE(EndsWith(open.Read(), "<CN=old,O=Example> 0"));
  EXPECT_EQ(Failures(), 0);
}

TEST_F(TlsTest, GrpcTakesReloadedFiles) {
  StartGrpc(/*mutual=*/true);
  const TestCertificate old_client = clients_.Issue("old");
  EXPECT_EQ(GrpcCallAs(old_client).code, 0);
  TestAuthority next_authority("of servers, next");
  TestAuthority next_clients("of clients, next");
  const TestCertificate next = next_authority.Issue("next");
  Write("server.pem", next.certificate_pem);
  Write("server.key", next.key_pem);
  Write("clients.pem", next_clients.pem());
  EXPECT_TRUE(tls_->Reload().ok());
  const GrpcReply reply = GrpcCallAs(next_clients.Issue("new"), next_authority.pem());
  EXPECT_EQ(reply.message, "<CN=new,O=Example> 5") << reply.error;
  EXPECT_EQ(GrpcCallAs(old_client, next_authority.pem()).code, 14);
}

// Goal: whatever is wrong with new files, the ones before stay, the failure is counted, and mended files count.
TEST_F(TlsTest, BadFilesChangeNothing) {
  StartHttp(/*mutual=*/true);
  StartGrpc(/*mutual=*/true);
  const TestCertificate client = clients_.Issue("collector");
  const TestCertificate next = authority_.Issue("next");
  const std::string half = next.certificate_pem.substr(0, next.certificate_pem.size() / 2);
  struct {
    const char* what;
    const char* file;
    std::string text;
    StatusCode code;
  } const cases[] = {
      {"no certificate", "server.pem", "", StatusCode::kInvalidArgument},
      {"not PEM", "server.pem", "hello\n", StatusCode::kInvalidArgument},
      {"half a certificate", "server.pem", half, StatusCode::kInvalidArgument},
      {"half a chain", "server.pem", server_.certificate_pem + half, StatusCode::kInvalidArgument},
      {"a certificate of another key", "server.pem", next.certificate_pem,
       StatusCode::kInvalidArgument},
      {"a key of another certificate", "server.key", next.key_pem, StatusCode::kInvalidArgument},
      {"no key", "server.key", "", StatusCode::kInvalidArgument},
      {"no authority", "clients.pem", "", StatusCode::kInvalidArgument},
      {"no PEM of an authority", "clients.pem", "hello\n", StatusCode::kInvalidArgument},
      {"half an authority", "clients.pem", clients_.pem() + half, StatusCode::kInvalidArgument},
  };
  double failures = 0;
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.what);
    std::ifstream before(Path(bad.file));
    const std::string good((std::istreambuf_iterator<char>(before)), {});
    Write(bad.file, bad.text);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(tls_->Reload().code(), bad.code);
    EXPECT_EQ(tls_->Reload().code(), bad.code);
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("\"tls_reload_failed\""), std::string::npos) << log;
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << "the same again is not told: " << log;
    EXPECT_EQ(Failures(), failures += 2);
    TlsClient known = HttpClient({.certificate = client});
    known.Send(kGet);
    EXPECT_TRUE(EndsWith(known.Read(), "<CN=collector,O=Example> 0")) << known.error();
    TlsClient stranger = HttpClient();
    stranger.Send(kGet);
    EXPECT_EQ(stranger.Read(), "");
    Write(bad.file, good);
    EXPECT_TRUE(tls_->Reload().ok());
  }
  ASSERT_EQ(std::remove(Path("server.key").c_str()), 0);
  EXPECT_EQ(tls_->Reload().code(), StatusCode::kNotFound);
  EXPECT_EQ(GrpcCallAs(client).code, 0);

  Write("server.pem", next.certificate_pem);
  Write("server.key", next.key_pem);
  EXPECT_TRUE(tls_->Reload().ok());
  EXPECT_EQ(HttpClient({.certificate = client}).peer_subject(), "CN=next,O=Example");
}

TEST_F(TlsTest, ABadFileStopsTheStartAndIsNamed) {
  Write("server.key", "hello\n");
  const auto tls = TlsCertificates::Load(Files(true), "api", env::RealEnv(), metrics_);
  ASSERT_FALSE(tls.ok());
  EXPECT_NE(tls.status().message().find("tls of api"), std::string::npos);
  EXPECT_NE(tls.status().message().find(Path("server.key")), std::string::npos);
  TlsOptions missing = Files(true);
  missing.client_ca_file = Path("nowhere.pem");
  const auto absent = TlsCertificates::Load(missing, "api", env::RealEnv(), metrics_);
  EXPECT_EQ(absent.status().code(), StatusCode::kNotFound);
  EXPECT_NE(absent.status().message().find("nowhere.pem"), std::string::npos);
}

// OpenSSL would ask for it on the terminal, and the server would wait.
TEST_F(TlsTest, AKeyWithAPassphraseIsRefused) {
  BIO* in = BIO_new_mem_buf(server_.key_pem.data(), static_cast<int>(server_.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>("secret"), 6, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  Write("server.key", std::string(data, static_cast<size_t>(size)));
  EVP_PKEY_free(key);
  BIO_free(in);
  BIO_free(out);
  EXPECT_EQ(TlsCertificates::Load(Files(false), "api", env::RealEnv(), metrics_).status().code(),
            StatusCode::kInvalidArgument);
}

// Goal: the files are looked at by themselves.
TEST_F(TlsTest, TheWorkerReloads) {
  TlsOptions files = Files(true);
  files.reload_interval_ns = kNanosPerMilli;
  auto tls = TlsCertificates::Load(files, "test", env::RealEnv(), metrics_);
  ASSERT_TRUE(tls.ok());
  const TestCertificate next = authority_.Issue("next");
  Write("server.pem", next.certificate_pem);
  Write("server.key", next.key_pem);
  while ((*tls)->current()->generation < 2) std::this_thread::yield();
  EXPECT_EQ((*tls)->current()->pem.key, next.key_pem);
}

TEST_F(TlsTest, TheEndOfTheCertificateIsAMetric) {
  Load(false);
  const double end =
      metrics_.GetGauge("sealtrail_tls_certificate_end_seconds", "", {{"listener", "test"}})
          .value();
  const double now = static_cast<double>(Value(env::RealEnv().clock.Now()) / kNanosPerSecond);
  EXPECT_GT(end, now + 3000);
  EXPECT_LE(end, now + 3600);
}

// Goal: who does not get on with the handshake is cut after the header's time, and meanwhile costs nobody else anything.
TEST_F(TlsTest, SlowHandshakesAreCut) {
  StartHttp(/*mutual=*/false, {.threads = 1, .timeouts = {.header_ns = 4 * kNanosPerSecond}});
  StartGrpc(/*mutual=*/false, {.handshake_timeout_ns = 4 * kNanosPerSecond});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (const std::string& address : {http_->address(), grpc_->address()}) {
    for (int i = 0; i < 50; ++i) {
      slow.push_back(std::make_unique<RawClient>(address));
      if (i % 2 == 0) slow.back()->Send("\x16\x03\x01\x02");  // the start of a client's hello
    }
  }
  for (const std::string& address : {http_->address(), grpc_->address()}) {
    const TlsClient other(address, {.authority_pem = authority_.pem()});
    EXPECT_TRUE(other.ok()) << other.error();
  }
  for (const auto& client : slow) EXPECT_TRUE(client->AtEnd());
}

TEST_F(TlsTest, AHandshakeThatNeverAsksIsCut) {
  StartHttp(/*mutual=*/false, {.timeouts = {.header_ns = 2 * kNanosPerSecond}});
  TlsClient silent = HttpClient();
  ASSERT_TRUE(silent.ok());
  EXPECT_EQ(silent.Read(), "");
}

TEST_F(TlsTest, WhoSpeaksNoTlsIsClosed) {
  StartHttp(/*mutual=*/false);
  RawClient plain(http_->address());
  EXPECT_EQ(plain.Get("/").status, 0);
  EXPECT_TRUE(HttpClient().ok());
}

// A refusal arrives whole although the client was still sending.
TEST_F(TlsTest, RefusalsArrive) {
  StartHttp(/*mutual=*/false, {.body_bytes_max = 1000});
  TlsClient client = HttpClient();
  client.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 300000\r\n\r\n" +
              std::string(300'000, 'x'));
  EXPECT_TRUE(client.Read().starts_with("HTTP/1.1 413 ")) << client.error();
}

TEST_F(TlsTest, TooManyConnectionsAreToldSo) {
  StartHttp(/*mutual=*/false, {.connections_max = 1});
  const TlsClient first = HttpClient();
  ASSERT_TRUE(first.ok());
  TlsClient second = HttpClient();
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second.Read().starts_with("HTTP/1.1 503 ")) << second.error();
}

// The socket in the folder is for this machine's own commands, which have no certificates.
TEST_F(TlsTest, TheUnixSocketStaysAsItIs) {
  StartHttp(/*mutual=*/true, {.unix_path = Path("api.sock")});
  EXPECT_EQ(RawClient(Path("api.sock")).Get("/").body, "<> 0");
}

}  // namespace
}  // namespace sealtrail::net
