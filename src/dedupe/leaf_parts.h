// A leaf taken apart again, as far as identity and content need it: docs/formats/record.md §3 and §7.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/status.h"
#include "record/identity.h"

namespace sealtrail::dedupe {

// The JSON of each member as it stands in the leaf; empty where it is absent.
struct LeafParts {
  std::string_view kind;  // without quotes
  std::string_view content;
  std::string_view resource;
  std::string_view scope;
  std::string_view span;
  UnixNanos received_at{};
  std::string principal;
};

// DataLoss: not a leaf of record format 1.
Result<LeafParts> SplitLeaf(std::string_view leaf);

// The side content with this hash, of one record. Called while a function below runs, never afterwards.
using Beside = std::function<Result<Bytes>(const crypto::Hash&)>;

// The identity that the record carries itself; nothing where it has the one of its delivery, which is not in the leaf.
Result<std::optional<record::Identity>> OwnIdentity(const LeafParts& leaf, const Beside& beside);

// Whether the OTLP parts are the same but for the volatile attributes `audit.collector_received_at` and `audit.pipeline`.
Result<bool> SameContent(const LeafParts& a, const Beside& beside_a, const LeafParts& b,
                         const Beside& beside_b);

// SHA-256 of what SameContent compares.
Result<crypto::Hash> ContentDigest(const LeafParts& leaf, const Beside& beside);

}  // namespace sealtrail::dedupe
