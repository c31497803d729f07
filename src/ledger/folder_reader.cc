#include "ledger/folder_reader.h"

#include "base/limits.h"
#include "ledger/record_reader.h"
#include "ledger/recovery.h"

namespace sealtrail::ledger {

Result<std::unique_ptr<FolderReader>> FolderReader::Open(const env::Env& env,
                                                         const std::string& data_dir) {
  const TrailPaths paths(data_dir);
  SEAL_ASSIGN_OR_RETURN(const tlog::Verifier verifier, ReadTrail(env, paths));
  SEAL_ASSIGN_OR_RETURN(CheckpointInfo checkpoint, ReadCheckpoint(env, paths, verifier));
  if (checkpoint.note.empty()) return MissingCheckpoint(paths);
  std::unique_ptr<FolderReader> reader(new FolderReader(env, paths, Sequencer(verifier.name())));
  SEAL_ASSIGN_OR_RETURN(Recovered recovered, Recover(env, paths, verifier.name(), checkpoint,
                                                     BadEnd::kLeave, false, reader->table_));
  reader->sequencer_ = recovered.sequencer;
  reader->checkpoint_ = std::move(checkpoint);
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

CheckpointInfo FolderReader::TreeHead() const {
  return {.size = sequencer_.size(), .root = sequencer_.Root(), .note = {}};
}

}  // namespace sealtrail::ledger
