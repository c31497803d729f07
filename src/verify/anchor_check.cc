#include "verify/anchor_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/time_text.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"

namespace sealtrail::verify {
namespace {

// A log's signature is 64 bytes, a cosignature 72.
constexpr size_t kLogSignatureBytes = 64;
// Keys of strangers that are told one by one.
constexpr size_t kStrangersMax = 100;

bool IsLogs(const NoteSignature& signature, const std::string& origin) {
  return signature.name == origin && signature.signature.size() == kLogSignatureBytes;
}

// The note with the signature lines that are the log's own, as it was published.
std::string LogsOwn(std::string_view note, const SignedNote& parsed, const std::string& origin) {
  std::string out(parsed.text);
  out += '\n';
  size_t at = parsed.text.size() + 1;
  for (const NoteSignature& signature : parsed.signatures) {
    const size_t end = note.find('\n', at) + 1;
    if (IsLogs(signature, origin)) out += note.substr(at, end - at);
    at = end;
  }
  return out;
}

// The newer one counts, and of two about one size the earlier.
void Keep(std::optional<AnchorCheck::Stamped>& best, uint64_t size,
          const crypto::Timestamp& stamp) {
  const bool is_better =
      !best || size > best->size || (size == best->size && stamp.time < best->stamp.time);
  if (is_better) best = AnchorCheck::Stamped{.size = size, .stamp = stamp};
}

}  // namespace

Result<AnchorCheck> AnchorCheck::Read(const Source& source, Findings& findings) {
  AnchorCheck out;
  SEAL_ASSIGN_OR_RETURN(out.files_, AnchorFiles::List(source, findings));
  SEAL_ASSIGN_OR_RETURN(out.states_, ReadWitnessStates(source, out.files_, findings));
  SEAL_ASSIGN_OR_RETURN(out.evidence_, ReadEvidence(source, out.files_, findings));
  return out;
}

std::vector<uint64_t> AnchorCheck::Sizes() const {
  std::vector<uint64_t> out = files_.cosigned;
  for (const auto& [size, tokens] : files_.tokens) out.push_back(size);
  for (const WitnessState& state : states_) out.push_back(state.size);
  for (const Evidence& each : evidence_) {
    if (each.size) out.push_back(*each.size);
  }
  return out;
}

Status AnchorCheck::Check(const Source& source, const Log& log, const Policy* policy,
                          const crypto::TimestampAuthorities* authorities, Findings& findings) {
  for (const uint64_t size : files_.cosigned) {
    const std::string path = CosignedPath(size);
    SEAL_ASSIGN_OR_RETURN(const auto text,
                          ReadFile(source, path, kAnchorBytesMax, "note", findings));
    if (text && CheckNote(path, *text, size, true, log, findings) == Note::kFits)
      CheckCosigners(path, *text, size, log, policy, findings);
  }
  for (const auto& [size, tokens] : files_.tokens)
    SEAL_RETURN_IF_ERROR(CheckStamped(source, size, tokens, log, authorities, findings));
  CheckWitnessStates(states_, log.records, log.is_damaged, log.roots, findings);
  contradicted_ =
      CheckEvidence(evidence_, log.keys, log.records, log.is_damaged, log.roots, findings);
  TellOfStrangers(policy != nullptr, findings);
  return OkStatus();
}

// Nothing, and damage, where it is far too long.
Result<std::optional<std::string>> AnchorCheck::ReadFile(const Source& source,
                                                         const std::string& path,
                                                         uint64_t bytes_max, std::string_view unit,
                                                         Findings& findings) {
  const auto bytes = ReadAll(source, path, bytes_max);
  if (bytes.status().code() == StatusCode::kResourceExhausted) {
    findings.Found({.file = path,
                    .length = bytes_max,
                    .unit = std::string(unit),
                    .kind = "note_damaged",
                    .text = "far too long"});
    return std::optional<std::string>();
  }
  SEAL_RETURN_IF_ERROR(bytes.status());
  bytes_read_ += bytes->size();
  return std::optional(std::string(AsText(*bytes)));
}

// --- Notes --------------------------------------------------------------------------------------

AnchorCheck::Note AnchorCheck::CheckNote(const std::string& path, const std::string& text,
                                         uint64_t size, bool may_be_cosigned, const Log& log,
                                         Findings& findings) {
  const auto bad = [&](size_t line, std::string kind, std::string what) {
    Damage found = NoteLine(path, text, line);
    found.kind = std::move(kind);
    found.text = std::move(what);
    findings.Found(std::move(found));
    return Note::kBad;
  };
  const std::string origin = log.name(size);
  const auto root = log.roots.find(size);
  const auto parsed = ParseSignedNote(text);
  if (!parsed.ok()) return bad(SIZE_MAX, "note_damaged", parsed.status().message());
  const auto body = ParseCheckpointBody(parsed->text);
  const std::string own = may_be_cosigned ? LogsOwn(text, *parsed, origin) : text;
  const auto forms = log.signers(size);
  const bool holds = std::any_of(forms.begin(), forms.end(),
                                 [&](const auto& keys) { return NoteHolds(own, keys); });
  if (!holds) {
    ExpectedLines expected = {origin, fmt::to_string(size), std::nullopt};
    if (root != log.roots.end()) expected[2] = Base64Encode(root->second);
    Damage found = LocateNoteDamage(path, own, expected,
                                    forms.empty() ? std::span<const VerifierKey>() : forms[0]);
    // Its signature lines are not all of the file's.
    if (found.offset + found.length > parsed->text.size() || found.unit == "note")
      found.length = text.size() - found.offset;
    findings.Found(std::move(found));
    return Note::kBad;
  }
  if (!body.ok()) return bad(0, "note_damaged", body.status().message());
  if (body->origin != origin)
    return bad(0, "other_origin", "it is not the checkpoint that its name says");
  if (body->size != size)
    return bad(1, "file_misplaced", "it is not the checkpoint that its name says");
  if (body->size > log.records) {
    if (log.is_damaged) return Note::kSound;  // which explains it
    return bad(1, "anchor_ahead",
               fmt::format("a tree of {} records was shown to others, and {} are there", body->size,
                           log.records));
  }
  if (root == log.roots.end()) return Note::kSound;  // damage hides it
  if (root->second == body->root) {
    shown_ = std::max(shown_, size);
    return Note::kFits;
  }
  return bad(2, "anchor_differs",
             fmt::format("the records below {} have another root than others were shown: another "
                         "history",
                         body->size));
}

// Lines by keys that the policy does not name are counted and otherwise left alone, as C2SP signed-note says.
void AnchorCheck::CheckCosigners(const std::string& path, const std::string& text, uint64_t size,
                                 const Log& log, const Policy* policy, Findings& findings) {
  const auto parsed = ParseSignedNote(text);
  const std::string origin = log.name(size);
  const std::vector<Cosigner> cosigners =
      policy != nullptr ? policy->Cosigners(*parsed) : std::vector<Cosigner>();
  for (size_t i = 0; i < parsed->signatures.size(); ++i) {
    const NoteSignature& signature = parsed->signatures[i];
    const bool is_known = IsLogs(signature, origin) ||
                          std::any_of(cosigners.begin(), cosigners.end(),
                                      [i](const Cosigner& each) { return each.signature == i; });
    if (is_known) continue;
    const std::string key = fmt::format("{}+{:08x}", signature.name, signature.id);
    const bool is_new = !strangers_.contains(key);
    if (is_new && strangers_.size() >= kStrangersMax) continue;
    Strangers& strangers = strangers_[key];
    if (is_new) strangers.first_file = path;
    ++strangers.lines;
  }
  if (policy == nullptr) return;
  bool all_hold = true;
  std::vector<std::string> witnesses;
  for (const Cosigner& each : cosigners) {
    if (each.holds) {
      witnesses.push_back(each.witness);
      continue;
    }
    all_hold = false;
    Damage found = SignatureLine(path, text, *parsed, each.signature);
    found.text = fmt::format("the cosignature of {} does not verify", each.witness);
    findings.Found(std::move(found));
  }
  if (all_hold && policy->asks_for_witnesses() && policy->QuorumMet(cosigners))
    independent_ = Independent{.size = size, .witnesses = std::move(witnesses)};
}

void AnchorCheck::TellOfStrangers(bool policy_given, Findings& findings) const {
  for (const auto& [key, strangers] : strangers_) {
    findings.notices.push_back(
        {.file = strangers.first_file,
         .kind = "unknown_witness",
         .text = fmt::format("{} signature lines by {}, from this file on, were not looked at: {}",
                             strangers.lines, key,
                             policy_given ? "no witness of the policy has this key"
                                          : "no policy names its witnesses")});
  }
}

// --- Time stamps --------------------------------------------------------------------------------

Status AnchorCheck::CheckStamped(const Source& source, uint64_t size,
                                 const std::vector<uint64_t>& tokens, const Log& log,
                                 const crypto::TimestampAuthorities* authorities,
                                 Findings& findings) {
  tokens_ += tokens.size();
  const std::string path = StampedPath(size);
  const auto stamped = ReadFile(source, path, kAnchorBytesMax, "note", findings);
  if (stamped.status().code() == StatusCode::kNotFound) {
    token_fails_ = true;
    findings.Found({.file = path,
                    .unit = "file",
                    .kind = "stamped_missing",
                    .text = "the checkpoint that the time stamps of this size are about"});
    return OkStatus();
  }
  SEAL_RETURN_IF_ERROR(stamped.status());
  const std::optional<std::string>& text = *stamped;
  const Note note = text ? CheckNote(path, *text, size, false, log, findings) : Note::kBad;
  if (note == Note::kBad) {
    token_fails_ = token_fails_ || !tokens.empty();
    return OkStatus();
  }
  for (const uint64_t authority : tokens) {
    const std::string token_path = TokenPath(size, authority);
    SEAL_ASSIGN_OR_RETURN(const auto token,
                          ReadFile(source, token_path, kTokenBytesMax, "time stamp", findings));
    if (token) {
      CheckToken(token_path, AsBytes(*token), size, *text, note == Note::kFits, authorities,
                 findings);
    } else {
      token_fails_ = true;
    }
  }
  return OkStatus();
}

// `fits`: the note is about the records that are there.
void AnchorCheck::CheckToken(const std::string& path, ByteView token, uint64_t size,
                             const std::string& note, bool fits,
                             const crypto::TimestampAuthorities* authorities, Findings& findings) {
  const auto altered = [&](const Status& why) {
    token_fails_ = true;
    findings.Found({.file = path,
                    .length = token.size(),
                    .unit = "time stamp",
                    .kind = "stamp_altered",
                    .text = why.message()});
  };
  const auto claim = crypto::ReadTimestampReply(token, AsBytes(note));
  if (!claim.ok()) return altered(claim.status());
  if (fits) Keep(claimed_, size, *claim);
  if (authorities == nullptr) return;
  const auto stamp = authorities->CheckReply(token, AsBytes(note));
  if (stamp.ok()) {
    if (fits) Keep(stamped_, size, *stamp);
  } else if (stamp.status().code() == StatusCode::kNotFound) {
    findings.notices.push_back(
        {.file = path,
         .kind = "unknown_authority",
         .text = fmt::format("it claims the time {}, signed by \"{}\", which no given certificate "
                             "vouches for",
                             Iso8601(claim->time), claim->tsa)});
  } else {
    altered(stamp.status());
  }
}

}  // namespace sealtrail::verify
