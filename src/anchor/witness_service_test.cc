// The witness as its clients see it, in a simulated world and without a network.
#include <map>

#include <gtest/gtest.h>

#include "anchor/testing/memory_tree.h"
#include "anchor/witness_server.h"
#include "env/testing/sim_env.h"
#include "tlog/testing/vectors.h"

namespace sealtrail::anchor {
namespace {

using env::testing::SimEnv;
using testing::MemoryTree;

class WitnessServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.Grow(20);
    options_ = {.data_dir = "/witness", .name = "witness.example/w1"};
    options_.logs = {{.vkeys = {tree_.verifier().vkey()}}};
    Reopen();
  }

  Status TryOpen() {
    service_.reset();
    auto service =
        WitnessService::Open(world_.env(), options_, [this](const Status&) { ++failures_; });
    if (service.ok()) service_ = std::move(*service);
    return service.status();
  }
  void Reopen() {
    const Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
  }

  // The answer as text: "status type body".
  void Ask(net::HttpRequest request, std::string& answer) {
    service_->Handle(request, [&answer](net::HttpResponse response) {
      answer = fmt::format("{} {} {}", response.status, response.content_type,
                           AsText(response.body.view()));
      for (const auto& [name, value] : response.headers) {
        answer += fmt::format("[{}: {}]", name, value);
      }
    });
  }
  std::string Ask(net::HttpRequest request) {
    std::string answer;
    Ask(std::move(request), answer);
    world_.executor().RunUntilIdle();
    return answer;
  }
  static net::HttpRequest Post(std::string body) {
    return {.method = "POST",
            .path = "/add-checkpoint",
            .body = SharedBytes::FromText(std::move(body))};
  }
  net::HttpRequest Offer(const MemoryTree& tree, size_t old_size, size_t size) {
    tlog::AddCheckpointRequest request{.old_size = TreeSize{old_size},
                                       .checkpoint = tree.At(size).note};
    if (old_size > 0 && old_size <= size) {
      request.proof = tree.ConsistencyProof(TreeSize{old_size}, TreeSize{size}).value();
    }
    return Post(tlog::EncodeAddCheckpoint(request));
  }
  std::string Get(std::string path) { return Ask({.method = "GET", .path = std::move(path)}); }

  SimEnv world_{1};
  MemoryTree tree_;
  WitnessOptions options_;
  int failures_ = 0;
  std::unique_ptr<WitnessService> service_;
};

constexpr std::string_view kText = "text/plain; charset=utf-8 ";

TEST_F(WitnessServiceTest, TheTableOfStatuses) {
  const auto begins = [](const std::string& answer, std::string_view with) {
    EXPECT_TRUE(answer.starts_with(with)) << answer;
  };
  begins(Ask(Offer(tree_, 0, 7)), fmt::format("200 {}— witness.example/w1 ", kText));
  EXPECT_EQ(Ask(Offer(tree_, 5, 9)), "409 text/x.tlog.size 7\n");
  begins(Ask(Offer(tree_, 8, 7)), fmt::format("400 {}", kText));
  MemoryTree fork;
  fork.Grow(20, "another");
  begins(Ask(Offer(fork, 7, 7)), fmt::format("422 {}", kText));
  begins(Ask(Offer(fork, 7, 9)), fmt::format("422 {}", kText));
  begins(Ask(Post("nonsense")), fmt::format("400 {}", kText));
  begins(Ask(Post("old 7\n\nno note")), fmt::format("400 {}", kText));
  begins(Ask(Post(std::string(kWitnessRequestBytesMax + 1, 'x'))), "413 ");

  const auto stranger = tlog::Signer::FromSeed("log.example/stranger", Bytes(32, 1)).value();
  const auto forger = tlog::Signer::FromSeed("log.example/test", Bytes(32, 1)).value();
  const auto signed_by = [&](const tlog::Signer& signer) {
    return Post("old 7\n\n" + signer.Sign(tlog::CheckpointText({.origin = signer.verifier().name(),
                                                                .size = TreeSize{7},
                                                                .root = tree_.At(7).root})));
  };
  begins(Ask(signed_by(stranger)), fmt::format("404 {}", kText));
  begins(Ask(signed_by(forger)), fmt::format("403 {}", kText));
  EXPECT_EQ(failures_, 0);
}

TEST_F(WitnessServiceTest, ShowsWhatItCosigned) {
  const std::string path = "/" + WatchedLog::HexOf(MemoryTree::kOrigin) + "/checkpoint";
  EXPECT_TRUE(Get(path).starts_with("404 "));
  const std::string answer = Ask(Offer(tree_, 0, 7));
  const std::string line = answer.substr(answer.find("— "));
  EXPECT_EQ(Get(path), fmt::format("200 {}{}{}", kText, tree_.At(7).note, line));
  Reopen();
  EXPECT_EQ(Get(path), fmt::format("200 {}{}{}", kText, tree_.At(7).note, line));
  // Known answer of the reference: the path of the public test log.
  EXPECT_EQ(WatchedLog::HexOf("example.com/log/testdata"),
            "6994c64086cc171ca46c749d036fd313bac575a8b2b2a2b9874ef097775714d5");
}

TEST_F(WitnessServiceTest, OtherPlacesAndMethods) {
  const std::string hex(64, 'a');
  for (const std::string path :
       {"/", "", "/x", "/checkpoint", "/add-checkpoint/", "/sign-subtree", "/../add-checkpoint"}) {
    EXPECT_TRUE(Get(path).starts_with("404 ")) << path;
  }
  EXPECT_TRUE(Get("/" + hex + "/checkpoint").starts_with("404 "));
  EXPECT_TRUE(Get("/" + std::string(63, 'a') + "/checkpoint").starts_with("404 "));
  EXPECT_TRUE(Get("/add-checkpoint").starts_with("405 "));
  EXPECT_TRUE(Ask({.method = "POST", .path = "/" + hex + "/checkpoint"}).starts_with("405 "));
}

// The specification's own example. Nobody has published its keys, so with the log known under
// another key it is a checkpoint that no trusted key has signed.
TEST_F(WitnessServiceTest, TheExampleOfTheSpecification) {
  const std::string request = tlog::testing::TlogVector("witness/add-checkpoint.request.txt");
  EXPECT_TRUE(Ask(Post(request)).starts_with("404 "));
  const auto key = tlog::Signer::FromSeed("example.com/behind-the-sofa", Bytes(32, 1)).value();
  options_.logs.push_back({.vkeys = {key.verifier().vkey()}});
  Reopen();
  EXPECT_TRUE(Ask(Post(request)).starts_with("403 "));
}

TEST_F(WitnessServiceTest, SaysWhenToComeAgain) {
  options_.logs[0].requests_per_minute_max = 1;
  Reopen();
  EXPECT_TRUE(Ask(Offer(tree_, 0, 1)).starts_with("200 "));
  const std::string answer = Ask(Offer(tree_, 1, 2));
  EXPECT_TRUE(answer.starts_with("429 ")) << answer;
  EXPECT_TRUE(answer.ends_with("[Retry-After: 60]")) << answer;
}

TEST_F(WitnessServiceTest, AFailedDiskEndsIt) {
  EXPECT_TRUE(Ask(Offer(tree_, 0, 1)).starts_with("200 "));
  world_.files().FailOperation(world_.files().operations() + 2, EIO);
  EXPECT_TRUE(Ask(Offer(tree_, 1, 2)).starts_with("503 "));
  EXPECT_TRUE(Ask(Offer(tree_, 1, 2)).starts_with("503 "));
  EXPECT_EQ(failures_, 1);
  // What was cosigned before is still shown.
  EXPECT_TRUE(
      Get("/" + WatchedLog::HexOf(MemoryTree::kOrigin) + "/checkpoint").starts_with("200 "));
}

TEST_F(WitnessServiceTest, TooManyAtOnce) {
  std::vector<std::string> answers(kWitnessRequestsWaitingMax + 5);
  for (std::string& answer : answers) Ask(Offer(tree_, 0, 1), answer);
  int busy = 0;
  for (const std::string& answer : answers) busy += answer.starts_with("503 ");
  EXPECT_EQ(busy, 5);
  world_.executor().RunUntilIdle();
  for (const std::string& answer : answers) EXPECT_NE(answer, "");
  EXPECT_FALSE(Ask(Offer(tree_, 0, 1)).starts_with("503 "));
}

// The race of the specification: two requests that are both right when they arrive. Whatever comes
// first, the tree held never shrinks.
TEST_F(WitnessServiceTest, TwoAtOnceNeverRollItBack) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimEnv world(seed);
    WitnessOptions options = options_;
    options.logs[0].requests_per_minute_max = 10'000;
    auto service = WitnessService::Open(world.env(), options, nullptr).value();
    env::testing::Seeded choices(seed);
    for (size_t held = 0; held < 18;) {
      std::map<size_t, int> statuses;
      const size_t a = held + 1 + choices.Below(2), b = held + 1 + choices.Below(2);
      for (const size_t size : {a, b}) {
        service->Handle(Offer(tree_, held, size), [&statuses, size](net::HttpResponse response) {
          statuses[size] += response.status;
        });
      }
      world.executor().RunUntilIdle();
      // One is stale, unless both are the same offer made from another size: then one is, too.
      int sum = 0;
      for (const auto& [size, status] : statuses) sum += status;
      EXPECT_EQ(sum, 200 + 409);
      held = a == b ? a : statuses[a] == 200 ? a : b;
    }
  }
}

TEST_F(WitnessServiceTest, KeepsItsKey) {
  const std::string vkey = service_->vkey();
  EXPECT_TRUE(vkey.starts_with("witness.example/w1+")) << vkey;
  Reopen();
  EXPECT_EQ(service_->vkey(), vkey);
  const auto stored = env::ReadFile(world_.files(), "/witness/keys/witness.vkey", 1000).value();
  EXPECT_EQ(AsText(stored), vkey + "\n");

  options_.name = "witness.example/w2";
  EXPECT_EQ(TryOpen().code(), StatusCode::kFailedPrecondition);
  options_.name = "witness.example/w1";
  Reopen();
  ASSERT_TRUE(Ask(Offer(tree_, 0, 1)).starts_with("200 "));
  service_.reset();
  ASSERT_TRUE(world_.files().Remove("/witness/keys/witness.key").ok());
  EXPECT_EQ(TryOpen().code(), StatusCode::kFailedPrecondition);
}

TEST_F(WitnessServiceTest, DoesNotSettleInAStore) {
  options_.data_dir = "/store";
  ASSERT_TRUE(world_.files().MakeDir("/store").ok());
  ASSERT_TRUE(world_.files().Create("/store/trail").ok());
  EXPECT_EQ(TryOpen().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(world_.files().List("/store").value(), std::vector<std::string>{"trail"});
  ASSERT_TRUE(world_.files().Remove("/store/trail").ok());
  ASSERT_TRUE(world_.files().MakeDir("/store/segments").ok());
  EXPECT_EQ(TryOpen().code(), StatusCode::kFailedPrecondition) << "one that lost its note";
  EXPECT_EQ(world_.files().List("/store").value(), std::vector<std::string>{"segments"});
}

TEST_F(WitnessServiceTest, NorWhereItCannotSeeWhetherItIsOne) {
  options_.data_dir = "/store";
  ASSERT_TRUE(world_.files().MakeDir("/store").ok());
  for (const std::string name : {"trail", "segments"}) {
    ASSERT_TRUE(world_.files().MakeDir("/store/" + name).ok());
    for (const int read : {0, 1}) {
      world_.files().FailRead(world_.files().reads() + read);
      EXPECT_FALSE(TryOpen().ok());
      world_.files().ClearFaults();
      EXPECT_EQ(world_.files().List("/store").value(), std::vector<std::string>{name});
    }
    ASSERT_TRUE(world_.files().Remove("/store/" + name).ok());
  }
}

TEST_F(WitnessServiceTest, HasOneOwner) {
  const auto second = WitnessService::Open(world_.env(), options_, nullptr);
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
}

TEST_F(WitnessServiceTest, RefusesBadOptions) {
  options_.logs.push_back(options_.logs[0]);
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
  options_.logs.clear();
  Reopen();  // no logs yet
  options_.data_dir = "/another";
  options_.name = "a name";
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
}

// Goal: a first start that is cut anywhere ends, at the next one, in a witness with one key, the one
// that it may have said.
TEST(WitnessFirstStartTest, AnyPowerCut) {
  const WitnessOptions options{.data_dir = "/witness", .name = "witness.example/w1"};
  SimEnv clean(3);
  ASSERT_TRUE(WitnessService::Open(clean.env(), options, nullptr).ok());
  for (int cut = 0; cut < clean.files().operations(); ++cut) {
    SCOPED_TRACE(cut);
    SimEnv world(3);
    world.files().CutPowerAt(cut);
    std::string said;
    if (auto service = WitnessService::Open(world.env(), options, nullptr); service.ok()) {
      said = (*service)->vkey();
    }
    world.files().PowerOn();
    const auto service = WitnessService::Open(world.env(), options, nullptr);
    ASSERT_TRUE(service.ok()) << service.status().ToString() << world.Describe();
    if (!said.empty()) {
      EXPECT_EQ((*service)->vkey(), said);
    }
  }
}

}  // namespace
}  // namespace sealtrail::anchor
