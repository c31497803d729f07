// The server's end of a query worker: one process, one statement.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/child_process.h"
#include "env/clock.h"
#include "query/worker_protocol.h"

namespace sealtrail::query {

struct WorkerAnswer {
  std::vector<Column> columns;
  std::string rows;  // one JSON array a line
  uint64_t row_count = 0;
  QueryEnd end;
};

// Threads  Compatible.
class WorkerProcess {
 public:
  // Starts a worker, which loads its libraries while nobody waits for it. `nice` is added to its priority.
  static Result<std::unique_ptr<WorkerProcess>> Start(env::Clock& clock, int nice);

  // Runs the one statement. `descriptors` are the parts, then the tail chunks.
  //
  // Errors  InvalidArgument: the statement is refused or wrong, in words for its author. ResourceExhausted: a limit
  //         of the request was met. Unavailable: the worker died. The process is over in any case.
  Result<WorkerAnswer> Run(const WorkerRequest& request, const std::vector<int>& descriptors);

  // Whether it died while it waited; another must be started then.
  bool HasEnded() { return child_->HasEnded(); }

  int pid() const { return child_->pid(); }

  // Ends the statement, which is then answered Unavailable. From any thread, as long as this lives.
  void Kill() { child_->Kill(); }

 private:
  WorkerProcess(env::Clock& clock, std::unique_ptr<env::ChildProcess> child, env::Channel channel)
      : clock_(clock), child_(std::move(child)), channel_(std::move(channel)) {}

  Result<WorkerAnswer> Receive(const QueryLimits& limits, int64_t deadline);

  env::Clock& clock_;
  const std::unique_ptr<env::ChildProcess> child_;
  env::Channel channel_;
};

}  // namespace sealtrail::query
