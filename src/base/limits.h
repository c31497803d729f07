// Everything has a limit, and its name is here. How limits relate is asserted at the end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sealtrail {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
constexpr size_t kGiB = 1024 * kMiB;

// A request: docs/configuration.md and reference OTLP 1.11.
constexpr size_t kRequestBytesMax = 64 * kMiB;            // before and after decompression
constexpr size_t kRequestCanonicalBytesMax = 256 * kMiB;  // leaves and side contents of one request
constexpr size_t kDecodedBytesMax = 256 * kMiB;           // one request as plain values
constexpr int kNestingMax = 128;                          // AnyValue inside AnyValue
constexpr size_t kHttpHeaderBytesMax = 32 * kKiB;
constexpr size_t kSourceTextBytesMax = 256;        // each name of a source, in counters and tallies
constexpr size_t kReceiptTextBytesMax = 1 * kKiB;  // each text of a receipt (peer, software, ...)
constexpr size_t kSqlBytesMax = 256 * kKiB;

// A record: docs/formats/record.md.
constexpr size_t kLeafBytesMax = 65'535;  // also C2SP tlog-tiles: an entry's length is 16 bits
constexpr size_t kBesideBytesMin =
    2 * kKiB + 1;  // a resource or scope of this size lies beside the leaf

// Duplicates: docs/design/duplicates.md.
constexpr uint64_t kIdentitiesMax = 16'777'216;
constexpr uint64_t kIdentityHoursMax = 24;

// The ledger: docs/formats/segment.md.
constexpr size_t kFrameRecordsMax = 256;
constexpr size_t kSegmentBytes = 256 * kMiB;
constexpr size_t kBatchRecordsMax = 1'000'000;
constexpr size_t kLedgerQueueBytesMax = 256 * kMiB;  // waiting for the writer, all batches together
constexpr size_t kNoteBytesMax = 64 * kKiB;          // one commit note
constexpr size_t kSideBytesMax = kRequestCanonicalBytesMax;

// A statement in SQL: docs/sql.md.
constexpr uint64_t kQueryRowsMax = 1'000'000;
constexpr uint64_t kQueryAnswerBytesMax = 256 * kMiB;  // all rows, as JSON
constexpr uint64_t kQueryMemoryBytes = 512 * kMiB;     // of the process that runs it
constexpr int64_t kQueryNanosMax = 60'000'000'000;
constexpr size_t kQueriesWaitingMax = 256;
constexpr size_t kIndexTailBytesMax = 192 * kMiB;  // decoded records that are in no part yet

static_assert(kLedgerQueueBytesMax >= kRequestCanonicalBytesMax,
              "the largest request must fit the queue");
static_assert(kBesideBytesMin * 2 < kLeafBytesMax,
              "an inline resource and scope leave room for content");

}  // namespace sealtrail
