// Puts canonical contents together to leaves, and leaves to the batch of one request.
// docs/formats/record.md §3, §5 and §6.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"
#include "record/content_writer.h"
#include "record/json_writer.h"
#include "record/record_sink.h"

namespace sealtrail::record {

enum class Kind : uint8_t { kSpan, kSpanEvent, kLog, kAudit, kSelf, kSeal };

// "span", "span_event", …
std::string_view KindName(Kind kind);

// How the store got a request. Texts may be any bytes; each at most kReceiptTextBytesMax.
struct Receipt {
  UnixNanos received_at{};
  std::string_view principal;
  std::string_view client;
  std::string_view label;
  std::string_view peer;
  std::string_view transport;
  Redaction* redaction = nullptr;  // of client, label, peer and principal; null: as they are
};

using Salt = std::array<uint8_t, 16>;

// What one leaf is made of, beside receipt, resource and scope.
struct LeafParts {
  Kind kind;
  Salt salt;
  std::string_view content;  // canonical JSON of `o`
  std::string_view span;     // canonical JSON of `sp`; empty for all but span events
  Identity identity;
  uint64_t time_unix_nano = 0;  // when it happened, as OTLP has it: a span's start; 0 for unknown
  uint64_t observed_time_unix_nano = 0;  // of logs
};

// The first of these from 1 to 2^63 - 1; the last if there is none (docs/formats/segment.md §3).
UnixNanos EventTime(uint64_t time_unix_nano, uint64_t observed_time_unix_nano,
                    UnixNanos received_at);

// Threads  Compatible.
class BatchBuilder {
 public:
  // InvalidArgument if a text of the receipt is too long.
  static Result<BatchBuilder> Make(RecordClass record_class, const Receipt& receipt);

  // Canonical JSON of `re` and `sc` for the records that follow; empty for none. Large ones are put
  // beside here.
  void SetResource(std::string_view json);
  void SetScope(std::string_view json);

  // Appends a record. ResourceExhausted if the batch would pass kRequestCanonicalBytesMax or
  // kBatchRecordsMax; the batch is then useless.
  Status Add(const LeafParts& parts);

  // The uncompressed request, where a record has its identity from the delivery.
  void SetRequestHash(const crypto::Hash& hash) { batch_.request_hash = hash; }

  // Opaque bytes that become durable with the batch.
  void AddNote(Bytes note) { batch_.notes.push_back(std::move(note)); }

  // A hint: the leaves will take about this many bytes.
  void ReserveBundle(size_t bytes) { batch_.bundle.reserve(bytes); }

  size_t record_count() const { return batch_.records.size(); }

  // The batch; the builder is used up.
  RecordBatch Finish() && { return std::move(batch_); }

 private:
  // The JSON of a member: `json` itself, or the reference to its copy beside.
  struct Member {
    std::string json;
    uint32_t beside = 0;  // 1 + index in batch_.beside; 0 for none
  };

  explicit BatchBuilder(RecordClass record_class) { batch_.record_class = record_class; }

  Member PutBeside(std::string_view json);
  Member InlineOrBeside(std::string_view json);
  void RenderTail();
  void AppendLeaf(const LeafParts& parts, std::string_view content, std::string_view span);
  size_t LeafSize(Kind kind, std::string_view content, std::string_view span) const;

  RecordBatch batch_;
  size_t total_bytes_ = 0;
  JsonBuffer receipt_;
  Member resource_;
  Member scope_;
  std::string tail_;  // from ,"r": to before ,"sp": or ,"v":
};

}  // namespace sealtrail::record
