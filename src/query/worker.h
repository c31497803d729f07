// The process that runs one SQL statement. See worker_pool.h for the other end.
#pragma once

namespace sealtrail::query {

// The hidden mode's argument: `sealtrail query-worker` with a channel as descriptor kWorkerChannelFd.
constexpr const char* kWorkerArgument = "query-worker";
constexpr int kWorkerChannelFd = 3;

// Loads DuckDB, says that it is ready, waits for one request on the channel, answers it and returns the exit code.
// Never logs; what goes wrong is part of the answer.
int RunQueryWorker(int channel_fd);

}  // namespace sealtrail::query
