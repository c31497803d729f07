// How this module reaches other people's services.
#pragma once

#include <atomic>
#include <memory>

#include "anchor/options.h"
#include "base/status.h"
#include "net/http_fetch.h"

namespace sealtrail::anchor {

// Threads  Safe.
class Transport {
 public:
  virtual ~Transport() = default;

  // One request, waited for. Errors of net::Fetch().
  virtual Result<net::FetchResponse> Fetch(const net::FetchRequest& request) = 0;
};

// Over the network. Once `cancelled` is true, what is under way ends within a second and what comes
// after at once; borrowed.
std::unique_ptr<Transport> HttpTransport(const TransportOptions& options,
                                         const std::atomic<bool>& cancelled);

}  // namespace sealtrail::anchor
