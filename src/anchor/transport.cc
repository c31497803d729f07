#include "anchor/transport.h"

namespace sealtrail::anchor {
namespace {

class Http : public Transport {
 public:
  explicit Http(net::FetchOptions options) : options_(std::move(options)) {}

  Result<net::FetchResponse> Fetch(const net::FetchRequest& request) override {
    return net::Fetch(request, options_);
  }

 private:
  const net::FetchOptions options_;
};

}  // namespace

std::unique_ptr<Transport> HttpTransport(const TransportOptions& options,
                                         const std::atomic<bool>& cancelled) {
  return std::make_unique<Http>(net::FetchOptions{.connect_timeout_ns = options.connect_timeout_ns,
                                                  .total_timeout_ns = options.total_timeout_ns,
                                                  .ca_file = options.ca_file,
                                                  .proxy = options.proxy,
                                                  .cancelled = &cancelled});
}

}  // namespace sealtrail::anchor
