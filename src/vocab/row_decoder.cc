#include "vocab/row_decoder.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "vocab/invalid_text.h"
#include "vocab/value_text.h"

namespace sealtrail::vocab {
namespace {

// Who offers a text for a column: a lower source goes before any spelling of a higher one.
constexpr uint32_t kOwnAttribute = 0;
constexpr uint32_t kBodyMember = 1;
constexpr uint32_t kSpanAttribute = 2;
constexpr uint32_t kResourceAttribute = 3;
constexpr uint32_t kNobody = UINT32_MAX;

constexpr int kAddressDepthMax = 8;  // segments of an address like `a.b.c` inside maps

constexpr std::array<std::string_view, 25> kSeverityNames = {
    "",       "TRACE",  "TRACE2", "TRACE3", "TRACE4", "DEBUG",  "DEBUG2", "DEBUG3", "DEBUG4",
    "INFO",   "INFO2",  "INFO3",  "INFO4",  "WARN",   "WARN2",  "WARN3",  "WARN4",  "ERROR",
    "ERROR2", "ERROR3", "ERROR4", "FATAL",  "FATAL2", "FATAL3", "FATAL4"};

template <typename T>
T Number(std::string_view digits) {
  T value{};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// Times beyond 2^63-1 ns (the year 2262) have no place in SQL and count as absent.
int64_t Time(std::string_view digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && value > 0 ? value : kNullTime;
}

bool IsId(std::string_view hex) {
  return std::any_of(hex.begin(), hex.end(), [](char c) { return c != '0'; });
}

std::string_view OrNull(std::string_view text) {
  return text.empty() ? kNullText : text;
}

// Findings about what stands where a text should. `member`: as for HasInvalidText. No other object begins with the bytes
// of a mark, and inside a JSON string they cannot stand unescaped.
uint32_t FaultsOfTexts(std::string_view json, std::string_view member) {
  uint32_t found = 0;
  if (HasInvalidText(json, member)) found |= Bit(Finding::kInvalidUtf8);
  if (json.find("{\"r\":[") != std::string_view::npos) found |= Bit(Finding::kRedacted);
  return found;
}

// Sorts by key and keeps the last of each. True if any key came twice.
bool SortKeys(std::vector<MapEntry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const MapEntry& a, const MapEntry& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const bool is_last = i + 1 == entries.size() || entries[i + 1].key != entries[i].key;
    if (is_last) entries[kept++] = entries[i];
  }
  const bool had_duplicates = kept != entries.size();
  entries.resize(kept);
  return had_duplicates;
}

// What the leaf itself may say; 0 for anything else.
uint32_t FindingInLeaf(std::string_view name) {
  for (const Finding finding :
       {Finding::kConflict, Finding::kLateDuplicate, Finding::kPossibleDuplicate}) {
    if (name == kFindingNames[static_cast<size_t>(finding)]) return Bit(finding);
  }
  return 0;
}

}  // namespace

// The members of a leaf as they stand.
struct RowDecoder::Leaf {
  std::string_view kind;
  std::string_view content, resource, scope, span;
  int64_t received = kNullTime;
  std::string_view principal = kNullText;
  std::string_view label = kNullText;
};

// What a span, an event or a log record says outside its attributes.
struct RowDecoder::Content {
  std::string_view name, event_name, trace_id, span_id, parent_span_id, body, severity_text;
  std::string_view status_message = kNullText;
  std::string_view body_map = kNullText;
  int32_t severity_number = 0;
  int32_t status_code = 0;
  uint32_t flags = 0;
  int64_t time = kNullTime;      // `s` or `w`
  int64_t observed = kNullTime;  // `ob`
  int64_t end = kNullTime;       // `e`
};

struct RowDecoder::ResourceEntry {
  std::string json;  // the entries borrow from here
  Bytes beside;      // or from here
  Scratch scratch;
  std::vector<MapEntry> entries;
  uint32_t found = 0;
  uint64_t id = 0;
};

RowDecoder::RowDecoder(std::shared_ptr<const Vocabulary> vocabulary)
    : vocabulary_(std::move(vocabulary)) {}
RowDecoder::~RowDecoder() = default;

CanonicalRow RowDecoder::Unreadable(Seq seq) {
  CanonicalRow row;
  row.seq = seq;
  row.times.fill(kNullTime);
  row.texts.fill(kNullText);
  row.texts[static_cast<size_t>(TextColumn::kKind)] = "unreadable";
  row.findings = Bit(Finding::kUnreadable);
  return row;
}

Status RowDecoder::Decode(Seq seq, std::string_view json, const BesideLookup& beside,
                          CanonicalRow& row) {
  scratch_.Reset();
  beside_kept_.clear();
  attributes_.clear();
  span_attributes_.clear();
  chosen_.fill({kNullText, kNobody});
  found_ = 0;
  row = Unreadable(seq);
  row.findings = 0;

  if (!IsUtf8(json)) return DataLoss("leaf is not UTF-8");
  Leaf leaf;
  SEAL_RETURN_IF_ERROR(Split(json, leaf));
  found_ |= FaultsOfTexts(json, "");
  for (const std::string_view part : {leaf.content, leaf.span}) {
    if (!part.empty() && part.front() == '[') found_ |= Bit(Finding::kOversize);
  }

  Content content;
  Content span;
  SEAL_ASSIGN_OR_RETURN(const std::string_view content_json, Resolve(leaf.content, beside));
  JsonCursor content_cursor(content_json);
  ReadContent(content_cursor, kOwnAttribute, content);
  if (content_cursor.failed()) return DataLoss("member o is malformed");
  if (!leaf.span.empty()) {
    SEAL_ASSIGN_OR_RETURN(const std::string_view span_json, Resolve(leaf.span, beside));
    JsonCursor span_cursor(span_json);
    ReadContent(span_cursor, kSpanAttribute, span);
    if (span_cursor.failed()) return DataLoss("member sp is malformed");
  }
  if (!IsNull(content.body_map)) ReadMapAddresses(content.body_map, "", kBodyMember, 0);
  if (!leaf.resource.empty()) {
    SEAL_ASSIGN_OR_RETURN(const ResourceEntry* resource, FindResource(leaf.resource, beside));
    row.resource = resource->entries;
    row.resource_id = resource->id;
    found_ |= resource->found;
    for (const MapEntry& entry : resource->entries) {
      Offer(vocabulary_->ForResource(entry.key), entry.value, kResourceAttribute);
    }
  }
  if (!leaf.scope.empty()) {
    SEAL_ASSIGN_OR_RETURN(const std::string_view scope_json, Resolve(leaf.scope, beside));
    ReadScope(scope_json, row);
  }

  if (SortKeys(attributes_)) found_ |= Bit(Finding::kDuplicateKeys);
  if (!span_attributes_.empty()) {
    // An event is shown with its span's attributes, except where it has its own.
    if (SortKeys(span_attributes_)) found_ |= Bit(Finding::kDuplicateKeys);
    span_attributes_.insert(span_attributes_.end(), attributes_.begin(), attributes_.end());
    SortKeys(span_attributes_);
    attributes_.swap(span_attributes_);
  }
  row.attributes = attributes_;

  FillTimes(leaf, content, row);
  FillTexts(leaf, content, span, row);
  FindFaults(leaf, content, leaf.kind == "span_event" ? span : content, row);
  return OkStatus();
}

Status RowDecoder::Split(std::string_view json, Leaf& leaf) {
  JsonCursor cursor(json);
  bool ignored = false;
  cursor.Object([&](std::string_view name) {
    if (name == "k") {
      leaf.kind = cursor.String().raw;
    } else if (name == "o") {
      leaf.content = cursor.Skip();
    } else if (name == "re") {
      leaf.resource = cursor.Skip();
    } else if (name == "sc") {
      leaf.scope = cursor.Skip();
    } else if (name == "sp") {
      leaf.span = cursor.Skip();
    } else if (name == "r") {
      cursor.Object([&](std::string_view member) {
        if (member == "a") {
          leaf.received = Time(cursor.String().raw);
        } else if (member == "b") {
          leaf.principal = TakeText(cursor, scratch_, ignored);
        } else if (member == "l") {
          leaf.label = TakeText(cursor, scratch_, ignored);
        } else {
          cursor.Skip();
        }
      });
    } else if (name == "v") {
      if (cursor.Literal() != "1") cursor.Fail();
    } else if (name == "f") {
      cursor.Array([&] {
        const uint32_t finding = FindingInLeaf(cursor.String().raw);
        if (finding == 0) cursor.Fail();
        found_ |= finding;
      });
    } else if (name == "n" || name == "rd") {
      cursor.Skip();
    } else {
      cursor.Fail();
    }
  });
  if (cursor.failed() || !cursor.AtEnd() || leaf.kind.empty()) {
    return DataLoss("leaf is not of record format 1");
  }
  if (leaf.content.empty()) leaf.content = "{}";
  return OkStatus();
}

// `part` itself, or what lies beside for it, kept for as long as the row.
Result<std::string_view> RowDecoder::Resolve(std::string_view part, const BesideLookup& beside) {
  if (part.empty() || part.front() != '[') return part;
  JsonCursor cursor(part);
  cursor.Expect('[');
  const std::string_view base64 = cursor.String().raw;
  if (cursor.failed()) return DataLoss("a reference to side content is malformed");
  SEAL_ASSIGN_OR_RETURN(const Bytes digest, Base64Decode(base64));
  std::array<uint8_t, 32> hash;
  if (digest.size() != hash.size()) return DataLoss("a reference to side content is malformed");
  std::copy(digest.begin(), digest.end(), hash.begin());
  SEAL_ASSIGN_OR_RETURN(Bytes content, beside(hash));
  const std::string_view json = AsText(content);
  if (!IsUtf8(json)) return DataLoss("side content is not UTF-8");
  found_ |= FaultsOfTexts(json, "");
  beside_kept_.push_back(std::move(content));
  return AsText(beside_kept_.back());
}

// Reads `o` of any kind, and `sp`: their members have one meaning wherever they occur, but for `e`,
// `s` and `i`, `n`, `k` which only spans have, and `w`, which events and logs share.
void RowDecoder::ReadContent(JsonCursor& cursor, uint32_t source, Content& content) {
  std::vector<MapEntry>& entries = source == kSpanAttribute ? span_attributes_ : attributes_;
  bool ignored = false;
  cursor.Object([&](std::string_view name) {
    if (name == "a") {
      ReadAttributes(cursor, source, entries);
    } else if (name == "b") {
      const ValueText body = TakeValue(cursor, scratch_);
      content.body = body.text;
      content.body_map = body.map;
    } else if (name == "da" || name == "de" || name == "dl") {
      found_ |= Bit(Finding::kDroppedAttributes);
      cursor.Literal();
    } else if (name == "e") {
      content.end = Time(cursor.String().raw);
    } else if (name == "en") {
      content.event_name = TakeText(cursor, scratch_, ignored);
    } else if (name == "f") {
      content.flags = Number<uint32_t>(cursor.Literal());
    } else if (name == "i") {
      content.span_id = cursor.String().raw;
    } else if (name == "n") {
      content.name = TakeText(cursor, scratch_, ignored);
    } else if (name == "ob") {
      content.observed = Time(cursor.String().raw);
    } else if (name == "p") {
      content.parent_span_id = cursor.String().raw;
    } else if (name == "s" || name == "w") {
      content.time = Time(cursor.String().raw);
    } else if (name == "sn") {
      content.severity_number = Number<int32_t>(cursor.Literal());
    } else if (name == "st") {
      ReadStatus(cursor, content);
    } else if (name == "sx") {
      content.severity_text = TakeText(cursor, scratch_, ignored);
    } else if (name == "t") {
      content.trace_id = cursor.String().raw;
    } else {
      cursor.Skip();  // ev, ix, k, l, ts, x: in the leaf, not in the tables
    }
  });
}

void RowDecoder::ReadStatus(JsonCursor& cursor, Content& content) {
  bool ignored = false;
  cursor.Object([&](std::string_view name) {
    if (name == "c") {
      content.status_code = Number<int32_t>(cursor.Literal());
    } else if (name == "m") {
      content.status_message = TakeText(cursor, scratch_, ignored);
    } else {
      cursor.Skip();
    }
  });
}

void RowDecoder::ReadScope(std::string_view json, CanonicalRow& row) {
  JsonCursor cursor(json);
  bool ignored = false;
  cursor.Object([&](std::string_view group_member) {
    if (group_member != "s") {
      cursor.Skip();
      return;
    }
    cursor.Object([&](std::string_view name) {
      if (name == "n") {
        row.texts[static_cast<size_t>(TextColumn::kScopeName)] =
            OrNull(TakeText(cursor, scratch_, ignored));
      } else {
        if (name == "da") found_ |= Bit(Finding::kDroppedAttributes);
        cursor.Skip();
      }
    });
  });
}

void RowDecoder::ReadAttributes(JsonCursor& cursor, uint32_t source,
                                std::vector<MapEntry>& entries) {
  TakePairs(cursor, scratch_, [&](std::string_view key, bool has_value) {
    const ValueText value = has_value ? TakeValue(cursor, scratch_) : ValueText{};
    entries.push_back({key, value.text});
    Offer(vocabulary_->ForAttribute(key), value.text, source);
    if (!IsNull(value.map) && vocabulary_->IsPrefix(key)) {
      ReadMapAddresses(value.map, key, source, 0);
    }
  });
}

// Offers what lies inside a map under its address `prefix.key`.
void RowDecoder::ReadMapAddresses(std::string_view pairs, std::string_view prefix, uint32_t source,
                                  int depth) {
  JsonCursor cursor(pairs);
  TakePairs(cursor, scratch_, [&](std::string_view key, bool has_value) {
    const ValueText value = has_value ? TakeValue(cursor, scratch_) : ValueText{};
    std::string address(prefix);
    if (!address.empty()) address.push_back('.');
    address += key;
    Offer(vocabulary_->ForAttribute(address), value.text, source);
    if (!IsNull(value.map) && depth < kAddressDepthMax && vocabulary_->IsPrefix(address)) {
      ReadMapAddresses(value.map, address, source, depth + 1);
    }
  });
}

Result<const RowDecoder::ResourceEntry*> RowDecoder::FindResource(std::string_view part,
                                                                  const BesideLookup& beside) {
  if (last_resource_ != nullptr && part == last_resource_key_) return last_resource_;
  auto found = resources_.find(part);
  if (found == resources_.end()) {
    auto entry = std::make_unique<ResourceEntry>();
    entry->id = next_resource_id_++;
    const uint32_t found_before = std::exchange(found_, 0);
    if (part.front() == '[') {
      SEAL_RETURN_IF_ERROR(Resolve(part, beside).status());
      entry->beside = std::move(beside_kept_.back());
      beside_kept_.pop_back();
    } else {
      entry->json = part;
    }
    const std::string_view json =
        entry->beside.empty() ? std::string_view(entry->json) : AsText(entry->beside);
    entry->found = FaultsOfTexts(json, "re");
    found_ = found_before;

    JsonCursor cursor(json);
    cursor.Object([&](std::string_view group_member) {
      if (group_member != "r") {
        cursor.Skip();
        return;
      }
      cursor.Object([&](std::string_view name) {
        if (name == "a") {
          TakePairs(cursor, entry->scratch, [&](std::string_view key, bool has_value) {
            entry->entries.push_back(
                {key, has_value ? TakeValue(cursor, entry->scratch).text : kNullText});
          });
        } else {
          if (name == "da") entry->found |= Bit(Finding::kDroppedAttributes);
          cursor.Skip();
        }
      });
    });
    if (cursor.failed()) return DataLoss("member re is malformed");
    if (SortKeys(entry->entries)) entry->found |= Bit(Finding::kDuplicateKeys);
    if (resources_.size() >= kResourcesMax) resources_.clear();
    found = resources_.emplace(std::string(part), std::move(entry)).first;
  }
  last_resource_key_ = part;
  last_resource_ = found->second.get();
  return last_resource_;
}

// Of equal rank the later one wins, as everywhere with duplicate keys.
void RowDecoder::Offer(const std::vector<Alias>& aliases, std::string_view text, uint32_t source) {
  if (text.empty()) return;  // NULL or nothing in it
  for (const Alias& alias : aliases) {
    const uint32_t score = source << 16 | alias.rank;
    Chosen& chosen = chosen_[static_cast<size_t>(alias.column)];
    if (score <= chosen.score) chosen = {text, score};
  }
}

void RowDecoder::FillTimes(const Leaf& leaf, const Content& content, CanonicalRow& row) {
  const auto set = [&](TimeColumn column, int64_t time) {
    row.times[static_cast<size_t>(column)] = time;
  };
  int64_t timestamp = content.time;
  if (timestamp == kNullTime) timestamp = content.observed;
  if (timestamp == kNullTime) timestamp = leaf.received;
  set(TimeColumn::kTimestamp, timestamp);
  set(TimeColumn::kObservedAt, content.observed);
  set(TimeColumn::kReceivedAt, leaf.received);
  set(TimeColumn::kEndTime, content.end);
}

void RowDecoder::FillTexts(const Leaf& leaf, const Content& content, const Content& span,
                           CanonicalRow& row) {
  const auto set = [&](TextColumn column, std::string_view text) {
    row.texts[static_cast<size_t>(column)] = OrNull(text);
  };
  const auto chosen = [&](TextColumn column) { return chosen_[static_cast<size_t>(column)].text; };
  for (size_t i = 0; i < kTextColumnCount; ++i) {
    if (i != static_cast<size_t>(TextColumn::kScopeName)) row.texts[i] = chosen_[i].text;
  }

  const bool is_span = leaf.kind == "span";
  const bool is_event = leaf.kind == "span_event";
  const std::string_view event_name = is_event ? content.name
                                      : !content.event_name.empty()
                                          ? content.event_name
                                          : chosen(TextColumn::kEventName);
  set(TextColumn::kKind, leaf.kind);
  set(TextColumn::kEventName, event_name);
  set(TextColumn::kName, is_span ? content.name : is_event ? span.name : event_name);
  set(TextColumn::kTraceId, is_event ? span.trace_id : content.trace_id);
  set(TextColumn::kSpanId, is_event ? span.span_id : content.span_id);
  set(TextColumn::kParentSpanId, is_event ? span.parent_span_id : content.parent_span_id);
  set(TextColumn::kBody, content.body);
  set(TextColumn::kPrincipal, leaf.principal);
  if (chosen(TextColumn::kPipeline).empty()) set(TextColumn::kPipeline, leaf.label);

  row.severity_number = content.severity_number;
  const bool is_known_severity = content.severity_number > 0 &&
                                 content.severity_number < static_cast<int>(kSeverityNames.size());
  set(TextColumn::kSeverity, !content.severity_text.empty() ? content.severity_text
                             : is_known_severity
                                 ? kSeverityNames[static_cast<size_t>(content.severity_number)]
                                 : kNullText);
  if (is_span) {
    set(TextColumn::kStatusCode, content.status_code == 2   ? "ERROR"
                                 : content.status_code == 1 ? "OK"
                                 : content.status_code == 0 ? "UNSET"
                                                            : "");
    set(TextColumn::kStatusMessage, content.status_message);
  }

  if (!chosen(TextColumn::kOutcome).empty()) {
    set(TextColumn::kOutcome, vocabulary_->NormalizeOutcome(chosen(TextColumn::kOutcome)));
  } else if (is_span && content.status_code == 2) {
    set(TextColumn::kOutcome, "failure");
  }
  set(TextColumn::kActionClass,
      ClassOf(row.text(TextColumn::kAction), row.text(TextColumn::kResourceType)));
}

std::string_view RowDecoder::ClassOf(std::string_view action, std::string_view resource_type) {
  if (action.empty()) return kNullText;
  std::string key(action);
  key.push_back('\0');
  key += resource_type;
  if (const auto found = classes_.find(key); found != classes_.end()) return found->second;
  if (classes_.size() >= kActionsMax) classes_.clear();
  const std::string_view action_class = vocabulary_->ActionClass(action, resource_type);
  classes_.emplace(std::move(key), action_class);
  return action_class;
}

// `ids` is whose trace and span id count: an event has those of its span.
void RowDecoder::FindFaults(const Leaf& leaf, const Content& content, const Content& ids,
                            CanonicalRow& row) {
  row.findings = found_;
  const auto add_if = [&](bool condition, Finding finding) {
    if (condition) row.findings |= Bit(finding);
  };
  const bool is_own = leaf.kind == "self" || leaf.kind == "seal";
  if (is_own) return;  // the store answers for what it writes itself

  const bool is_span = leaf.kind == "span";
  const bool has_record_id = std::any_of(
      row.attributes.begin(), row.attributes.end(),
      [](const MapEntry& entry) { return entry.key == "audit.record.id" && !entry.value.empty(); });
  const bool has_span_id =
      (is_span || leaf.kind == "span_event") && IsId(ids.trace_id) && IsId(ids.span_id);
  add_if(IsNull(row.text(TextColumn::kActor)), Finding::kNoActor);
  add_if(IsNull(row.text(TextColumn::kOutcome)), Finding::kNoOutcome);
  add_if(!has_record_id && !has_span_id, Finding::kNoId);
  // Flags of zero mean that the sender says nothing; then no finding follows.
  add_if(is_span && content.flags != 0 && (content.flags & 1) == 0, Finding::kUnsampled);

  const int64_t received = leaf.received;
  const int64_t event = row.time(TimeColumn::kTimestamp);
  const int64_t over =
      row.time(TimeColumn::kEndTime) == kNullTime ? event : row.time(TimeColumn::kEndTime);
  add_if(content.time == kNullTime, Finding::kNoTime);
  if (received == kNullTime) return;
  add_if(event > received && event - received > kFutureToleranceNanos, Finding::kFutureTime);
  add_if(received > over && received - over > kLateNanos, Finding::kLate);
}

}  // namespace sealtrail::vocab
