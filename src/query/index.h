// The index: records as rows, for SQL. Pulls from the ledger; everything under its folder can be deleted and is
// built again from record 0.
//
//   ledger ─▶ decode once ─▶ tail (sealed shared memory) ─▶ parts (Parquet) ─▶ fewer, larger parts
//
// A snapshot is a list of parts and tail chunks that hold records 0 to covered-1, each once. A query gets one, and
// nothing that happens later changes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/status.h"
#include "env/env.h"
#include "env/shared_memory.h"
#include "ledger/ledger_reader.h"
#include "query/index_catalogue.h"
#include "query/part_writer.h"
#include "query/tail_chunk.h"
#include "vocab/row_decoder.h"

namespace sealtrail::query {

struct IndexOptions {
  std::string dir;      // DATA/index; made if absent
  bool paused = false;  // nothing is decoded or written but what a query needs
  uint64_t part_rows_max = 250'000;
  int64_t part_interval_ns =
      2 * kNanosPerSecond;  // between parts, where there are part_rows_min rows
  int64_t part_interval_max_ns = 60 * kNanosPerSecond;  // where there are fewer
  uint64_t part_rows_min = 4096;
  size_t tail_bytes_max = kIndexTailBytesMax;
};

// A part with its file held open: removing the file does not disturb a query that has it.
struct OpenPart {
  PartInfo info;
  env::Descriptor file;
};

// Some rows of the tail, in memory that workers map.
struct TailPiece {
  env::Descriptor memory;
  std::unique_ptr<env::MappedMemory> mapped;
  TailChunk chunk;
};

struct IndexSnapshot {
  std::vector<std::shared_ptr<const OpenPart>> parts;
  std::vector<std::shared_ptr<const TailPiece>> tail;
  TreeSize covered{0};
};

// Threads  Safe. Owns three workers: one decodes and owns all state, one writes parts, one merges them.
class Index {
 public:
  // Reads the catalogue, removes what it does not name, and starts. An index that is damaged, of another version or
  // of another ledger is emptied. `reader` and `env` must outlive it.
  static Result<std::unique_ptr<Index>> Open(const env::Env& env, ledger::LedgerReader& reader,
                                             std::shared_ptr<const vocab::Vocabulary> vocabulary,
                                             IndexOptions options, MetricSet& metrics);
  // Finishes what is being written. The tail is dropped: the ledger has it.
  ~Index();

  // Calls `ready` with a snapshot that covers all records below `height` (which must be durable), or fewer where the
  // tail is at its limit. Decodes what is missing; waits for no part and writes none. `ready` runs on a worker of the
  // index and must be quick.
  void Snapshot(TreeSize height, std::function<void(std::shared_ptr<const IndexSnapshot>)> ready);

  // Records below this are in parts.
  TreeSize indexed() const;

 private:
  struct State;

  Index(const env::Env& env, ledger::LedgerReader& reader,
        std::shared_ptr<const vocab::Vocabulary> vocabulary, IndexOptions options,
        MetricSet& metrics);

  std::shared_ptr<State> state_;
};

}  // namespace sealtrail::query
