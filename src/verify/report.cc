#include "verify/report.h"

#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/time_text.h"
#include "base/utf8.h"

namespace sealtrail::verify {
namespace {

using Six = std::array<std::pair<std::string_view, const Finding*>, 6>;

Six FindingsOf(const Report& report) {
  return {{{"integrity", &report.integrity},
           {"order", &report.order},
           {"completeness", &report.completeness},
           {"authorship", &report.authorship},
           {"time", &report.time},
           {"independence", &report.independence}}};
}

// Names of the answers that are `fail`.
std::vector<std::string_view> Failed(const Report& report) {
  std::vector<std::string_view> out;
  for (const auto& [name, finding] : FindingsOf(report)) {
    if (finding->answer == Answer::kFail) out.push_back(name);
  }
  return out;
}

// File names come from the folder, so they may hold anything.
std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : Utf8Lossy(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

// The same for a terminal: no control characters.
std::string Printable(std::string_view text) {
  std::string out = Utf8Lossy(text);
  for (char& c : out) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

template <typename List, typename Item>
std::string JsonArray(const List& list, Item item) {
  std::string out = "[";
  for (const auto& each : list) {
    if (out.size() > 1) out += ',';
    out += item(each);
  }
  return out + ']';
}

std::string DamageJson(const Damage& damage) {
  return fmt::format(
      R"({{"file":{},"seq":{},"offset":{},"length":{},"unit":{},"kind":{},"text":{}}})",
      JsonString(damage.file), damage.seq ? fmt::to_string(Value(*damage.seq)) : "null",
      damage.offset, damage.length, JsonString(damage.unit), JsonString(damage.kind),
      JsonString(damage.text));
}

std::string NoticeJson(const Notice& notice) {
  return fmt::format(R"({{"file":{},"kind":{},"text":{}}})", JsonString(notice.file),
                     JsonString(notice.kind), JsonString(notice.text));
}

std::string RangeJson(const Range& range) {
  return fmt::format(R"({{"first":{},"last":{},"state":"{}"}})", Value(range.first),
                     Value(range.last), RangeStateName(range.state));
}

std::string TimeStampJson(const TimeStamp& stamp) {
  return fmt::format(R"({{"size":{},"time":"{}","authority":{},"trusted":{}}})", stamp.size,
                     Iso8601(stamp.time), JsonString(stamp.authority), stamp.trusted);
}

std::string Headline(const Report& report) {
  const auto failed = Failed(report);
  switch (report.verdict) {
    case Verdict::kSound:
      return failed.empty() ? "SOUND"
                            : fmt::format("SOUND, but {} failed", fmt::join(failed, ", "));
    case Verdict::kNotSound:
      return "NOT SOUND";
    case Verdict::kCannotTell:
      return "CANNOT TELL";
  }
  return "";
}

std::string Advice(const Report& report) {
  switch (report.verdict) {
    case Verdict::kSound:
      if (Failed(report).empty()) return "";
      return "What to do: nothing in the folder is damaged, but what you asked for does not hold; "
             "the reasons above say why.\n";
    case Verdict::kCannotTell:
      return "What to do: clear what stands in the way, as named above, and verify again.\n";
    case Verdict::kNotSound:
      break;
  }
  for (const Damage& damage : report.damage) {
    if (damage.kind != "unfinished_tail") {
      return "What to do: keep this folder as it is, take a copy, and compare it with an archived "
             "or witnessed one. "
             "Do not start the store on it.\n";
    }
  }
  return "What to do: if the machine lost power, start the store once: it sets the unfinished end "
         "aside and records "
         "that. Otherwise somebody appended these bytes: keep a copy first.\n";
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSound:
      return "sound";
    case Verdict::kNotSound:
      return "not_sound";
    case Verdict::kCannotTell:
      return "cannot_tell";
  }
  return "";
}

std::string_view AnswerName(Answer answer) {
  switch (answer) {
    case Answer::kPass:
      return "pass";
    case Answer::kFail:
      return "fail";
    case Answer::kNotEstablished:
      return "not_established";
  }
  return "";
}

std::string_view RangeStateName(RangeState state) {
  switch (state) {
    case RangeState::kPresentValid:
      return "present-valid";
    case RangeState::kDeletedByPolicy:
      return "deleted-by-policy";
    case RangeState::kMissingOrAltered:
      return "missing-or-altered";
  }
  return "";
}

int ExitCode(const Report& report) {
  switch (report.verdict) {
    case Verdict::kSound:
      return Failed(report).empty() ? 0 : 1;
    case Verdict::kNotSound:
      return 1;
    case Verdict::kCannotTell:
      return 2;
  }
  return 2;
}

std::vector<std::string_view> NotCovered() {
  return {"LOCK",   "keys/",        "local.token",       "api.sock",
          "index/", "signing/LOCK", "signing/elsewhere", "*.sealing",
          "*.tmp"};
}

std::string ReportJson(const Report& report) {
  std::string verdicts, reasons;
  for (const auto& [name, finding] : FindingsOf(report)) {
    const std::string_view comma = verdicts.empty() ? "" : ",";
    verdicts += fmt::format(R"({}"{}":"{}")", comma, name, AnswerName(finding->answer));
    reasons += fmt::format(R"({}"{}":{})", comma, name, JsonString(finding->reason));
  }
  std::string out =
      fmt::format(R"({{"verdict":"{}","size":{},"root":{},"chain":{},"checkpoint_size":{},)",
                  VerdictName(report.verdict), report.size,
                  report.root ? JsonString(Base64Encode(*report.root)) : "null",
                  report.chain ? JsonString(HexEncode(*report.chain)) : "null",
                  report.checkpoint_size ? fmt::to_string(*report.checkpoint_size) : "null");
  out += fmt::format(
      R"("not_yet_checkpointed":{},"records_read":{},"bytes_read":{},"origin":{},"vkey":{},)",
      report.not_yet_checkpointed, report.records_read, report.bytes_read,
      JsonString(report.origin), JsonString(report.vkey));
  out += fmt::format(
      R"("verdicts":{{{}}},"reasons":{{{}}},"time_stamp":{},"damage":{},"damage_total":{},"ranges":{},"notices":{},"obstacles":{},"not_covered":{}}})",
      verdicts, reasons, report.time_stamp ? TimeStampJson(*report.time_stamp) : "null",
      JsonArray(report.damage, DamageJson), report.damage_total,
      JsonArray(report.ranges, RangeJson), JsonArray(report.notices, NoticeJson),
      JsonArray(report.obstacles, JsonString), JsonArray(NotCovered(), JsonString));
  return out + '\n';
}

std::string ReportText(const Report& report) {
  std::string out;
  const auto line = [&]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out += '\n';
  };
  line("{}", Headline(report));
  if (!report.origin.empty()) line("trail        {}", Printable(report.origin));
  line("records      {} ({} bytes read)", report.size, report.bytes_read);
  if (report.root) line("root         {}", Base64Encode(*report.root));
  if (report.chain) line("running hash {}", HexEncode(*report.chain));
  if (report.checkpoint_size) {
    line("checkpoint   {} records; {} more are not yet checkpointed", *report.checkpoint_size,
         report.not_yet_checkpointed);
  }
  out += '\n';
  for (const auto& [name, finding] : FindingsOf(report)) {
    line("{:<13} {:<16} {}", name,
         finding->answer == Answer::kNotEstablished ? "not established"
                                                    : AnswerName(finding->answer),
         Printable(finding->reason));
  }
  for (const Range& range : report.ranges) {
    if (range.state == RangeState::kPresentValid) continue;
    line("records {} to {}: {}", Value(range.first), Value(range.last),
         RangeStateName(range.state));
  }
  for (const std::string& obstacle : report.obstacles)
    line("\nobstacle     {}", Printable(obstacle));
  for (const Damage& damage : report.damage) {
    line("\ndamage       {}", Printable(damage.file));
    if (damage.seq) line("  record     {}", Value(*damage.seq));
    line("  offset     {}, {} bytes ({})", damage.offset, damage.length, damage.unit);
    line("  kind       {}", damage.kind);
    line("  what       {}", Printable(damage.text));
  }
  if (report.damage_total > report.damage.size()) {
    line("\n{} more places are damaged", report.damage_total - report.damage.size());
  }
  for (const Notice& notice : report.notices)
    line("\nnotice       {}: {}", Printable(notice.file), Printable(notice.text));
  line("\nnot covered  {}", fmt::join(NotCovered(), " "));
  return out + Advice(report);
}

}  // namespace sealtrail::verify
