#include "pipeline/redactor.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include "base/encoding.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

namespace sealtrail::pipeline {
namespace {

using re2::RE2;
using re2::StringPiece;
using vocab::RedactionAction;

constexpr std::string_view kMask = "***";
constexpr int kGroupsMax = 8;
constexpr int64_t kPatternMemoryBytes = 2 << 20;
constexpr size_t kHmacShownBytes = 16;

StringPiece Piece8(std::string_view text) {
  return {text.data(), text.size()};
}

// Over bytes, so that what is no UTF-8 is looked through as well.
RE2::Options PatternOptions() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytes);
  return options;
}

// Stands in canonical JSON as it stands in the text.
bool IsPlain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// The longest run of plain characters: a text that holds `atom` holds it, too.
std::string PlainPart(std::string_view atom) {
  std::string_view best;
  for (size_t i = 0; i < atom.size();) {
    size_t end = i;
    while (end < atom.size() && IsPlain(atom[end])) ++end;
    if (end - i > best.size()) best = atom.substr(i, end - i);
    i = end + 1;
  }
  return std::string(best);
}

// What a text must hold, one of these, for `pattern` to match; empty: it may match without.
std::vector<std::string> AtomsOf(const std::string& pattern) {
  re2::FilteredRE2 filter(AtomScanner::kAtomBytesMin);
  int id = 0;
  SEAL_CHECK(filter.Add(pattern, PatternOptions(), &id) == RE2::NoError);
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  for (std::string& atom : atoms) {
    atom = PlainPart(atom);
    if (atom.size() < AtomScanner::kAtomBytesMin) return {};
  }
  return atoms;
}

// Single characters that are no letters and that every match holds: a cheap second look, which tells an address with a
// password from one without.
std::string NeedsOf(const std::string& pattern) {
  re2::FilteredRE2 filter(1);
  int id = 0;
  SEAL_CHECK(filter.Add(pattern, PatternOptions(), &id) == RE2::NoError);
  std::vector<std::string> atoms;
  filter.Compile(&atoms);
  std::string needs;
  for (size_t left_out = 0; left_out < atoms.size(); ++left_out) {
    const std::string& atom = atoms[left_out];
    if (atom.size() != 1 || !IsPlain(atom[0]) || (atom[0] >= 'a' && atom[0] <= 'z')) continue;
    std::vector<int> others, potential;
    for (size_t i = 0; i < atoms.size(); ++i) {
      if (i != left_out) others.push_back(static_cast<int>(i));
    }
    filter.AllPotentials(others, &potential);
    if (potential.empty()) needs += atom;
  }
  return needs;
}

std::string_view TextOf(ByteView bytes) {
  return AsText(bytes);
}

bool IsContinuation(char c) {
  return (static_cast<uint8_t>(c) & 0xc0) == 0x80;
}

// What may be a secret by its key: not a truth value, and not nothing.
bool CanBeSecret(const model::AnyValue& value) {
  using Type = model::AnyValue::Type;
  if (value.unknown != nullptr) return true;
  switch (value.type) {
    case Type::kEmpty:
    case Type::kBool:
      return false;
    case Type::kString:
    case Type::kBytes:
      return !value.text.empty();
    case Type::kArray:
      return !value.array->values.empty() || !value.array->unknown.empty();
    case Type::kMap:
      return !value.map->values.empty() || !value.map->unknown.empty();
    case Type::kInt:
    case Type::kDouble:
      return true;
  }
  SEAL_UNREACHABLE();
}

}  // namespace

struct Redactor::Pattern {
  std::unique_ptr<RE2> re;
  std::vector<std::string> atoms;
  std::vector<size_t> atom_ids;
  std::string needs;

  bool Matches(std::string_view text) const { return RE2::PartialMatch(Piece8(text), *re); }
};

struct Redactor::Rule {
  std::string name;
  RedactionAction action;
  std::vector<std::unique_ptr<Pattern>> keys, except, values;
  Counter* acted = nullptr;
};

// The atoms of one text, found when first asked for.
class Redactor::Atoms {
 public:
  Atoms(const Redactor& redactor, std::string_view text) : redactor_(redactor), text_(text) {}

  // Whether any pattern may match.
  bool Any() const {
    if (!redactor_.use_atoms_ || redactor_.has_unfiltered_) return true;
    Look();
    return any_;
  }

  bool Allow(const Pattern& pattern) const {
    if (!redactor_.use_atoms_ || pattern.atom_ids.empty()) return true;
    Look();
    return any_ && std::ranges::any_of(pattern.atom_ids, [&](size_t id) { return found_[id]; });
  }

 private:
  void Look() const {
    if (std::exchange(looked_, true)) return;
    any_ = redactor_.scanner_->Contains(text_) && redactor_.scanner_->Find(text_, found_);
  }

  const Redactor& redactor_;
  const std::string_view text_;
  mutable bool looked_ = false;
  mutable bool any_ = false;
  mutable std::vector<bool> found_;
};

Redactor::Redactor() = default;
Redactor::~Redactor() = default;

Result<std::unique_ptr<Redactor::Pattern>> Redactor::Compile(const std::string& text) {
  if (std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; })) {
    return InvalidArgument("pattern \"{}\": expected ASCII; patterns are over bytes", text);
  }
  auto pattern = std::make_unique<Pattern>();
  pattern->re = std::make_unique<RE2>(text, PatternOptions());
  if (!pattern->re->ok()) {
    return InvalidArgument("pattern \"{}\": {}", text, pattern->re->error());
  }
  if (pattern->re->NumberOfCapturingGroups() > kGroupsMax) {
    return InvalidArgument("pattern \"{}\": {} groups, at most {} allowed", text,
                           pattern->re->NumberOfCapturingGroups(), kGroupsMax);
  }
  if (RE2::PartialMatch("", *pattern->re)) {
    return InvalidArgument("pattern \"{}\" matches the empty text, and so everywhere", text);
  }
  pattern->atoms = AtomsOf(text);
  pattern->needs = NeedsOf(text);
  return pattern;
}

Status Redactor::AddRule(const vocab::RedactionRule& rule, MetricSet& metrics) {
  auto out = std::make_unique<Rule>();
  out->name = rule.name;
  out->action = rule.action;
  if (rule.action == RedactionAction::kHmac && !hmac_key_) {
    return InvalidArgument("action hmac needs the configuration key redaction.hmac_key");
  }
  for (const auto& [from, to] : {std::pair{&rule.keys, &out->keys},
                                 {&rule.except, &out->except},
                                 {&rule.values, &out->values}}) {
    for (const std::string& text : *from) {
      SEAL_ASSIGN_OR_RETURN(auto pattern, Compile(text));
      to->push_back(std::move(pattern));
    }
  }
  out->acted = &metrics.GetCounter("sealtrail_redactions_total",
                                   "Values and texts that a rule of redaction changed",
                                   {{"rule", rule.name}});
  rules_.push_back(std::move(out));
  return OkStatus();
}

Result<std::shared_ptr<const Redactor>> Redactor::Make(Options options, MetricSet& metrics) {
  const std::shared_ptr<Redactor> redactor(new Redactor());
  if (options.hmac_key) {
    if (options.hmac_key->size() < kHmacKeyBytesMin) {
      return InvalidArgument("a key of {} bytes, expected {} or more", options.hmac_key->size(),
                             kHmacKeyBytesMin);
    }
    const crypto::Hash id =
        crypto::Sha256({AsBytes("sealtrail/redaction-key/v1\n"), *options.hmac_key});
    redactor->hmac_prefix_ = fmt::format("hmac:{}:", HexEncode(ByteView(id).first(4)));
  }
  redactor->hmac_key_ = std::move(options.hmac_key);
  for (const std::string& text : options.keep) {
    SEAL_ASSIGN_OR_RETURN(auto pattern, Compile(text));
    redactor->keep_.push_back(std::move(pattern));
  }
  for (const vocab::RedactionRule& rule : options.rules) {
    // Alone, so that its examples show what this rule does; counted apart.
    MetricSet uncounted;
    Redactor alone;
    alone.hmac_key_ = redactor->hmac_key_;
    alone.hmac_prefix_ = redactor->hmac_prefix_;
    Status tried = alone.AddRule(rule, uncounted);
    if (tried.ok()) tried = alone.TryExamples(rule);
    if (!tried.ok()) {
      return InvalidArgument("line {}: rule {}: {}", rule.line, rule.name, tried.message());
    }
    SEAL_RETURN_IF_ERROR(redactor->AddRule(rule, metrics));
  }
  redactor->NumberAtoms();
  return std::shared_ptr<const Redactor>(redactor);
}

Status Redactor::TryExamples(const vocab::RedactionRule& rule) {
  NumberAtoms();
  for (const vocab::RedactionExample& example : rule.examples) {
    model::AnyValue value;
    value.type = model::AnyValue::Type::kString;
    value.text = example.text;
    std::optional<RedactionMark> mark = OfValue(example.key, value);
    if (!mark) mark = OfText(example.key, example.text);
    const std::optional<std::string> stored = mark ? mark->text : example.text;
    const bool digest = example.stored == "hmac" && stored && stored->find("hmac:") != stored->npos;
    if (stored == example.stored || digest) continue;
    return InvalidArgument("its example [{}, {}] is stored as {}, expected {}", example.key,
                           example.text, stored.value_or("~"), example.stored.value_or("~"));
  }
  return OkStatus();
}

void Redactor::NumberAtoms() {
  std::vector<std::string> atoms;
  const auto each = [&](auto visit) {
    for (const auto& rule : rules_) {
      for (const auto& pattern : rule->keys) visit(*pattern);
      for (const auto& pattern : rule->values) visit(*pattern);
    }
  };
  each([&](Pattern& pattern) {
    has_unfiltered_ |= pattern.atoms.empty();
    atoms.insert(atoms.end(), pattern.atoms.begin(), pattern.atoms.end());
  });
  std::ranges::sort(atoms);
  const auto rest = std::ranges::unique(atoms);
  atoms.erase(rest.begin(), rest.end());
  by_atom_.resize(atoms.size());
  each([&](Pattern& pattern) {
    for (const std::string& atom : pattern.atoms) {
      const auto id = static_cast<size_t>(std::ranges::lower_bound(atoms, atom) - atoms.begin());
      pattern.atom_ids.push_back(id);
      by_atom_[id].push_back(&pattern);
    }
  });
  scanner_ = std::make_unique<AtomScanner>(std::move(atoms));
}

bool Redactor::NeedsMet(const Pattern& pattern, std::string_view json) const {
  return std::ranges::all_of(pattern.needs,
                             [&](char c) { return json.find(c) != std::string_view::npos; });
}

bool Redactor::MayAct(std::string_view json, std::span<const ByteView> encoded) const {
  if (rules_.empty()) return false;
  if (has_unfiltered_ || !use_atoms_) return true;
  for (const ByteView bytes : encoded) {
    if (scanner_->Contains(TextOf(bytes))) return true;
  }
  if (!scanner_->Contains(json)) return false;
  std::vector<bool> found;
  scanner_->Find(json, found);
  for (size_t id = 0; id < found.size(); ++id) {
    if (!found[id]) continue;
    for (const Pattern* pattern : by_atom_[id]) {
      if (NeedsMet(*pattern, json)) return true;
    }
  }
  return false;
}

bool Redactor::Keeps(std::string_view key) const {
  return std::ranges::any_of(keep_, [&](const auto& pattern) { return pattern->Matches(key); });
}

bool Redactor::TakesKey(const Rule& rule, std::string_view key, const Atoms& atoms) const {
  const auto matches = [&](const auto& pattern) { return pattern->Matches(key); };
  return std::ranges::any_of(
             rule.keys,
             [&](const auto& pattern) { return atoms.Allow(*pattern) && pattern->Matches(key); }) &&
         std::ranges::none_of(rule.except, matches);
}

std::string Redactor::Replacement(const Rule* rule, ByteView secret) const {
  if (rule == nullptr || rule->action != RedactionAction::kHmac) return std::string(kMask);
  const crypto::Hash digest = crypto::HmacSha256(*hmac_key_, secret);
  return hmac_prefix_ + HexEncode(ByteView(digest).first(kHmacShownBytes));
}

RedactionMark Redactor::WholeMark(const Rule& rule, ByteView secret) const {
  rule.acted->Add();
  RedactionMark mark{.rules = {rule.name}, .text = {}};
  if (rule.action != RedactionAction::kDrop) mark.text = Replacement(&rule, secret);
  return mark;
}

std::optional<RedactionMark> Redactor::OfValue(std::string_view key,
                                               const model::AnyValue& value) const {
  const Atoms atoms(*this, key);
  if (!atoms.Any()) return std::nullopt;
  for (const auto& rule : rules_) {
    if (!rule->values.empty() || !TakesKey(*rule, key, atoms)) continue;
    if (!CanBeSecret(value) || Keeps(key)) return std::nullopt;
    using Type = model::AnyValue::Type;
    if (value.type == Type::kString || value.type == Type::kBytes) {
      return WholeMark(*rule, value.bytes());
    }
    record::JsonBuffer json;
    record::ContentNotes notes;
    record::WriteValue(json, value, notes);
    return WholeMark(*rule, AsBytes(json));
  }
  return std::nullopt;
}

// Pieces of one text that go: none overlaps another. A text may have millions of them.
class Redactor::Pieces {
 public:
  // What lies within a piece of an earlier rule is that rule's, and nothing happens (false); what overlaps one makes one
  // piece with it.
  bool Add(size_t begin, size_t end, const Rule* rule) {
    auto next = by_begin_.upper_bound(begin);
    if (next != by_begin_.begin() && std::prev(next)->second.end > begin) --next;
    if (next != by_begin_.end() && next->first <= begin && end <= next->second.end) return false;
    while (next != by_begin_.end() && next->first < end) {
      begin = std::min(begin, next->first);
      end = std::max(end, next->second.end);
      rule = nullptr;
      next = by_begin_.erase(next);
    }
    by_begin_[begin] = {end, rule};
    return true;
  }

  struct Rest {
    size_t end = 0;
    const Rule* rule = nullptr;  // none for a piece that several rules wanted in part: it is masked
  };
  const std::map<size_t, Rest>& by_begin() const { return by_begin_; }

 private:
  std::map<size_t, Rest> by_begin_;
};

// Adds what `rule` wants of the text; whether that was anything.
bool Redactor::CollectPieces(const Rule& rule, std::string_view text, bool utf8, const Atoms& atoms,
                             Pieces& pieces) const {
  bool acted = false;
  const auto add = [&](size_t begin, size_t end) {
    if (!utf8) {
      begin = 0;
      end = text.size();
    }
    while (begin > 0 && IsContinuation(text[begin])) --begin;
    while (end < text.size() && IsContinuation(text[end])) ++end;
    acted |= pieces.Add(begin, end, &rule);
  };
  for (const auto& pattern : rule.values) {
    if (!atoms.Allow(*pattern)) continue;
    std::array<StringPiece, kGroupsMax + 1> groups;
    const int group_count = 1 + pattern->re->NumberOfCapturingGroups();
    for (size_t at = 0; at < text.size();) {
      if (!pattern->re->Match(Piece8(text), at, text.size(), RE2::UNANCHORED, groups.data(),
                              group_count))
        break;
      for (int i = group_count == 1 ? 0 : 1; i < group_count; ++i) {
        const StringPiece& group = groups[static_cast<size_t>(i)];
        if (group.empty()) continue;
        const auto begin = static_cast<size_t>(group.data() - text.data());
        add(begin, begin + group.size());
      }
      const auto end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      at = std::max(end, at + 1);
    }
  }
  return acted;
}

std::optional<RedactionMark> Redactor::OfText(std::string_view key, std::string_view text) const {
  if (text.empty()) return std::nullopt;
  const Atoms text_atoms(*this, text);
  if (!text_atoms.Any()) return std::nullopt;
  const Atoms key_atoms(*this, key);
  std::optional<bool> utf8;
  Pieces pieces;
  RedactionMark mark;
  bool dropped = false;
  for (const auto& rule : rules_) {
    if (rule->values.empty()) continue;
    if (std::ranges::none_of(rule->values, [&](const auto& p) { return text_atoms.Allow(*p); }))
      continue;
    if (!rule->keys.empty() && (!TakesKey(*rule, key, key_atoms) || Keeps(key))) continue;
    if (rule->keys.empty() && !rule->except.empty() &&
        std::ranges::any_of(rule->except, [&](const auto& p) { return p->Matches(key); }))
      continue;
    if (!utf8) utf8 = IsUtf8(text);
    if (!CollectPieces(*rule, text, *utf8, text_atoms, pieces)) continue;
    rule->acted->Add();
    mark.rules.push_back(rule->name);
    dropped |= rule->action == RedactionAction::kDrop;
  }
  if (mark.rules.empty()) return std::nullopt;
  std::ranges::sort(mark.rules);
  if (dropped) return mark;
  std::string& out = mark.text.emplace();
  size_t done = 0;
  for (const auto& [begin, piece] : pieces.by_begin()) {
    out += text.substr(done, begin - done);
    out += Replacement(piece.rule, AsBytes(text.substr(begin, piece.end - begin)));
    done = piece.end;
  }
  out += text.substr(done);
  return mark;
}

// In bytes nobody can say where a secret ends.
std::optional<RedactionMark> Redactor::OfBytes(std::string_view key, ByteView bytes) const {
  std::optional<RedactionMark> mark = OfText(key, TextOf(bytes));
  if (!mark || !mark->text) return mark;
  const bool keyed = mark->text->find(hmac_prefix_) != std::string::npos && hmac_key_;
  if (!keyed) {
    mark->text = kMask;
    return mark;
  }
  const crypto::Hash digest = crypto::HmacSha256(*hmac_key_, bytes);
  mark->text = hmac_prefix_ + HexEncode(ByteView(digest).first(kHmacShownBytes));
  return mark;
}

void AppendMark(record::JsonBuffer& out, const RedactionMark& mark) {
  out += "{\"r\":[";
  for (size_t i = 0; i < mark.rules.size(); ++i) {
    out += i == 0 ? "\"" : ",\"";
    out += mark.rules[i];
    out += '"';
  }
  out += ']';
  if (mark.text) {
    out += ",\"t\":";
    SEAL_CHECK(record::AppendJsonString(out, *mark.text));
  }
  out += '}';
}

bool RequestRedaction::Append(record::JsonBuffer& out, const std::optional<RedactionMark>& mark) {
  if (!mark) return false;
  AppendMark(out, *mark);
  acted_ = true;
  return true;
}

bool RequestRedaction::Value(record::JsonBuffer& out, std::string_view key,
                             const model::AnyValue& value) {
  return Append(out, redactor_.OfValue(key, value));
}

bool RequestRedaction::Text(record::JsonBuffer& out, std::string_view key, std::string_view text) {
  return Append(out, redactor_.OfText(key, text));
}

bool RequestRedaction::Bytes(record::JsonBuffer& out, std::string_view key, ByteView bytes) {
  return Append(out, redactor_.OfBytes(key, bytes));
}

std::string RequestRedaction::Plain(std::string_view key, std::string_view text) {
  if (!redactor_.MayAct(key, {}) && !redactor_.MayAct(text, {})) return std::string(text);
  model::AnyValue value;
  value.type = model::AnyValue::Type::kString;
  value.text = text;
  std::optional<RedactionMark> mark = redactor_.OfValue(key, value);
  if (!mark) mark = redactor_.OfText(key, text);
  if (!mark) return std::string(text);
  acted_ = true;
  return mark->text.value_or("");
}

}  // namespace sealtrail::pipeline
