#include "verify/anchor_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"
#include "verify/segment_layout.h"

namespace sealtrail::verify {
namespace {

constexpr uint64_t kAnchorBytesMax = 64 * kKiB;
// Each costs a root in memory. At one a minute, two months; older ones are then not looked at.
constexpr size_t kAnchorsMax = 100'000;

// The signature lines that are the log's own, as one of its forms has them: all lines by keys of the log's name.
std::optional<std::string> LogsOwn(std::string_view note, const SignedNote& parsed,
                                   const std::string& origin) {
  std::string out(parsed.text);
  out += '\n';
  size_t at = parsed.text.size() + 1;
  for (const NoteSignature& signature : parsed.signatures) {
    const size_t end = note.find('\n', at) + 1;
    // A log's signature is 64 bytes, a cosignature 72.
    if (signature.name == origin && signature.signature.size() == 64)
      out += note.substr(at, end - at);
    at = end;
  }
  return out;
}

// The place of a signature line, from 0.
Damage SignatureLine(const std::string& path, std::string_view note, const SignedNote& parsed,
                     size_t index) {
  size_t at = parsed.text.size() + 1;
  for (size_t i = 0; i < index; ++i) at = note.find('\n', at) + 1;
  return {.file = path,
          .offset = at,
          .length = note.find('\n', at) + 1 - at,
          .unit = "note signature",
          .kind = "note_damaged"};
}

}  // namespace

Result<AnchorCheck> AnchorCheck::Read(const Source& source, Findings& findings) {
  AnchorCheck out;
  const auto entries = source.List("anchors");
  if (entries.status().code() == StatusCode::kNotFound) return out;
  SEAL_RETURN_IF_ERROR(entries.status());
  std::vector<std::pair<uint64_t, std::string>> names;
  for (const SourceEntry& entry : *entries) {
    const auto size =
        entry.is_folder ? std::nullopt : FirstOfSegmentName(entry.name, ".checkpoint");
    if (size) {
      names.emplace_back(*size, "anchors/" + entry.name);
    } else {
      findings.notices.push_back({.file = "anchors/" + entry.name,
                                  .kind = "not_checked",
                                  .text = "this kind of anchor is not looked at yet"});
    }
  }
  std::sort(names.begin(), names.end());
  if (names.size() > kAnchorsMax) {
    findings.notices.push_back({.file = "anchors",
                                .kind = "not_checked",
                                .text = fmt::format("only the newest {} of {} were looked at",
                                                    kAnchorsMax, names.size())});
    names.erase(names.begin(), names.end() - static_cast<ptrdiff_t>(kAnchorsMax));
  }
  for (auto& [size, path] : names) {
    const auto bytes = ReadAll(source, path, kAnchorBytesMax);
    if (bytes.status().code() == StatusCode::kResourceExhausted) {
      findings.Found({.file = path,
                      .length = kAnchorBytesMax,
                      .unit = "note",
                      .kind = "note_damaged",
                      .text = "far too long"});
      continue;
    }
    SEAL_RETURN_IF_ERROR(bytes.status());
    out.bytes_read_ += bytes->size();
    out.anchors_.push_back(
        {.path = std::move(path), .text = std::string(AsText(*bytes)), .size = size});
  }
  return out;
}

std::vector<uint64_t> AnchorCheck::Sizes() const {
  std::vector<uint64_t> out;
  for (const Anchor& anchor : anchors_) out.push_back(anchor.size);
  return out;
}

void AnchorCheck::Check(const std::string& origin, const Signers& signers, const Policy* policy,
                        uint64_t records, const std::map<uint64_t, Hash>& roots,
                        Findings& findings) {
  for (const Anchor& anchor : anchors_) {
    const auto root = roots.find(anchor.size);
    const auto parsed = ParseSignedNote(anchor.text);
    const auto body =
        parsed.ok() ? ParseCheckpointBody(parsed->text) : Result<CheckpointBody>(parsed.status());
    if (!parsed.ok()) {
      Damage found = NoteLine(anchor.path, anchor.text, SIZE_MAX);
      found.text = parsed.status().message();
      findings.Found(std::move(found));
      continue;
    }
    const std::string own = LogsOwn(anchor.text, *parsed, origin).value_or("");
    const auto forms = signers(anchor.size);
    const bool holds = std::any_of(forms.begin(), forms.end(),
                                   [&](const auto& keys) { return NoteHolds(own, keys); });
    if (!holds) {
      ExpectedLines expected = {origin, fmt::to_string(anchor.size), std::nullopt};
      if (root != roots.end()) expected[2] = Base64Encode(root->second);
      Damage found = LocateNoteDamage(anchor.path, own, expected,
                                      forms.empty() ? std::span<const VerifierKey>() : forms[0]);
      // Its signature lines are not all of the file's.
      if (found.offset + found.length > parsed->text.size() || found.unit == "note")
        found.length = anchor.text.size() - found.offset;
      findings.Found(std::move(found));
      continue;
    }
    if (!body.ok() || body->origin != origin || body->size != anchor.size) {
      Damage found =
          NoteLine(anchor.path, anchor.text, body.ok() && body->origin == origin ? 1 : 0);
      found.kind = body.ok() && body->origin == origin ? "file_misplaced" : "other_origin";
      found.text = "it is not the checkpoint that its name says";
      findings.Found(std::move(found));
      continue;
    }
    if (body->size > records) {
      Damage found = NoteLine(anchor.path, anchor.text, 1);
      found.kind = "anchor_ahead";
      found.text = fmt::format("a tree of {} records was shown to others, and {} are there",
                               body->size, records);
      findings.Found(std::move(found));
      continue;
    }
    if (root == roots.end()) continue;  // damage hides it
    if (root->second != body->root) {
      Damage found = NoteLine(anchor.path, anchor.text, 2);
      found.kind = "anchor_differs";
      found.text = fmt::format(
          "the records below {} have another root than others were shown: "
          "another history",
          body->size);
      findings.Found(std::move(found));
      continue;
    }
    if (policy == nullptr) continue;
    const std::vector<Cosigner> cosigners = policy->Cosigners(*parsed);
    bool all_hold = true;
    std::vector<std::string> witnesses;
    for (const Cosigner& each : cosigners) {
      if (each.holds) {
        witnesses.push_back(each.witness);
        continue;
      }
      all_hold = false;
      Damage found = SignatureLine(anchor.path, anchor.text, *parsed, each.signature);
      found.text = fmt::format("the cosignature of {} does not verify", each.witness);
      findings.Found(std::move(found));
    }
    if (all_hold && policy->asks_for_witnesses() && policy->QuorumMet(cosigners)) {
      independent_ = Independent{.size = anchor.size, .witnesses = std::move(witnesses)};
    }
  }
}

}  // namespace sealtrail::verify
