#include "verify/evidence_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "crypto/sha256.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kKept =
    "a checkpoint that contradicts another was kept here: somebody saw a fork";

// What it says of the tree. Lines after the root make it no better: whoever forks may add some. Borrows.
std::optional<CheckpointBody> BodyOf(std::string_view text) {
  size_t end = 0;
  for (int line = 0; line < 3; ++line) {
    end = text.find('\n', end);
    if (end == text.npos) return std::nullopt;
    ++end;
  }
  const auto body = ParseCheckpointBody(text.substr(0, end));
  if (!body.ok()) return std::nullopt;
  return *body;
}

// The trail's key that signed the note as a checkpoint of its log. Null if none did.
const LogKey* SignerOf(const SignedNote& note, std::string_view origin,
                       std::span<const LogKey> keys) {
  for (const LogKey& each : keys) {
    const bool signed_it = std::ranges::any_of(note.signatures, [&](const NoteSignature& line) {
      return line.name == each.key.name && line.id == each.key.id &&
             SignatureFits(note.text, line, each.key);
    });
    if (signed_it && each.key.name == origin) return &each;
  }
  return nullptr;
}

struct Judged {
  std::optional<Damage> damage;
  std::string notice;  // where there is none
};

Judged Judge(const Evidence& evidence, std::span<const LogKey> keys, uint64_t records,
             bool is_damaged, const std::map<uint64_t, Hash>& roots) {
  const auto damage = [&](size_t line, std::string kind, std::string text) {
    Damage found = NoteLine(evidence.path, evidence.text, line);
    found.kind = std::move(kind);
    found.text = std::move(text);
    return Judged{.damage = std::move(found), .notice = ""};
  };
  const auto note = ParseSignedNote(evidence.text);
  const auto body = note.ok() ? BodyOf(note->text) : std::nullopt;
  const LogKey* signer = body ? SignerOf(*note, body->origin, keys) : nullptr;
  if (signer == nullptr)
    return {.damage = std::nullopt,
            .notice = fmt::format("{}; no key of this trail signed it", kKept)};
  if (signer->ended_at && body->size > *signer->ended_at) {
    return {.damage = std::nullopt,
            .notice = fmt::format("{}; it is of {} records of the log that a recovery ended at {}",
                                  kKept, body->size, *signer->ended_at)};
  }
  if (body->size > records && !is_damaged) {
    return damage(1, "anchor_ahead",
                  fmt::format("the trail's key signed a tree of {} records, and {} are there",
                              body->size, records));
  }
  const auto root = roots.find(body->size);
  if (root != roots.end() && root->second != body->root) {
    return damage(2, "anchor_differs",
                  fmt::format("the trail's key signed another root for the records below {}: "
                              "another history",
                              body->size));
  }
  return {.damage = std::nullopt, .notice = std::string(kKept)};
}

}  // namespace

// "<size>-<the first 8 hex of its SHA-256>.note"
Result<std::vector<Evidence>> ReadEvidence(const Source& source, const AnchorFiles& files,
                                           Findings& findings) {
  std::vector<Evidence> out;
  for (const std::string& name : files.evidence) {
    const std::string path = "anchors/evidence/" + name;
    SEAL_ASSIGN_OR_RETURN(auto text, ReadKept(source, path, findings));
    if (!text) continue;
    const std::string hash = HexEncode(ByteView(crypto::Sha256(AsBytes(*text))).first(4));
    if (name.substr(21, 8) != hash) {
      findings.Found(WholeFile(path, text->size(), "evidence_altered",
                               "it does not have the SHA-256 that its name says"));
      continue;
    }
    const auto note = ParseSignedNote(*text);
    const auto body = note.ok() ? BodyOf(note->text) : std::nullopt;
    const auto size = body ? std::optional(body->size) : std::nullopt;
    out.push_back({.path = path, .text = std::move(*text), .size = size});
  }
  return out;
}

bool CheckEvidence(const std::vector<Evidence>& evidence, std::span<const LogKey> keys,
                   uint64_t records, bool is_damaged, const std::map<uint64_t, Hash>& roots,
                   Findings& findings) {
  bool contradicts = false;
  for (const Evidence& each : evidence) {
    Judged judged = Judge(each, keys, records, is_damaged, roots);
    if (judged.damage) {
      contradicts = true;
      findings.Found(std::move(*judged.damage));
    } else {
      findings.notices.push_back(
          {.file = each.path, .kind = "evidence", .text = std::move(judged.notice)});
    }
  }
  return contradicts;
}

}  // namespace sealtrail::verify
