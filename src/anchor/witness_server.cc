#include "anchor/witness_server.h"

#include "base/mutex.h"
#include "env/signals.h"
#include "net/http_server.h"

namespace sealtrail::anchor {
namespace {

constexpr int64_t kDrainNs = 5 * kNanosPerSecond;
// Every connection may bring a body at once.
constexpr size_t kConnectionsMax = 256;
constexpr size_t kBudgetBytes = 2 * kConnectionsMax * kWitnessRequestBytesMax;

}  // namespace

class WitnessServer::Impl {
 public:
  explicit Impl(std::unique_ptr<WitnessService> service)
      : service_(std::move(service)), budget_(kBudgetBytes) {}
  ~Impl() { Stop(); }

  Status Listen(const env::Env& env, const std::string& address) {
    SEAL_ASSIGN_OR_RETURN(
        server_, net::HttpServer::Start(
                     {.address = address,
                      .body_bytes_max = kWitnessRequestBytesMax,
                      .connections_max = kConnectionsMax},
                     env, budget_, [this](net::HttpRequest request, net::HttpResponder responder) {
                       service_->Handle(request, [responder](net::HttpResponse response) {
                         responder.Send(std::move(response));
                       });
                     }));
    ready_ = {.address = server_->address(), .vkey = service_->vkey()};
    return OkStatus();
  }

  const WitnessReady& ready() const { return ready_; }

  void Stop() {
    if (server_ != nullptr) server_->Stop(kDrainNs);
  }

 private:
  std::unique_ptr<WitnessService> service_;
  net::ByteBudget budget_;
  WitnessReady ready_;
  std::unique_ptr<net::HttpServer> server_;  // last: it calls the others
};

WitnessServer::WitnessServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WitnessServer::~WitnessServer() = default;

Result<std::unique_ptr<WitnessServer>> WitnessServer::Start(
    const env::Env& env, const WitnessOptions& options,
    std::function<void(const Status&)> on_failure) {
  SEAL_ASSIGN_OR_RETURN(auto service, WitnessService::Open(env, options, std::move(on_failure)));
  auto impl = std::make_unique<Impl>(std::move(service));
  SEAL_RETURN_IF_ERROR(impl->Listen(env, options.listen));
  return std::unique_ptr<WitnessServer>(new WitnessServer(std::move(impl)));
}

const WitnessReady& WitnessServer::ready() const {
  return impl_->ready();
}

void WitnessServer::Stop() {
  impl_->Stop();
}

Status RunWitness(const env::Env& env, const WitnessOptions& options,
                  const std::function<void(const WitnessReady&)>& on_ready) {
  env::BlockSignals();
  Mutex mutex;
  Status failure;
  SEAL_ASSIGN_OR_RETURN(auto server, WitnessServer::Start(env, options, [&](const Status& status) {
                          {
                            MutexLock lock(mutex);
                            failure = status;
                          }
                          env::RaiseStop();
                        }));
  on_ready(server->ready());
  while (env::WaitForSignal() != env::Signal::kStop) {
  }
  server->Stop();
  server.reset();
  MutexLock lock(mutex);
  return failure;
}

}  // namespace sealtrail::anchor
