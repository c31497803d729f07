// Lives a story (story.h): the ledger's processes one after the other in a simulated world, with everything that they
// promise noted (promises.h), and held against what is there at each start and at the end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/testing/sim_env.h"
#include "ledger/ledger.h"
#include "promises.h"
#include "story.h"
#include "sweep.h"

namespace sealtrail::sim {

inline constexpr char kData[] = "/data";

// Threads  Compatible.
class Life {
 public:
  explicit Life(Story story);
  ~Life();

  static ledger::Options OptionsOfLife();

  // The script, step by step. Ends early where a promise was broken.
  void Run();

  // The power goes, the disk is mended, the trail is started again and holds everything; it is stopped in order, and verify
  // finds it sound.
  void CheckTheEnd();

  // Both. Empty, or what was broken, with all that is needed to see it again.
  std::string Live();

  // Which operations wrote to a file whose path ends so.
  std::vector<int> WritesTo(const std::string& suffix) const;

  env::testing::SimEnv& world() { return world_; }
  Promises& promises() { return promises_; }
  const Story& story() const { return story_; }
  int starts() const { return starts_; }
  // Counts this life as a point, with the faults that came.
  void AddTo(Tally& tally);

  // All of the files in segments/ that end so, by first record.
  std::map<Seq, Bytes> SegmentFiles(const std::string& suffix);

 private:
  struct Process;

  void Take(const Step& step, size_t number);
  bool Start();
  void StartUntilItRuns();
  void Submit(const std::string& name, int records, bool beside);
  void Stop();
  void Die();
  void SettleAfterStep();
  // Whether the fault came while the process ran.
  bool Came(const Fault& fault);
  // Whether the process had a reason to fail.
  bool MetFault();
  bool MetFailure();
  std::optional<ledger::SigningState> SigningRecord();
  void CheckBeside(const ledger::Ledger& ledger);
  void CheckWithVerify();

  const Story story_;
  env::testing::SimEnv world_;
  Promises promises_;
  std::map<std::string, std::vector<int>> writes_;
  // Side contents of acknowledged records: number, hash, bytes.
  std::map<std::pair<Seq, crypto::Hash>, Bytes> beside_;
  std::unique_ptr<Process> process_;
  bool disk_full_ = false;
  bool mended_ = false;  // no fault comes any more
  int starts_ = 0;
};

}  // namespace sealtrail::sim
