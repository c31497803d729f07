// The service against our own witness and a time-stamp authority, over real connections.
#include <cstdlib>
#include <future>
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "anchor/anchor_service.h"
#include "anchor/start_check.h"
#include "anchor/testing/memory_tree.h"
#include "anchor/witness_server.h"
#include "crypto/testing/timestamp_authority.h"
#include "env/testing/temp_folder.h"
#include "net/http_server.h"
#include "net/listen.h"

namespace sealtrail::anchor {
namespace {

using testing::MemoryTree;

class NoSink : public record::RecordSink {
 public:
  void Submit(record::RecordBatch, record::CommitDone done) override {
    done(Unavailable("no ledger here"));
  }
};

class AnchorHttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    tree_.Grow(10);
    auto witness = WitnessServer::Start(env_,
                                        {.data_dir = folder_ / "witness",
                                         .listen = "127.0.0.1:0",
                                         .name = "witness.example/w1",
                                         .logs = {{.vkeys = {tree_.verifier().vkey()}}}},
                                        nullptr);
    ASSERT_TRUE(witness.ok()) << witness.status().ToString();
    witness_ = std::move(*witness);
    auto tsa = net::HttpServer::Start(
        {.address = "127.0.0.1:0", .threads = 1}, env_, budget_,
        [this](net::HttpRequest request, net::HttpResponder responder) {
          seen_type_ = request.Header("content-type");
          responder.Send({.content_type = std::string(crypto::kTimestampReplyType),
                          .body = SharedBytes(authority_.Reply(request.body.view(), kStampTime))});
        });
    ASSERT_TRUE(tsa.ok()) << tsa.status().ToString();
    tsa_ = std::move(*tsa);

    auto pem = env_.files.Create(folder_ / "tsa.pem").value();
    ASSERT_TRUE(pem->Append(AsBytes(authority_.ca_pem())).ok() && pem->Close().ok());
    options_.dir = folder_ / "anchors";
    options_.policy = fmt::format("witness w1 {} http://{}/\nquorum w1\n", witness_->ready().vkey,
                                  witness_->ready().address);
    options_.authorities = {
        {.url = "http://" + tsa_->address() + "/tsa", .ca_file = folder_ / "tsa.pem"}};
  }

  void Start() {
    auto service = AnchorService::Start(env_, options_, tree_, sink_, metrics_);
    ASSERT_TRUE(service.ok()) << service.status().ToString();
    service_ = std::move(*service);
  }
  // Returns when the round under way has ended: what is posted runs after it.
  void FinishRound() {
    std::promise<void> done;
    service_->ClearAlarm("nobody", [&done](const Status&) { done.set_value(); });
    done.get_future().wait();
  }

  static constexpr UnixNanos kStampTime{1'767'225'600 * kNanosPerSecond};

  const env::Env env_ = env::RealEnv();
  env::testing::TempFolder folder_;
  MemoryTree tree_;
  net::ByteBudget budget_{1 * kMiB};
  crypto::testing::TimestampAuthority authority_;
  std::string seen_type_;
  std::unique_ptr<WitnessServer> witness_;
  std::unique_ptr<net::HttpServer> tsa_;
  NoSink sink_;
  MetricSet metrics_;
  Options options_;
  std::unique_ptr<AnchorService> service_;
};

TEST_F(AnchorHttpTest, CosignedAndStamped) {
  Start();
  FinishRound();
  for (const AnchorHealth& health : service_->report().kinds) {
    EXPECT_EQ(health.size, TreeSize{10}) << AnchorKindName(health.kind);
  }
  EXPECT_EQ(service_->report().witnesses[0].error, "");
  EXPECT_EQ(service_->report().authorities[0].error, "");
  EXPECT_EQ(service_->report().authorities[0].last->time, kStampTime);
  EXPECT_EQ(seen_type_, "application/timestamp-query");
  service_->Stop();

  // What docs/formats/anchors.md tells a stranger to do.
  const std::string stem = options_.dir + "/00000000000000000010.";
  if (std::system("openssl version >/dev/null 2>&1") == 0) {
    EXPECT_EQ(std::system(fmt::format("openssl ts -verify -data {}stamped -in {}0.tsr -CAfile "
                                      "{}/tsa.pem >/dev/null 2>&1",
                                      stem, stem, folder_.path())
                              .c_str()),
              0);
  }

  // And at the next start the witness still knows.
  const auto heads = CheckStart(env_, options_, MemoryTree::kOrigin, tree_);
  ASSERT_TRUE(heads.ok()) << heads.status().ToString();
  ASSERT_EQ(heads->size(), 2u);  // it, and the checkpoint kept
  EXPECT_EQ((*heads)[0].state, WitnessedHead::State::kConsistent);
  tree_.RollBack(9);
  EXPECT_EQ(CheckStart(env_, options_, MemoryTree::kOrigin, tree_).status().code(),
            StatusCode::kFailedPrecondition);
}

// A witness that takes the connection and never says a word must not hold up the end of the store.
TEST_F(AnchorHttpTest, StopsInTheMiddle) {
  const int mute = net::ListenTcp("127.0.0.1:0").value();
  options_.policy = fmt::format("witness w1 {} http://{}\nquorum w1\n", witness_->ready().vkey,
                                net::LocalAddress(mute));
  options_.transport.total_timeout_ns = 3'600 * kNanosPerSecond;
  Start();
  const int connection = ::accept(mute, nullptr, nullptr);  // it is asking
  service_->Stop();
  ::close(connection);
  ::close(mute);
  EXPECT_EQ(service_->report().kinds[0].size, TreeSize{0});
}

}  // namespace
}  // namespace sealtrail::anchor
