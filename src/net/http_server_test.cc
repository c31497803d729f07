#include "net/http_server.h"

#include <atomic>
#include <filesystem>
#include <latch>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/mutex.h"
#include "net/listen.h"
#include "net/testing/raw_client.h"

namespace sealtrail::net {
namespace {

using testing::RawClient;
using testing::RawResponse;

HttpResponse Text(std::string body) {
  return {.status = 200,
          .content_type = "text/plain",
          .headers = {},
          .body = SharedBytes::FromText(std::move(body)),
          .source = nullptr};
}

// Describes the request it got, so that a test sees what arrived.
void Echo(HttpRequest request, HttpResponder responder) {
  responder.Send(Text(fmt::format("{} {} {} {}", request.method, request.path, request.query,
                                  AsText(request.body.view()))));
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpHandler handler, HttpServerOptions options = {}) {
    if (options.address.empty() && options.unix_path.empty()) options.address = "127.0.0.1:0";
    auto server =
        HttpServer::Start(std::move(options), env::RealEnv(), budget_, std::move(handler));
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }
  const std::string& address() const { return server_->address(); }

  // The last line of each test that lets the server end by itself: nothing is kept.
  void ExpectCleanStop() {
    server_->Stop(10 * kNanosPerSecond);
    EXPECT_EQ(budget_.used(), 0u);
  }

  ByteBudget budget_{64 * kMiB};
  std::unique_ptr<HttpServer> server_;
};

TEST(HttpMessageTest, DateAndHead) {
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110 §5.6.7
  HttpResponse response = Text("abc");
  response.headers = {{"X-Evil", "a\r\nSet-Cookie: b"}};
  EXPECT_EQ(FormatHttpHead(response, HttpFraming::kLength, false, "now"),
            "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain\r\n"
            "X-Evil: a  Set-Cookie: b\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServerTest, KeepsTheConnection) {
  Start(Echo);
  RawClient client(address());
  EXPECT_EQ(client.Post("/a?b=c", "text/plain", "first").body, "POST /a b=c first");
  EXPECT_EQ(client.Get("http://elsewhere/x?y").body, "GET /x y ");
  const RawResponse last = client.Post("/", "text/plain", "last", "Connection: close\r\n");
  EXPECT_EQ(last.body, "POST /  last");
  EXPECT_EQ(last.Header("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
  ExpectCleanStop();
}

TEST_F(HttpServerTest, TellsWhoIsThere) {
  Start([](HttpRequest request, HttpResponder responder) {
    responder.Send(Text(fmt::format("{} {} {}", request.peer, request.peer_uid.has_value(),
                                    request.Header("x-many"))));
  });
  RawClient client(address());
  const std::string body = client.Post("/", "a/b", "", "X-MANY: one\r\nx-many: two\r\n").body;
  EXPECT_TRUE(body.starts_with("127.0.0.1:")) << body;
  EXPECT_TRUE(body.ends_with(" false one")) << body;
}

// Goal: answers come in the order of the requests, also if the first one is answered last.
// Method: the handler keeps every responder; the test answers when the server has the first
// request. The second one must not reach the handler before that.
TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  std::atomic<int> seen{0};
  Start([&](HttpRequest request, HttpResponder responder) {
    const int nth = ++seen;
    request.body = SharedBytes();
    std::thread([request = std::move(request), responder, nth] {
      responder.Send(Text(fmt::format("{}{}", request.path, nth)));
    }).detach();
  });
  RawClient client(address());
  std::string all;
  for (int i = 1; i <= 50; ++i) {
    all += fmt::format("POST /{}- HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc", i);
  }
  ASSERT_TRUE(client.Send(all));
  for (int i = 1; i <= 50; ++i) EXPECT_EQ(client.Read().body, fmt::format("/{}-{}", i, i));
  ExpectCleanStop();
}

TEST_F(HttpServerTest, ReadsChunkedBodies) {
  Start(Echo);
  RawClient client(address());
  ASSERT_TRUE(
      client.Send("POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"));
  EXPECT_EQ(client.Read().body, "POST /c  abc0123456789");
  const std::string piece(100'000, 'x');
  std::string all = "POST /c HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 30; ++i) all += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  ASSERT_TRUE(client.Send(all + "0\r\n\r\n"));
  EXPECT_EQ(client.Read().body.size(), 9u + 3'000'000u);
  ExpectCleanStop();
}

TEST_F(HttpServerTest, CarriesBodiesUpToTheLimitBothWays) {
  ByteBudget& budget = budget_;
  size_t held = 0;
  Start([&](HttpRequest request, HttpResponder responder) {
    held = budget.used();
    HttpResponse response = Text("");
    response.body = std::move(request.body);
    responder.Send(std::move(response));
  });
  std::string big(kRequestBytesMax, 'x');
  for (size_t i = 0; i < big.size(); i += 4096) big[i] = static_cast<char>('a' + i / 4096 % 26);
  RawClient client(address());
  const RawResponse response = client.Post("/", "a/b", big);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == big);
  EXPECT_EQ(held, kRequestBytesMax);
  ExpectCleanStop();
}

TEST_F(HttpServerTest, RefusesMoreThanTheLimit) {
  Start(Echo, {.body_bytes_max = 1000});
  {
    RawClient client(address());
    const RawResponse response = client.Post("/", "a/b", std::string(1001, 'x'));
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.Header("connection"), "close");
  }
  for (const size_t size : {1000, 1001}) {
    RawClient client(address());
    ASSERT_TRUE(client.Send(fmt::format(
        "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        size, std::string(size, 'x'))));
    EXPECT_EQ(client.Read().status, size == 1000 ? 200 : 413);
  }
  {
    RawClient client(address());
    client.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999\r\n\r\n");
    EXPECT_EQ(client.Read().status, 400);
  }
  ExpectCleanStop();
}

// Goal: a refused client that goes on sending can do so to the end, and then reads why. (Many clients read nothing
// once a send has failed.)
TEST_F(HttpServerTest, ARefusedClientIsHeardOut) {
  Start(Echo, {.body_bytes_max = 1000});
  const std::string body(8 * kMiB, 'x');
  for (int i = 0; i < 10; ++i) {
    RawClient client(address());
    EXPECT_TRUE(client.Send(
        fmt::format("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", body.size())));
    EXPECT_TRUE(client.Send(body));
    EXPECT_EQ(client.Read().status, 413);
  }
}

TEST_F(HttpServerTest, LimitsTheHeader) {
  Start(Echo);
  RawClient fits(address());
  EXPECT_EQ(
      fits.Post("/", "a/b", "", fmt::format("X-Long: {}\r\n", std::string(30'000, 'x'))).status,
      200);
  RawClient one(address());
  EXPECT_EQ(
      one.Post("/", "a/b", "", fmt::format("X-Long: {}\r\n", std::string(33'000, 'x'))).status,
      431);
  RawClient endless(address());
  endless.Send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 100'000 && endless.Send("X-Many: yes\r\n"); ++i) {
  }
  EXPECT_EQ(endless.Read().status, 431);
  RawClient target(address());
  target.Send("GET /" + std::string(200'000, 'x'));
  EXPECT_EQ(target.Read().status, 431);
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  Start(Echo);
  const std::pair<const char*, int> cases[] = {
      {"\x16\x03\x01\x02 a TLS client hello\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: t\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // without Host
      {"GET  / HTTP/1.1\r\nHost: t\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: t\r\nBad Name: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nExpect: a miracle\r\nContent-Length: 1\r\n\r\nx", 417},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
  };
  for (const auto& [bytes, status] : cases) {
    SCOPED_TRACE(bytes);
    RawClient client(address());
    client.Send(bytes);
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.Header("connection"), "close");
    client.FinishSending();
    EXPECT_TRUE(client.AtEnd());
  }
  ExpectCleanStop();
}

TEST_F(HttpServerTest, MeetsExpectContinue) {
  Start(Echo, {.body_bytes_max = 1000});
  RawClient client(address());
  client.Send("POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("body");
  EXPECT_EQ(client.Read().body, "POST /e  body");
  client.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(HttpServerTest, SpeaksWithOldClientsAndAnswersHead) {
  Start(Echo);
  RawClient old(address());
  old.Send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Read().body, "GET /old  ");
  EXPECT_TRUE(old.AtEnd());
  RawClient head(address());
  head.Send("HEAD /h HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(head.Read(/*has_body=*/false).Header("content-length"), "9");
  EXPECT_EQ(head.Get("/next").body, "GET /next  ");
}

class Countdown : public HttpBodySource {
 public:
  Countdown(int pieces, bool fails) : left_(pieces), fails_(fails) {}
  void Next(std::function<void(Result<Bytes>)> done) override {
    if (left_ > 0) return done(Bytes(70'000, static_cast<uint8_t>('a' + left_-- % 26)));
    if (fails_) return done(DataLoss("gone"));
    done(Bytes());
  }

 private:
  int left_;
  bool fails_;
};

TEST_F(HttpServerTest, StreamsABody) {
  Start([](HttpRequest request, HttpResponder responder) {
    HttpResponse response = Text("");
    response.source = std::make_unique<Countdown>(50, request.path == "/fails");
    responder.Send(std::move(response));
  });
  RawClient client(address());
  for (int i = 0; i < 2; ++i) {
    const RawResponse response = client.Get("/");
    EXPECT_TRUE(response.complete);
    EXPECT_EQ(response.body.size(), 50u * 70'000u);
    EXPECT_EQ(response.body.front(), 'a' + 50 % 26);
    EXPECT_EQ(response.body.back(), 'b');
  }
  client.Send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.Read(/*has_body=*/false).status, 200);
  client.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.Read().body.size(), 50u * 70'000u);
  EXPECT_TRUE(client.AtEnd());
  RawClient cut(address());
  const RawResponse broken = cut.Get("/fails");
  EXPECT_EQ(broken.status, 200);
  EXPECT_FALSE(broken.complete);
  ExpectCleanStop();
}

TEST_F(HttpServerTest, ServesAHundredSendersAtOnce) {
  std::atomic<int> served{0};
  Start([&](HttpRequest request, HttpResponder responder) {
    ++served;
    Echo(std::move(request), std::move(responder));
  });
  std::atomic<int> right{0};
  {
    std::latch go(100);
    std::vector<std::jthread> senders;
    for (int s = 0; s < 100; ++s) {
      senders.emplace_back([&, s] {
        RawClient client(address());
        go.arrive_and_wait();
        for (int i = 0; i < 20; ++i) {
          const std::string body = fmt::format("{}-{}", s, std::string(i * 100, 'x'));
          if (client.Post("/p", "a/b", body).body == "POST /p  " + body) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 2000);
  EXPECT_EQ(served, 2000);
  ExpectCleanStop();
}

// Goal: who stalls loses the connection, whatever he stalls at, and others do not notice.
TEST_F(HttpServerTest, DropsWhoHangsHalfWay) {
  HttpTimeouts soon;
  soon.header_ns = soon.body_idle_ns = soon.keep_alive_ns = soon.write_ns = 3 * kNanosPerSecond;
  Start(
      [](HttpRequest request, HttpResponder responder) {
        HttpResponse response = Text("");
        if (request.path == "/big") response.body = SharedBytes(Bytes(32 * kMiB));
        responder.Send(std::move(response));
      },
      {.timeouts = soon});
  RawClient silent(address());
  RawClient in_line(address());
  in_line.Send("POST /v1/tra");
  RawClient in_header(address());
  in_header.Send("POST / HTTP/1.1\r\nHost: t\r\n");
  RawClient in_body(address());
  in_body.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n12345");
  RawClient in_chunk(address());
  in_chunk.Send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n123");
  RawClient idle(address());
  EXPECT_EQ(idle.Get("/").status, 200);
  RawClient not_reading(address());
  not_reading.Send("GET /big HTTP/1.1\r\nHost: t\r\n\r\n");

  RawClient other(address());
  EXPECT_EQ(other.Post("/", "a/b", "x").status, 200);
  for (RawClient* client : {&silent, &in_line, &in_header, &in_body, &in_chunk, &idle}) {
    EXPECT_TRUE(client->AtEnd());
  }
  server_->Stop(10 * kNanosPerSecond);  // returns, so the one that does not read is gone too
  EXPECT_FALSE(not_reading.Read().complete);
  EXPECT_EQ(budget_.used(), 0u);
}

// Goal: a body that trickles does not hold its memory for ever: each byte alone is no progress.
// Method: a round trip of another client between the bytes, which takes less than the patience and
// far more than its share of it for one byte.
TEST_F(HttpServerTest, ATricklingBodyIsNoProgress) {
  HttpTimeouts soon;
  soon.body_idle_ns = 50 * kNanosPerMilli;
  Start(Echo, {.timeouts = soon});
  RawClient slow(address());
  RawClient other(address());
  slow.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n");
  size_t sent = 0;
  while (sent < 1'000'000 && slow.Send("x")) {
    ++sent;
    ASSERT_EQ(other.Get("/").status, 200);
  }
  EXPECT_LT(sent, 16 * kKiB);
  EXPECT_EQ(slow.Read().status, 0);
}

TEST_F(HttpServerTest, WithoutRoomItSaysTryAgainBeforeTheBody) {
  Mutex mutex;
  CondVar arrived;
  std::vector<std::pair<HttpRequest, HttpResponder>> held;
  Start([&](HttpRequest request, HttpResponder responder) {
    if (request.path != "/hold") return Echo(std::move(request), std::move(responder));
    MutexLock lock(mutex);
    held.emplace_back(std::move(request), std::move(responder));
    arrived.NotifyAll();
  });
  RawClient first(address());
  first.Send(fmt::format("POST /hold HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n{}",
                         40 * kMiB, std::string(40 * kMiB, 'x')));
  {
    MutexLock lock(mutex);
    while (held.empty()) arrived.Wait(mutex);
  }
  RawClient second(address());
  second.Send(fmt::format("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", 30 * kMiB));
  const RawResponse refused = second.Read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("retry-after"), "1");
  RawClient third(address());
  EXPECT_EQ(third.Post("/", "a/b", "small").status, 200);
  std::vector<std::pair<HttpRequest, HttpResponder>> release;
  {
    MutexLock lock(mutex);
    release.swap(held);
  }
  release[0].second.Send(Text("done"));
  EXPECT_EQ(first.Read().body, "done");
}

TEST_F(HttpServerTest, TooManyConnectionsAreToldSo) {
  Start(Echo, {.connections_max = 3});
  std::vector<std::unique_ptr<RawClient>> inside;
  for (int i = 0; i < 3; ++i) {
    inside.push_back(std::make_unique<RawClient>(address()));
    EXPECT_EQ(inside.back()->Get("/").status, 200);
  }
  RawClient outside(address());
  const RawResponse response = outside.Read();
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.Header("retry-after"), "1");
  EXPECT_EQ(inside[0]->Get("/").status, 200);
}

TEST_F(HttpServerTest, ADroppedResponderIsAnAnswerToo) {
  Start([](HttpRequest, HttpResponder) {});
  RawClient client(address());
  EXPECT_EQ(client.Get("/").status, 503);
  EXPECT_EQ(client.Get("/").status, 503);
  ExpectCleanStop();
}

// Goal: Stop lets the request in flight end with its answer, closes idle connections at once, and
// takes no new ones.
TEST_F(HttpServerTest, StopDrains) {
  Mutex mutex;
  CondVar arrived;
  std::optional<HttpResponder> held;
  Start([&](HttpRequest request, HttpResponder responder) {
    if (request.path != "/slow") return Echo(std::move(request), std::move(responder));
    MutexLock lock(mutex);
    held = std::move(responder);
    arrived.NotifyAll();
  });
  RawClient idle(address());
  EXPECT_EQ(idle.Get("/").status, 200);
  RawClient slow(address());
  slow.Send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  {
    MutexLock lock(mutex);
    while (!held.has_value()) arrived.Wait(mutex);
  }
  std::atomic<bool> stopped{false};
  std::jthread stopper([&] {
    server_->Stop(3600 * kNanosPerSecond);
    stopped = true;
  });
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_FALSE(stopped);
  held->Send(Text("late"));
  held.reset();
  const RawResponse response = slow.Read();
  EXPECT_EQ(response.body, "late");
  EXPECT_EQ(response.Header("connection"), "close");
  stopper.join();
  EXPECT_TRUE(stopped);
}

// Method: the 100 says that the server waits for the body. Without the cut it would for an hour.
TEST_F(HttpServerTest, StopCutsWhatDoesNotEnd) {
  HttpTimeouts patient;
  patient.body_idle_ns = 3600 * kNanosPerSecond;
  Start(Echo, {.timeouts = patient});
  RawClient half(address());
  half.Send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(half.Read().status, 100);
  server_->Stop(0);
  EXPECT_TRUE(half.AtEnd());
}

class UnixSocketTest : public HttpServerTest {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) / fmt::format("net_{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(UnixSocketTest, AnyLengthOfPathModeAndUser) {
  std::filesystem::path deep = folder_;
  while (deep.string().size() < 200) deep /= "a-folder-with-a-rather-long-name";
  std::filesystem::create_directories(deep);
  for (const std::string& path : {(folder_ / "api.sock").string(), (deep / "api.sock").string()}) {
    SCOPED_TRACE(path);
    Start(
        [](HttpRequest request, HttpResponder responder) {
          responder.Send(Text(fmt::format("{} {}", request.peer, request.peer_uid.value_or(99))));
        },
        {.unix_path = path});
    struct stat info;
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    RawClient client(path);
    EXPECT_EQ(client.Get("/").body, fmt::format("unix {}", ::getuid()));
    ExpectCleanStop();
    EXPECT_NE(::stat(path.c_str(), &info), 0);
  }
}

TEST_F(UnixSocketTest, ReplacesAStaleSocketButNothingElse) {
  const std::string path = folder_ / "api.sock";
  ::close(ListenUnix(path).value());  // a process that died
  Start(Echo, {.unix_path = path});
  EXPECT_EQ(RawClient(path).Get("/").status, 200);
  const auto second = HttpServer::Start({.unix_path = path}, env::RealEnv(), budget_, Echo);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(RawClient(path).Get("/").status, 200);

  const auto on_folder =
      HttpServer::Start({.unix_path = folder_.string()}, env::RealEnv(), budget_, Echo);
  EXPECT_EQ(on_folder.status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(HttpServerTest, APortInUseIsSaid) {
  Start(Echo);
  const auto second = HttpServer::Start({.address = address()}, env::RealEnv(), budget_, Echo);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            fmt::format("listen on {}: Address already in use", address()));
}

TEST(ListenTest, HostAndPort) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:80")->port, 80);
  EXPECT_EQ(ParseHostPort("[::1]:4317")->host, "::1");
  for (const char* wrong : {"", "x", ":1", "h:", "h:65536", "h:-1", "h:1x", "::1:80", "h: 1"}) {
    EXPECT_EQ(ParseHostPort(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace sealtrail::net
