// A trail with everything in it: sound as it is, and every bit of it in its place.
#include "verify/testing/full_trail.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "crypto/rfc3161.h"
#include "crypto/testing/timestamp_authority.h"
#include "env/env.h"
#include "env/machine.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

using testing::Bodies;
using testing::CoveredFiles;
using testing::Forge;
using testing::FullTrail;
using testing::MemorySource;

std::string Places(const Report& report) {
  std::string out;
  for (const Damage& d : report.damage) {
    out +=
        fmt::format("{} {} +{} {} [{}] {}\n", d.file, d.offset, d.length, d.kind, d.unit, d.text);
  }
  for (const std::string& obstacle : report.obstacles) out += "obstacle: " + obstacle + "\n";
  for (const Notice& n : report.notices) out += fmt::format("notice: {} {}\n", n.file, n.kind);
  return out;
}

// With a time stamp by an authority that we know.
struct Stamped {
  explicit Stamped(Bodies bodies)
      : trail(bodies, [this](std::string_view note) {
          return authority.Reply(crypto::MakeTimestampQuery(AsBytes(note), 7),
                                 UnixNanos{1'795'000'000'000'000'000});
        }) {}

  Options WithAll(size_t epoch = 0) const {
    return {.vkey = trail.forge.vkey(epoch), .policy = trail.policy, .tsa_ca = authority.ca_pem()};
  }

  crypto::testing::TimestampAuthority authority;
  FullTrail trail;
};

class FullTrailTest : public ::testing::TestWithParam<Bodies> {};
std::string NameOf(const ::testing::TestParamInfo<Bodies>& info) {
  return info.param == Bodies::kRaw          ? "Raw"
         : info.param == Bodies::kCompressed ? "Compressed"
                                             : "Parted";
}
INSTANTIATE_TEST_SUITE_P(Codecs, FullTrailTest,
                         ::testing::Values(Bodies::kRaw, Bodies::kCompressed, Bodies::kParted),
                         NameOf);

TEST_P(FullTrailTest, IsSound) {
  const Stamped stamped(GetParam());
  const Forge& forge = stamped.trail.forge;
  for (size_t epoch : {0u, 1u, 2u}) {
    Options options = stamped.WithAll(epoch);
    const Report report = Verify(forge.source, options);
    EXPECT_EQ(report.verdict, Verdict::kSound) << Places(report);
    EXPECT_EQ(report.root, forge.Root());
    EXPECT_EQ(report.chain, forge.chain());
    for (const Finding* each : {&report.integrity, &report.order, &report.completeness,
                                &report.authorship, &report.time, &report.independence}) {
      // The policy names the newest key alone.
      if (each == &report.authorship && epoch < 2) continue;
      EXPECT_EQ(each->answer, Answer::kPass) << each->reason;
    }
    ASSERT_EQ(report.ranges.size(), 1u);
    EXPECT_EQ(report.ranges[0].last, Seq{forge.size() - 1});
    EXPECT_EQ(report.ranges[0].state, RangeState::kPresentValid);
    ASSERT_EQ(report.notices.size(), 1u);
    EXPECT_EQ(report.notices[0].kind, "aside");
    options.policy.reset();
    EXPECT_EQ(Verify(forge.source, options).authorship.answer, Answer::kPass);
  }
}

// --- Every bit ------------------------------------------------------------------------------------

struct Flip {
  const std::string* path;
  size_t bit;
};

// What a flipped bit came to.
enum class Told { kDamage, kNotice, kNothing, kWrongly };

// A cosignature whose key name or id was changed is by nobody that is known: that is a notice, and the quorum is not met.
bool IsToldAsUnknownWitness(const Report& report, const std::string& path) {
  const bool noticed = std::any_of(
      report.notices.begin(), report.notices.end(),
      [&](const Notice& each) { return each.kind == "unknown_witness" && each.file == path; });
  return noticed && report.damage_total == 0 && report.independence.answer == Answer::kFail;
}

// Bytes of a time stamp that are neither signed nor bound by a hash (anchors.md) say nothing: the report is the same.
bool SaysTheSame(const Report& report, const Report& whole, const std::string& path) {
  return path.ends_with(".tsr") && ReportJson(report) == ReportJson(whole);
}

Told Judge(const Report& report, const Report& whole, const Flip& flip) {
  const size_t at = flip.bit / 8;
  if (report.damage.empty()) {
    if (IsToldAsUnknownWitness(report, *flip.path)) return Told::kNotice;
    return SaysTheSame(report, whole, *flip.path) ? Told::kNothing : Told::kWrongly;
  }
  const Damage& found = report.damage[0];
  const bool is_it = report.verdict == Verdict::kNotSound && report.damage.size() == 1 &&
                     found.file == *flip.path && at >= found.offset &&
                     at - found.offset < found.length;
  return is_it ? Told::kDamage : Told::kWrongly;
}

// Takes flips off one list and tries each on a copy of its own.
class Flipper {
 public:
  Flipper(const Stamped& stamped, std::vector<Flip> flips)
      : stamped_(stamped),
        flips_(std::move(flips)),
        whole_(Verify(stamped.trail.forge.source, stamped.WithAll())) {}

  void Work() {
    MemorySource source = stamped_.trail.forge.source;
    for (size_t i; (i = next_++) < flips_.size();) {
      const Flip& flip = flips_[i];
      uint8_t& byte = source.files[*flip.path][flip.bit / 8];
      const auto difference = static_cast<uint8_t>(1u << (flip.bit % 8));
      byte ^= difference;
      const Report report = Verify(source, stamped_.WithAll());
      byte ^= difference;
      const Told told = Judge(report, whole_, flip);
      ++counts_[static_cast<size_t>(told)];
      if (told != Told::kWrongly) continue;
      MutexLock lock(mutex_);
      if (wrong_.size() < 2000)
        wrong_ += fmt::format("{} bit {}\n{}", *flip.path, flip.bit, Places(report));
    }
  }

  size_t Count(Told told) const { return counts_[static_cast<size_t>(told)]; }
  std::string wrong() {
    MutexLock lock(mutex_);
    return wrong_;
  }

 private:
  const Stamped& stamped_;
  const std::vector<Flip> flips_;
  const Report whole_;
  std::atomic<size_t> next_ = 0;
  std::array<std::atomic<size_t>, 4> counts_{};
  Mutex mutex_;
  std::string wrong_ SEAL_GUARDED_BY(mutex_);
};

// Goal: whichever bit of whichever file changes, it is found, in that file, in a unit that holds it, and nothing else
// is blamed.
// Method: a sample by seed, so many of each file; all of them with SEALTRAIL_SOAK=1.
class EveryBitTest : public ::testing::TestWithParam<Bodies> {};
INSTANTIATE_TEST_SUITE_P(Codecs, EveryBitTest,
                         ::testing::Values(Bodies::kRaw, Bodies::kCompressed, Bodies::kParted),
                         NameOf);

TEST_P(EveryBitTest, OfEveryFile) {
  constexpr size_t kSampleOfFile = 100;
  const char* const soak = std::getenv("SEALTRAIL_SOAK");
  const bool all = soak != nullptr && std::string_view(soak) == "1";
  const Stamped stamped(GetParam());
  const std::vector<std::string> paths = CoveredFiles(stamped.trail.forge);
  std::vector<Flip> flips;
  size_t of_token = 0;
  uint64_t seed = 2026;
  for (const std::string& path : paths) {
    const size_t bits = stamped.trail.forge.source.files.at(path).size() * 8;
    const size_t step = all ? 1 : std::max<size_t>(1, 2 * bits / kSampleOfFile);
    for (size_t bit = 0; bit < bits;) {
      flips.push_back({.path = &path, .bit = bit});
      of_token += path.ends_with(".tsr");
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bit += all ? 1 : 1 + (seed >> 33) % step;
    }
  }
  const size_t total = flips.size();
  Flipper flipper(stamped, std::move(flips));
  {
    std::vector<std::unique_ptr<env::Worker>> workers;
    for (int i = 0; i < env::CoreCount(); ++i) {
      workers.push_back(env::RealEnv().executor.StartWorker("flip"));
      workers.back()->Post([&flipper] { flipper.Work(); });
    }
  }
  EXPECT_EQ(flipper.Count(Told::kWrongly), 0u) << flipper.wrong();
  EXPECT_EQ(
      flipper.Count(Told::kDamage) + flipper.Count(Told::kNotice) + flipper.Count(Told::kNothing),
      total);
  // Of 144 bytes of cosignatures, names and key ids alone.
  EXPECT_LT(flipper.Count(Told::kNotice), total / 20);
  EXPECT_LT(flipper.Count(Told::kNothing), 1 + of_token / 20);
  fmt::print(
      "{} bits of {} files: {} damage, {} an unknown witness, {} of a time stamp say nothing\n",
      total, paths.size(), flipper.Count(Told::kDamage), flipper.Count(Told::kNotice),
      flipper.Count(Told::kNothing));
}

// What is found does not depend on how many workers looked.
TEST(WorkersTest, OneReportHoweverManyThereAre) {
  env::Executor& executor = env::RealEnv().executor;
  for (Bodies bodies : {Bodies::kRaw, Bodies::kCompressed, Bodies::kParted}) {
    Forge forge = FullTrail(bodies).forge;
    const auto same = [&](const std::string& what) {
      const Options one = {.vkey = forge.vkey()};
      const std::string expected = ReportJson(Verify(forge.source, one));
      for (int threads : {2, 5}) {
        EXPECT_EQ(
            ReportJson(Verify(forge.source,
                              {.vkey = forge.vkey(), .executor = &executor, .threads = threads})),
            expected)
            << what;
      }
    };
    same("whole");
    for (const std::string& path : CoveredFiles(forge)) {
      Bytes& content = forge.source.files[path];
      const Bytes before = content;
      for (size_t at = 3; at < content.size(); at += content.size() / 7 + 1) {
        content[at] ^= 0x10;
        content[content.size() - 1 - at / 2] ^= 0x01;
        same(fmt::format("{} at {}", path, at));
        content = before;
      }
      content.resize(content.size() / 2);
      same(path + " cut");
      forge.source.files.erase(path);
      same(path + " gone");
      forge.source.files[path] = before;
    }
  }
}

}  // namespace
}  // namespace sealtrail::verify
