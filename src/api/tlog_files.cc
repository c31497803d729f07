#include "api/tlog_files.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "api/answers.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "ledger/tile_bytes.h"
#include "net/accept.h"
#include "net/content_encoder.h"

namespace sealtrail::api {
namespace {

constexpr std::string_view kAskAgain = "no-cache";
// A path never changes its content (tlog-tiles). Without `public`, so that a shared cache keeps it for nobody but who showed
// the token (RFC 9111 §3.5).
constexpr std::string_view kForever = "max-age=31536000, immutable";

constexpr size_t kBundleBytesMax = tlog::kTileWidth * (tlog::kEntryBytesMax + 2);
static_assert(kBundleBytesMax <= net::kGzipInputBytesMax);

// RFC 9110 §13.1.2: compared without the mark of weakness.
bool Matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const size_t end = std::min(if_none_match.find(','), if_none_match.size());
    std::string_view one = if_none_match.substr(0, end);
    if_none_match.remove_prefix(std::min(end + 1, if_none_match.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == etag) return true;
  }
  return false;
}

Result<SharedBytes> Hold(Bytes bytes, net::ByteBudget& budget) {
  struct Held {
    Bytes bytes;
    net::ByteBudget::Lease lease;
  };
  auto lease = budget.TryTake(bytes.size());
  if (!lease) return Unavailable("too many bytes are in memory, try again");
  auto held = std::make_shared<const Held>(Held{std::move(bytes), std::move(*lease)});
  const ByteView view = held->bytes;
  return SharedBytes(view, std::move(held));
}

struct File {
  Bytes content;
  std::string_view type;
  std::string_view caching;
  bool worth_packing = false;
};

Result<net::HttpResponse> Answer(File file, const net::HttpRequest& request,
                                 net::ByteBudget& budget) {
  const bool packed = file.worth_packing && net::AcceptsGzip(request.Header("accept-encoding"));
  const std::string etag =
      fmt::format("\"{}{}\"", HexEncode(ByteView(tlog::LeafHash(file.content)).first(16)),
                  packed ? "-gzip" : "");
  net::HttpResponse response{.content_type = std::string(file.type)};
  response.headers = {{"Cache-Control", std::string(file.caching)}, {"ETag", etag}};
  if (file.worth_packing) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (Matches(request.Header("if-none-match"), etag)) {
    response.status = 304;
    response.content_type.clear();
    return response;
  }
  if (packed) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    file.content = net::GzipEncode(file.content);
  }
  SEAL_ASSIGN_OR_RETURN(response.body, Hold(std::move(file.content), budget));
  return response;
}

}  // namespace

Result<net::HttpResponse> TlogFiles::Checkpoint(const net::HttpRequest& request) const {
  const std::string note = reader_.checkpoint().note;
  if (note.empty()) return NotFound("no checkpoint is published yet");
  const ByteView bytes = AsBytes(note);
  return Answer(
      {.content = Bytes(bytes.begin(), bytes.end()), .type = kPlainText, .caching = kAskAgain},
      request, budget_);
}

Result<tlog::TileId> TlogFiles::Find(std::string_view path) const {
  const auto tile = tlog::ParseTilePath(path);
  if (!tile.ok()) return NotFound("{}", tile.status().message());
  const TreeSize size = reader_.checkpoint().size;
  if (tile->width > tlog::TileWidth(size, tile->level, tile->index))
    return NotFound("{} is in no tree of up to {} records, which the newest checkpoint covers",
                    path, Value(size));
  return *tile;
}

Result<net::HttpResponse> TlogFiles::Tile(const tlog::TileId& tile,
                                          const net::HttpRequest& request) const {
  const bool entries = tile.level == tlog::kEntriesLevel;
  SEAL_ASSIGN_OR_RETURN(Bytes content, entries ? Entries(tile) : ledger::ReadTile(reader_, tile));
  return Answer({.content = std::move(content),
                 .type = "application/octet-stream",
                 .caching = kForever,
                 .worth_packing = entries},  // hashes do not shrink
                request, budget_);
}

Result<Bytes> TlogFiles::Entries(const tlog::TileId& tile) const {
  Bytes bundle;
  const uint64_t first = tile.index * tlog::kTileWidth;
  const uint64_t end = first + static_cast<uint64_t>(tile.width);
  for (uint64_t next = first; next < end;) {
    SEAL_ASSIGN_OR_RETURN(const ledger::RecordRange range,
                          reader_.Read(Seq{next}, end - next, kBundleBytesMax));
    for (const ledger::RecordView& record : range.records)
      SEAL_RETURN_IF_ERROR(tlog::AppendEntry(bundle, AsBytes(record.leaf)));
    next += range.records.size();
  }
  return bundle;
}

}  // namespace sealtrail::api
