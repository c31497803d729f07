#include "ledger/recovered_epoch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "base/encoding.h"
#include "base/limits.h"
#include "ledger/log_writer.h"
#include "ledger/recovery.h"
#include "ledger/segment_table.h"
#include "ledger/signing_record.h"
#include "ledger/tree_store.h"
#include "record/self_record.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kMiddle = "/epoch-";
constexpr size_t kStateBytesMax = 4 * kKiB;

// Puts the signing record of an earlier log of the trail aside, as evidence, and returns that log's number: the name is
// taken. 0 where there is none.
Result<uint32_t> KeepOldState(env::FileSystem& files, const std::string& dir,
                              const std::string& origin) {
  const std::string path = env::JoinPath(dir, "state");
  const auto text = env::ReadFile(files, path, kStateBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return uint32_t{0};
  if (!text.ok()) return text.status();
  const auto state = ParseSigningState(AsText(*text));
  if (!state.ok()) return state.status().Annotate(path);
  const uint32_t number = RecoveredLogNumber(origin, state->origin);
  if (number == 0 && state->origin != origin)
    return FailedPrecondition("{}: it is of the trail {}, and this is {}", path, state->origin,
                              origin);
  SEAL_RETURN_IF_ERROR(files.Rename(path, env::JoinPath(dir, fmt::format("state-{}", number))));
  SEAL_RETURN_IF_ERROR(files.SyncDir(dir));
  return number;
}

class Beginning {
 public:
  Beginning(const env::Env& env, const TrailPaths& paths, const CheckpointInfo& checkpoint,
            const RecoveredEpochOptions& options)
      : env_(env),
        paths_(paths),
        checkpoint_(checkpoint),
        options_(options),
        table_(env.files, paths.segments),
        tree_(env.files, paths.tiles) {}

  Result<RecoveredEpoch> Run(const std::vector<std::string>& vkeys);

 private:
  Status ReadKeys(const std::vector<std::string>& vkeys);
  Status MakeKey();
  Status WriteRecords();
  record::Salt NewSalt() const;
  Status Write(const record::RecordBatch& batch);
  Status Sign();
  Status WriteKeys();

  const env::Env& env_;
  const TrailPaths& paths_;
  const CheckpointInfo& checkpoint_;
  const RecoveredEpochOptions& options_;
  SegmentTable table_;
  TreeStore tree_;
  TrailKeys keys_;  // the new one is the last
  std::string key_text_;
  std::string signing_dir_;
  std::optional<Sequencer> sequencer_;
  std::optional<LogWriter> log_;
  RecoveredEpoch result_;
};

Result<RecoveredEpoch> Beginning::Run(const std::vector<std::string>& vkeys) {
  for (const std::string& dir : {paths_.keys, paths_.epochs, paths_.signing, paths_.tiles})
    SEAL_RETURN_IF_ERROR(env_.files.MakeDir(dir));
  SEAL_RETURN_IF_ERROR(env_.files.SyncDir(paths_.data_dir));
  SEAL_RETURN_IF_ERROR(ReadKeys(vkeys));
  SEAL_ASSIGN_OR_RETURN(
      const Recovered recovered,
      Recover(env_, paths_, keys_,
              {{.name = "the checkpoint", .size = checkpoint_.size, .root = checkpoint_.root}},
              BadEnd::kLeave, false, table_, tree_));
  SEAL_RETURN_IF_ERROR(MakeKey());
  sequencer_ = recovered.sequencer;
  if (recovered.log) {
    SEAL_ASSIGN_OR_RETURN(log_,
                          LogWriter::Continue(env_.files, paths_.segments, recovered.log->first,
                                              recovered.log->bundle_bytes));
  } else {
    SEAL_ASSIGN_OR_RETURN(log_, LogWriter::Create(env_.files, paths_.segments, *sequencer_,
                                                  keys_.origin(), env_.clock.Now()));
  }
  // The copy ends between a sealed segment and the record that names it, which must be the next one.
  if (recovered.seal_record_missing)
    SEAL_RETURN_IF_ERROR(
        Write(SealRecord(recovered.sealed.segments.back(), env_.clock.Now(), NewSalt())));
  SEAL_RETURN_IF_ERROR(WriteRecords());
  SEAL_RETURN_IF_ERROR(tree_.Persist(recovered.sealed.size()));
  SEAL_RETURN_IF_ERROR(Sign());
  SEAL_RETURN_IF_ERROR(WriteKeys());
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env_.files, paths_.data_dir, "checkpoint",
                                        AsBytes(result_.checkpoint.note)));
  return std::move(result_);
}

Status Beginning::ReadKeys(const std::vector<std::string>& vkeys) {
  for (const std::string& vkey : vkeys) {
    SEAL_ASSIGN_OR_RETURN(tlog::Verifier verifier, tlog::Verifier::FromVkey(vkey));
    keys_.verifiers.push_back(std::move(verifier));
  }
  return OkStatus();
}

// Under a name that no log of this trail has had, as far as can be known: two logs of one name must not be.
Status Beginning::MakeKey() {
  signing_dir_ = options_.signing_state_dir.empty() ? paths_.signing : options_.signing_state_dir;
  SEAL_ASSIGN_OR_RETURN(const uint32_t before,
                        KeepOldState(env_.files, signing_dir_, keys_.origin()));
  result_.epoch = keys_.epoch() + 1;
  uint32_t number = std::max(result_.epoch, options_.name_number_min);
  number = std::max(number, before + 1);
  number = std::max(number, RecoveredLogNumber(keys_.origin(), keys_.log_origin()) + 1);
  std::array<uint8_t, crypto::kEd25519SeedBytes> seed;
  env_.random.Fill(seed);
  SEAL_ASSIGN_OR_RETURN(tlog::Signer signer,
                        tlog::Signer::FromSeed(RecoveredLogName(keys_.origin(), number), seed));
  key_text_ = tlog::Signer::KeyText(signer.verifier(), seed);
  keys_.verifiers.push_back(signer.verifier());
  keys_.signer = std::make_shared<const SigningKey>(std::move(signer));
  result_.vkey = keys_.current().vkey();
  return OkStatus();
}

Status Beginning::WriteRecords() {
  result_.from = {.size = sequencer_->size(), .root = sequencer_->Root(), .note = {}};
  SEAL_RETURN_IF_ERROR(Write(record::SelfRecord(
      {.action = "sealtrail.recovery.epoch",
       .actor = options_.actor,
       .target = keys_.origin(),
       .details = {{"sealtrail.key.vkey", result_.vkey},
                   {"sealtrail.key.previous", keys_.verifiers[result_.epoch - 1].vkey()},
                   {"sealtrail.key.epoch", std::to_string(result_.epoch)},
                   {"sealtrail.tree.size", std::to_string(Value(result_.from.size))},
                   {"sealtrail.tree.root", Base64Encode(result_.from.root)}}},
      env_.clock.Now(), NewSalt())));
  SEAL_RETURN_IF_ERROR(log_->Sync());
  return log_->Close();
}

record::Salt Beginning::NewSalt() const {
  record::Salt salt;
  env_.random.Fill(salt);
  return salt;
}

Status Beginning::Write(const record::RecordBatch& batch) {
  const record::RecordBatch* const batches[] = {&batch};
  Growth growth;
  SEAL_RETURN_IF_ERROR(log_->Append(batches, *sequencer_, growth));
  tree_.Grow(growth.tile_nodes);
  return OkStatus();
}

// The new key alone: whether the old one is ours alone is what nobody knows.
Status Beginning::Sign() {
  const tlog::Checkpoint head{
      .origin = keys_.log_origin(), .size = sequencer_->size(), .root = sequencer_->Root()};
  SEAL_ASSIGN_OR_RETURN(SigningRecord signing,
                        SigningRecord::OpenLocked(env_.files, signing_dir_, keys_.log_origin()));
  SEAL_RETURN_IF_ERROR(signing.Intend(result_.epoch, head.size, head.root));
  SEAL_ASSIGN_OR_RETURN(const std::string note, keys_.signer->Sign(tlog::CheckpointText(head)));
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(env_.files, paths_.epochs, BeforeEpochFile(result_.epoch),
                                        AsBytes(checkpoint_.note)));
  SEAL_RETURN_IF_ERROR(
      env::ReplaceFile(env_.files, paths_.epochs, std::to_string(result_.epoch), AsBytes(note)));
  result_.checkpoint = {.size = head.size, .root = head.root, .note = note};
  return OkStatus();
}

Status Beginning::WriteKeys() {
  for (uint32_t epoch = 0; epoch < result_.epoch; ++epoch) {
    SEAL_RETURN_IF_ERROR(env::ReplaceFile(env_.files, paths_.keys, RetiredVkeyFile(epoch),
                                          AsBytes(keys_.verifiers[epoch].vkey() + "\n")));
  }
  SEAL_RETURN_IF_ERROR(
      env::ReplaceFile(env_.files, paths_.keys, "log.vkey", AsBytes(result_.vkey + "\n")));
  return env::ReplaceFile(env_.files, paths_.keys, "log.key", AsBytes(key_text_));
}

}  // namespace

std::string RecoveredLogName(std::string_view origin, uint32_t number) {
  return fmt::format("{}{}{}", origin, kMiddle, number);
}

uint32_t RecoveredLogNumber(std::string_view origin, std::string_view log_name) {
  const size_t prefix = origin.size() + kMiddle.size();
  if (log_name.size() <= prefix) return 0;
  uint32_t number = 0;
  std::from_chars(log_name.data() + prefix, log_name.data() + log_name.size(), number);
  return RecoveredLogName(origin, number) == log_name ? number : 0;
}

Result<RecoveredEpoch> BeginRecoveredEpoch(const env::Env& env, const TrailPaths& paths,
                                           const CheckpointInfo& checkpoint,
                                           const std::vector<std::string>& vkeys,
                                           const RecoveredEpochOptions& options) {
  return Beginning(env, paths, checkpoint, options).Run(vkeys);
}

}  // namespace sealtrail::ledger
