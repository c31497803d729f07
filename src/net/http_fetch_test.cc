#include "net/http_fetch.h"

#include <cstdlib>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "env/env.h"
#include "env/testing/temp_folder.h"
#include "net/http_server.h"
#include "net/listen.h"
#include "net/testing/tls_server.h"

namespace sealtrail::net {
namespace {

void Redirect(const HttpRequest& request, int status, const HttpResponder& responder) {
  HttpResponse response{.status = status};
  response.headers = {{"Location", request.query}};
  responder.Send(std::move(response));
}

void Answer(HttpRequest request, HttpResponder responder) {
  if (request.path == "/301") return Redirect(request, 301, responder);
  if (request.path == "/307") return Redirect(request, 307, responder);
  HttpResponse response{.content_type = "text/x.test"};
  if (request.path == "/long") {
    response.body = SharedBytes::FromText(std::string(5000, 'x'));
  } else if (request.path == "/headers") {
    for (int i = 0; i < 40; ++i)
      response.headers.emplace_back(fmt::format("X-{}", i), std::string(2000, 'x'));
  } else {
    response.status = request.path == "/409" ? 409 : 200;
    response.headers = {{"X-Seen", std::string(request.Header("x-sent"))}};
    response.body = SharedBytes::FromText(fmt::format("{} {} {}", request.method, request.path,
                                                      std::string(AsText(request.body.view()))));
  }
  responder.Send(std::move(response));
}

class HttpFetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    auto server = HttpServer::Start({.address = "127.0.0.1:0"}, env::RealEnv(), budget_, Answer);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }

  std::string Url(std::string_view path) {
    return fmt::format("http://{}{}", server_->address(), path);
  }

  ByteBudget budget_{64 * kMiB};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpFetchTest, GetsAndPosts) {
  const auto get = Fetch({.url = Url("/a?b=c"), .headers = {{"X-Sent", "yes"}}});
  ASSERT_TRUE(get.ok()) << get.status().ToString();
  EXPECT_EQ(get->status, 200);
  EXPECT_EQ(get->body, "GET /a ");
  EXPECT_EQ(get->Header("x-seen"), "yes");
  EXPECT_EQ(get->Header("content-type"), "text/x.test");
  EXPECT_EQ(get->Header("absent"), "");

  const std::string body("a\0b", 3);
  const auto post = Fetch({.url = Url("/p"), .method = "POST", .body = body});
  ASSERT_TRUE(post.ok()) << post.status().ToString();
  EXPECT_EQ(post->body, "POST /p " + body);
  // Two MiB: libcurl would first wait for a "100 Continue".
  const auto large = Fetch({.url = Url("/p"), .method = "POST", .body = std::string(2 * kMiB, 'x')},
                           {.answer_bytes_max = 3 * kMiB});
  ASSERT_TRUE(large.ok()) << large.status().ToString();
  EXPECT_EQ(large->body.size(), 2 * kMiB + 8);
  const auto none = Fetch({.url = Url("/p"), .method = "POST"});
  ASSERT_TRUE(none.ok()) << none.status().ToString();
  EXPECT_EQ(none->body, "POST /p ");
}

TEST_F(HttpFetchTest, AnErrorOfTheServerIsAnAnswer) {
  const auto response = Fetch({.url = Url("/409"), .method = "POST", .body = "x"});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->status, 409);
  EXPECT_EQ(response->body, "POST /409 x");
}

TEST_F(HttpFetchTest, TooLong) {
  EXPECT_TRUE(Fetch({.url = Url("/long")}, {.answer_bytes_max = 5000}).ok());
  EXPECT_EQ(Fetch({.url = Url("/long")}, {.answer_bytes_max = 4999}).status().code(),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(Fetch({.url = Url("/headers")}).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(HttpFetchTest, FollowsRedirectsOnThisServerAlone) {
  const auto follow = [this](std::string_view path, std::string method = "GET") {
    const auto response = Fetch({.url = Url(path), .method = method, .body = "b"});
    return response.ok() ? fmt::format("{} {}", response->status, response->body)
                         : response.status().ToString();
  };
  EXPECT_EQ(follow("/301?/there"), "200 GET /there ");
  EXPECT_EQ(follow("/301?" + Url("/there")), "200 GET /there ");
  EXPECT_EQ(follow("/307?/there", "POST"), "200 POST /there b");
  EXPECT_EQ(follow("/301?/there", "POST"), "301 ");  // would have to become a GET
  EXPECT_EQ(follow("/301?/301?/301?/there"), "200 GET /there ");
  EXPECT_EQ(follow("/301?/301?/301?/301?/there"), "301 ");
  EXPECT_EQ(follow("/301?http://localhost/there"), "301 ");
  EXPECT_EQ(follow("/301?http://127.0.0.1:1/there"), "301 ");
  EXPECT_EQ(follow("/301?file:///etc/passwd"), "301 ");
}

TEST_F(HttpFetchTest, WhatIsNoRequest) {
  const std::string good = Url("/");
  for (const FetchRequest& request : {
           FetchRequest{.url = ""},
           FetchRequest{.url = "nonsense"},
           FetchRequest{.url = "file:///etc/passwd"},
           FetchRequest{.url = "ftp://127.0.0.1/"},
           FetchRequest{.url = "http://user:secret@127.0.0.1/"},
           FetchRequest{.url = good, .headers = {{"X", "a\r\nY: b"}}},
           FetchRequest{.url = good, .headers = {{"X Y", "a"}}},
           FetchRequest{.url = good, .headers = {{"", "a"}}},
       }) {
    const Status status = Fetch(request).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument)
        << request.url << ": " << status.ToString();
  }
}

TEST_F(HttpFetchTest, IgnoresTheProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  const auto response = Fetch({.url = Url("/a")});
  ::unsetenv("http_proxy");
  EXPECT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(Fetch({.url = Url("/a")}, {.proxy = "http://127.0.0.1:1"}).status().code(),
            StatusCode::kUnavailable);
}

TEST(HttpFetch, NobodyThere) {
  EXPECT_EQ(Fetch({.url = "http://127.0.0.1:1/"}).status().code(), StatusCode::kUnavailable);
}

// A socket that takes connections and never says a word.
class Mute {
 public:
  Mute() : socket_(ListenTcp("127.0.0.1:0").value()) {}
  ~Mute() { ::close(socket_); }
  std::string url() const { return "http://" + LocalAddress(socket_) + "/"; }
  int socket() const { return socket_; }

 private:
  const int socket_;
};

TEST(HttpFetch, AServerThatNeverAnswers) {
  Mute mute;
  const Status status =
      Fetch({.url = mute.url()}, {.total_timeout_ns = 50 * kNanosPerMilli}).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status.ToString();
}

TEST(HttpFetch, EndsWhenCancelled) {
  Mute mute;
  std::atomic<bool> cancelled = true;
  const Status status = Fetch({.url = mute.url()}, {.cancelled = &cancelled}).status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.ToString();
}

class HttpFetchTlsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = folder_ / name;
    auto file = env::RealEnv().files.Create(path);
    EXPECT_TRUE(file.ok() && (*file)->Append(AsBytes(text)).ok() && (*file)->Close().ok());
    return path;
  }

  env::testing::TempFolder folder_;
};

TEST_F(HttpFetchTlsTest, BelievesOnlyWhomItIsTold) {
  testing::TlsServer server, other;
  testing::TlsServer misnamed("127.0.0.2");
  const auto response =
      Fetch({.url = server.url()}, {.ca_file = Write("server.pem", server.certificate_pem())});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->body, "over tls");

  const auto refused = [](const std::string& url, FetchOptions options) {
    const Status status = Fetch({.url = url}, options).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status.ToString();
  };
  refused(server.url(), {});  // not one of the system's authorities
  refused(server.url(), {.ca_file = Write("other.pem", other.certificate_pem())});
  refused(misnamed.url(), {.ca_file = Write("misnamed.pem", misnamed.certificate_pem())});
  refused(server.url(), {.ca_file = folder_ / "absent.pem"});
}

}  // namespace
}  // namespace sealtrail::net
