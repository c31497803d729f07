#include "ledger/folder_reader.h"

#include "base/limits.h"
#include "ledger/record_reader.h"
#include "ledger/recovery.h"
#include "ledger/tile_hashes.h"

namespace sealtrail::ledger {

Result<std::unique_ptr<FolderReader>> FolderReader::Open(const env::Env& env,
                                                         const std::string& data_dir) {
  const TrailPaths paths(data_dir);
  SEAL_ASSIGN_OR_RETURN(const TrailKeys keys, ReadTrail(env, paths));
  SEAL_ASSIGN_OR_RETURN(CheckpointInfo checkpoint, ReadCheckpoint(env, paths, keys));
  if (checkpoint.note.empty()) return MissingCheckpoint(paths);
  std::unique_ptr<FolderReader> reader(new FolderReader(env, paths, Sequencer(keys.origin())));
  const std::vector<Claim> claims = {
      {.name = paths.checkpoint, .size = checkpoint.size, .root = checkpoint.root}};
  SEAL_ASSIGN_OR_RETURN(Recovered recovered, Recover(env, paths, keys, claims, BadEnd::kLeave,
                                                     false, reader->table_, reader->tree_));
  reader->sequencer_ = recovered.sequencer;
  reader->checkpoint_ = std::move(checkpoint);
  for (const tlog::Verifier& verifier : keys.verifiers) reader->vkeys_.push_back(verifier.vkey());
  return reader;
}

Heights FolderReader::heights() const {
  return {.durable = sequencer_.size(), .checkpointed = checkpoint_.size};
}

Result<RecordRange> FolderReader::Read(Seq from, size_t records_max, size_t bytes_max) const {
  return ReadRecords(table_, from, records_max, bytes_max);
}

Result<Bytes> FolderReader::ReadBeside(Seq seq, const crypto::Hash& hash) const {
  return ReadBesideContent(table_, seq, hash);
}

Result<std::vector<crypto::Hash>> FolderReader::TileHashes(int level, uint64_t first,
                                                           size_t count) const {
  return ReadTileHashes(table_, tree_, level, first, count);
}

CheckpointInfo FolderReader::TreeHead() const {
  return {.size = sequencer_.size(), .root = sequencer_.Root(), .note = {}};
}

}  // namespace sealtrail::ledger
