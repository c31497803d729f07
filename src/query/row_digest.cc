#include "query/row_digest.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "crypto/sha256.h"

namespace sealtrail::query {
namespace {

std::string DigestOf(const std::vector<crypto::Hash>& hashes) {
  crypto::Sha256Stream stream;
  for (const crypto::Hash& hash : hashes) stream.Update(hash);
  return HexEncode(stream.Finish());
}

}  // namespace

RowDigests DigestRows(std::string_view rows) {
  std::vector<crypto::Hash> hashes;
  while (!rows.empty()) {
    const size_t end = std::min(rows.find('\n'), rows.size());
    hashes.push_back(crypto::Sha256(AsBytes(rows.substr(0, end))));
    rows.remove_prefix(std::min(end + 1, rows.size()));
  }
  RowDigests digests{.in_order = DigestOf(hashes), .sorted = ""};
  std::sort(hashes.begin(), hashes.end());
  digests.sorted = DigestOf(hashes);
  return digests;
}

}  // namespace sealtrail::query
