#include "verify/state_check.h"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/note_bodies.h"
#include "verify/note_check.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kPath = "signing/state";

Damage Line(const std::string& text, size_t index, std::string kind, std::string what) {
  Damage out = NoteLine(std::string(kPath), text, index);
  if (out.unit != "note") out.unit = out.unit.substr(std::string_view("note ").size());
  if (out.unit == "note") out.unit = "file";
  out.kind = std::move(kind);
  out.text = std::move(what);
  return out;
}

// The line that has to be another one for the record to be whole again, where the log tells; else all of it.
Damage Locate(const std::string& text, const StateContext& context, std::string what) {
  std::vector<std::optional<std::string>> expected = {
      fmt::format("sealtrail/signing/v{}", kFormatVersion), "origin " + context.origin,
      fmt::format("epoch {}", context.newest_epoch)};
  const uint64_t size = context.checkpoint_size.value_or(context.records);
  expected.push_back(fmt::format("size {}", size));
  if (const auto root = context.roots.find(size); root != context.roots.end()) {
    expected.push_back("root " + Base64Encode(root->second));
    std::string lines;
    for (const auto& line : expected) lines += *line + "\n";
    expected.push_back("sha256 " + Base64Encode(crypto::Sha256(AsBytes(lines))));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    std::string repaired;
    size_t index = 0;
    for (size_t at = 0; at < text.size(); ++index) {
      const size_t end = std::min(text.find('\n', at), text.size());
      repaired += (index == i ? *expected[i] : text.substr(at, end - at)) + "\n";
      at = end + 1;
    }
    if (ParseSigningState(repaired).ok()) return Line(text, i, "state_damaged", std::move(what));
  }
  return Line(text, SIZE_MAX, "state_damaged", std::move(what));
}

}  // namespace

void CheckSigningState(const std::string& text, const StateContext& context, Findings& findings) {
  const auto state = ParseSigningState(text);
  if (state.status().code() == StatusCode::kUnimplemented) {
    findings.obstacles.push_back(fmt::format("{}: {}", kPath, state.status().message()));
    return;
  }
  if (!state.ok()) {
    findings.Found(Locate(text, context, state.status().message()));
    return;
  }
  if (state->origin != context.origin) {
    findings.Found(Line(text, 1, "other_origin", fmt::format("it is about {}", state->origin)));
    return;
  }
  if (state->epoch > context.newest_epoch + 1) {
    findings.Found(Line(text, 2, "state_differs", "the trail has no such key"));
    return;
  }
  if (state->size > context.records) {
    if (context.log_is_damaged) return;  // which explains it
    findings.Found(Line(text, 3, "state_ahead",
                        fmt::format("a tree of {} records may have been signed, and {} are there: "
                                    "the folder may be an older state of itself",
                                    state->size, context.records)));
    return;
  }
  const auto root = context.roots.find(state->size);
  if (root != context.roots.end() && root->second != state->root) {
    if (context.log_is_damaged) return;  // which explains it
    findings.Found(
        Line(text, 4, "state_differs",
             fmt::format("the records below {} have another root: rollback or fork", state->size)));
    return;
  }
  if (!context.checkpoint_size) return;
  if (state->size < *context.checkpoint_size && !context.running) {
    findings.Found(Line(
        text, 3, "state_behind",
        fmt::format("a checkpoint of {} records was signed without it", *context.checkpoint_size)));
  } else if (state->size > *context.checkpoint_size) {
    findings.notices.push_back(
        {.file = std::string(kPath),
         .kind = "signature_pending",
         .text = fmt::format("a checkpoint of {} records was about to be published", state->size)});
  }
}

}  // namespace sealtrail::verify
