// Redaction before hashing: docs/design/redaction.md; how it shows in a leaf: docs/formats/record.md §2.
//
// A record is first written as it is and looked through for the atoms: short texts of which each pattern needs one.
// Nearly always there is none, and the record stays. Else it is written anew, and every key, text and value is decided
// on its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/status.h"
#include "model/telemetry.h"
#include "pipeline/atom_scanner.h"
#include "record/content_writer.h"
#include "vocab/redaction_rules.h"

namespace re2 {
class RE2;
}

namespace sealtrail::pipeline {

// What stands in the place of a value or a text.
struct RedactionMark {
  std::vector<std::string_view>
      rules;  // those that acted: sorted, each once; they live as long as the Redactor
  std::optional<std::string> text;  // none: nothing is kept
};

// Rules compiled.
// Threads  Safe.
class Redactor {
 public:
  struct Options {
    std::vector<vocab::RedactionRule> rules;  // the first has a piece of a text that several want
    std::vector<std::string> keep;
    std::optional<Bytes> hmac_key;  // kHmacKeyBytesMin or more
  };
  static constexpr size_t kHmacKeyBytesMin = 32;

  // InvalidArgument for a pattern that is none, a rule that needs a key where there is none, and a rule whose examples do
  // not come out. `metrics` gets a counter for each rule, and is borrowed.
  static Result<std::shared_ptr<const Redactor>> Make(Options options, MetricSet& metrics);

  ~Redactor();

  // Whether any rule may act on what this JSON and these texts and bytes hold. False is sure; true is a guess.
  bool MayAct(std::string_view json, std::span<const ByteView> encoded) const;

  // The mark of a value by its key; none if it is to be written. Counts.
  std::optional<RedactionMark> OfValue(std::string_view key, const model::AnyValue& value) const;
  // The mark of a text under a key; none if it stays. Counts.
  std::optional<RedactionMark> OfText(std::string_view key, std::string_view text) const;
  std::optional<RedactionMark> OfBytes(std::string_view key, ByteView bytes) const;

  // For tests: everything is decided by RE2 alone, and every record is looked through.
  void UseNoAtoms() { use_atoms_ = false; }

 private:
  struct Pattern;
  struct Rule;
  class Pieces;
  class Atoms;

  Redactor();

  static Result<std::unique_ptr<Pattern>> Compile(const std::string& text);
  Status AddRule(const vocab::RedactionRule& rule, MetricSet& metrics);
  Status TryExamples(const vocab::RedactionRule& rule);
  void NumberAtoms();
  bool NeedsMet(const Pattern& pattern, std::string_view json) const;

  bool TakesKey(const Rule& rule, std::string_view key, const Atoms& atoms) const;
  bool Keeps(std::string_view key) const;
  bool CollectPieces(const Rule& rule, std::string_view text, bool utf8, const Atoms& atoms,
                     Pieces& pieces) const;
  std::string Replacement(const Rule* rule, ByteView secret) const;
  RedactionMark WholeMark(const Rule& rule, ByteView secret) const;

  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::unique_ptr<Pattern>> keep_;
  std::optional<Bytes> hmac_key_;
  std::string hmac_prefix_;  // "hmac:<key id>:"
  std::unique_ptr<AtomScanner> scanner_;
  std::vector<std::vector<const Pattern*>> by_atom_;  // patterns that an atom may lead to
  bool use_atoms_ = true;
  bool has_unfiltered_ = false;  // a pattern that needs no atom
};

// Writes the marks of one request. Borrows the Redactor.
// Threads  Compatible.
class RequestRedaction : public record::Redaction {
 public:
  explicit RequestRedaction(const Redactor& redactor) : redactor_(redactor) {}

  bool Value(record::JsonBuffer& out, std::string_view key, const model::AnyValue& value) override;
  bool Text(record::JsonBuffer& out, std::string_view key, std::string_view text) override;
  bool Bytes(record::JsonBuffer& out, std::string_view key, ByteView bytes) override;

  // What a counter may be named after: the text as it is stored, without its mark.
  std::string Plain(std::string_view key, std::string_view text);

  // Whether anything was taken out so far.
  bool acted() const { return acted_; }

 private:
  bool Append(record::JsonBuffer& out, const std::optional<RedactionMark>& mark);

  const Redactor& redactor_;
  bool acted_ = false;
};

// {"r":["rule"],"t":"text"}
void AppendMark(record::JsonBuffer& out, const RedactionMark& mark);

}  // namespace sealtrail::pipeline
