// One file or folder of the simulated disk: what programs see of it, what is durable, and what a
// power cut makes of the difference. The rules stand in sim_fs.h; this is where they are played
// out.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "env/testing/seeded.h"

namespace sealtrail::env::testing {

// What becomes of that which was not durable when the power fails.
enum class Survival { kSeeded, kNothing, kEverything };

class SimFile {
 public:
  const Bytes& seen() const { return seen_; }
  const Bytes& durable() const { return durable_; }

  // Appends at most `bytes_max` bytes of `parts` and returns how many.
  uint64_t Append(std::span<const ByteView> parts, uint64_t bytes_max);
  void Resize(uint64_t size);
  // The bytes from `offset` on are written once more, over themselves: pages that a failed sync left
  // behind are dirty again.
  void Redirty(uint64_t offset);
  void FlipBit(uint64_t offset, int bit);

  // What a good sync does: everything seen is durable, except pages that a failed sync left behind.
  void Sync();
  // What a failed sync does: most changed pages count as written though they are not.
  void FailSync(Seeded& choices);

  // What is left after a power cut, and a line that says so.
  std::string Settle(Survival survival, Seeded& choices);

 private:
  uint8_t DurableAt(uint64_t offset) const {
    return offset < durable_.size() ? durable_[offset] : 0;
  }
  std::string MixPages(Seeded& choices);
  void FillPage(Bytes& left, uint64_t begin, uint64_t end, char fate, Seeded& choices) const;

  Bytes seen_;
  Bytes durable_;
  uint64_t dirty_from_ = 0;       // below it, seen and durable are equal
  std::set<uint64_t> abandoned_;  // 4096-byte pages that a failed sync marked clean
};

struct SimNode;
using SimNodePtr = std::shared_ptr<SimNode>;

class SimFolder {
 public:
  using Entries = std::map<std::string, SimNodePtr, std::less<>>;

  // What programs see.
  const Entries& seen() const { return seen_; }

  void Set(const std::string& name, SimNodePtr node);
  void Erase(const std::string& name);
  // Inside this folder, in one step.
  void Rename(const std::string& from, const std::string& to);

  void Sync();

  // What is left after a power cut, and a line that says so (empty if nothing was undecided). The
  // nodes behind the entries settle by themselves.
  std::string Settle(Survival survival, Seeded& choices);

 private:
  // `set` is given to `node`, or empty; `erased` is taken away, or empty.
  struct Change {
    std::string set;
    SimNodePtr node;
    std::string erased;
  };
  void Apply(Change change);

  Entries seen_;
  Entries durable_;
  std::vector<Change> pending_;  // from durable_ to seen_, in order
};

struct SimNode {
  bool is_directory;
  SimFile file;      // where it is none
  SimFolder folder;  // where it is one
};

}  // namespace sealtrail::env::testing
