#include "bench/otlp_sender.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <grpcpp/alarm.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

namespace sealtrail::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kTraces[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr char kLogs[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr int kRetriesMax = 200;
constexpr auto kRetryDelay = std::chrono::milliseconds(50);

double Milliseconds(SteadyClock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// One request on its way; lives until it is answered for good.
struct Call {
  explicit Call(const Request& r) : request(&r) {}

  const Request* request;
  int tries = 0;
  bool waiting = false;  // for `alarm`, to be sent (again)
  SteadyClock::time_point due;
  SteadyClock::time_point sent;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  grpc::Alarm alarm;
  grpc::ByteBuffer response;
  grpc::Status status;
};

// One channel and the thread that drives it.
class Connection {
 public:
  Connection(std::span<const Request> requests, std::atomic<size_t>& next,
             const SendOptions& options)
      : requests_(requests), next_(next), options_(options) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                     1);  // else all channels share one connection
    if (options.gzip) arguments.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments));
  }

  void Run() {
    for (uint32_t i = 0; i < options_.in_flight; ++i) StartNext();
    void* tag = nullptr;
    bool ok = false;
    while (outstanding_ > 0 && queue_.Next(&tag, &ok)) OnEvent(static_cast<Call*>(tag));
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
  }

  const SendReport& report() const { return report_; }
  const std::vector<double>& latencies_ms() const { return latencies_ms_; }
  const std::vector<double>& late_ms() const { return late_ms_; }

 private:
  void StartNext() {
    const size_t index = next_.fetch_add(1);
    if (index >= requests_.size()) return;
    ++outstanding_;
    auto* call = new Call(requests_[index]);
    if (options_.requests_per_second <= 0) return Send(call);
    const auto offset =
        std::chrono::duration<double>(static_cast<double>(index) / options_.requests_per_second);
    call->due = start_ + std::chrono::duration_cast<SteadyClock::duration>(offset);
    call->waiting = true;
    const auto wait = std::max(call->due - SteadyClock::now(), SteadyClock::duration::zero());
    call->alarm.Set(&queue_, std::chrono::system_clock::now() + wait, call);
  }

  void Send(Call* call) {
    ++call->tries;
    call->waiting = false;
    call->context = std::make_unique<grpc::ClientContext>();
    call->context->set_deadline(std::chrono::system_clock::now() +
                                std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                    std::chrono::duration<double>(options_.deadline_seconds)));
    const grpc::Slice slice(call->request->body.data(), call->request->body.size(),
                            grpc::Slice::STATIC_SLICE);
    const grpc::ByteBuffer body(&slice, 1);
    call->sent = SteadyClock::now();
    if (options_.requests_per_second > 0 && call->tries == 1)
      late_ms_.push_back(Milliseconds(call->sent - call->due));
    call->reader = stub_->PrepareUnaryCall(call->context.get(),
                                           call->request->is_logs ? kLogs : kTraces, body, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  }

  void OnEvent(Call* call) {
    if (call->waiting) return Send(call);
    if (call->status.error_code() == grpc::StatusCode::UNAVAILABLE && call->tries < kRetriesMax) {
      ++report_.retries;
      call->waiting = true;
      call->alarm.Set(&queue_, std::chrono::system_clock::now() + kRetryDelay, call);
      return;
    }
    if (call->status.ok()) {
      ++report_.ok_requests;
      report_.ok_units += call->request->units;
      report_.ok_selected += call->request->selected;
      latencies_ms_.push_back(Milliseconds(SteadyClock::now() - call->sent));
    } else {
      ++report_.failures;
      if (report_.first_failure.empty()) {
        report_.first_failure =
            std::to_string(call->status.error_code()) + ": " + call->status.error_message();
      }
    }
    delete call;
    --outstanding_;
    StartNext();
  }

  const std::span<const Request> requests_;
  std::atomic<size_t>& next_;
  const SendOptions& options_;
  std::unique_ptr<grpc::GenericStub> stub_;
  grpc::CompletionQueue queue_;
  size_t outstanding_ = 0;
  SendReport report_;
  std::vector<double> latencies_ms_;
  std::vector<double> late_ms_;
  SteadyClock::time_point start_ = SteadyClock::now();
};

double Quantile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const size_t at =
      std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

}  // namespace

SendReport SendAll(std::span<const Request> requests, const SendOptions& options) {
  std::atomic<size_t> next{0};
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < std::max(options.connections, 1u); ++i) {
    connections.push_back(std::make_unique<Connection>(requests, next, options));
  }
  const SteadyClock::time_point start = SteadyClock::now();
  {
    std::vector<std::jthread> threads;
    for (auto& connection : connections) threads.emplace_back([&] { connection->Run(); });
  }
  SendReport total;
  total.seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  std::vector<double> latencies_ms, late_ms;
  for (const auto& connection : connections) {
    const SendReport& part = connection->report();
    total.ok_requests += part.ok_requests;
    total.ok_units += part.ok_units;
    total.ok_selected += part.ok_selected;
    total.retries += part.retries;
    total.failures += part.failures;
    if (total.first_failure.empty()) total.first_failure = part.first_failure;
    latencies_ms.insert(latencies_ms.end(), connection->latencies_ms().begin(),
                        connection->latencies_ms().end());
    late_ms.insert(late_ms.end(), connection->late_ms().begin(), connection->late_ms().end());
  }
  total.p50_ms = Quantile(latencies_ms, 0.50);
  total.p99_ms = Quantile(latencies_ms, 0.99);
  total.max_ms = Quantile(latencies_ms, 1);
  total.late_p99_ms = Quantile(late_ms, 0.99);
  return total;
}

}  // namespace sealtrail::bench
