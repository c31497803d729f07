#include "verify/policy.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"
#include "verify/note_bodies.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kPolicyBytesMax = 64 * kKiB;
constexpr uint8_t kCosignatureType = 0x04;
constexpr size_t kCosignatureBytes = 8 + 64;

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find_first_of(" \t", at), line.size());
    if (end > at) out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// A key of any type: "<name>+<8 hex>+<base64(type ‖ key)>".
struct AnyKey {
  std::string name;
  uint32_t id = 0;
  Bytes typed;
};

Result<AnyKey> ParseAnyKey(std::string_view text) {
  const size_t first = text.find('+');
  const size_t second = first == text.npos ? text.npos : text.find('+', first + 1);
  if (second == text.npos) return InvalidArgument("not a verifier key");
  AnyKey out{.name = std::string(text.substr(0, first))};
  SEAL_ASSIGN_OR_RETURN(const Bytes id, HexDecode(text.substr(first + 1, second - first - 1)));
  SEAL_ASSIGN_OR_RETURN(out.typed, Base64Decode(text.substr(second + 1)));
  if (!IsKeyName(out.name) || id.size() != 4 || out.typed.size() < 2) {
    return InvalidArgument("not a verifier key");
  }
  out.id = GetBig32(id.data());
  const crypto::Hash hash = crypto::Sha256({AsBytes(out.name), AsBytes("\n"), out.typed});
  if (GetBig32(hash.data()) != out.id) return InvalidArgument("the id is not that of the key");
  return out;
}

}  // namespace

Result<Policy> Policy::Parse(std::string_view text) {
  if (text.size() > kPolicyBytesMax)
    return ResourceExhausted("policy: over {} bytes", kPolicyBytesMax);
  Policy out;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = WordsOf(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words[0].starts_with('#')) continue;
    if (Status parsed = out.ParseLine(words); !parsed.ok()) {
      return parsed.Annotate(fmt::format("policy line {}", number));
    }
  }
  if (out.quorum_.empty()) return InvalidArgument("policy: no quorum");
  return out;
}

Status Policy::ParseLine(const std::vector<std::string_view>& words) {
  if (words[0] == "log") return AddLog(words);
  if (words[0] == "witness") return AddWitness(words);
  if (words[0] == "group") return AddGroup(words);
  if (words[0] == "quorum") return SetQuorum(words);
  return InvalidArgument("unknown word \"{}\"", words[0]);
}

Status Policy::AddLog(const std::vector<std::string_view>& words) {
  if (words.size() < 2 || words.size() > 3) return InvalidArgument("not \"log <vkey> [url]\"");
  SEAL_ASSIGN_OR_RETURN(const AnyKey any, ParseAnyKey(words[1]));
  SEAL_RETURN_IF_ERROR(NewKey(any.typed));
  SEAL_ASSIGN_OR_RETURN(VerifierKey key, ParseVerifierKey(words[1]));
  logs_.push_back(std::move(key));
  return OkStatus();
}

Status Policy::AddWitness(const std::vector<std::string_view>& words) {
  if (words.size() < 3 || words.size() > 4) {
    return InvalidArgument("not \"witness <name> <vkey> [url]\"");
  }
  SEAL_RETURN_IF_ERROR(NewName(words[1]));
  SEAL_ASSIGN_OR_RETURN(const AnyKey key, ParseAnyKey(words[2]));
  SEAL_RETURN_IF_ERROR(NewKey(key.typed));
  const uint8_t type = key.typed[0];
  if (type == kCosignatureType && key.typed.size() != 1 + crypto::kEd25519PublicKeyBytes) {
    return InvalidArgument("not a cosigner's Ed25519 key");
  }
  witnesses_[std::string(words[1])] = {.key_name = key.name,
                                       .id = key.id,
                                       .type = type,
                                       .key = Bytes(key.typed.begin() + 1, key.typed.end())};
  return OkStatus();
}

Status Policy::AddGroup(const std::vector<std::string_view>& words) {
  if (words.size() < 4) return InvalidArgument("not \"group <name> all|any|<k> <name>…\"");
  SEAL_RETURN_IF_ERROR(NewName(words[1]));
  Group group;
  for (size_t i = 3; i < words.size(); ++i) {
    std::string member(words[i]);
    if (!witnesses_.contains(member) && !groups_.contains(member)) {
      return InvalidArgument("\"{}\" is not defined before", member);
    }
    if (std::exchange(is_member_[member], true)) {
      return InvalidArgument("\"{}\" is a member twice", member);
    }
    group.members.push_back(std::move(member));
  }
  if (words[2] == "all") {
    group.needed = group.members.size();
  } else if (words[2] == "any") {
    group.needed = 1;
  } else if (!ParseDecimal(words[2], &group.needed) || group.needed < 1 ||
             group.needed > group.members.size()) {
    return InvalidArgument("\"{}\" of {} members", words[2], group.members.size());
  }
  groups_[std::string(words[1])] = std::move(group);
  return OkStatus();
}

Status Policy::SetQuorum(const std::vector<std::string_view>& words) {
  if (words.size() != 2) return InvalidArgument("not \"quorum <name>|none\"");
  if (!quorum_.empty()) return InvalidArgument("a second quorum");
  const std::string name(words[1]);
  if (name != "none" && !witnesses_.contains(name) && !groups_.contains(name)) {
    return InvalidArgument("\"{}\" is not defined before", name);
  }
  quorum_ = name;
  return OkStatus();
}

Status Policy::NewName(std::string_view name) const {
  const std::string text(name);
  if (text == "none") return InvalidArgument("\"none\" is no name");
  if (witnesses_.contains(text) || groups_.contains(text)) {
    return InvalidArgument("\"{}\" is defined twice", text);
  }
  return OkStatus();
}

Status Policy::NewKey(const Bytes& typed_key) {
  if (std::find(keys_.begin(), keys_.end(), typed_key) != keys_.end()) {
    return InvalidArgument("a key that stands twice");
  }
  keys_.push_back(typed_key);
  return OkStatus();
}

bool Policy::HasLog(const VerifierKey& key) const {
  return std::any_of(logs_.begin(), logs_.end(), [&](const VerifierKey& log) {
    return log.name == key.name && log.key == key.key;
  });
}

// C2SP tlog-cosignature: seconds, then Ed25519 over the time and the whole body.
std::vector<Cosigner> Policy::Cosigners(const SignedNote& note) const {
  std::vector<Cosigner> out;
  for (size_t i = 0; i < note.signatures.size(); ++i) {
    const NoteSignature& line = note.signatures[i];
    for (const auto& [name, witness] : witnesses_) {
      if (witness.key_name != line.name || witness.id != line.id) continue;
      if (witness.type != kCosignatureType) continue;
      Cosigner found{.witness = name, .signature = i};
      if (line.signature.size() == kCosignatureBytes) {
        found.time = GetBig64(line.signature.data());
        const std::string message =
            fmt::format("cosignature/v1\ntime {}\n{}", found.time, note.text);
        found.holds = found.time > 0 &&
                      found.time <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) &&
                      crypto::VerifyEd25519(witness.key, AsBytes(message),
                                            ByteView(line.signature).subspan(8))
                          .ok();
      }
      out.push_back(std::move(found));
    }
  }
  return out;
}

bool Policy::QuorumMet(const std::vector<Cosigner>& cosigners) const {
  if (quorum_ == "none") return true;
  std::map<std::string, bool> held;
  for (const Cosigner& each : cosigners) held[each.witness] |= each.holds;
  return IsMet(quorum_, held);
}

// A member is defined before its group, and only once a member, so this ends.
bool Policy::IsMet(const std::string& name, const std::map<std::string, bool>& held) const {
  const auto group = groups_.find(name);
  if (group == groups_.end()) {
    const auto found = held.find(name);
    return found != held.end() && found->second;
  }
  const auto met = std::count_if(group->second.members.begin(), group->second.members.end(),
                                 [&](const std::string& member) { return IsMet(member, held); });
  return static_cast<uint64_t>(met) >= group->second.needed;
}

}  // namespace sealtrail::verify
