#include <algorithm>

#include "base/utf8.h"
#include "tlog/policy.h"
#include "tlog/text.h"

namespace sealtrail::tlog {
namespace {

using Items = std::vector<std::string_view>;

// Only space and tab separate; all other octets belong to an item.
Items ItemsOf(std::string_view line) {
  Items items;
  for (;;) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos) return items;
    const size_t end = line.find_first_of(" \t", begin);
    items.push_back(line.substr(begin, end - begin));
    if (end == line.npos) return items;
    line.remove_prefix(end);
  }
}

bool IsAllowed(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet == '\t' || (octet >= 0x20 && octet != 0x7f);
}

// A name is any octets; an error message is text.
std::string Shown(std::string_view name) {
  return Utf8Shortened(Utf8Lossy(name.substr(0, 200)), 80);
}

Status CheckCount(size_t count, std::string_view what) {
  if (count < kPolicyItemsMax) return OkStatus();
  return ResourceExhausted("more than {} {}", kPolicyItemsMax, what);
}

}  // namespace

class PolicyParser {
 public:
  Result<Policy> Parse(std::string_view text);

 private:
  Status Line(std::string_view line);
  Status Log(const Items& items);
  Status Witness(const Items& items);
  Status Group(const Items& items);
  Status Quorum(const Items& items);

  Result<VerifierKey> NewKey(std::string_view vkey, SignatureType type, std::string_view whose);
  Status NewName(std::string_view name);
  Result<size_t> Find(std::string_view name) const;

  Policy policy_;
  std::vector<bool> is_member_;  // of some group; one for each node
  bool has_quorum_ = false;
};

Result<Policy> Policy::Parse(std::string_view text) {
  return PolicyParser().Parse(text);
}

Result<Policy> PolicyParser::Parse(std::string_view text) {
  if (text.size() > kPolicyBytesMax) {
    return ResourceExhausted("a policy of {} bytes, allowed {}", text.size(), kPolicyBytesMax);
  }
  for (size_t number = 1; !text.empty(); ++number) {
    const auto line = TakeLine(text);
    const Status status =
        line ? Line(*line) : InvalidArgument("does not end in a line feed; is the file whole?");
    if (!status.ok()) return status.Annotate(fmt::format("line {}", number));
  }
  if (!has_quorum_) return InvalidArgument("no quorum line");
  return std::move(policy_);
}

Status PolicyParser::Line(std::string_view line) {
  if (!std::all_of(line.begin(), line.end(), IsAllowed)) {
    return InvalidArgument("a control character other than the tab");
  }
  const Items items = ItemsOf(line);
  if (items.empty() || items[0].starts_with('#')) return OkStatus();
  if (items[0] == "log") return Log(items);
  if (items[0] == "witness") return Witness(items);
  if (items[0] == "group") return Group(items);
  if (items[0] == "quorum") return Quorum(items);
  return InvalidArgument("begins with none of log, witness, group, quorum");
}

Status PolicyParser::Log(const Items& items) {
  if (items.size() < 2 || items.size() > 3) return InvalidArgument("expected: log VKEY [URL]");
  SEAL_RETURN_IF_ERROR(CheckCount(policy_.logs_.size(), "logs"));
  SEAL_ASSIGN_OR_RETURN(VerifierKey key, NewKey(items[1], SignatureType::kEd25519, "a log"));
  Policy::Log log{.key = std::move(key), .url = std::string(items.size() > 2 ? items[2] : "")};
  if (log.key.type == SignatureType::kEd25519) {
    SEAL_ASSIGN_OR_RETURN(log.verifier, Verifier::FromVkey(items[1]));
  }
  policy_.logs_.push_back(std::move(log));
  return OkStatus();
}

Status PolicyParser::Witness(const Items& items) {
  if (items.size() < 3 || items.size() > 4) {
    return InvalidArgument("expected: witness NAME VKEY [URL]");
  }
  SEAL_RETURN_IF_ERROR(CheckCount(policy_.witnesses_.size(), "witnesses"));
  SEAL_ASSIGN_OR_RETURN(VerifierKey key,
                        NewKey(items[2], SignatureType::kCosignature, "a witness"));
  Policy::Witness witness{.name = std::string(items[1]),
                          .key = std::move(key),
                          .url = std::string(items.size() > 3 ? items[3] : "")};
  if (witness.key.type == SignatureType::kCosignature) {
    SEAL_ASSIGN_OR_RETURN(witness.verifier, CosignatureVerifier::FromVkey(items[2]));
  }
  SEAL_RETURN_IF_ERROR(NewName(items[1]));
  policy_.witnesses_.push_back(std::move(witness));
  return OkStatus();
}

Status PolicyParser::Group(const Items& items) {
  if (items.size() < 4) return InvalidArgument("expected: group NAME all|any|K NAME...");
  SEAL_RETURN_IF_ERROR(CheckCount(policy_.nodes_.size() - policy_.witnesses_.size(), "groups"));
  std::vector<size_t> members;
  for (size_t i = 3; i < items.size(); ++i) {
    SEAL_ASSIGN_OR_RETURN(const size_t member, Find(items[i]));
    if (is_member_[member]) return InvalidArgument("\"{}\" is already in a group", Shown(items[i]));
    is_member_[member] = true;
    members.push_back(member);
  }
  uint64_t threshold = members.size();
  if (items[2] == "any") {
    threshold = 1;
  } else if (items[2] != "all") {
    SEAL_ASSIGN_OR_RETURN(threshold, ParseDecimal(items[2]));
  }
  if (threshold < 1 || threshold > members.size()) {
    return InvalidArgument("{} of {} members", threshold, members.size());
  }
  SEAL_RETURN_IF_ERROR(NewName(items[1]));
  policy_.nodes_.back().threshold = threshold;
  policy_.nodes_.back().members = std::move(members);
  return OkStatus();
}

Status PolicyParser::Quorum(const Items& items) {
  if (items.size() != 2) return InvalidArgument("expected: quorum NAME|none");
  if (has_quorum_) return InvalidArgument("a second quorum");
  has_quorum_ = true;
  if (items[1] == "none") return OkStatus();
  SEAL_ASSIGN_OR_RETURN(policy_.quorum_, Find(items[1]));
  return OkStatus();
}

// Two keys are one if their public keys are, whatever their names, ids and types.
Result<VerifierKey> PolicyParser::NewKey(std::string_view vkey, SignatureType type,
                                         std::string_view whose) {
  SEAL_ASSIGN_OR_RETURN(VerifierKey key, ParseVkey(vkey));
  if (key.type != type && key.type != SignatureType::kMlDsa44Cosignature) {
    return InvalidArgument("a key of signature type 0x{:02x} is not for {}",
                           static_cast<int>(key.type), whose);
  }
  const auto same = [&](const auto& other) { return other.key.key == key.key; };
  if (std::any_of(policy_.logs_.begin(), policy_.logs_.end(), same) ||
      std::any_of(policy_.witnesses_.begin(), policy_.witnesses_.end(), same)) {
    return InvalidArgument("this public key stands on an earlier line");
  }
  return key;
}

Status PolicyParser::NewName(std::string_view name) {
  if (name == "none") return InvalidArgument("the name \"none\" means no quorum");
  if (Find(name).ok()) return InvalidArgument("the name \"{}\" is taken", Shown(name));
  policy_.nodes_.push_back({.name = std::string(name)});
  is_member_.push_back(false);
  return OkStatus();
}

Result<size_t> PolicyParser::Find(std::string_view name) const {
  for (size_t i = 0; i < policy_.nodes_.size(); ++i) {
    if (policy_.nodes_[i].name == name) return i;
  }
  return InvalidArgument("the name \"{}\" is not defined on an earlier line", Shown(name));
}

}  // namespace sealtrail::tlog
