#include "verify/key_epochs.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/note_check.h"
#include "verify/own_record.h"

namespace sealtrail::verify {
namespace {

std::string NotePath(uint64_t n) {
  return fmt::format("epochs/{}", n);
}

std::string BeforePath(uint64_t n) {
  return fmt::format("epochs/{}.before", n);
}

constexpr std::string_view kEpochInName = "/epoch-";

bool SameKey(const VerifierKey& a, const VerifierKey& b) {
  return a.name == b.name && a.key == b.key;
}

// What a note says; nothing where it cannot be read. Borrows from it.
std::optional<CheckpointBody> BodyOf(const std::string& note) {
  const auto parsed = ParseSignedNote(note);
  if (!parsed.ok()) return std::nullopt;
  const auto body = ParseCheckpointBody(parsed->text);
  if (!body.ok()) return std::nullopt;
  return *body;
}

}  // namespace

std::string_view WithoutEpoch(std::string_view log_name) {
  const size_t at = log_name.rfind(kEpochInName);
  if (at == log_name.npos || at == 0) return log_name;
  const std::string_view origin = log_name.substr(0, at);
  return NumberOfLog(origin, log_name) == 0 ? log_name : origin;
}

uint64_t NumberOfLog(std::string_view origin, std::string_view log_name) {
  uint64_t number = 0;
  if (!log_name.starts_with(origin)) return 0;
  log_name.remove_prefix(origin.size());
  if (!log_name.starts_with(kEpochInName)) return 0;
  return ParseDecimal(log_name.substr(kEpochInName.size()), &number) ? number : 0;
}

KeyEpochs::KeyEpochs(std::string origin, VerifierKey given, std::map<uint64_t, std::string> notes,
                     std::map<uint64_t, std::string> befores)
    : origin_(std::move(origin)), given_(std::move(given)), epochs_(1) {
  for (auto& [n, text] : notes) {
    if (n == 0 || n > kEpochsMax) continue;
    if (epochs_.size() <= n) epochs_.resize(n + 1);
    Epoch& epoch = epochs_[n];
    epoch.note = std::move(text);
    epoch.body = BodyOf(*epoch.note);
    if (epoch.body) epoch.size = epoch.body->size;
  }
  for (auto& [n, text] : befores) {
    if (n == 0 || n >= epochs_.size()) {
      strangers_[BeforePath(n)] = std::move(text);
      continue;
    }
    epochs_[n].before = std::move(text);
    epochs_[n].before_body = BodyOf(*epochs_[n].before);
  }
}

std::vector<uint64_t> KeyEpochs::Sizes() const {
  std::vector<uint64_t> out;
  for (const Epoch& epoch : epochs_) {
    if (epoch.body) out.push_back(epoch.size);
    // The record of a recovery states the tree before it.
    if (epoch.body && epoch.size > 0) out.push_back(epoch.size - 1);
    if (epoch.before_body) out.push_back(epoch.before_body->size);
  }
  return out;
}

const std::string& KeyEpochs::LogName(uint64_t epoch) const {
  return epochs_[epoch].key ? epochs_[epoch].key->name : origin_;
}

std::optional<uint64_t> KeyEpochs::EndOfLog(uint64_t epoch) const {
  for (uint64_t n = epoch + 1; n < epochs_.size(); ++n) {
    if (epochs_[n].recovered && epochs_[n].size > 0) return epochs_[n].size - 1;
  }
  return std::nullopt;
}

std::vector<std::vector<VerifierKey>> KeyEpochs::SignersAt(uint64_t size) const {
  std::vector<std::vector<VerifierKey>> out;
  const uint64_t n = AtSize(size);
  const auto& key = epochs_[n].key;
  if (key) out.push_back({*key});
  if (n > 0 && epochs_[n].size == size && !epochs_[n].recovered && epochs_[n - 1].key) {
    const VerifierKey& old = *epochs_[n - 1].key;
    if (key) out.push_back({old, *key});
    out.push_back({old});
  }
  return out;
}

void KeyEpochs::TakeRotations(std::span<const OwnLeaf> rotations, uint64_t checkpoint_size) {
  for (const OwnLeaf& each : rotations) {
    const OwnAttributes attributes = AttributesOfOwn(each.leaf);
    uint64_t n = 0;
    const auto action = Find(attributes, "audit.action");
    if ((action != kRotateAction && action != kEpochAction) ||
        !ParseDecimal(Find(attributes, "sealtrail.key.epoch").value_or(""), &n) || n == 0 ||
        n > kEpochsMax || n > epochs_.size()) {
      continue;
    }
    if (n == epochs_.size()) epochs_.emplace_back();
    // Where two records claim an epoch, its note says which.
    Epoch& epoch = epochs_[n];
    const bool fits_note = epoch.body && epoch.body->size == Value(each.seq) + 1;
    if (epoch.rotation && !fits_note) continue;
    epoch.rotation = each;
    epoch.recovered = action == kEpochAction;
    epoch.size = Value(each.seq) + 1;  // the record is in the tree, and its note may be damaged
  }
  // A rotation that was not finished changes nothing yet.
  while (epochs_.size() > 1 && !epochs_.back().note && epochs_.back().size >= checkpoint_size) {
    epochs_.pop_back();
  }
  DropStrangers();
  // Notes whose size cannot be known stand where their neighbours put them.
  for (size_t n = 1; n < epochs_.size(); ++n) {
    epochs_[n].size = std::max(epochs_[n].size, epochs_[n - 1].size);
  }
  NameKeys();
}

// Whether the note of that epoch, or of the one after it, bears a signature that may be the given key's as that epoch.
bool KeyEpochs::MaySignAs(uint64_t n) const {
  const auto bears = [&](uint64_t epoch, bool as_new) {
    if (epoch == 0 || epoch >= epochs_.size() || !epochs_[epoch].note) return false;
    const auto note = ParseSignedNote(*epochs_[epoch].note);
    if (!note.ok() || note->signatures.size() > 2) return false;
    // One alone is that of a recovery.
    if (note->signatures.size() == 1 && (!as_new || NumberOfLog(origin_, given_.name) == 0))
      return false;
    return (as_new ? note->signatures.back() : note->signatures.front()).id == given_.id;
  };
  return bears(n, true) || bears(n + 1, false);
}

// Anybody can put a file there. One that no record of a rotation and no signature of a known key speaks for is no
// epoch, and does not hide the keys before it.
void KeyEpochs::DropStrangers() {
  while (epochs_.size() > 1 && epochs_.back().note && !epochs_.back().rotation &&
         !MaySignAs(epochs_.size() - 1)) {
    const uint64_t n = epochs_.size() - 1;
    strangers_[NotePath(n)] = std::move(*epochs_.back().note);
    if (epochs_.back().before) strangers_[BeforePath(n)] = std::move(*epochs_.back().before);
    epochs_.pop_back();
  }
}

void KeyEpochs::NameKeys() {
  for (size_t n = 1; n < epochs_.size(); ++n) {
    if (!epochs_[n].rotation) continue;
    epochs_[n].key = NamedKey(*epochs_[n].rotation, "sealtrail.key.vkey");
    if (epochs_[n - 1].key) continue;
    epochs_[n - 1].key = NamedKey(*epochs_[n].rotation, "sealtrail.key.previous");
  }
  for (size_t n = epochs_.size(); n-- > 0 && !given_epoch_;) {
    if (epochs_[n].key && SameKey(*epochs_[n].key, given_)) given_epoch_ = n;
  }
  // The given key then is one whose record is lost, or the only one.
  for (size_t n = epochs_.size(); n-- > 0 && !given_epoch_;) {
    if (epochs_[n].key || (epochs_.size() > 1 && !MaySignAs(n))) continue;
    epochs_[n].key = given_;
    given_epoch_ = n;
  }
}

// The key that a record names, if it may be one of this trail.
std::optional<VerifierKey> KeyEpochs::NamedKey(const OwnLeaf& record,
                                               std::string_view attribute) const {
  auto key = ParseVerifierKey(Find(AttributesOfOwn(record.leaf), attribute).value_or(""));
  if (!key.ok() || (key->name != origin_ && NumberOfLog(origin_, key->name) == 0))
    return std::nullopt;
  return std::move(key).value();
}

uint64_t KeyEpochs::AtSize(uint64_t size) const {
  uint64_t out = 0;
  while (out + 1 < epochs_.size() && epochs_[out + 1].size <= size) ++out;
  return out;
}

std::vector<Damage> KeyEpochs::Check(const std::map<uint64_t, Hash>& root_at,
                                     uint64_t checkpoint_size) {
  std::vector<Damage> out;
  for (uint64_t n = 1; n < epochs_.size(); ++n) {
    if (auto found = CheckNote(n, root_at)) {
      out.push_back(std::move(*found));
    } else {
      // Beyond the checkpoint it proves no less, but a running store may not have shown it yet.
      epochs_[n].sound = epochs_[n].size <= checkpoint_size;
    }
    if (auto found = CheckBefore(n, root_at)) out.push_back(std::move(*found));
  }
  for (const auto& [path, note] : strangers_) {
    Damage found = NoteLine(path, note, SIZE_MAX);
    found.text = "no record of a rotation and no known key speaks for it";
    out.push_back(std::move(found));
  }
  return out;
}

std::optional<Damage> KeyEpochs::CheckNote(uint64_t n, const std::map<uint64_t, Hash>& root_at) {
  const Epoch& epoch = epochs_[n];
  if (!epoch.note) {
    return Damage{.file = NotePath(n),
                  .unit = "file",
                  .kind = "missing_file",
                  .text = fmt::format("the note with which key {} took over", n)};
  }
  const auto root = root_at.find(epoch.size);
  std::vector<VerifierKey> keys;
  if (!epoch.recovered && epochs_[n - 1].key) keys.push_back(*epochs_[n - 1].key);
  if (epoch.key) keys.push_back(*epoch.key);
  if (keys.size() < (epoch.recovered ? 1u : 2u)) keys.clear();
  if (!NoteHolds(*epoch.note, keys) || keys.empty()) {
    ExpectedLines expected = {LogName(n), std::nullopt, std::nullopt};
    if (epoch.rotation) expected[1] = fmt::to_string(Value(epoch.rotation->seq) + 1);
    const auto true_root = epoch.rotation ? root_at.find(Value(epoch.rotation->seq) + 1) : root;
    if (true_root != root_at.end()) expected[2] = Base64Encode(true_root->second);
    return LocateNoteDamage(NotePath(n), *epoch.note, expected, keys);
  }
  Damage out = NoteLine(NotePath(n), *epoch.note, 1);
  if (!epoch.body) {
    out = NoteLine(NotePath(n), *epoch.note, SIZE_MAX);
    out.text = "not a checkpoint";
  } else if (epoch.body->origin != epoch.key->name) {
    out = NoteLine(NotePath(n), *epoch.note, 0);
    out.kind = "other_origin";
    out.text = fmt::format("it is about {}", epoch.body->origin);
  } else if (!epoch.rotation || Value(epoch.rotation->seq) + 1 != epoch.body->size) {
    out.text = "the tree of that size does not end with the record that names the key";
  } else if (auto wrong = WrongRecord(n, root_at)) {
    out.text = std::move(*wrong);
  } else if (root != root_at.end() && root->second != epoch.body->root) {
    out = NoteLine(NotePath(n), *epoch.note, 2);
    out.kind = "root_mismatch";
    out.text = fmt::format("the records below {} have another root", epoch.body->size);
  } else {
    return std::nullopt;
  }
  return out;
}

// What the record that names the key of the epoch says that cannot be.
std::optional<std::string> KeyEpochs::WrongRecord(uint64_t n,
                                                  const std::map<uint64_t, Hash>& root_at) const {
  const Epoch& epoch = epochs_[n];
  const auto previous = NamedKey(*epoch.rotation, "sealtrail.key.previous");
  if (!previous || !epochs_[n - 1].key || !SameKey(*previous, *epochs_[n - 1].key))
    return "the record that names the key names another one before it";
  if (!epoch.recovered) {
    if (epoch.key->name == previous->name) return std::nullopt;
    return "the record of the rotation names a key of another log";
  }
  const uint64_t number = NumberOfLog(origin_, epoch.key->name);
  if (number < n || number <= NumberOfLog(origin_, previous->name))
    return "the record of the recovery names a key under a name that is not its own";
  const OwnAttributes attributes = AttributesOfOwn(epoch.rotation->leaf);
  if (Find(attributes, "sealtrail.tree.size") != fmt::to_string(Value(epoch.rotation->seq)))
    return "the record of the recovery states another size of the tree before it";
  const auto before = root_at.find(Value(epoch.rotation->seq));
  if (before != root_at.end() &&
      Find(attributes, "sealtrail.tree.root") != Base64Encode(before->second))
    return "the record of the recovery states another root of the tree before it";
  return std::nullopt;
}

// The checkpoint from which a recovery went on: what the key before had signed last, as far as is known.
std::optional<Damage> KeyEpochs::CheckBefore(uint64_t n, const std::map<uint64_t, Hash>& root_at) {
  Epoch& epoch = epochs_[n];
  if (!epoch.before) {
    if (!epoch.recovered) return std::nullopt;
    return Damage{.file = BeforePath(n),
                  .unit = "file",
                  .kind = "missing_file",
                  .text = "the checkpoint from which the recovery went on"};
  }
  Damage out = NoteLine(BeforePath(n), *epoch.before, SIZE_MAX);
  if (!epoch.recovered) {
    out.text = "no record of a recovery speaks for it";
    return out;
  }
  const uint64_t size = epoch.before_body ? epoch.before_body->size : epoch.size - 1;
  const auto forms = SignersAt(std::min(size, epoch.size - 1));
  const bool holds = std::any_of(forms.begin(), forms.end(),
                                 [&](const auto& keys) { return NoteHolds(*epoch.before, keys); });
  const std::string& name = LogName(AtSize(std::min(size, epoch.size - 1)));
  const auto root = root_at.find(size);
  if (!holds || !epoch.before_body) {
    ExpectedLines expected = {name, fmt::to_string(size), std::nullopt};
    if (root != root_at.end()) expected[2] = Base64Encode(root->second);
    return LocateNoteDamage(BeforePath(n), *epoch.before, expected,
                            forms.empty() ? std::span<const VerifierKey>() : forms[0]);
  }
  if (epoch.before_body->origin != name) {
    out = NoteLine(BeforePath(n), *epoch.before, 0);
    out.kind = "other_origin";
    out.text = fmt::format("it is about {}", epoch.before_body->origin);
  } else if (size >= epoch.size) {
    out = NoteLine(BeforePath(n), *epoch.before, 1);
    out.text = "its tree is not one from which the recovery could go on";
  } else if (root != root_at.end() && root->second != epoch.before_body->root) {
    out = NoteLine(BeforePath(n), *epoch.before, 2);
    out.kind = "root_mismatch";
    out.text = fmt::format("the records below {} have another root", size);
  } else {
    epoch.before_holds = true;
    return std::nullopt;
  }
  return out;
}

bool KeyEpochs::LeadsTo(uint64_t epoch) const {
  if (!given_epoch_) return false;
  for (uint64_t n = std::min(*given_epoch_, epoch) + 1; n <= std::max(*given_epoch_, epoch); ++n) {
    if (!epochs_[n].sound || epochs_[n].recovered) return false;
  }
  return true;
}

bool KeyEpochs::LeadsTo(const VerifierKey& other) const {
  for (uint64_t n = 0; n < epochs_.size(); ++n) {
    if (epochs_[n].key && SameKey(*epochs_[n].key, other) && LeadsTo(n)) return true;
  }
  return false;
}

std::optional<KeyEpochs::Recovery> KeyEpochs::RecoveryBefore(uint64_t epoch) const {
  if (!given_epoch_) return std::nullopt;
  for (uint64_t n = *given_epoch_ + 1; n <= epoch; ++n) {
    const Epoch& each = epochs_[n];
    if (!each.sound) return std::nullopt;
    if (!each.recovered) continue;
    return Recovery{.key = *each.key,
                    .seq = Value(each.rotation->seq),
                    .vouched = each.before_holds ? each.before_body->size : 0};
  }
  return std::nullopt;
}

}  // namespace sealtrail::verify
