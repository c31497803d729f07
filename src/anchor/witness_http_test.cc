// Our client against our witness, over a real connection.
#include <signal.h>
#include <thread>

#include <gtest/gtest.h>

#include "anchor/testing/memory_tree.h"
#include "anchor/witness_client.h"
#include "anchor/witness_server.h"
#include "env/testing/temp_folder.h"

namespace sealtrail::anchor {
namespace {

using testing::MemoryTree;

class WitnessHttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    tree_.Grow(40);
    options_ = {.data_dir = folder_ / "witness",
                .listen = "127.0.0.1:0",
                .name = "witness.example/w1",
                .logs = {{.vkeys = {tree_.verifier().vkey()}, .requests_per_minute_max = 10'000}}};
    Start();
    ASSERT_TRUE(env_.files.MakeDir(folder_ / "anchors").ok());
  }

  void Start() {
    auto server = WitnessServer::Start(env_, options_, nullptr);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(*server);
  }

  std::unique_ptr<WitnessClient> Client() {
    return WitnessClient::Open(env_, folder_ / "anchors",
                               {.name = "w1",
                                .vkey = server_->ready().vkey,
                                .url = "http://" + server_->ready().address},
                               *transport_)
        .value();
  }

  const env::Env env_ = env::RealEnv();
  env::testing::TempFolder folder_;
  MemoryTree tree_;
  WitnessOptions options_;
  std::unique_ptr<WitnessServer> server_;
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<Transport> transport_ =
      HttpTransport({.total_timeout_ns = 60 * kNanosPerSecond}, cancelled_);
};

TEST_F(WitnessHttpTest, CosignsAndShows) {
  auto client = Client();
  std::string note;
  for (const size_t size : {5, 9, 10, 40}) {
    const SignedCheckpoint checkpoint = tree_.At(size);
    const std::string lines = client->Submit(checkpoint, tree_).lines;
    ASSERT_NE(lines, "") << client->report().error;
    note = checkpoint.note + lines;
  }
  // A restart forgets nothing.
  server_.reset();
  Start();
  const auto shown =
      transport_
          ->Fetch({.url = fmt::format("http://{}/{}/checkpoint", server_->ready().address,
                                      WatchedLog::HexOf(MemoryTree::kOrigin))})
          .value();
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.Header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(shown.body, note);
}

TEST_F(WitnessHttpTest, RefusesALongBody) {
  const auto answer = transport_
                          ->Fetch({.url = "http://" + server_->ready().address + "/add-checkpoint",
                                   .method = "POST",
                                   .body = std::string(kWitnessRequestBytesMax + 1, 'x')})
                          .value();
  EXPECT_EQ(answer.status, 413);
}

TEST_F(WitnessHttpTest, GoneAndBack) {
  auto client = Client();
  server_->Stop();
  EXPECT_EQ(client->Submit(tree_.At(5), tree_).lines, "");
  EXPECT_NE(client->report().error, "");
  server_.reset();
  Start();
  EXPECT_NE(Client()->Submit(tree_.At(5), tree_).lines, "");
}

// Several senders at once, each with its own idea of where the witness is: sizes that were cosigned
// never go back.
TEST_F(WitnessHttpTest, ManyAtOnce) {
  std::atomic<int> cosigned = 0;
  std::vector<std::thread> senders;
  const std::string url = "http://" + server_->ready().address;
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&, sender] {
      size_t last = 0;
      for (size_t size = 1 + static_cast<size_t>(sender); size <= 40; ++size) {
        size_t old_size = last;
        for (int attempt = 0; attempt < 3 && old_size <= size; ++attempt) {
          tlog::AddCheckpointRequest request{.old_size = TreeSize{old_size},
                                             .checkpoint = tree_.At(size).note};
          if (old_size > 0) {
            request.proof = tree_.ConsistencyProof(TreeSize{old_size}, TreeSize{size}).value();
          }
          const auto answer = transport_->Fetch({.url = url + "/add-checkpoint",
                                                 .method = "POST",
                                                 .body = tlog::EncodeAddCheckpoint(request)});
          ASSERT_TRUE(answer.ok()) << answer.status().ToString();
          if (answer->status == 200) {
            ++cosigned;
            last = size;
            break;
          }
          ASSERT_EQ(answer->status, 409);
          const size_t held = std::stoul(answer->body);
          ASSERT_GE(held, last) << "it went back";
          last = old_size = held;
        }
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_GT(cosigned.load(), 0);
  EXPECT_NE(Client()->Submit(tree_.At(40), tree_).lines, "");
}

}  // namespace
}  // namespace sealtrail::anchor
