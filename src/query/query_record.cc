#include "query/query_record.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "crypto/sha256.h"

namespace sealtrail::query {

record::SelfAct QueryAct(std::string_view principal, std::string_view sql) {
  constexpr size_t kRecordedBytesMax = 4 * kKiB;
  std::string_view recorded = sql.substr(0, kRecordedBytesMax);
  if (recorded.size() < sql.size()) recorded = recorded.substr(0, Utf8ValidPrefix(recorded));
  return {.action = "sealtrail.query.run",
          .actor = principal,
          .details = {{"sealtrail.query.sql", std::string(recorded)},
                      {"sealtrail.query.sha256", HexEncode(crypto::Sha256(AsBytes(sql)))}}};
}

}  // namespace sealtrail::query
