// SQL over the ledger: what api and cli ask.
//
// The statement runs in a worker process (worker.h), over a snapshot of the index that covers every record durable
// when Query() was called. User SQL never reaches DuckDB in this process, and a worker that dies costs its own
// query only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/status.h"
#include "env/env.h"
#include "ledger/ledger_reader.h"
#include "query/index.h"
#include "query/worker_protocol.h"
#include "vocab/vocabulary.h"

namespace sealtrail::query {

struct EngineOptions {
  IndexOptions index;
  int workers = 2;                          // statements that run at the same time
  size_t waiting_max = kQueriesWaitingMax;  // statements that may wait for a worker
  int nice = 5;                             // added to the workers' priority: ingest goes first
  QueryLimits limits;
};

struct QueryRequest {
  std::string sql;
  std::string asked_by;  // the principal, for the statement
  // The answer must cover this record, else Unavailable. Every record that was durable at the call is covered
  // anyway, unless the index is far behind; then `Statement::covers` says how far it reaches.
  std::optional<Seq> covers_at_least;
};

// What an answer rests on. docs/sql.md specifies the digests.
struct Statement {
  std::string sql;
  TreeSize tree_size{0};  // of the tree as durable when the statement began
  std::string root;       // its RFC 6962 root, hexadecimal
  TreeSize covers{
      0};  // the answer is from records below this; tree_size, unless the index is behind
  std::string aliases;  // versions
  std::string actions;
  std::string schema;
  std::string engine;
  std::string now;         // the value of now()
  bool rerunnable = true;  // false: random() and the like
  uint64_t rows = 0;
  std::string rows_sha256;  // over the rows in order
  std::string
      sorted_rows_sha256;  // over the rows in an order of their own, so that ties do not matter
  std::string asked_by;
  std::string asked_at;
};

// As one JSON object.
std::string StatementJson(const Statement& statement);

struct QueryResult {
  std::vector<Column> columns;
  std::string
      rows;  // each a JSON array on a line of its own; format.h turns them into what people want
  Statement statement;
};

using QueryDone = std::function<void(Result<QueryResult>)>;

// Threads  Safe.
class Engine {
 public:
  // Opens the index and starts the workers. `reader` and `env` must outlive it.
  static Result<std::unique_ptr<Engine>> Open(const env::Env& env, ledger::LedgerReader& reader,
                                              std::shared_ptr<const vocab::Vocabulary> vocabulary,
                                              EngineOptions options, MetricSet& metrics);
  ~Engine();  // Stop()

  // Ends the statements that run and answers them, those that wait and those that come, Unavailable. Returns at
  // once; the answers follow.
  void Stop();

  // Calls `done` once, from a thread of the engine, or before it returns if too many wait.
  //
  // Errors  InvalidArgument: the statement is refused or wrong; the message is for its author and carries DuckDB's
  //         position. ResourceExhausted: a limit. Unavailable: try again.
  void Query(QueryRequest request, QueryDone done);

  // The same, waiting for the answer.
  Result<QueryResult> QueryAndWait(QueryRequest request);

  // Records below this are in parts of the index.
  TreeSize indexed() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sealtrail::query
