#include "verify/anchor_files.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "verify/note_bodies.h"
#include "verify/segment_layout.h"

namespace sealtrail::verify {
namespace {

constexpr std::string_view kFolder = "anchors/";
constexpr std::string_view kKeptPolicy =
    "policy";  // the store's own copy; whoever verifies brings theirs
constexpr size_t kStatesMax = 1000;
constexpr size_t kEvidenceMax = 1000;  // a writer keeps 64

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "witness-<32 hex>.state"
bool IsStateName(std::string_view name) {
  constexpr std::string_view kBegin = "witness-", kEnd = ".state";
  return name.size() == kBegin.size() + 32 + kEnd.size() && name.starts_with(kBegin) &&
         name.ends_with(kEnd) && IsHex(name.substr(kBegin.size(), 32));
}

// "<size, 20 digits>.<authority>.tsr"
std::optional<std::pair<uint64_t, uint64_t>> TokenOf(std::string_view name) {
  if (!name.ends_with(".tsr") || name.size() < 20 + 6) return std::nullopt;
  const auto size = FirstOfSegmentName(name.substr(0, 21), ".");
  uint64_t authority = 0;
  if (!size || !ParseDecimal(name.substr(21, name.size() - 25), &authority)) return std::nullopt;
  return std::pair(*size, authority);
}

class Lister {
 public:
  Lister(const Source& source, Findings& findings) : source_(source), findings_(findings) {}

  Result<AnchorFiles> List() {
    const auto entries = source_.List("anchors");
    if (entries.status().code() == StatusCode::kNotFound) return std::move(out_);
    SEAL_RETURN_IF_ERROR(entries.status());
    for (const SourceEntry& entry : *entries) {
      if (entry.is_folder && entry.name == "evidence") {
        SEAL_RETURN_IF_ERROR(ListEvidence());
      } else if (entry.is_folder || !Take(entry.name)) {
        Unknown(std::string(kFolder) + entry.name, entry);
      }
    }
    Limit();
    return std::move(out_);
  }

 private:
  bool Take(std::string_view name) {
    if (name.ends_with(".tmp")) {
      const std::string_view whole = name.substr(0, name.size() - 4);
      if (!IsKnown(whole)) return false;
      findings_.notices.push_back({.file = std::string(kFolder).append(name),
                                   .kind = "temporary_file",
                                   .text = "left where an anchor was being written"});
    } else if (const auto size = FirstOfSegmentName(name, ".checkpoint")) {
      out_.cosigned.push_back(*size);
    } else if (const auto stamped = FirstOfSegmentName(name, ".stamped")) {
      out_.tokens[*stamped];
    } else if (const auto token = TokenOf(name)) {
      out_.tokens[token->first].push_back(token->second);
    } else if (IsStateName(name)) {
      out_.states.emplace_back(name);
    } else if (name != kKeptPolicy) {
      return false;
    }
    return true;
  }

  static bool IsKnown(std::string_view name) {
    return FirstOfSegmentName(name, ".checkpoint") || FirstOfSegmentName(name, ".stamped") ||
           TokenOf(name) || IsStateName(name) || name == kKeptPolicy;
  }

  Status ListEvidence() {
    SEAL_ASSIGN_OR_RETURN(const auto entries, source_.List("anchors/evidence"));
    for (const SourceEntry& entry : entries) {
      const std::string_view name = entry.name;
      const bool temporary = name.ends_with(".note.tmp");
      const std::string_view note = temporary ? name.substr(0, name.size() - 4) : name;
      const bool known = !entry.is_folder && note.size() == 20 + 1 + 8 + 5 &&
                         FirstOfSegmentName(note.substr(0, 21), "-") && IsHex(note.substr(21, 8)) &&
                         note.ends_with(".note");
      if (!known) {
        Unknown("anchors/evidence/" + entry.name, entry);
      } else if (temporary) {
        findings_.notices.push_back({.file = "anchors/evidence/" + entry.name,
                                     .kind = "temporary_file",
                                     .text = "left where evidence was being written"});
      } else {
        out_.evidence.push_back(entry.name);
      }
    }
    return OkStatus();
  }

  // The oldest are left out.
  void Limit() {
    std::sort(out_.cosigned.begin(), out_.cosigned.end());
    const auto too_many = [&](std::string_view what, size_t count, size_t max) {
      if (count <= max) return size_t{0};
      findings_.notices.push_back(
          {.file = "anchors",
           .kind = "not_checked",
           .text = fmt::format("only the newest {} of {} {} were looked at", max, count, what)});
      return count - max;
    };
    const size_t old = too_many("cosigned checkpoints", out_.cosigned.size(), kAnchorsMax);
    out_.cosigned.erase(out_.cosigned.begin(), out_.cosigned.begin() + static_cast<ptrdiff_t>(old));
    const size_t old_stamps = too_many("stamped checkpoints", out_.tokens.size(), kAnchorsMax);
    out_.tokens.erase(out_.tokens.begin(),
                      std::next(out_.tokens.begin(), static_cast<ptrdiff_t>(old_stamps)));
    const size_t old_states = too_many("witnesses' states", out_.states.size(), kStatesMax);
    out_.states.erase(out_.states.begin(),
                      out_.states.begin() + static_cast<ptrdiff_t>(old_states));
    std::sort(out_.evidence.begin(), out_.evidence.end());
    const size_t old_notes = too_many("notes in evidence/", out_.evidence.size(), kEvidenceMax);
    out_.evidence.erase(out_.evidence.begin(),
                        out_.evidence.begin() + static_cast<ptrdiff_t>(old_notes));
  }

  void Unknown(std::string path, const SourceEntry& entry) {
    findings_.Found({.file = std::move(path),
                     .length = entry.is_folder ? 0 : entry.size,
                     .unit = "file",
                     .kind = "unknown_file",
                     .text = "no part of a trail has this name"});
  }

  const Source& source_;
  Findings& findings_;
  AnchorFiles out_;
};

}  // namespace

Result<AnchorFiles> AnchorFiles::List(const Source& source, Findings& findings) {
  return Lister(source, findings).List();
}

Damage WholeFile(std::string path, uint64_t bytes, std::string kind, std::string text) {
  return {.file = std::move(path),
          .length = bytes,
          .unit = "file",
          .kind = std::move(kind),
          .text = std::move(text)};
}

Result<std::optional<std::string>> ReadKept(const Source& source, const std::string& path,
                                            Findings& findings) {
  const auto bytes = ReadAll(source, path, kAnchorBytesMax);
  if (bytes.status().code() == StatusCode::kResourceExhausted) {
    findings.Found(WholeFile(path, kAnchorBytesMax, "state_damaged", "far too long"));
    return std::optional<std::string>();
  }
  SEAL_RETURN_IF_ERROR(bytes.status());
  return std::optional(std::string(AsText(*bytes)));
}

std::string CosignedPath(uint64_t size) {
  return "anchors/" + SegmentName(size, ".checkpoint");
}
std::string StampedPath(uint64_t size) {
  return "anchors/" + SegmentName(size, ".stamped");
}
std::string TokenPath(uint64_t size, uint64_t authority) {
  return "anchors/" + SegmentName(size, fmt::format(".{}.tsr", authority));
}

}  // namespace sealtrail::verify
