#include "query/worker_process.h"

#include <algorithm>

#include "base/limits.h"
#include "query/worker.h"

namespace sealtrail::query {
namespace {

constexpr size_t kAnswerBytesMax = 320 * kMiB;  // one message; rows come in smaller ones
constexpr int64_t kStartTimeoutNs = 30 * kNanosPerSecond;

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(env::Clock& clock, int nice) {
  SEAL_ASSIGN_OR_RETURN(auto ends, env::Channel::MakePair());
  SEAL_ASSIGN_OR_RETURN(
      auto child,
      env::ChildProcess::SpawnSelf({.arguments = {kWorkerArgument},
                                    .descriptors = {{ends.second.descriptor(), kWorkerChannelFd}},
                                    .nice = nice}));
  return std::unique_ptr<WorkerProcess>(
      new WorkerProcess(clock, std::move(child), std::move(ends.first)));
}

Result<WorkerAnswer> WorkerProcess::Run(const WorkerRequest& request,
                                        const std::vector<int>& descriptors) {
  const int64_t deadline = Value(clock_.Monotonic()) + kStartTimeoutNs + request.limits.time_ns;
  Result<WorkerAnswer> answer = [&]() -> Result<WorkerAnswer> {
    SEAL_RETURN_IF_ERROR(channel_.Send(EncodeRequest(request), descriptors, kStartTimeoutNs));
    return Receive(request.limits, deadline);
  }();
  if (answer.ok() || answer.status().code() == StatusCode::kInvalidArgument ||
      answer.status().code() == StatusCode::kResourceExhausted) {
    return answer;
  }
  child_->Kill();
  const env::ChildExit how = child_->Wait();
  if (answer.status().code() == StatusCode::kCancelled ||
      answer.status().code() == StatusCode::kUnavailable) {
    return Unavailable("the process that ran the statement ended before its answer ({})",
                       how.ToString());
  }
  return answer;
}

// The statement's own time starts when the worker says that it is ready.
Result<WorkerAnswer> WorkerProcess::Receive(const QueryLimits& limits, int64_t deadline) {
  WorkerAnswer answer;
  bool has_columns = false;
  for (;;) {
    const int64_t left = deadline - Value(clock_.Monotonic());
    auto message = channel_.Receive(kAnswerBytesMax, std::max<int64_t>(left, 0));
    if (!message.ok()) {
      if (Value(clock_.Monotonic()) < deadline) return message.status();
      child_->Kill();
      return ResourceExhausted("the statement ran longer than {} s",
                               limits.time_ns / kNanosPerSecond);
    }
    if (message->bytes.empty()) return Unavailable("an empty answer");
    const std::string_view body = AsText(message->bytes).substr(1);
    switch (static_cast<AnswerType>(message->bytes[0])) {
      case AnswerType::kReady:
        deadline = Value(clock_.Monotonic()) + limits.time_ns;
        break;
      case AnswerType::kColumns: {
        SEAL_ASSIGN_OR_RETURN(answer.columns, DecodeColumns(body));
        has_columns = true;
        break;
      }
      case AnswerType::kRows:
        if (answer.rows.size() + body.size() > limits.bytes_max + kMiB) {
          return ResourceExhausted("the answer has more than {} bytes", limits.bytes_max);
        }
        answer.rows += body;
        break;
      case AnswerType::kDone: {
        if (!has_columns) return Unavailable("an answer without columns");
        SEAL_ASSIGN_OR_RETURN(answer.end, DecodeEnd(body));
        answer.row_count =
            static_cast<uint64_t>(std::count(answer.rows.begin(), answer.rows.end(), '\n'));
        return answer;
      }
      case AnswerType::kError:
        return DecodeError(body);
      default:
        return Unavailable("an answer of unknown kind");
    }
  }
}

}  // namespace sealtrail::query
