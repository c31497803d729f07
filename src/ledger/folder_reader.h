// A trail's folder as it stands, for reading only: nothing is locked, cut or written.
#pragma once

#include <memory>

#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "ledger/segment_table.h"
#include "ledger/sequencer.h"
#include "ledger/trail.h"
#include "ledger/tree_store.h"

namespace sealtrail::ledger {

// Sees the records that recovery would keep. Nothing may write to the folder meanwhile.
class FolderReader : public LedgerReader {
 public:
  // Errors as OpenTrail and Recover; FailedPrecondition if the folder holds no trail.
  static Result<std::unique_ptr<FolderReader>> Open(const env::Env& env,
                                                    const std::string& data_dir);

  // The verifier keys of the trail, by epoch.
  const std::vector<std::string>& vkeys() const { return vkeys_; }

  Heights heights() const override;
  Result<RecordRange> Read(Seq from, size_t records_max, size_t bytes_max) const override;
  Result<Bytes> ReadBeside(Seq seq, const crypto::Hash& hash) const override;
  Result<std::vector<crypto::Hash>> TileHashes(int level, uint64_t first,
                                               size_t count) const override;
  CheckpointInfo checkpoint() const override { return checkpoint_; }
  CheckpointInfo TreeHead() const override;
  std::vector<SegmentInfo> segments() const override { return table_.List(); }
  void OnGrowth(std::function<void()>) override {}  // it never grows

 private:
  FolderReader(const env::Env& env, const TrailPaths& paths, Sequencer empty)
      : table_(env.files, paths.segments),
        tree_(env.files, paths.tiles),
        sequencer_(std::move(empty)) {}

  SegmentTable table_;
  TreeStore tree_;
  Sequencer sequencer_;
  CheckpointInfo checkpoint_;
  std::vector<std::string> vkeys_;
};

}  // namespace sealtrail::ledger
