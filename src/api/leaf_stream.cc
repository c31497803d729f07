#include "api/leaf_stream.h"

#include <algorithm>

#include "base/limits.h"

namespace sealtrail::api {

void LeafStream::Next(std::function<void(Result<Bytes>)> done) {
  constexpr size_t kRecordsMax = 10'000;
  Bytes piece;
  if (next_ < end_) {
    const auto range =
        reader_.Read(Seq{next_}, std::min<uint64_t>(kRecordsMax, end_ - next_), kMiB);
    if (!range.ok()) {
      done(range.status());
      return;
    }
    for (const ledger::RecordView& record : range->records) {
      AppendTo(piece, AsBytes(record.leaf));
      piece.push_back('\n');
    }
    next_ += range->records.size();
  }
  done(std::move(piece));
}

}  // namespace sealtrail::api
