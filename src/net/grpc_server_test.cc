#include "net/grpc_server.h"

#include <atomic>
#include <latch>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "net/content_decoder.h"
#include "net/testing/grpc_client.h"
#include "net/testing/raw_client.h"

namespace sealtrail::net {
namespace {

using testing::GrpcClient;
using testing::GrpcReply;
using testing::RawClient;

constexpr char kMethod[] = "/test.Service/Export";

void Echo(GrpcCall call, GrpcResponder responder) {
  responder.Ok(call.message.view());
}

class GrpcServerTest : public ::testing::Test {
 protected:
  void Start(GrpcHandler handler, GrpcServerOptions options = {}) {
    if (options.address.empty()) options.address = "127.0.0.1:0";
    options.methods = {kMethod, "/test.Service/Other"};
    auto server =
        GrpcServer::Start(std::move(options), env::RealEnv(), budget_, std::move(handler));
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }
  const std::string& address() const { return server_->address(); }

  ByteBudget budget_{128 * kMiB};
  std::unique_ptr<GrpcServer> server_;
};

std::string Pattern(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 2654435761u >> 13);
  return out;
}

TEST_F(GrpcServerTest, CarriesMessagesOfEverySize) {
  Start(Echo);
  GrpcClient client(address());
  for (const size_t size :
       {size_t{0}, size_t{1}, 8 * kKiB, 100 * kKiB, 3 * kMiB, kRequestBytesMax}) {
    SCOPED_TRACE(size);
    const std::string message = Pattern(size);
    const GrpcReply reply = client.Call(kMethod, message);
    EXPECT_EQ(reply.code, 0) << reply.error;
    EXPECT_TRUE(reply.message == message);
  }
  server_->Stop(10 * kNanosPerSecond);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(GrpcServerTest, TellsWhoIsThere) {
  Start([](GrpcCall call, GrpcResponder responder) {
    responder.Ok(
        AsBytes(fmt::format("{} {} {} {}", call.method, call.peer,
                            call.Metadata("x-audit-pipeline"), call.Metadata("user-agent"))));
  });
  const GrpcReply reply = GrpcClient(address(), {.user_agent = "test-exporter/1.0"})
                              .Call(kMethod, "", {{"x-audit-pipeline", "siem"}});
  EXPECT_TRUE(reply.message.starts_with("/test.Service/Export 127.0.0.1:")) << reply.message;
  EXPECT_NE(reply.message.find(" siem test-exporter/1.0 grpc-c++/"), std::string::npos)
      << reply.message;
}

// Goal: core does not inflate. What arrives is gzip, and the bounded decoder gives the message back.
TEST_F(GrpcServerTest, HandsCompressedMessagesOverAsTheyCame) {
  std::atomic<size_t> arrived{0};
  Start([&](GrpcCall call, GrpcResponder responder) {
    arrived = call.message.size();
    const ContentCoding coding = CodingByMagic(call.message.view());
    EXPECT_EQ(coding, ContentCoding::kGzip);
    responder.Ok(DecodeContent(coding, call.message, budget_).value().view());
  });
  GrpcClient client(address(), {.gzip = true});
  const std::string message(1'000'000, 'x');
  const GrpcReply reply = client.Call(kMethod, message);
  EXPECT_EQ(reply.code, 0) << reply.error;
  EXPECT_TRUE(reply.message == message);
  EXPECT_LT(arrived, 10'000u);
}

// gRPC's compression specification: a coding that is not read is named, not met with "these bytes are no message".
TEST_F(GrpcServerTest, DeflateIsRefusedByName) {
  Start(Echo);
  const GrpcReply reply =
      GrpcClient(address(), {.deflate = true}).Call(kMethod, std::string(100'000, 'x'));
  EXPECT_EQ(reply.code, 12);
  EXPECT_NE(reply.error.find("deflate"), std::string::npos) << reply.error;
}

TEST_F(GrpcServerTest, FailuresCarryDetailsAndTrailers) {
  Start([](GrpcCall, GrpcResponder responder) {
    responder.Fail({.code = 14,
                    .message = "overloaded: 100 % \u00e9",
                    .details = std::string("\x08\x0e\0\xff", 4),
                    .trailers = {{"google.rpc.retryinfo-bin", std::string("\x0a\x02\x08\x05", 4)},
                                 {"plain", "text"}}});
  });
  const GrpcReply reply = GrpcClient(address()).Call(kMethod, "x");
  EXPECT_EQ(reply.code, 14);
  EXPECT_EQ(reply.error, "overloaded: 100 % \u00e9");
  EXPECT_EQ(reply.details, std::string("\x08\x0e\0\xff", 4));
  EXPECT_EQ(reply.trailers.at("google.rpc.retryinfo-bin"), std::string("\x0a\x02\x08\x05", 4));
  EXPECT_EQ(reply.trailers.at("plain"), "text");
}

TEST_F(GrpcServerTest, NamesTheMethodsItHas) {
  Start(Echo);
  const GrpcReply reply = GrpcClient(address()).Call("/test.Service/Exprot", "x");
  EXPECT_EQ(reply.code, 12);
  EXPECT_EQ(reply.error,
            "no method /test.Service/Exprot; here are /test.Service/Export, /test.Service/Other");
}

TEST_F(GrpcServerTest, RefusesLargerMessages) {
  std::atomic<int> handled{0};
  Start([&](GrpcCall call, GrpcResponder responder) {
    ++handled;
    Echo(std::move(call), std::move(responder));
  });
  GrpcClient client(address());
  EXPECT_EQ(client.Call(kMethod, std::string(kRequestBytesMax + 1, 'x')).code, 8);
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(client.Call(kMethod, "x").code, 0);
}

TEST_F(GrpcServerTest, ServesAHundredSendersAtOnce) {
  Start([](GrpcCall call, GrpcResponder responder) {
    const std::string text(AsText(call.message.view()));
    std::thread([text, responder] { responder.Ok(AsBytes(text)); }).detach();
  });
  std::atomic<int> right{0};
  {
    std::latch go(100);
    std::vector<std::jthread> senders;
    for (int s = 0; s < 100; ++s) {
      senders.emplace_back([&, s] {
        GrpcClient client(address());
        go.arrive_and_wait();
        for (int i = 0; i < 10; ++i) {
          const std::string message = fmt::format("{}-{}", s, std::string(i * 5000, 'x'));
          if (client.Call(kMethod, message).message == message) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 1000);
  server_->Stop(10 * kNanosPerSecond);
  EXPECT_EQ(budget_.used(), 0u);
}

// Keeps the responders until the test answers them.
struct Shelf {
  Mutex mutex;
  CondVar changed;
  std::vector<std::pair<GrpcCall, GrpcResponder>> calls SEAL_GUARDED_BY(mutex);

  GrpcHandler Handler() {
    return [this](GrpcCall call, GrpcResponder responder) {
      MutexLock lock(mutex);
      calls.emplace_back(std::move(call), std::move(responder));
      changed.NotifyAll();
    };
  }
  void AwaitCalls(size_t count) {
    MutexLock lock(mutex);
    while (calls.size() < count) changed.Wait(mutex);
  }
  void AnswerAll() {
    std::vector<std::pair<GrpcCall, GrpcResponder>> all;
    {
      MutexLock lock(mutex);
      all.swap(calls);
    }
    for (auto& [call, responder] : all) responder.Ok(AsBytes("late"));
  }
};

TEST_F(GrpcServerTest, BoundsCallsAndBytes) {
  Shelf shelf;
  Start(shelf.Handler(), {.calls_max = 2});
  GrpcReply replies[2];
  {
    std::jthread one([&] { replies[0] = GrpcClient(address()).Call(kMethod, "1"); });
    std::jthread two([&] { replies[1] = GrpcClient(address()).Call(kMethod, "2"); });
    shelf.AwaitCalls(2);
    EXPECT_EQ(GrpcClient(address()).Call(kMethod, "3").code, 14);
    shelf.AnswerAll();
  }
  EXPECT_EQ(replies[0].message + replies[1].message, "latelate");
  {
    std::jthread big([&] { replies[0] = GrpcClient(address()).Call(kMethod, Pattern(60 * kMiB)); });
    shelf.AwaitCalls(1);
    const auto taken = budget_.TryTake(40 * kMiB);
    EXPECT_EQ(GrpcClient(address()).Call(kMethod, Pattern(30 * kMiB)).code, 14);
    shelf.AnswerAll();
  }
  EXPECT_EQ(replies[0].message, "late");
}

TEST_F(GrpcServerTest, ADroppedResponderIsAnAnswerToo) {
  Start([](GrpcCall, GrpcResponder) {});
  EXPECT_EQ(GrpcClient(address()).Call(kMethod, "x").code, 14);
}

TEST_F(GrpcServerTest, StopDrains) {
  Shelf shelf;
  Start(shelf.Handler());
  GrpcReply reply;
  std::jthread caller([&] { reply = GrpcClient(address()).Call(kMethod, "x"); });
  shelf.AwaitCalls(1);
  std::atomic<bool> stopped{false};
  std::jthread stopper([&] {
    server_->Stop(3600 * kNanosPerSecond);
    stopped = true;
  });
  EXPECT_FALSE(stopped);
  shelf.AnswerAll();
  caller.join();
  EXPECT_EQ(reply.message, "late");
  stopper.join();
}

TEST_F(GrpcServerTest, APortInUseIsSaid) {
  Start(Echo);
  const auto second = GrpcServer::Start({.address = address()}, env::RealEnv(), budget_, Echo);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(second.status().message(),
            fmt::format("listen on {}: Address already in use", address()));
  EXPECT_EQ(
      GrpcServer::Start({.address = "nonsense"}, env::RealEnv(), budget_, Echo).status().code(),
      StatusCode::kInvalidArgument);
}

// HTTP/2 by hand (RFC 9113 §4.1, RFC 7541 §6.2.2), to see frames that the gRPC client hides.
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (const size_t shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out.append(payload);
}

std::string Field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');  // literal, not indexed, new name
  for (const std::string_view text : {name, value}) {
    out.push_back(static_cast<char>(text.size()));
    out.append(text);
  }
  return out;
}

constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4;
constexpr uint8_t kEndStream = 1, kEndHeaders = 4;

std::string OpenCall(std::string_view method, const std::string& more_fields = "") {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") +
         Frame(kHeaders, kEndHeaders, 1,
               Field(":method", "POST") + Field(":scheme", "http") + Field(":path", method) +
                   Field(":authority", "t") + Field("te", "trailers") +
                   Field("content-type", "application/grpc") + more_fields);
}

struct SeenFrame {
  uint8_t type;
  uint8_t flags;
};

// The frames on stream 1 up to the one that ends it.
std::vector<SeenFrame> FramesOfCall(RawClient& client) {
  std::vector<SeenFrame> out;
  for (;;) {
    const std::string header = client.ReadBytes(9);
    if (header.size() < 9) return out;
    const auto at = [&](size_t i) { return static_cast<uint8_t>(header[i]); };
    client.ReadBytes(size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2));
    if (at(8) != 1) continue;
    out.push_back({at(3), at(4)});
    if (at(3) == kReset || (at(3) <= kHeaders && (at(4) & kEndStream) != 0)) return out;
  }
}

// Goal: clients that look for the status in the response headers only find it (reference: opentelemetry-java).
TEST_F(GrpcServerTest, FailuresAreTrailersOnly) {
  Start([](GrpcCall, GrpcResponder responder) {
    responder.Fail({.code = 14, .message = "no", .details = "d", .trailers = {{"a-bin", "b"}}});
  });
  for (const char* method : {kMethod, "/no.such/Method"}) {
    RawClient client(address());
    client.Send(OpenCall(method) + Frame(kData, kEndStream, 1, std::string("\0\0\0\0\x02hi", 7)));
    const std::vector<SeenFrame> frames = FramesOfCall(client);
    ASSERT_GE(frames.size(), 1u);
    EXPECT_EQ(frames[0].type, kHeaders);
    EXPECT_EQ(frames[0].flags, kEndStream | kEndHeaders);
  }
}

// Goal: a stream in a coding that core does not know arrives as it was sent, and costs no line of the log.
TEST_F(GrpcServerTest, SendersOfZstdAreServedInSilence) {
  const std::string packed = "\x28\xb5\x2f\xfd and so on";
  std::atomic<int> arrived{0};
  Start([&](GrpcCall call, GrpcResponder responder) {
    if (AsText(call.message.view()) == packed) ++arrived;
    responder.Ok({});
  });
  ::testing::internal::CaptureStderr();
  RawClient client(address());
  client.Send(OpenCall(kMethod, Field("grpc-encoding", "zstd")) +
              Frame(kData, kEndStream, 1,
                    std::string("\x01\0\0\0", 4) + static_cast<char>(packed.size()) + packed));
  const std::vector<SeenFrame> frames = FramesOfCall(client);
  server_->Stop(0);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ASSERT_EQ(frames.size(), 3u);  // header, message, trailers
  EXPECT_EQ(arrived, 1);
}

TEST_F(GrpcServerTest, ACallerWhoLeavesDoesNotDisturbTheAnswer) {
  Shelf shelf;
  Start(shelf.Handler());
  {
    RawClient client(address());
    client.Send(OpenCall(kMethod) + Frame(kData, kEndStream, 1, std::string("\0\0\0\0\x02hi", 7)));
    shelf.AwaitCalls(1);
  }
  shelf.AnswerAll();
  server_->Stop(10 * kNanosPerSecond);
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(GrpcServerTest, DropsWhoHangsInTheMiddleOfAMessage) {
  std::atomic<int> handled{0};
  Start(
      [&](GrpcCall call, GrpcResponder responder) {
        ++handled;
        Echo(std::move(call), std::move(responder));
      },
      {.read_timeout_ns = 3 * kNanosPerSecond});
  RawClient half(address());
  half.Send(OpenCall(kMethod) + Frame(kData, 0, 1, std::string("\0\0\0\0\x09half", 9)));
  RawClient nothing(address());
  nothing.Send(OpenCall(kMethod));
  EXPECT_EQ(GrpcClient(address()).Call(kMethod, "x").code, 0);
  for (RawClient* client : {&half, &nothing}) {
    const std::vector<SeenFrame> frames = FramesOfCall(*client);
    ASSERT_GE(frames.size(), 1u);
  }
  EXPECT_EQ(handled, 1);
  server_->Stop(10 * kNanosPerSecond);
  EXPECT_EQ(budget_.used(), 0u);
}

// Goal: a client that pings all the time, also between calls, keeps its connection as long as the pings are far enough
// apart. Method: a second server, for which they are too fast, shows that there are pings, and that it would be seen.
TEST_F(GrpcServerTest, ClientsMayPingBetweenCalls) {
  const GrpcHandler tells_peer = [](GrpcCall call, GrpcResponder responder) {
    responder.Ok(AsBytes(call.peer));
  };
  Start(tells_peer, {.ping_interval_min_ns = 100 * kNanosPerMilli});
  auto strict = GrpcServer::Start({.address = "127.0.0.1:0",
                                   .methods = {kMethod},
                                   .ping_interval_min_ns = 3600 * kNanosPerSecond},
                                  env::RealEnv(), budget_, tells_peer);
  ASSERT_TRUE(strict.ok());
  GrpcClient client(address(), {.ping_ms = 200});
  GrpcClient sent_away((*strict)->address(), {.ping_ms = 200});
  const std::string peer = client.Call(kMethod, "x").message;
  const std::string other = sent_away.Call(kMethod, "x").message;
  EXPECT_NE(peer, "");
  // A call is an answer, after which strikes are counted anew; so each look leaves time for more than three.
  for (int patience = 0; sent_away.Call(kMethod, "x").message == other; ++patience) {
    ASSERT_LT(patience, 20) << "no pings come";
    std::this_thread::sleep_for(std::chrono::seconds(1 + patience));
  }
  EXPECT_EQ(client.Call(kMethod, "x").message, peer);
}

TEST_F(GrpcServerTest, ACallWithoutAMessageIsRefused) {
  Start(Echo);
  RawClient client(address());
  client.Send(OpenCall(kMethod) + Frame(kData, kEndStream, 1, ""));
  const std::vector<SeenFrame> frames = FramesOfCall(client);
  ASSERT_GE(frames.size(), 1u);
  EXPECT_EQ(frames[0].flags, kEndStream | kEndHeaders);
}

TEST_F(GrpcServerTest, SurvivesBytesThatAreNoHttp2) {
  Start(Echo);
  for (const char* bytes : {"GET / HTTP/1.1\r\nHost: t\r\n\r\n", "\x16\x03\x01\x02\x03 hello"}) {
    RawClient client(address());
    client.Send(bytes);
    client.FinishSending();
    client.ReadBytes(100'000);
  }
  EXPECT_EQ(GrpcClient(address()).Call(kMethod, "x").code, 0);
}

}  // namespace
}  // namespace sealtrail::net
