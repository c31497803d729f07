#include "verify/key_epochs.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/note_check.h"
#include "verify/own_record.h"

namespace sealtrail::verify {
namespace {

// A key is changed once in months. More files than this are not a trail's.
constexpr uint64_t kEpochsMax = 10'000;

std::string NotePath(uint64_t n) {
  return fmt::format("epochs/{}", n);
}

std::optional<VerifierKey> NamedKey(const OwnLeaf& rotation, std::string_view attribute,
                                    std::string_view origin) {
  const auto text = Find(AttributesOfOwn(rotation.leaf), attribute);
  auto key = ParseVerifierKey(text.value_or(""));
  if (!key.ok() || key->name != origin) return std::nullopt;
  return std::move(key).value();
}

bool SameKey(const VerifierKey& a, const VerifierKey& b) {
  return a.name == b.name && a.key == b.key;
}

}  // namespace

KeyEpochs::KeyEpochs(VerifierKey given, std::map<uint64_t, std::string> notes)
    : given_(std::move(given)), epochs_(1) {
  for (auto& [n, text] : notes) {
    if (n == 0 || n > kEpochsMax) continue;
    if (epochs_.size() <= n) epochs_.resize(n + 1);
    Epoch& epoch = epochs_[n];
    epoch.note = std::move(text);
    const auto parsed = ParseSignedNote(*epoch.note);
    if (!parsed.ok()) continue;
    const auto body = ParseCheckpointBody(parsed->text);
    if (!body.ok()) continue;
    epoch.body = *body;
    epoch.size = body->size;
  }
}

std::vector<uint64_t> KeyEpochs::Sizes() const {
  std::vector<uint64_t> out;
  for (const Epoch& epoch : epochs_) {
    if (epoch.body) out.push_back(epoch.size);
  }
  return out;
}

void KeyEpochs::TakeRotations(std::span<const OwnLeaf> rotations, uint64_t checkpoint_size) {
  for (const OwnLeaf& each : rotations) {
    const OwnAttributes attributes = AttributesOfOwn(each.leaf);
    uint64_t n = 0;
    if (Find(attributes, "audit.action") != kRotateAction ||
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
  const auto bears = [&](uint64_t epoch, size_t place) {
    if (epoch == 0 || epoch >= epochs_.size() || !epochs_[epoch].note) return false;
    const auto note = ParseSignedNote(*epochs_[epoch].note);
    return note.ok() && note->signatures.size() == 2 && note->signatures[place].id == given_.id;
  };
  return bears(n, 1) || bears(n + 1, 0);
}

// Anybody can put a file there. One that no record of a rotation and no signature of a known key speaks for is no
// epoch, and does not hide the keys before it.
void KeyEpochs::DropStrangers() {
  while (epochs_.size() > 1 && epochs_.back().note && !epochs_.back().rotation &&
         !MaySignAs(epochs_.size() - 1)) {
    strangers_[epochs_.size() - 1] = std::move(*epochs_.back().note);
    epochs_.pop_back();
  }
}

void KeyEpochs::NameKeys() {
  for (size_t n = 1; n < epochs_.size(); ++n) {
    if (!epochs_[n].rotation) continue;
    epochs_[n].key = NamedKey(*epochs_[n].rotation, "sealtrail.key.vkey", given_.name);
    if (epochs_[n - 1].key) continue;
    epochs_[n - 1].key = NamedKey(*epochs_[n].rotation, "sealtrail.key.previous", given_.name);
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
  }
  for (const auto& [n, note] : strangers_) {
    Damage found = NoteLine(NotePath(n), note, SIZE_MAX);
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
  if (epochs_[n - 1].key) keys.push_back(*epochs_[n - 1].key);
  if (epoch.key) keys.push_back(*epoch.key);
  if (keys.size() < 2) keys.clear();
  if (!NoteHolds(*epoch.note, keys) || keys.empty()) {
    ExpectedLines expected = {given_.name, std::nullopt, std::nullopt};
    if (epoch.rotation) expected[1] = fmt::to_string(Value(epoch.rotation->seq) + 1);
    const auto true_root = epoch.rotation ? root_at.find(Value(epoch.rotation->seq) + 1) : root;
    if (true_root != root_at.end()) expected[2] = Base64Encode(true_root->second);
    return LocateNoteDamage(NotePath(n), *epoch.note, expected, keys);
  }
  Damage out = NoteLine(NotePath(n), *epoch.note, 1);
  if (!epoch.body) {
    out = NoteLine(NotePath(n), *epoch.note, SIZE_MAX);
    out.text = "not a checkpoint";
  } else if (epoch.body->origin != given_.name) {
    out = NoteLine(NotePath(n), *epoch.note, 0);
    out.kind = "other_origin";
    out.text = fmt::format("it is about {}", epoch.body->origin);
  } else if (!epoch.rotation || Value(epoch.rotation->seq) + 1 != epoch.body->size) {
    out.text = "the tree of that size does not end with the record of the rotation";
  } else if (const auto previous = NamedKey(*epoch.rotation, "sealtrail.key.previous", given_.name);
             !previous || !SameKey(*previous, keys[0])) {
    out.text = "the record of the rotation names another key before the new one";
  } else if (root != root_at.end() && root->second != epoch.body->root) {
    out = NoteLine(NotePath(n), *epoch.note, 2);
    out.kind = "root_mismatch";
    out.text = fmt::format("the records below {} have another root", epoch.body->size);
  } else {
    return std::nullopt;
  }
  return out;
}

bool KeyEpochs::LeadsTo(uint64_t epoch) const {
  if (!given_epoch_) return false;
  for (uint64_t n = std::min(*given_epoch_, epoch) + 1; n <= std::max(*given_epoch_, epoch); ++n) {
    if (!epochs_[n].sound) return false;
  }
  return true;
}

}  // namespace sealtrail::verify
