#include "net/http_client.h"

#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "net/http_server.h"

namespace sealtrail::net {
namespace {

// Pieces 0 to 9 of 50,000 bytes, or a break after three of them.
class Pieces : public HttpBodySource {
 public:
  explicit Pieces(bool breaks) : breaks_(breaks) {}

  void Next(std::function<void(Result<Bytes>)> done) override {
    if (breaks_ && next_ == 3) return done(Unavailable("no more"));
    if (next_ == 10) return done(Bytes());
    done(Bytes(50'000, static_cast<uint8_t>('0' + next_++)));
  }

 private:
  const bool breaks_;
  int next_ = 0;
};

void Answer(HttpRequest request, HttpResponder responder) {
  HttpResponse response{.content_type = "text/plain"};
  if (request.path == "/pieces" || request.path == "/broken") {
    response.source = std::make_unique<Pieces>(request.path == "/broken");
  } else if (request.path == "/refused") {
    response.status = 403;
    response.body = SharedBytes::FromText(std::string(100'000, 'x'));
  } else {
    response.headers = {{"X-Seen", std::string(request.Header("x-sent"))}};
    response.body =
        SharedBytes::FromText(request.method + " " + std::string(AsText(request.body.view())));
  }
  responder.Send(std::move(response));
}

class HttpClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // Longer than a socket address can be.
    folder_ = std::filesystem::temp_directory_path() /
              (fmt::format("http-client-{}-", ::getpid()) + std::string(150, 'x'));
    std::filesystem::create_directories(folder_);
    unix_path_ = folder_ / "api.sock";
    auto server = HttpServer::Start({.address = "127.0.0.1:0", .unix_path = unix_path_},
                                    env::RealEnv(), budget_, Answer);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  Result<HttpClientResponse> Fetch(HttpClientRequest request) {
    body_.clear();
    return FetchHttp(request, [this](std::string_view piece) {
      body_ += piece;
      return OkStatus();
    });
  }

  std::filesystem::path folder_;
  std::string unix_path_;
  ByteBudget budget_{64 * kMiB};
  std::unique_ptr<HttpServer> server_;
  std::string body_;
};

TEST_F(HttpClientTest, OverTcpAndOverASocketOfAnyLength) {
  HttpClientRequest request{
      .method = "POST", .target = "/x", .headers = {{"X-Sent", "yes"}}, .body = "hello"};
  for (const bool unix_socket : {false, true}) {
    (unix_socket ? request.unix_path : request.address) =
        unix_socket ? unix_path_ : server_->address();
    const auto response = Fetch(request);
    ASSERT_TRUE(response.ok()) << response.status().ToString();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(body_, "POST hello");
    bool seen = false;
    for (const auto& [name, value] : response->headers) seen |= name == "x-seen" && value == "yes";
    EXPECT_TRUE(seen);
  }
}

TEST_F(HttpClientTest, TakesALongBodyInPieces) {
  const auto response = Fetch({.address = server_->address(), .target = "/pieces"});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  ASSERT_EQ(body_.size(), 500'000u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(body_[i * 50'000 + 7], static_cast<char>('0' + i));
}

// A body that ends too early must not look like a whole one.
TEST_F(HttpClientTest, ABrokenBodyIsAnError) {
  EXPECT_EQ(Fetch({.address = server_->address(), .target = "/broken"}).status().code(),
            StatusCode::kUnavailable);
}

TEST_F(HttpClientTest, KeepsTheStartOfARefusal) {
  const auto response = Fetch({.address = server_->address(), .target = "/refused"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->error_body, std::string(64 * kKiB, 'x'));
  EXPECT_EQ(body_, "");
}

TEST_F(HttpClientTest, AnErrorOfTheSinkEndsIt) {
  const auto response = FetchHttp({.address = server_->address(), .target = "/pieces"},
                                  [](std::string_view) { return ResourceExhausted("enough"); });
  EXPECT_EQ(response.status().message(), "enough");
}

TEST_F(HttpClientTest, NobodyThere) {
  EXPECT_EQ(Fetch({.address = "127.0.0.1:1"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Fetch({.unix_path = unix_path_ + ".not"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Fetch({.address = "nowhere"}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sealtrail::net
