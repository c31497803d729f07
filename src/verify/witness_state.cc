#include "verify/witness_state.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "crypto/sha256.h"
#include "verify/note_bodies.h"

namespace sealtrail::verify {
namespace {

// The line of `text` that begins with `word`, as a place.
Damage LineOf(const WitnessState& state, std::string_view word, std::string kind,
              std::string text) {
  const size_t at = state.text.find("\n" + std::string(word) + " ") + 1;
  const auto line = static_cast<size_t>(
      std::count(state.text.begin(), state.text.begin() + static_cast<ptrdiff_t>(at), '\n'));
  return {.file = state.path,
          .offset = at,
          .length = state.text.find('\n', at) + 1 - at,
          .unit = fmt::format("line {}", line + 1),
          .kind = std::move(kind),
          .text = std::move(text)};
}

// Its lines in their order; what they must say is nothing that a proof rests on, so no more than their form.
std::optional<WitnessState> Parse(std::string path, std::string text) {
  const size_t last = text.rfind("sha256 ");
  if (last == text.npos) return std::nullopt;
  const std::string_view above = std::string_view(text).substr(0, last);
  if (text.substr(last) != fmt::format("sha256 {}\n", Base64Encode(crypto::Sha256(AsBytes(above)))))
    return std::nullopt;
  std::string_view rest = above;
  const auto take = [&](std::string_view word) -> std::optional<std::string_view> {
    const size_t end = rest.find('\n');
    if (end == rest.npos || !rest.starts_with(word)) return std::nullopt;
    const std::string_view value = rest.substr(word.size(), end - word.size());
    rest.remove_prefix(end + 1);
    return value;
  };
  WitnessState out{.path = std::move(path)};
  const auto title = take("sealtrail/witness/v1"), vkey = take("vkey "), size = take("size "),
             root = take("root "), success = take("success ");
  uint64_t when = 0;
  if (!title || !title->empty() || !vkey || !size || !root || !success ||
      !ParseDecimal(*size, &out.size) || !ParseDecimal(*success, &when))
    return std::nullopt;
  const auto hash = Base64Decode(*root);
  if (!hash.ok() || hash->size() != out.root.size()) return std::nullopt;
  std::copy(hash->begin(), hash->end(), out.root.begin());
  if (const auto alarm = take("alarm ")) out.alarm = *alarm;
  const std::string name =
      "witness-" + HexEncode(ByteView(crypto::Sha256(AsBytes(*vkey))).first(16)) + ".state";
  if (!rest.empty() || !out.path.ends_with("/" + name)) return std::nullopt;
  out.text = std::move(text);
  return out;
}

}  // namespace

Result<std::vector<WitnessState>> ReadWitnessStates(const Source& source, const AnchorFiles& files,
                                                    Findings& findings) {
  std::vector<WitnessState> out;
  for (const std::string& name : files.states) {
    const std::string path = "anchors/" + name;
    SEAL_ASSIGN_OR_RETURN(auto text, ReadKept(source, path, findings));
    if (!text) continue;
    const size_t bytes = text->size();
    auto state = Parse(path, std::move(*text));
    if (!state) {
      findings.Found(
          WholeFile(path, bytes, "state_damaged",
                    "what is remembered of a witness is not what its last line hashes, or "
                    "not of the witness in its name"));
      continue;
    }
    if (!state->alarm.empty()) {
      findings.notices.push_back(
          {.file = path,
           .kind = "witness_alarm",
           .text = fmt::format("the witness raised an alarm: {}", state->alarm)});
    }
    out.push_back(std::move(*state));
  }
  return out;
}

void CheckWitnessStates(const std::vector<WitnessState>& states, uint64_t records, bool is_damaged,
                        const std::map<uint64_t, Hash>& roots, Findings& findings) {
  for (const WitnessState& state : states) {
    if (state.size == 0 || is_damaged) continue;
    if (state.size > records) {
      findings.Found(LineOf(state, "size", "anchor_ahead",
                            fmt::format("the witness cosigned a tree of {} records, and {} are "
                                        "there",
                                        state.size, records)));
      continue;
    }
    const auto root = roots.find(state.size);
    if (root == roots.end() || root->second == state.root) continue;
    findings.Found(LineOf(state, "root", "anchor_differs",
                          fmt::format("the records below {} have another root than the witness "
                                      "cosigned: another history",
                                      state.size)));
  }
}

}  // namespace sealtrail::verify
