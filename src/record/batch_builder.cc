#include "record/batch_builder.h"

#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"

namespace sealtrail::record {
namespace {

constexpr std::string_view kEnd = ",\"v\":1}";
constexpr std::string_view kSpanMember = ",\"sp\":";
constexpr uint8_t kLeafPrefix = 0x00;  // RFC 6962 §2.1

void AppendTextMember(JsonBuffer& out, std::string_view name, std::string_view text,
                      Redaction* redaction) {
  if (text.empty()) return;
  out += fmt::format(",\"{}\":", name);
  ContentNotes notes{.redaction = redaction};
  WriteText(out, text, notes);
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kSpan:
      return "span";
    case Kind::kSpanEvent:
      return "span_event";
    case Kind::kLog:
      return "log";
    case Kind::kAudit:
      return "audit";
    case Kind::kSelf:
      return "self";
    case Kind::kSeal:
      return "seal";
  }
  SEAL_UNREACHABLE();
}

UnixNanos EventTime(uint64_t time_unix_nano, uint64_t observed_time_unix_nano,
                    UnixNanos received_at) {
  for (const uint64_t time : {time_unix_nano, observed_time_unix_nano}) {
    if (time != 0 && time <= uint64_t{INT64_MAX}) return UnixNanos{static_cast<int64_t>(time)};
  }
  return received_at;
}

Result<BatchBuilder> BatchBuilder::Make(RecordClass record_class, const Receipt& receipt) {
  BatchBuilder builder(record_class);
  for (const auto& [name, text] : {std::pair{"client software", receipt.client},
                                   {"X-Audit-Pipeline", receipt.label},
                                   {"peer", receipt.peer},
                                   {"principal", receipt.principal}}) {
    if (text.size() > kReceiptTextBytesMax) {
      return InvalidArgument("{}: {} bytes, at most {} allowed", name, text.size(),
                             kReceiptTextBytesMax);
    }
  }
  builder.batch_.received_at = receipt.received_at;
  builder.receipt_ = fmt::format(R"({{"a":"{}")", Value(receipt.received_at));
  AppendTextMember(builder.receipt_, "b", receipt.principal, receipt.redaction);
  AppendTextMember(builder.receipt_, "c", receipt.client, receipt.redaction);
  AppendTextMember(builder.receipt_, "l", receipt.label, receipt.redaction);
  AppendTextMember(builder.receipt_, "p", receipt.peer, receipt.redaction);
  AppendTextMember(builder.receipt_, "t", receipt.transport, nullptr);
  builder.receipt_ += '}';
  builder.RenderTail();
  return builder;
}

BatchBuilder::Member BatchBuilder::PutBeside(std::string_view json) {
  const crypto::Hash hash = crypto::Sha256(AsBytes(json));
  batch_.beside.push_back({.hash = hash, .bytes = Bytes(json.begin(), json.end())});
  total_bytes_ += json.size();
  return {.json = fmt::format("[\"{}\",{}]", Base64Encode(hash), json.size()),
          .beside = static_cast<uint32_t>(batch_.beside.size())};
}

BatchBuilder::Member BatchBuilder::InlineOrBeside(std::string_view json) {
  if (json.size() >= kBesideBytesMin) return PutBeside(json);
  return {.json = std::string(json)};
}

void BatchBuilder::SetResource(std::string_view json) {
  resource_ = InlineOrBeside(json);
  RenderTail();
}

void BatchBuilder::SetScope(std::string_view json) {
  scope_ = InlineOrBeside(json);
  RenderTail();
}

void BatchBuilder::RenderTail() {
  tail_ = ",\"r\":";
  tail_ += receipt_;
  if (!resource_.json.empty()) {
    tail_ += ",\"re\":";
    tail_ += resource_.json;
  }
  if (!scope_.json.empty()) {
    tail_ += ",\"sc\":";
    tail_ += scope_.json;
  }
}

size_t BatchBuilder::LeafSize(Kind kind, std::string_view content, std::string_view span) const {
  constexpr size_t kFixed = sizeof(R"({"k":"","n":"0123456789012345678901==","o":)") - 1;
  return kFixed + KindName(kind).size() + content.size() + tail_.size() +
         (span.empty() ? 0 : kSpanMember.size() + span.size()) + kEnd.size();
}

Status BatchBuilder::Add(const LeafParts& parts) {
  const auto begin = static_cast<uint32_t>(batch_.beside_refs.size());
  if (resource_.beside != 0) batch_.beside_refs.push_back(resource_.beside - 1);
  if (scope_.beside != 0) batch_.beside_refs.push_back(scope_.beside - 1);

  Member content;
  Member span;
  std::string_view content_json = parts.content;
  std::string_view span_json = parts.span;
  if (LeafSize(parts.kind, content_json, span_json) > kLeafBytesMax) {
    content = PutBeside(content_json);
    content_json = content.json;
    batch_.beside_refs.push_back(content.beside - 1);
  }
  if (LeafSize(parts.kind, content_json, span_json) > kLeafBytesMax) {
    span = PutBeside(span_json);
    span_json = span.json;
    batch_.beside_refs.push_back(span.beside - 1);
  }
  const size_t size = LeafSize(parts.kind, content_json, span_json);
  SEAL_CHECK(size <= kLeafBytesMax);
  total_bytes_ += size + 2;
  if (total_bytes_ > kRequestCanonicalBytesMax) {
    return ResourceExhausted("the request makes over {} MiB of canonical records",
                             kRequestCanonicalBytesMax / kMiB);
  }
  if (batch_.records.size() == kBatchRecordsMax) {
    return ResourceExhausted("the request holds over {} records", kBatchRecordsMax);
  }

  const size_t offset = batch_.bundle.size() + 2;
  AppendLeaf(parts, content_json, span_json);
  const ByteView leaf = ByteView(batch_.bundle).subspan(offset);
  batch_.records.push_back(
      {.leaf_offset = static_cast<uint32_t>(offset),
       .leaf_size = static_cast<uint16_t>(size),
       .leaf_hash = crypto::Sha256({ByteView(&kLeafPrefix, 1), leaf}),
       .identity = parts.identity,
       .beside_begin = begin,
       .beside_end = static_cast<uint32_t>(batch_.beside_refs.size()),
       .event_time =
           EventTime(parts.time_unix_nano, parts.observed_time_unix_nano, batch_.received_at)});
  return OkStatus();
}

// One growth of the bundle, then plain copies: this runs once a record.
void BatchBuilder::AppendLeaf(const LeafParts& parts, std::string_view content,
                              std::string_view span) {
  Bytes& out = batch_.bundle;
  const size_t at = out.size();
  const size_t size = LeafSize(parts.kind, content, span);
  out.resize(at + 2 + size);
  uint8_t* p = out.data() + at;
  PutBig16(p, static_cast<uint16_t>(size));
  p += 2;
  const auto put = [&p](std::string_view text) {
    std::memcpy(p, text.data(), text.size());
    p += text.size();
  };
  put("{\"k\":\"");
  put(KindName(parts.kind));
  put("\",\"n\":\"");
  p = Base64EncodeAt(p, parts.salt);
  put("\",\"o\":");
  put(content);
  put(tail_);
  if (!span.empty()) {
    put(kSpanMember);
    put(span);
  }
  put(kEnd);
  SEAL_CHECK(p == out.data() + out.size());
}

}  // namespace sealtrail::record
