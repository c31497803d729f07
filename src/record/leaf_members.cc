#include "record/leaf_members.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "base/endian.h"
#include "record/json_cursor.h"

namespace sealtrail::record {
namespace {

constexpr std::string_view kRecordId = "audit.record.id";
constexpr std::string_view kVolatile[] = {"audit.collector_received_at", "audit.pipeline"};
constexpr size_t kTraceIdBytes = 16;
constexpr size_t kSpanIdBytes = 8;

bool IsVolatile(std::string_view key) {
  return std::ranges::find(kVolatile, key) != std::end(kVolatile);
}

Status Malformed(std::string_view what) {
  return DataLoss("the leaf's {} is malformed", what);
}

// A text as it was before it was escaped, or tagged for not being UTF-8. Nothing where the value is no text.
std::optional<Bytes> TextOf(std::string_view value) {
  JsonCursor cursor(value);
  if (cursor.Peek() == '"') {
    const JsonString text = cursor.String();
    if (cursor.failed()) return {};
    if (!text.escaped) return Bytes(text.raw.begin(), text.raw.end());
    std::string plain;
    if (!AppendUnescaped(plain, text.raw)) return {};
    return Bytes(plain.begin(), plain.end());
  }
  if (cursor.Peek() != '{') return {};
  std::optional<Bytes> bytes;
  cursor.Object([&](std::string_view name) {
    const std::string_view member = cursor.Skip();
    if (name != "u" || member.size() < 2) return;
    auto decoded = Base64Decode(member.substr(1, member.size() - 2));
    if (decoded.ok()) bytes = *std::move(decoded);
  });
  return bytes;
}

Result<std::string> ResolveHash(std::string_view part, const BesideReader& beside) {
  JsonCursor cursor(part);
  cursor.Expect('[');
  const std::string_view base64 = cursor.String().raw;
  if (cursor.failed()) return Malformed("reference to side content");
  SEAL_ASSIGN_OR_RETURN(const Bytes digest, Base64Decode(base64));
  crypto::Hash hash;
  if (digest.size() != hash.size()) return Malformed("reference to side content");
  std::ranges::copy(digest, hash.begin());
  SEAL_ASSIGN_OR_RETURN(const Bytes content, beside(hash));
  return std::string(AsText(content));
}

bool LiesBeside(std::string_view part) {
  return part.starts_with('[');
}

// `part` itself, or, in `kept`, what lies beside for it.
Result<std::string_view> Resolve(std::string_view part, const BesideReader& beside,
                                 std::string& kept) {
  if (!LiesBeside(part)) return part;
  SEAL_ASSIGN_OR_RETURN(kept, ResolveHash(part, beside));
  return std::string_view(kept);
}

// The value of an attribute by its path, which may lead through maps, as pipeline::FindAttribute finds it: the last one.
std::string_view FindInPairs(JsonCursor& cursor, std::string_view path, int depth);

std::string_view FindInPair(JsonCursor& cursor, std::string_view path, int depth) {
  std::string_view found;
  std::optional<Bytes> key;
  std::string_view value;
  int place = 0;
  cursor.Array([&] {
    const std::string_view element = cursor.Skip();
    if (place == 0) key = TextOf(element);
    if (place == 1) value = element;
    ++place;
  });
  if (!key || cursor.failed()) return {};
  const std::string_view name = AsText(*key);
  if (name == path) return value.empty() ? "null" : value;
  if (depth == 0 || !path.starts_with(name) || path.size() <= name.size() ||
      path[name.size()] != '.')
    return {};
  JsonCursor inner(value);
  if (inner.Peek() != '{') return {};
  inner.Object([&](std::string_view member) {
    if (member == "m") {
      found = FindInPairs(inner, path.substr(name.size() + 1), depth - 1);
    } else if (member == "v") {  // a value with unknown fields
      const std::string_view wrapped = inner.Skip();
      JsonCursor map(wrapped);
      if (map.Peek() != '{') return;
      map.Object([&](std::string_view wrapped_member) {
        if (wrapped_member == "m") {
          found = FindInPairs(map, path.substr(name.size() + 1), depth - 1);
        } else {
          map.Skip();
        }
      });
    } else {
      inner.Skip();
    }
  });
  return found;
}

std::string_view FindInPairs(JsonCursor& cursor, std::string_view path, int depth) {
  std::string_view found;
  cursor.Array([&] {
    const std::string_view in_pair = FindInPair(cursor, path, depth);
    if (!in_pair.empty()) found = in_pair;
  });
  return found;
}

// A value, or the value inside the tag of one with unknown fields.
std::string_view Unwrapped(std::string_view value) {
  if (!value.starts_with("{\"v\":")) return value;
  JsonCursor cursor(value);
  std::string_view inside = value;
  cursor.Object([&](std::string_view name) {
    const std::string_view member = cursor.Skip();
    if (name == "v") inside = member;
  });
  return inside;
}

// Ids and attributes of a span, an event or a log.
struct Ids {
  std::string_view trace_id, span_id;  // hex
  std::string_view record_id;          // a value; empty where there is none
  uint32_t index = 0;
};

Result<Ids> IdsOf(std::string_view json) {
  Ids ids;
  JsonCursor cursor(json);
  cursor.Object([&](std::string_view name) {
    if (name == "a") {
      // No part of the path has more than two dots.
      ids.record_id = FindInPairs(cursor, kRecordId, 2);
    } else if (name == "t") {
      ids.trace_id = cursor.String().raw;
    } else if (name == "i") {
      ids.span_id = cursor.String().raw;
    } else if (name == "ix") {
      const std::string_view number = cursor.Literal();
      if (std::from_chars(number.data(), number.data() + number.size(), ids.index).ec !=
          std::errc())
        cursor.Fail();
    } else {
      cursor.Skip();
    }
  });
  if (cursor.failed()) return Malformed("content");
  return ids;
}

std::optional<Bytes> IdBytes(std::string_view hex, size_t size) {
  auto bytes = HexDecode(hex);
  if (!bytes.ok() || bytes->size() != size) return {};
  if (std::ranges::all_of(*bytes, [](uint8_t byte) { return byte == 0; })) return {};
  return *std::move(bytes);
}

bool MentionsVolatile(std::string_view json) {
  return std::ranges::any_of(kVolatile,
                             [&](std::string_view key) { return json.find(key) != json.npos; });
}

void AppendStable(std::string& out, JsonCursor& cursor, int depth);

// The pairs without the volatile ones. True if any is left.
bool AppendStablePairs(std::string& out, JsonCursor& cursor) {
  bool any = false;
  out += '[';
  cursor.Array([&] {
    const std::string_view pair = cursor.Skip();
    JsonCursor inner(pair);
    inner.Expect('[');
    const std::string_view key = inner.Peek() == '"' ? inner.String().raw : std::string_view();
    if (IsVolatile(key)) return;
    if (any) out += ',';
    out += pair;
    any = true;
  });
  out += ']';
  return any;
}

// An object of ours without the volatile attributes; a list of attributes that is empty then is left out, as one that
// was never there. User values are never looked into: they stand in pairs and in `b`.
void AppendStableObject(std::string& out, JsonCursor& cursor, int depth) {
  bool first = true;
  out += '{';
  cursor.Object([&](std::string_view name) {
    const size_t before = out.size();
    if (!first) out += ',';
    out += '"';
    out += name;
    out += "\":";
    bool kept = true;
    if (name == "a" && cursor.Peek() == '[') {
      kept = AppendStablePairs(out, cursor);
    } else if (name == "b" || name == "er") {
      out += cursor.Skip();
    } else {
      AppendStable(out, cursor, depth - 1);
    }
    if (kept) {
      first = false;
    } else {
      out.resize(before);
    }
  });
  out += '}';
}

void AppendStable(std::string& out, JsonCursor& cursor, int depth) {
  if (depth > 0 && cursor.Peek() == '{') return AppendStableObject(out, cursor, depth);
  if (depth > 0 && cursor.Peek() == '[') {
    bool first = true;
    out += '[';
    cursor.Array([&] {
      if (!std::exchange(first, false)) out += ',';
      AppendStable(out, cursor, depth - 1);
    });
    out += ']';
    return;
  }
  out += cursor.Skip();
}

// `part` without the volatile attributes; it itself where it has none, else text in `kept`.
Result<std::string_view> Stable(std::string_view part, const BesideReader& beside,
                                std::string& kept) {
  constexpr int kDepth = 4;  // group, scope or span, list, event
  std::string content;
  SEAL_ASSIGN_OR_RETURN(std::string_view json, Resolve(part, beside, content));
  if (MentionsVolatile(json)) {
    std::string stable;
    JsonCursor cursor(json);
    AppendStable(stable, cursor, kDepth);
    if (cursor.failed()) return Malformed("content");
    content = std::move(stable);
    json = content;
  }
  if (json.data() == content.data()) {
    kept = std::move(content);
    return std::string_view(kept);
  }
  return json;
}

constexpr std::string_view LeafMembers::*kCompared[] = {
    &LeafMembers::content, &LeafMembers::resource, &LeafMembers::scope, &LeafMembers::span};

}  // namespace

std::string_view LeafOf(const RecordBatch& batch, size_t index) {
  const RecordEntry& entry = batch.records[index];
  return AsText(ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size));
}

BesideReader BesideOf(const RecordBatch& batch) {
  return [&batch](const crypto::Hash& hash) -> Result<Bytes> {
    for (const BesideContent& content : batch.beside) {
      if (content.hash == hash) return content.bytes;
    }
    return DataLoss("the batch lacks content that its leaf refers to");
  };
}

Result<LeafMembers> SplitLeaf(std::string_view leaf) {
  LeafMembers parts;
  JsonCursor cursor(leaf);
  cursor.Object([&](std::string_view name) {
    if (name == "k") {
      parts.kind = cursor.String().raw;
    } else if (name == "o") {
      parts.content = cursor.Skip();
    } else if (name == "re") {
      parts.resource = cursor.Skip();
    } else if (name == "sc") {
      parts.scope = cursor.Skip();
    } else if (name == "sp") {
      parts.span = cursor.Skip();
    } else if (name == "r") {
      cursor.Object([&](std::string_view member) {
        const std::string_view value = cursor.Skip();
        const auto text = TextOf(value);
        if (member == "a" && text) {
          int64_t nanos = 0;
          const std::string_view digits = AsText(*text);
          (void)std::from_chars(digits.data(), digits.data() + digits.size(), nanos);
          parts.received_at = UnixNanos{nanos};
        } else if (member == "b" && text) {
          parts.principal = AsText(*text);
        }
      });
    } else {
      cursor.Skip();
    }
  });
  if (cursor.failed() || !cursor.AtEnd() || parts.kind.empty()) return Malformed("form");
  return parts;
}

Result<std::optional<Identity>> OwnIdentity(const LeafMembers& leaf, const BesideReader& beside) {
  const bool event = leaf.kind == "span_event";
  if (!event && leaf.kind != "span" && leaf.kind != "log" && leaf.kind != "audit")
    return std::optional<Identity>();
  std::string kept;
  SEAL_ASSIGN_OR_RETURN(const std::string_view content, Resolve(leaf.content, beside, kept));
  SEAL_ASSIGN_OR_RETURN(const Ids own, IdsOf(content.empty() ? "{}" : content));
  if (const auto text = TextOf(Unwrapped(own.record_id)); text && !text->empty())
    return std::optional(IdentityOfRecordId(*text));
  if (leaf.kind == "log" || leaf.kind == "audit") return std::optional<Identity>();
  std::string kept_span;
  Ids span = own;
  if (event) {
    SEAL_ASSIGN_OR_RETURN(const std::string_view json, Resolve(leaf.span, beside, kept_span));
    SEAL_ASSIGN_OR_RETURN(span, IdsOf(json.empty() ? "{}" : json));
  }
  const auto trace_id = IdBytes(span.trace_id, kTraceIdBytes);
  const auto span_id = IdBytes(span.span_id, kSpanIdBytes);
  if (!trace_id || !span_id) return std::optional<Identity>();
  return std::optional(event ? IdentityOfSpanEvent(*trace_id, *span_id, own.index)
                             : IdentityOfSpan(*trace_id, *span_id));
}

Result<bool> SameContent(const LeafMembers& a, const BesideReader& beside_a, const LeafMembers& b,
                         const BesideReader& beside_b) {
  if (a.kind != b.kind) return false;
  for (const auto part : kCompared) {
    if (a.*part == b.*part) continue;
    std::string kept_a;
    std::string kept_b;
    SEAL_ASSIGN_OR_RETURN(const std::string_view stable_a, Stable(a.*part, beside_a, kept_a));
    SEAL_ASSIGN_OR_RETURN(const std::string_view stable_b, Stable(b.*part, beside_b, kept_b));
    if (stable_a != stable_b) return false;
  }
  return true;
}

Result<crypto::Hash> ContentDigest(const LeafMembers& leaf, const BesideReader& beside) {
  crypto::Sha256Stream stream;
  for (const auto part : kCompared) {
    std::string kept;
    SEAL_ASSIGN_OR_RETURN(const std::string_view stable, Stable(leaf.*part, beside, kept));
    std::array<uint8_t, 8> size;
    PutBig64(size.data(), stable.size());
    stream.Update(size);
    stream.Update(AsBytes(stable));
  }
  return stream.Finish();
}

}  // namespace sealtrail::record
