// Follows record.md section by section. Where a member is named "x" there, its two-letter key is
// Key("x") here, and the order of keys is the order of their bytes, so one comparison per member
// proves "sorted and unique".
#include "verify/leaf_check.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "verify/json_scanner.h"

namespace sealtrail::verify {
namespace {

using internal::kCharClass;

// A member's name of one or two letters.
constexpr uint16_t Key(std::string_view name) {
  const auto first = static_cast<uint8_t>(name[0]);
  const auto second = name.size() > 1 ? static_cast<uint8_t>(name[1]) : uint8_t{0};
  return static_cast<uint16_t>(first << 8 | second);
}

constexpr uint64_t kUint32Max = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kUint64Max = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kInt64Max = std::numeric_limits<int64_t>::max();
// An AnyValue inside an AnyValue costs one level; the outermost is level 1.
constexpr int kDepthMax = kNestingMax + 1;

constexpr const char kUnknownMember[] = "a member that the format does not name";

class LeafScanner : public JsonScanner {
 public:
  using JsonScanner::JsonScanner;

  JsonFault Fault() const { return {error(), error() == nullptr ? 0 : offset()}; }

  // §3
  bool Leaf(LeafFacts* facts);

  int64_t content_time() const { return ContentTime(time_, observed_time_); }

  // Where slots go; null: nowhere.
  void Record(std::vector<LeafSlot>* slots) { slots_ = slots; }

  bool Side(SideShape shape) {
    return Shape(shape) && (AtEnd() || Fail("something follows the content"));
  }

 private:
  using Type = LeafSlot::Type;

  // What was taken since `start`, without the last `behind` bytes.
  bool Slot(Type type, const uint8_t* start, ptrdiff_t behind = 0) {
    if (slots_ == nullptr) return true;
    slots_->push_back({.offset = static_cast<size_t>(start - begin_),
                       .length = static_cast<size_t>(p_ - start - behind),
                       .type = type});
    return true;
  }

  // --- pieces
  // ---------------------------------------------------------------------------------------------------

  // {"key":…,…}: `member` takes each value by its key.
  template <typename Member>
  bool Object(Member member) {
    if (!Take('{', "an object is expected")) return false;
    if (TryTake('}')) return true;
    uint16_t last = 0;
    do {
      uint16_t key;
      if (!TakeKey(&key)) return false;
      if (key <= last) return Fail("a member stands twice, or members are not sorted");
      last = key;
      if (!member(key)) return false;
    } while (TryTake(','));
    return Take('}', "a comma or } is expected");
  }

  bool TakeKey(uint16_t* key) {
    if (left() >= 5 && p_[0] == '"' && p_[2] == '"' && p_[3] == ':') {
      *key = static_cast<uint16_t>(p_[1] << 8);
      p_ += 4;
      return true;
    }
    if (left() >= 6 && p_[0] == '"' && p_[3] == '"' && p_[4] == ':') {
      *key = static_cast<uint16_t>(p_[1] << 8 | p_[2]);
      p_ += 5;
      return true;
    }
    return Fail(kUnknownMember);
  }

  // [item,…]
  template <typename Item>
  bool List(bool may_be_empty, Item item) {
    if (!Take('[', "an array is expected")) return false;
    if (TryTake(']')) return may_be_empty || Fail("an empty array is a default, which is left out");
    do {
      if (!item()) return false;
    } while (TryTake(','));
    return Take(']', "a comma or ] is expected");
  }

  // Digits without leading zeros, at most `max`.
  bool Digits(uint64_t max, uint64_t* value) {
    const uint8_t* const start = p_;
    uint64_t v = 0;
    for (uint64_t eight; left() >= 8 && p_ - start < 16 && internal::TakeEightDigits(p_, &eight);) {
      v = v * 100'000'000 + eight;
      p_ += 8;
    }
    while (p_ < end_ && (kCharClass[*p_] & internal::kDigitChar)) {
      const uint64_t before = v;
      v = v * 10 + static_cast<uint64_t>(*p_ - '0');
      ++p_;
      // Nineteen digits cannot overflow; the twentieth may.
      if (p_ - start >= 20 && (p_ - start > 20 || before > kUint64Max / 10 || v < before)) {
        return Fail("a number out of range");
      }
    }
    if (p_ == start) return Fail("a number is expected");
    if (*start == '0' && p_ - start > 1) return Fail("a number with a leading zero");
    if (v > max) return Fail("a number out of range");
    *value = v;
    return true;
  }

  bool Count() {  // a uint32 other than the default
    uint64_t value;
    const uint8_t* const start = p_;
    return Digits(kUint32Max, &value) &&
           (value != 0 || Fail("a zero is a default, which is left out")) &&
           Slot(Type::kCount, start);
  }
  bool CountOrZero() {
    uint64_t value;
    return Digits(kUint32Max, &value);
  }
  bool Int32() {  // an int32 other than the default
    const uint8_t* const start = p_;
    const bool negative = TryTake('-');
    uint64_t value;
    if (!Digits(uint64_t{1} << 31, &value)) return false;
    if (!negative && value == uint64_t{1} << 31) return Fail("a number out of range");
    return (value != 0 || Fail("a zero is a default, which is left out")) &&
           Slot(Type::kInt32, start);
  }

  bool Time() {  // "decimal": a uint64 other than the default
    uint64_t value;
    return Time(&value, Type::kTime);
  }
  bool Time(uint64_t* value, Type type) {
    const uint8_t* const start = p_ + 1;
    return Take('"', "a decimal string is expected") && Digits(kUint64Max, value) &&
           (*value != 0 || Fail("a zero is a default, which is left out")) && Slot(type, start) &&
           Take('"', "a decimal string is expected");
  }
  bool Int64Text() {
    int64_t value;
    return Int64Text(&value, Type::kInteger);
  }
  bool Int64Text(int64_t* out, Type type) {  // any int64 as a decimal string
    if (!Take('"', "a decimal string is expected")) return false;
    const uint8_t* const start = p_;
    const bool negative = TryTake('-');
    uint64_t value;
    if (!Digits(kInt64Max + (negative ? 1 : 0), &value)) return false;
    if (negative && value == 0) return Fail("a negative zero");
    *out = static_cast<int64_t>(negative ? 0 - value : value);
    return Slot(type, start) && Take('"', "a decimal string is expected");
  }

  bool Hex(size_t digits) {  // a multiple of 16
    if (!Take('"', "a hexadecimal string is expected")) return false;
    if (left() <= digits) return Fail("an id of the wrong length");
    Slot(digits == 16 ? Type::kSpanId : Type::kTraceId, p_, -static_cast<ptrdiff_t>(digits));
    for (; digits > 0; digits -= 16, p_ += 16) {
      if (!internal::IsHex16(p_)) return Fail("an id that is not lower-case hexadecimal");
    }
    return Take('"', "an id of the wrong length");
  }
  bool TraceId() { return Hex(32); }
  bool SpanId() { return Hex(16); }

  // Padded, unused bits zero. `text`: what stands between the quotes.
  bool Base64(bool may_be_empty, std::string_view* text) {
    if (!Take('"', "a base64 string is expected")) return false;
    const uint8_t* const start = p_;
    while (p_ < end_ && (kCharClass[*p_] & internal::kBase64Char)) ++p_;
    const size_t digits = static_cast<size_t>(p_ - start);
    const size_t padding = (4 - digits % 4) % 4;
    if (padding == 3) return Fail("base64 of a length that cannot be");
    for (size_t i = 0; i < padding; ++i) {
      if (!Take('=', "base64 without its padding")) return false;
    }
    if (padding > 0) {
      const uint8_t unused = padding == 1 ? 0x03 : 0x0f;
      if (internal::kBase64Value[start[digits - 1]] & unused)
        return Fail("base64 with unused bits set");
    }
    if (digits == 0 && !may_be_empty) return Fail("empty bytes are a default, which is left out");
    *text = {reinterpret_cast<const char*>(start), digits + padding};
    return Take('"', "a base64 string is expected");
  }
  bool Unknown() {  // "x"
    std::string_view text;
    return Base64(false, &text);
  }

  // A string, {"u":"<base64>"} where it is not UTF-8, or the mark of what was redacted.
  bool AnyText(std::optional<Type> type = std::nullopt) {
    if (Peek() != '{') return Plain(type);
    if (TryTake("{\"r\":")) return MarkEnd();
    return Take("{\"u\":", "a string is expected") && NotUtf8() && Take('}', "a } is expected");
  }
  // {"r":["rule",…]} or {"r":["rule",…],"t":"text"}, from the [ on.
  bool MarkEnd() {
    std::string_view last;
    if (!List(false, [&] { return RuleName(&last); })) return false;
    if (TryTake(",\"t\":")) {
      if (TryTake("\"\"")) return Fail("a mark with an empty text");
      if (!Plain(Type::kText)) return false;
    }
    return Take('}', "a } is expected");
  }
  bool RuleName(std::string_view* last) {
    std::string_view name;
    if (!String(&name)) return false;
    if (name.empty() || name.size() > 64 ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != name.npos) {
      return Fail("no name of a rule");
    }
    if (name <= *last) return Fail("a rule stands twice, or rules are not sorted");
    *last = name;
    return true;
  }
  bool Text() {
    if (TryTake("\"\"")) return Fail("an empty string is a default, which is left out");
    return AnyText(Type::kText);
  }
  bool Plain(std::optional<Type> type) {
    const uint8_t* const start = p_ + 1;
    std::string_view text;
    return String(&text) && (!type || Slot(*type, start, 1));
  }
  bool NotUtf8() {
    std::string_view text;
    if (!Base64(false, &text)) return false;
    const auto bytes = Base64Decode(text);
    return (bytes.ok() && !IsUtf8(AsText(*bytes))) ||
           Fail("a string that is UTF-8 is tagged as if it were not");
  }

  // --- §2 values
  // ------------------------------------------------------------------------------------------------

  bool Value(int depth) {
    switch (Peek()) {
      case '"':
        return Plain(Type::kAnyText);
      case '{':
        return depth <= kDepthMax ? Tagged(depth) : Fail("nested too deeply");
      case '[':
        return depth <= kDepthMax ? Values(depth) : Fail("nested too deeply");
      case 't':
        return Take("true", "not a value");
      case 'f':
        return Take("false", "not a value");
      case 'n':
        return Take("null", "not a value");
      default:
        return Fail("not a value");
    }
  }

  bool Values(int depth) {
    return List(true, [&] { return Value(depth + 1); });
  }
  bool Pairs(int depth) {
    return List(true, [&] { return Pair(depth); });
  }
  bool Attributes() {
    return List(false, [&] { return Pair(1); });
  }

  // {"tag":…}
  bool Tagged(int depth) {
    ++p_;
    uint16_t tag;
    if (!TakeKey(&tag)) return false;
    std::string_view text;
    switch (tag) {
      case Key("i"):
        return Int64Text() && Take('}', "a } is expected");
      case Key("d"):
        return Double() && Take('}', "a } is expected");
      case Key("b"):
        return Base64(true, &text) && Take('}', "a } is expected");
      case Key("u"):
        return NotUtf8() && Take('}', "a } is expected");
      case Key("r"):
        return MarkEnd();
      case Key("m"):
        return Pairs(depth + 1) && (TryTake('}') || UnknownEnd());
      case Key("l"):
        return Values(depth) && UnknownEnd();
      case Key("v"):
        if (TryTake("{\"v\":")) return Fail("unknown fields of one value, in two places");
        return Value(depth) && UnknownEnd();
      default:
        return Fail("a tag that the format does not name");
    }
  }
  bool UnknownEnd() {
    return Take(",\"x\":", "unknown fields are expected") && Unknown() &&
           Take('}', "a } is expected");
  }

  bool Double() {
    if (Peek() != '"') {
      const uint8_t* const start = p_;
      return Number() && Slot(Type::kDouble, start);
    }
    for (std::string_view word : {"\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"-0\""}) {
      if (TryTake(word)) return true;
    }
    return Fail("not a double");
  }

  // [key], [key,value], [key,value,"x"], or [key,0,"x"] where there is no value message.
  bool Pair(int depth) {
    if (!Take('[', "a pair is expected") || !AnyText()) return false;
    if (TryTake(']')) return true;
    if (!Take(',', "a comma or ] is expected")) return false;
    if (Peek() == '0') {
      ++p_;
      return Take(',', "a 0 stands only before unknown fields") && Unknown() &&
             Take(']', "a ] is expected");
    }
    if (!Value(depth)) return false;
    if (TryTake(']')) return true;
    return Take(',', "a comma or ] is expected") && Unknown() && Take(']', "a ] is expected");
  }

  // --- §4 content
  // -----------------------------------------------------------------------------------------------

  bool Span() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("da"):
        case Key("de"):
        case Key("dl"):
        case Key("f"):
          return Count();
        case Key("e"):
          return Time();
        case Key("s"):
          return Time(&time_, Type::kContentTime);
        case Key("ev"):
          return List(false, [&] { return Event(false); });
        case Key("i"):
        case Key("p"):
          return SpanId();
        case Key("k"):
          return Int32();
        case Key("l"):
          return List(false, [&] { return Link(); });
        case Key("n"):
        case Key("ts"):
          return Text();
        case Key("st"):
          return SpanStatus();
        case Key("t"):
          return TraceId();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool SpanStatus() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("c"):
          return Int32();
        case Key("m"):
          return Text();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  // `own`: as the content of a span_event, with its index.
  bool Event(bool own) {
    bool index = false;
    const bool taken = Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("da"):
          return Count();
        case Key("ix"):
          index = true;
          return own ? CountOrZero() : Fail(kUnknownMember);
        case Key("n"):
          return Text();
        case Key("w"):
          return own ? Time(&time_, Type::kContentTime) : Time();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
    return taken && (index == own || Fail("an event record without its index"));
  }

  bool Link() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("da"):
        case Key("f"):
          return Count();
        case Key("i"):
          return SpanId();
        case Key("t"):
          return TraceId();
        case Key("ts"):
          return Text();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool EventSpan() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("i"):
        case Key("p"):
          return SpanId();
        case Key("n"):
          return Text();
        case Key("t"):
          return TraceId();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool Log() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("b"):
          return Value(1);
        case Key("da"):
        case Key("f"):
          return Count();
        case Key("en"):
        case Key("sx"):
          return Text();
        case Key("i"):
          return SpanId();
        case Key("ob"):
          return Time(&observed_time_, Type::kObservedTime);
        case Key("w"):
          return Time(&time_, Type::kContentTime);
        case Key("sn"):
          return Int32();
        case Key("t"):
          return TraceId();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  // `f`: names that the format knows, sorted.
  bool Findings() {
    constexpr std::string_view kNames[] = {"\"conflict\"", "\"late_duplicate\"",
                                           "\"possible_duplicate\""};
    size_t next = 0;
    return List(false, [&] {
      while (next < std::size(kNames)) {
        if (TryTake(kNames[next++])) return true;
      }
      return Fail("a finding that the format does not name, or out of order");
    });
  }

  bool ResourceGroup() {
    if (TryTake("{}")) return Fail("an empty group is left out");
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("q"):
        case Key("x"):
          return Unknown();
        case Key("r"):
          return Resource();
        case Key("u"):
          return Text();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool Resource() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("da"):
          return Count();
        case Key("er"):
          return List(false, [&] { return EntityRef(); });
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool EntityRef() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("d"):
        case Key("i"):
          return List(false, [&] { return AnyText(); });
        case Key("t"):
        case Key("u"):
          return Text();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool ScopeGroup() {
    if (TryTake("{}")) return Fail("an empty group is left out");
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("s"):
          return Scope();
        case Key("u"):
          return Text();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  bool Scope() {
    return Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          return Attributes();
        case Key("da"):
          return Count();
        case Key("n"):
        case Key("v"):
          return Text();
        case Key("x"):
          return Unknown();
        default:
          return Fail(kUnknownMember);
      }
    });
  }

  // --- §5 receipt
  // -----------------------------------------------------------------------------------------------

  bool Receipt(LeafFacts* facts) {
    bool received = false;
    const bool taken = Object([&](uint16_t key) {
      switch (key) {
        case Key("a"):
          received = true;
          return Int64Text(&facts->received_at, Type::kReceivedAt);
        case Key("b"):
        case Key("c"):
        case Key("l"):
        case Key("p"):
          return Text();
        case Key("t"):
          return Transport();
        default:
          return Fail(kUnknownMember);
      }
    });
    return taken && (received || Fail("a receipt without a time"));
  }

  bool Transport() {
    for (std::string_view name : {"\"grpc\"", "\"http/protobuf\"", "\"http/json\"", "\"self\""}) {
      if (TryTake(name)) return true;
    }
    return Fail("a transport that the format does not name");
  }

  // --- §3 and §6
  // ------------------------------------------------------------------------------------------------

  bool Shape(SideShape shape) {
    switch (shape) {
      case kSpanShape:
        return Span();
      case kOwnEventShape:
        return Event(true);
      case kLogShape:
        return Log();
      case kResourceShape:
        return ResourceGroup();
      case kScopeShape:
        return ScopeGroup();
      case kEventSpanShape:
        return EventSpan();
    }
    return Fail("not a shape");
  }

  bool Kind(LeafKind* kind) {
    static constexpr std::pair<std::string_view, LeafKind> kNames[] = {
        {"\"span\"", LeafKind::kSpan},
        {"\"log\"", LeafKind::kLog},
        {"\"span_event\"", LeafKind::kSpanEvent},
        {"\"audit\"", LeafKind::kAudit},
        {"\"self\"", LeafKind::kSelf},
        {"\"seal\"", LeafKind::kSeal},
    };
    for (const auto& [name, value] : kNames) {
      if (!TryTake(name)) continue;
      *kind = value;
      return true;
    }
    return Fail("a kind that the format does not name");
  }

  bool Salt() {
    std::string_view text;
    const uint8_t* const start = p_ + 1;
    if (!Base64(false, &text)) return false;
    if (text.size() != 24 || !text.ends_with("==")) return Fail("a salt that is not 16 bytes");
    return Slot(Type::kSalt, start, 3);
  }

  // A member's object, or ["<base64 SHA-256>",length] in its place.
  bool ContentOrBeside(SideShape shape, LeafFacts* facts) {
    const uint8_t* const start = p_;
    if (Peek() != '[') {
      const bool group = shape == kResourceShape || shape == kScopeShape;
      if (!group) return Shape(shape);
      const auto slots = std::exchange(slots_, nullptr);  // a group is one slot
      if (!Shape(shape)) return false;
      slots_ = slots;
      if (static_cast<size_t>(p_ - start) >= kBesideBytesMin)
        return Fail("so large a group lies beside");
      return Slot(shape == kResourceShape ? Type::kResource : Type::kScope, start);
    }
    ++p_;
    std::string_view hash;
    BesideRef& ref = facts->beside[facts->beside_count++];
    if (!Base64(false, &hash)) return false;
    const auto bytes = Base64Decode(hash);
    if (!bytes.ok() || bytes->size() != ref.hash.size())
      return Fail("a reference that is not a SHA-256");
    std::copy(bytes->begin(), bytes->end(), ref.hash.begin());
    if (!Take(',', "a comma is expected") || !Digits(kSideBytesMax, &ref.length) ||
        !Take(']', "a ] is expected")) {
      return false;
    }
    ref.shape = shape;
    if (shape == kResourceShape || shape == kScopeShape) {
      return ref.length >= kBesideBytesMin || Fail("so small a group does not lie beside");
    }
    if (shape != kEventSpanShape) facts->content_beside = true;
    const auto array = static_cast<int64_t>(p_ - start);
    (shape == kEventSpanShape ? event_span_growth_ : content_growth_) =
        static_cast<int64_t>(ref.length) - array;
    return true;
  }

  // `o` lies beside where the leaf would be too long with it and `sp` in place, and `sp` where it
  // still is.
  bool BesideRulesHold() {
    constexpr auto kMax = static_cast<int64_t>(kLeafBytesMax);
    const auto size = static_cast<int64_t>(end_ - begin_);
    if (event_span_growth_ && !content_growth_) return Fail("sp lies beside though o does not");
    const int64_t with_event_span = size + event_span_growth_.value_or(0);
    if (content_growth_ && with_event_span + *content_growth_ <= kMax) {
      return Fail("so small a content does not lie beside");
    }
    if (event_span_growth_ && with_event_span <= kMax)
      return Fail("so small an sp does not lie beside");
    return true;
  }

  // How much longer the leaf would be with that content in place; nothing where it is in place.
  std::optional<int64_t> content_growth_;
  std::optional<int64_t> event_span_growth_;

  uint64_t time_ = 0;
  uint64_t observed_time_ = 0;
  std::vector<LeafSlot>* slots_ = nullptr;
};

constexpr SideShape ContentShape(LeafKind kind) {
  switch (kind) {
    case LeafKind::kSpan:
      return kSpanShape;
    case LeafKind::kSpanEvent:
      return kOwnEventShape;
    default:
      return kLogShape;
  }
}

bool LeafScanner::Leaf(LeafFacts* facts) {
  facts->beside_count = 0;
  facts->content_beside = false;
  const auto own = [&] { return facts->kind == LeafKind::kSelf || facts->kind == LeafKind::kSeal; };
  int required = 0;  // k, n, o, r, v
  bool event_span = false;
  bool findings = false;
  const bool taken = Object([&](uint16_t key) {
    switch (key) {
      case Key("f"):
        findings = true;
        return Findings();
      case Key("k"):
        ++required;
        return Kind(&facts->kind);
      case Key("n"):
        ++required;
        return required == 2 ? Salt() : Fail("a leaf without its kind");
      case Key("o"):
        ++required;
        if (required != 3) return Fail("a leaf without its kind or salt");
        return ContentOrBeside(ContentShape(facts->kind), facts);
      case Key("r"):
        ++required;
        return Receipt(facts);
      case Key("re"):
        return own() ? Fail("an own record has no resource")
                     : ContentOrBeside(kResourceShape, facts);
      case Key("sc"):
        return own() ? Fail("an own record has no scope") : ContentOrBeside(kScopeShape, facts);
      case Key("sp"):
        event_span = true;
        if (facts->kind != LeafKind::kSpanEvent) return Fail("only a span_event has an sp");
        return ContentOrBeside(kEventSpanShape, facts);
      case Key("v"):
        ++required;
        return Take('1', "a format version other than 1");
      default:
        return Fail(kUnknownMember);
    }
  });
  if (!taken) return false;
  if (!AtEnd()) return Fail("something follows the record");
  if (required != 5) return Fail("a leaf without its kind, salt, content, receipt or version");
  if (findings && own()) return Fail("an own record has no findings");
  if (event_span != (facts->kind == LeafKind::kSpanEvent))
    return Fail("a span_event without its span");
  facts->content_time = content_time();
  return BesideRulesHold();
}

}  // namespace

int64_t ContentTime(uint64_t time, uint64_t observed_time) {
  for (const uint64_t each : {time, observed_time}) {
    if (each > 0 && each <= kInt64Max) return static_cast<int64_t>(each);
  }
  return 0;
}

JsonFault CheckLeaf(ByteView leaf, LeafFacts* facts, std::vector<LeafSlot>* slots) {
  LeafScanner scanner(leaf);
  scanner.Record(slots);
  scanner.Leaf(facts);
  return scanner.Fault();
}

SideFacts CheckSide(ByteView content) {
  SideFacts out;
  for (SideShape shape :
       {kSpanShape, kOwnEventShape, kLogShape, kResourceShape, kScopeShape, kEventSpanShape}) {
    LeafScanner scanner(content);
    if (!scanner.Side(shape)) continue;
    out.shapes |= shape;
    if (shape == kSpanShape) out.span_time = scanner.content_time();
    if (shape == kOwnEventShape) out.event_time = scanner.content_time();
    if (shape == kLogShape) out.log_time = scanner.content_time();
  }
  return out;
}

int64_t SideFacts::TimeAs(SideShape shape) const {
  switch (shape) {
    case kSpanShape:
      return span_time;
    case kOwnEventShape:
      return event_time;
    case kLogShape:
      return log_time;
    default:
      return 0;
  }
}

}  // namespace sealtrail::verify
