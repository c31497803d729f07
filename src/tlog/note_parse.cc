#include <algorithm>

#include "base/encoding.h"
#include "base/origin.h"
#include "base/utf8.h"
#include "tlog/note.h"
#include "tlog/text.h"

namespace sealtrail::tlog {
namespace {

constexpr std::string_view kSignaturePrefix = "— ";  // U+2014, one space

Status CheckCharacters(std::string_view note) {
  if (note.size() > kSignedNoteBytesMax) {
    return ResourceExhausted("a note of {} bytes, allowed {}", note.size(), kSignedNoteBytesMax);
  }
  if (!IsUtf8(note)) return InvalidArgument("a note is UTF-8");
  for (const char c : note) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') {
      return InvalidArgument("a note with the control character 0x{:02x}", static_cast<int>(c));
    }
  }
  return OkStatus();
}

Result<NoteSignature> ParseLine(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) {
    return InvalidArgument("a signature line begins with an em dash and a space");
  }
  line.remove_prefix(kSignaturePrefix.size());
  const size_t space = line.find(' ');
  if (space == line.npos) return InvalidArgument("a signature line without a signature");
  NoteSignature signature{.name = std::string(line.substr(0, space))};
  SEAL_RETURN_IF_ERROR(CheckKeyName(signature.name));
  SEAL_ASSIGN_OR_RETURN(const Bytes field, Base64Decode(line.substr(space + 1)));
  if (field.size() <= signature.id.size()) {
    return InvalidArgument("a signature field of {} bytes", field.size());
  }
  std::copy_n(field.begin(), signature.id.size(), signature.id.begin());
  signature.signature.assign(field.begin() + signature.id.size(), field.end());
  return signature;
}

const NoteVerifier* Find(std::span<const NoteVerifier* const> known,
                         const NoteSignature& signature) {
  for (const NoteVerifier* verifier : known) {
    if (verifier->id() == signature.id && verifier->name() == signature.name) return verifier;
  }
  return nullptr;
}

// Two keys of one name and id could each be the one that a line means.
Status CheckDistinct(std::span<const NoteVerifier* const> known) {
  for (size_t i = 0; i < known.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (known[i]->id() == known[j]->id() && known[i]->name() == known[j]->name()) {
        return FailedPrecondition("two keys have the name {} and the id {}", known[i]->name(),
                                  HexEncode(known[i]->id()));
      }
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::vector<NoteSignature>> ParseSignatureLines(std::string_view lines) {
  SEAL_RETURN_IF_ERROR(CheckCharacters(lines));
  std::vector<NoteSignature> signatures;
  while (!lines.empty()) {
    const auto line = TakeLine(lines);
    if (!line) return InvalidArgument("a signature line without its end");
    if (signatures.size() == kSignaturesMax) {
      return ResourceExhausted("more than {} signatures", kSignaturesMax);
    }
    SEAL_ASSIGN_OR_RETURN(NoteSignature signature, ParseLine(*line));
    signatures.push_back(std::move(signature));
  }
  if (signatures.empty()) return InvalidArgument("no signature line");
  return signatures;
}

Result<Note> ParseNote(std::string_view note) {
  SEAL_RETURN_IF_ERROR(CheckCharacters(note));
  const size_t split = note.rfind("\n\n");
  if (split == note.npos) {
    return InvalidArgument("not a signed note: no empty line before the signatures");
  }
  Note parsed{.text = std::string(note.substr(0, split + 1))};
  SEAL_ASSIGN_OR_RETURN(parsed.signatures, ParseSignatureLines(note.substr(split + 2)));
  return parsed;
}

std::string SignatureLine(const NoteSignature& signature) {
  Bytes field(signature.id.begin(), signature.id.end());
  AppendTo(field, signature.signature);
  return fmt::format("{}{} {}\n", kSignaturePrefix, signature.name, Base64Encode(field));
}

std::string MakeNote(std::string_view text, std::string_view signature_lines) {
  SEAL_CHECK(text.ends_with('\n'));
  return fmt::format("{}\n{}", text, signature_lines);
}

Result<std::string> AddSignatureLines(std::string_view note, std::string_view signature_lines) {
  SEAL_ASSIGN_OR_RETURN(const Note before, ParseNote(note));
  SEAL_ASSIGN_OR_RETURN(const auto added, ParseSignatureLines(signature_lines));
  std::vector<NoteSignature> all = before.signatures;
  std::string result(note);
  for (const NoteSignature& signature : added) {
    if (std::find(all.begin(), all.end(), signature) != all.end()) continue;
    all.push_back(signature);
    result += SignatureLine(signature);
  }
  SEAL_RETURN_IF_ERROR(ParseNote(result).status());
  return result;
}

Result<OpenedNote> OpenNote(std::string_view note, std::span<const NoteVerifier* const> known) {
  SEAL_RETURN_IF_ERROR(CheckDistinct(known));
  SEAL_ASSIGN_OR_RETURN(Note parsed, ParseNote(note));
  OpenedNote opened{.text = std::move(parsed.text)};
  for (NoteSignature& signature : parsed.signatures) {
    const NoteVerifier* const verifier = Find(known, signature);
    if (verifier == nullptr) continue;
    SEAL_RETURN_IF_ERROR(verifier->Verify(opened.text, signature.signature));
    opened.signatures.push_back({.by = verifier, .signature = std::move(signature.signature)});
  }
  if (opened.signatures.empty()) return Unauthenticated("no signature by a known key");
  return opened;
}

}  // namespace sealtrail::tlog
