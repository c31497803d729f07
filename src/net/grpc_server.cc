#include "net/grpc_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <unistd.h>
#include <unordered_map>

#include <fmt/ranges.h>
#include <grpc/grpc_security_constants.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include "base/log.h"
#include "base/mutex.h"
#include "net/grpc_tls.h"
#include "net/listen.h"

namespace sealtrail::net {

class GrpcReactor;

namespace {

// Held for a call while its message, whose size nobody tells, is being read.
constexpr size_t kReadingBytes = 64 * kKiB;

// For connections to take leave in, once no call is left or the drain is over.
constexpr int kGoodbyeMs = 200;

std::string Text(grpc::string_ref text) {
  return {text.data(), text.size()};
}

// "ipv4:127.0.0.1:50412" and "ipv6:%5B::1%5D:50412" as we write addresses.
std::string PeerText(std::string_view peer) {
  if (peer.starts_with("unix:")) return "unix";
  const size_t scheme = peer.find(':');
  std::string out;
  for (size_t i = scheme == peer.npos ? 0 : scheme + 1; i < peer.size(); ++i) {
    if (peer.substr(i, 3) == "%5B" || peer.substr(i, 3) == "%5D") {
      out.push_back(peer[i + 2] == 'B' ? '[' : ']');
      i += 2;
    } else {
      out.push_back(peer[i]);
    }
  }
  return out;
}

std::atomic<env::Clock*> log_clock{nullptr};
std::atomic<int64_t> logged_at{0};

// Core knows no zstd and says so for each stream; we read it all the same (content_decoder.h).
bool IsAboutZstd(std::string_view line) {
  return line.find("key=grpc-encoding value=zstd") != line.npos;
}

void LogCoreLine(gpr_log_func_args* line) {
  env::Clock* clock = log_clock.load();
  if (line->severity != GPR_LOG_SEVERITY_ERROR || clock == nullptr) return;
  if (IsAboutZstd(line->message)) return;
  const int64_t now = Value(clock->Monotonic());
  int64_t last = logged_at.load();
  if (now - last < kNanosPerSecond || !logged_at.compare_exchange_strong(last, now)) return;
  LogLine(LogLevel::kWarning, clock->Now(), "grpc_core", line->message);
}

}  // namespace

std::string_view GrpcCall::Metadata(std::string_view key) const {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return {};
}

GrpcFailure PlainGrpcFailure(const GrpcCall&, const Status& status) {
  int code = GRPC_STATUS_UNAVAILABLE;
  if (status.code() == StatusCode::kUnimplemented) code = GRPC_STATUS_UNIMPLEMENTED;
  if (status.code() == StatusCode::kResourceExhausted) code = GRPC_STATUS_RESOURCE_EXHAUSTED;
  return {.code = code, .message = status.message(), .details = {}, .trailers = {}};
}

class GrpcServer::Impl : public grpc::CallbackGenericService {
 public:
  Impl(GrpcServerOptions options, env::Env env, ByteBudget& budget, GrpcHandler handler)
      : options(std::move(options)), env(env), budget(budget), handler(std::move(handler)) {}

  Status Listen();
  void Stop(int64_t drain_ns);
  const std::string& address() const { return address_; }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  // The first and the last thing a call does. One that reads is cancelled when it takes too long.
  void Began(GrpcReactor* reactor, bool reads);
  void Ended();
  // The message is here, or will not come. False if the sweep is cancelling the call at this moment and will end it.
  bool StopReading(GrpcReactor* reactor);

  const GrpcServerOptions options;
  const env::Env env;
  ByteBudget& budget;
  const GrpcHandler handler;

 private:
  Status Admit(const std::string& method);
  void ScheduleSweep();
  void Sweep();

  std::shared_ptr<grpc::ServerCredentials> credentials_;  // outlive the server
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::unique_ptr<env::Worker> sweeper_;

  Mutex mutex_;
  CondVar ended_;
  bool stopping_ SEAL_GUARDED_BY(mutex_) = false;
  size_t calls_ SEAL_GUARDED_BY(mutex_) = 0;  // not yet gone, refused ones too
  std::unordered_map<GrpcReactor*, MonotonicNanos> reading_ SEAL_GUARDED_BY(mutex_);
  GrpcReactor* cancelling_ SEAL_GUARDED_BY(mutex_) = nullptr;
  bool cancelled_ended_ SEAL_GUARDED_BY(mutex_) = false;
};

struct GrpcResponder::State {
  GrpcReactor* reactor;  // lives until it is answered
  std::atomic<bool> answered{false};

  explicit State(GrpcReactor* r) : reactor(r) {}
  State(const State&) = delete;
  ~State();
};

// One call. gRPC keeps it until Finish() was called and everything is sent, so whoever owes the answer may use it.
class GrpcReactor : public grpc::ServerGenericBidiReactor {
 public:
  GrpcReactor(GrpcServer::Impl& server, grpc::GenericCallbackServerContext* context)
      : server_(server), context_(context) {}

  void Refuse(const Status& status) {
    server_.Began(this, /*reads=*/false);
    Fail(status);
  }

  void Read(ByteBudget::Lease lease) {
    lease_ = std::move(lease);
    server_.Began(this, /*reads=*/true);
    StartRead(&buffer_);
  }

  void OnReadDone(bool ok) override {
    read_ok_ = ok;
    if (server_.StopReading(this)) OnMessage();
  }

  void OnDone() override {
    server_.Ended();
    delete this;
  }

  void Cancel() { context_->TryCancel(); }

  void OnMessage() {
    if (!read_ok_) return Fail(NoMessage());
    if (!lease_.Resize(buffer_.Length())) {
      buffer_.Clear();
      return Fail(Unavailable("too many bytes of requests are in memory, try again"));
    }
    GrpcCall call = Head();
    call.message = TakeMessage();
    server_.handler(std::move(call), GrpcResponder(std::make_shared<GrpcResponder::State>(this)));
  }

  void Ok(ByteView message) {
    const grpc::Slice slice(message.data(), message.size());
    buffer_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&buffer_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void Fail(GrpcFailure failure) {
    SEAL_CHECK(failure.code != 0);
    for (auto& [key, value] : failure.trailers) {
      context_->AddTrailingMetadata(key, value);
    }
    Finish(grpc::Status(static_cast<grpc::StatusCode>(failure.code), failure.message,
                        failure.details));
  }

  void FailUnanswered() { Fail(Unavailable("the request was given up; nothing was acknowledged")); }

 private:
  void Fail(const Status& status) { Fail(server_.options.make_failure(Head(), status)); }

  // All of the call but its message.
  GrpcCall Head() const {
    GrpcCall call{.method = context_->method(),
                  .metadata = {},
                  .peer = PeerText(context_->peer()),
                  .tls_subject = Subject(),
                  .message = {}};
    for (const auto& [key, value] : context_->client_metadata()) {
      call.metadata.emplace_back(Text(key), Text(value));
    }
    return call;
  }

  // Core verified the certificate, for it was told to ask for none or to require one.
  std::string Subject() const {
    const auto pem = context_->auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
    return pem.empty() ? std::string() : SubjectOfPem(Text(pem.front()));
  }

  struct Message {
    grpc::Slice slice;
    ByteBudget::Lease lease;
  };

  // gRPC hands no message over in two cases and does not say which: it is over the limit, or the client ended
  // without one.
  Status NoMessage() const {
    return ResourceExhausted("no message, or one larger than {} bytes",
                             server_.options.message_bytes_max);
  }

  // As it lies there if it is in one piece, else put together once. Nobody but us reads these pieces of what the transport
  // has read, so they may be wiped: those that were put together at once, the whole by whoever reads it.
  SharedBytes TakeMessage() {
    auto owner = std::make_shared<Message>();
    if (!buffer_.TrySingleSlice(&owner->slice).ok()) {
      SEAL_CHECK(buffer_.DumpToSingleSlice(&owner->slice).ok());
      std::vector<grpc::Slice> pieces;
      SEAL_CHECK(buffer_.Dump(&pieces).ok());
      for (const grpc::Slice& piece : pieces) {
        Wipe(const_cast<uint8_t*>(piece.begin()), piece.size());
      }
    }
    buffer_.Clear();
    owner->lease = std::move(lease_);
    const std::span<uint8_t> bytes{const_cast<uint8_t*>(owner->slice.begin()), owner->slice.size()};
    return SharedBytes::Wipeable(bytes, std::move(owner));
  }

  GrpcServer::Impl& server_;
  grpc::GenericCallbackServerContext* const context_;
  grpc::ByteBuffer buffer_;  // the message, later the answer
  ByteBudget::Lease lease_;
  bool read_ok_ = false;
};

// --- responder ---

GrpcResponder::State::~State() {
  if (!answered.load()) reactor->FailUnanswered();
}

GrpcResponder::GrpcResponder(std::shared_ptr<State> state) : state_(std::move(state)) {}

void GrpcResponder::Ok(ByteView message) const {
  SEAL_CHECK(!state_->answered.exchange(true));
  state_->reactor->Ok(message);
}

void GrpcResponder::Fail(GrpcFailure failure) const {
  SEAL_CHECK(!state_->answered.exchange(true));
  state_->reactor->Fail(std::move(failure));
}

// --- server ---

Status GrpcServer::Impl::Listen() {
  SEAL_ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(options.address));
  grpc::ServerBuilder builder;
  int port = 0;
  credentials_ =
      options.tls == nullptr ? grpc::InsecureServerCredentials() : GrpcTlsCredentials(*options.tls);
  builder.AddListeningPort(options.address, credentials_, &port);
  builder.RegisterCallbackGenericService(this);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
      {GRPC_ARG_ALLOW_REUSEPORT, 0},  // else a second server shares the port in silence
      {GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(kHttpHeaderBytesMax)},
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(options.calls_max)},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
       static_cast<int>(options.handshake_timeout_ns / kNanosPerMilli)},
      {GRPC_ARG_KEEPALIVE_TIME_MS, 60'000},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
       static_cast<int>(options.ping_interval_min_ns / kNanosPerMilli)},
      {GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
  };
  for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    SEAL_ASSIGN_OR_RETURN(const int fd, ListenTcp(options.address));  // the system says why not
    ::close(fd);
    return FailedPrecondition("listen on {}: gRPC refuses", options.address);
  }
  const bool v6 = parsed.host.find(':') != std::string::npos;
  address_ = fmt::format("{}{}{}:{}", v6 ? "[" : "", parsed.host, v6 ? "]" : "", port);
  sweeper_ = env.executor.StartWorker("grpc-sweep");
  ScheduleSweep();
  return OkStatus();
}

grpc::ServerGenericBidiReactor* GrpcServer::Impl::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  auto* reactor = new GrpcReactor(*this, context);  // deletes itself
  Status admitted = Admit(context->method());
  std::optional<ByteBudget::Lease> lease = budget.TryTake(kReadingBytes);
  if (admitted.ok() && !lease.has_value()) {
    admitted = Unavailable("too many bytes of requests are in memory, try again");
  }
  if (admitted.ok()) {
    reactor->Read(std::move(*lease));
  } else {
    reactor->Refuse(admitted);
  }
  return reactor;
}

Status GrpcServer::Impl::Admit(const std::string& method) {
  if (std::find(options.methods.begin(), options.methods.end(), method) == options.methods.end()) {
    return Unimplemented("no method {}; here are {}", method, fmt::join(options.methods, ", "));
  }
  MutexLock lock(mutex_);
  if (stopping_) return Unavailable("shutting down, try again");
  if (calls_ >= options.calls_max) return Unavailable("too many calls at once, try again");
  return OkStatus();
}

void GrpcServer::Impl::Began(GrpcReactor* reactor, bool reads) {
  const MonotonicNanos until = env.clock.Monotonic() + options.read_timeout_ns;
  MutexLock lock(mutex_);
  ++calls_;
  if (reads) reading_.emplace(reactor, until);
}

void GrpcServer::Impl::Ended() {
  MutexLock lock(mutex_);
  if (--calls_ == 0) ended_.NotifyAll();
}

bool GrpcServer::Impl::StopReading(GrpcReactor* reactor) {
  MutexLock lock(mutex_);
  reading_.erase(reactor);
  if (cancelling_ != reactor) return true;
  cancelled_ended_ = true;
  return false;
}

void GrpcServer::Impl::ScheduleSweep() {
  sweeper_->PostAfter(std::min(kNanosPerSecond, options.read_timeout_ns), [this] {
    Sweep();
    ScheduleSweep();
  });
}

// Cancels calls whose message does not come. TryCancel may end the read on this very thread, and once a call is
// finished its context is gone; so while it is being cancelled nobody else finishes it.
void GrpcServer::Impl::Sweep() {
  const MonotonicNanos now = env.clock.Monotonic();
  for (;;) {
    GrpcReactor* reactor = nullptr;
    {
      MutexLock lock(mutex_);
      const auto late = std::find_if(reading_.begin(), reading_.end(),
                                     [now](const auto& call) { return call.second <= now; });
      if (late == reading_.end()) return;
      reactor = cancelling_ = late->first;
      cancelled_ended_ = false;
      reading_.erase(late);
    }
    reactor->Cancel();
    bool ended = false;
    {
      MutexLock lock(mutex_);
      cancelling_ = nullptr;
      ended = cancelled_ended_;
    }
    if (ended) reactor->OnMessage();
  }
}

// The drain is ours, since core would wait as long for connections whose other end does not answer its last ping.
void GrpcServer::Impl::Stop(int64_t drain_ns) {
  if (server_ == nullptr) return;
  const MonotonicNanos deadline = env.clock.Monotonic() + drain_ns;
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    while (calls_ > 0) {
      const int64_t left = deadline - env.clock.Monotonic();
      if (left <= 0) break;
      ended_.WaitFor(mutex_, std::chrono::nanoseconds(left));
    }
  }
  const gpr_timespec goodbye = gpr_time_from_millis(kGoodbyeMs, GPR_TIMESPAN);
  server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), goodbye));
  server_->Wait();
  sweeper_->End();
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() {
  Stop(0);
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(GrpcServerOptions options, env::Env env,
                                                      ByteBudget& budget, GrpcHandler handler) {
  gpr_set_log_function(LogCoreLine);
  auto impl = std::make_unique<Impl>(std::move(options), env, budget, std::move(handler));
  SEAL_RETURN_IF_ERROR(impl->Listen());
  log_clock = &env.clock;  // what went wrong before is in the error
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

const std::string& GrpcServer::address() const {
  return impl_->address();
}

void GrpcServer::Stop(int64_t drain_ns) {
  impl_->Stop(drain_ns);
}

}  // namespace sealtrail::net
