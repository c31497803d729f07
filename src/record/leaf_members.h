// A leaf taken apart again, as far as identity and content need it: docs/formats/record.md §3 and §7.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "record/record_sink.h"

namespace sealtrail::record {

// The JSON of each member as it stands in the leaf; empty where it is absent.
struct LeafMembers {
  std::string_view kind;  // without quotes
  std::string_view content;
  std::string_view resource;
  std::string_view scope;
  std::string_view span;
  UnixNanos received_at{};
  std::string principal;
};

// DataLoss: not a leaf of record format 1.
Result<LeafMembers> SplitLeaf(std::string_view leaf);

// The side content with this hash, of one record. Called while a function below runs, never afterwards.
using BesideReader = std::function<Result<Bytes>(const crypto::Hash&)>;

// Of a batch: a leaf, and what lies beside its leaves. Borrows.
std::string_view LeafOf(const RecordBatch& batch, size_t index);
BesideReader BesideOf(const RecordBatch& batch);

// The identity that the record carries itself; nothing where it has the one of its delivery, which is not in the leaf.
Result<std::optional<Identity>> OwnIdentity(const LeafMembers& leaf, const BesideReader& beside);

// Whether the OTLP parts are the same but for the volatile attributes `audit.collector_received_at` and `audit.pipeline`.
Result<bool> SameContent(const LeafMembers& a, const BesideReader& beside_a, const LeafMembers& b,
                         const BesideReader& beside_b);

// SHA-256 of what SameContent compares.
Result<crypto::Hash> ContentDigest(const LeafMembers& leaf, const BesideReader& beside);

}  // namespace sealtrail::record
