#include "ledger/signing_record.h"

#include <charconv>

#include "base/encoding.h"
#include "base/limits.h"

namespace sealtrail::ledger {
namespace {

constexpr std::string_view kTitle = "sealtrail/signing/v1";
constexpr std::string_view kFamily = "sealtrail/signing/";
constexpr std::string_view kName = "state";
constexpr size_t kBytesMax = 4 * kKiB;

std::string Lines(const SigningState& state) {
  return fmt::format("{}\norigin {}\nepoch {}\nsize {}\nroot {}\n", kTitle, state.origin,
                     state.epoch, Value(state.size), Base64Encode(state.root));
}

// The rest of the line that starts with `word`; empty if there is none.
std::string_view LineOf(std::string_view text, std::string_view word) {
  const std::string start = fmt::format("\n{} ", word);
  const size_t at = text.find(start);
  if (at == text.npos) return {};
  const std::string_view rest = text.substr(at + start.size());
  return rest.substr(0, rest.find('\n'));
}

}  // namespace

std::string SigningStateText(const SigningState& state) {
  const std::string lines = Lines(state);
  return fmt::format("{}sha256 {}\n", lines, Base64Encode(crypto::Sha256(AsBytes(lines))));
}

// Read loosely, then held against the one spelling of what was read: that covers every byte, the checksum's too.
Result<SigningState> ParseSigningState(std::string_view text) {
  if (text.starts_with(kFamily) && text.substr(0, text.find('\n')) != kTitle) {
    return Unimplemented("it has the form {}, this program knows {}",
                         text.substr(0, text.find('\n')), kTitle);
  }
  SigningState state{.origin = std::string(LineOf(text, "origin"))};
  const std::string_view epoch = LineOf(text, "epoch");
  std::from_chars(epoch.data(), epoch.data() + epoch.size(), state.epoch);
  const std::string_view size = LineOf(text, "size");
  uint64_t number = 0;
  std::from_chars(size.data(), size.data() + size.size(), number);
  state.size = TreeSize{number};
  const auto root = Base64Decode(LineOf(text, "root"));
  if (root.ok() && root->size() == state.root.size())
    std::copy(root->begin(), root->end(), state.root.begin());
  if (SigningStateText(state) != text)
    return DataLoss("it is damaged: not what was written, or not its checksum");
  return state;
}

Result<std::string> SigningFolder(env::FileSystem& files, const std::string& data_dir,
                                  const std::string& named) {
  SEAL_ASSIGN_OR_RETURN(const bool inside, env::LiesIn(files, named, data_dir));
  if (!inside) {
    SEAL_RETURN_IF_ERROR(files.MakeDir(named));
    return files.RealPath(named);
  }
  const std::string own = env::JoinPath(data_dir, "signing");
  SEAL_ASSIGN_OR_RETURN(const bool in_own, env::LiesIn(files, named, own));
  SEAL_ASSIGN_OR_RETURN(const bool holds_own, env::LiesIn(files, own, named));
  if (in_own && holds_own) return own;
  return FailedPrecondition(
      "signing state {}: it lies in the data folder {}, and would be lost and restored with it; "
      "name a folder elsewhere",
      named, data_dir);
}

Result<std::unique_ptr<env::FileLock>> LockSigningFolder(env::FileSystem& files,
                                                         const std::string& dir) {
  const std::string path = env::JoinPath(dir, "LOCK");
  auto lock = files.Lock(path);
  if (lock.ok() || !files.IsLocked(path)) return lock;  // a disk that fails is Unavailable too
  return Unavailable(
      "signing state {}: another process signs by it. Where that is a copy of this trail, only one "
      "of them may go on",
      dir);
}

Result<std::optional<SigningState>> ReadSigningState(env::FileSystem& files, const std::string& dir,
                                                     std::string_view origin) {
  const std::string path = env::JoinPath(dir, kName);
  const auto text = env::ReadText(files, path, kBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return std::optional<SigningState>();
  if (!text.ok()) return text.status();
  auto state = ParseSigningState(*text);
  if (!state.ok()) return state.status().Annotate(path);
  if (state->origin == origin) return std::optional<SigningState>(*std::move(state));
  return FailedPrecondition("{}: it is of the trail {}, and this is {}", path, state->origin,
                            origin);
}

Result<SigningRecord> SigningRecord::Open(env::FileSystem& files, std::string dir,
                                          std::string origin) {
  SEAL_ASSIGN_OR_RETURN(auto lock, LockSigningFolder(files, dir));
  SEAL_ASSIGN_OR_RETURN(SigningRecord record, OpenLocked(files, std::move(dir), std::move(origin)));
  record.lock_ = std::move(lock);
  return record;
}

Result<SigningRecord> SigningRecord::OpenLocked(env::FileSystem& files, std::string dir,
                                                std::string origin) {
  SigningRecord record(files, std::move(dir), std::move(origin));
  SEAL_ASSIGN_OR_RETURN(record.state_, ReadSigningState(files, record.dir_, record.origin_));
  return record;
}

Status SigningRecord::Intend(uint32_t epoch, TreeSize size, const crypto::Hash& root) {
  if (state_ && (size < state_->size || (size == state_->size && root != state_->root))) {
    return FailedPrecondition(
        "refused to sign a tree of {} records: one of {} was signed before, with another history",
        Value(size), Value(state_->size));
  }
  SEAL_RETURN_IF_ERROR(CheckUnchanged());
  const SigningState next{.origin = origin_, .epoch = epoch, .size = size, .root = root};
  SEAL_RETURN_IF_ERROR(env::ReplaceFile(*files_, dir_, kName, AsBytes(SigningStateText(next))));
  state_ = next;
  return OkStatus();
}

// Where no lock reaches, on a share or after somebody's copying, another store may have signed since.
Status SigningRecord::CheckUnchanged() const {
  const std::string path = env::JoinPath(dir_, kName);
  const auto found = env::ReadText(*files_, path, kBytesMax);
  const bool absent = found.status().code() == StatusCode::kNotFound;
  if (!found.ok() && !absent) return found.status();
  if (state_ ? found.ok() && *found == SigningStateText(*state_) : absent) return OkStatus();
  return FailedPrecondition(
      "refused to sign: {} is not what this store wrote there; another store has signed by it, or "
      "it was changed",
      path);
}

}  // namespace sealtrail::ledger
