#include "anchor/witness_state.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "crypto/sha256.h"

namespace sealtrail::anchor {
namespace {

constexpr std::string_view kFirstLine = "sealtrail/witness/v1\n";

std::string Body(const WitnessState& state) {
  std::string text =
      fmt::format("{}vkey {}\nsize {}\nroot {}\nsuccess {}\n", kFirstLine, state.vkey,
                  Value(state.size), Base64Encode(state.root), Value(state.success));
  if (!state.alarm.empty()) text += fmt::format("alarm {}\n", state.alarm);
  return text;
}

// Takes "<name> <value>\n" off the front; DataLoss if something else stands there.
Result<std::string_view> TakeLine(std::string_view& text, std::string_view name) {
  const size_t end = text.find('\n');
  if (end == text.npos || !text.starts_with(name) || text.size() <= name.size() ||
      text[name.size()] != ' ') {
    return DataLoss("no line \"{}\" where it belongs", name);
  }
  const std::string_view value = text.substr(name.size() + 1, end - name.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

template <typename Number>
Result<Number> NumberIn(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return DataLoss("\"{}\" is no number", text);
  }
  return value;
}

Result<WitnessState> ParseBody(std::string_view text) {
  WitnessState state;
  SEAL_ASSIGN_OR_RETURN(const std::string_view vkey, TakeLine(text, "vkey"));
  SEAL_ASSIGN_OR_RETURN(const std::string_view size, TakeLine(text, "size"));
  SEAL_ASSIGN_OR_RETURN(const std::string_view root, TakeLine(text, "root"));
  SEAL_ASSIGN_OR_RETURN(const std::string_view success, TakeLine(text, "success"));
  SEAL_ASSIGN_OR_RETURN(const uint64_t size_value, NumberIn<uint64_t>(size));
  SEAL_ASSIGN_OR_RETURN(const int64_t success_value, NumberIn<int64_t>(success));
  SEAL_ASSIGN_OR_RETURN(state.root, tlog::HashFromBase64(root));
  if (!text.empty()) {
    SEAL_ASSIGN_OR_RETURN(const std::string_view alarm, TakeLine(text, "alarm"));
    state.alarm = alarm;
  }
  if (!text.empty()) return DataLoss("more lines than belong there");
  state.vkey = vkey;
  state.size = TreeSize{size_value};
  state.success = UnixNanos{success_value};
  return state;
}

}  // namespace

std::string WitnessStateName(std::string_view vkey) {
  const crypto::Hash hash = crypto::Sha256(AsBytes(vkey));
  return fmt::format("witness-{}.state", HexEncode(ByteView(hash).first(16)));
}

std::string FormatWitnessState(const WitnessState& state) {
  SEAL_CHECK(state.vkey.find('\n') == std::string::npos);
  SEAL_CHECK(state.alarm.find('\n') == std::string::npos);
  const std::string body = Body(state);
  return fmt::format("{}sha256 {}\n", body, Base64Encode(crypto::Sha256(AsBytes(body))));
}

Result<WitnessState> ParseWitnessState(std::string_view text) {
  std::string_view lines = text;
  if (!lines.starts_with(kFirstLine)) return DataLoss("not a witness's state");
  lines.remove_prefix(kFirstLine.size());
  const size_t sum = lines.rfind("sha256 ");
  if (sum == lines.npos) return DataLoss("no SHA-256 at the end");
  const auto state = ParseBody(lines.substr(0, sum));
  if (!state.ok()) return DataLoss("{}", state.status().message());
  // One state has one text, so this also compares the hash.
  if (FormatWitnessState(*state) != text) return DataLoss("its SHA-256 does not fit");
  return state;
}

}  // namespace sealtrail::anchor
