// The log as the files of C2SP tlog-tiles: checkpoint, tiles, bundles of entries. docs/formats/tiles.md, docs/tlog.md.
#pragma once

#include <string_view>

#include "ledger/ledger_reader.h"
#include "net/byte_budget.h"
#include "net/http_message.h"
#include "tlog/tile.h"

namespace sealtrail::api {

// Threads  Safe. Answers hold their bytes out of `budget` until they are sent. Borrows both.
class TlogFiles {
 public:
  TlogFiles(const ledger::LedgerReader& reader, net::ByteBudget& budget)
      : reader_(reader), budget_(budget) {}

  // The newest published checkpoint. NotFound before the first one.
  Result<net::HttpResponse> Checkpoint(const net::HttpRequest& request) const;

  // The tile at `path` ("tile/0/x001/234.p/5"): one of the tree of some size up to that of the newest published checkpoint.
  // NotFound if there is none.
  Result<tlog::TileId> Find(std::string_view path) const;

  // A tile or bundle that Find() gave. Bundles are sent as gzip to those who take it. DataLoss as LedgerReader; Unavailable
  // where the budget is used up at the moment.
  Result<net::HttpResponse> Tile(const tlog::TileId& tile, const net::HttpRequest& request) const;

 private:
  Result<Bytes> Entries(const tlog::TileId& tile) const;

  const ledger::LedgerReader& reader_;
  net::ByteBudget& budget_;
};

}  // namespace sealtrail::api
