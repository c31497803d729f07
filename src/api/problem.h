// Errors as problem JSON, RFC 9457.
#pragma once

#include <string>

#include "base/status.h"
#include "net/http_message.h"

namespace sealtrail::api {

net::HttpResponse Problem(int status, const std::string& detail);

// With the HTTP status that fits the code. Never 500 for what a caller can mend or wait for.
net::HttpResponse ProblemFrom(const Status& status);

}  // namespace sealtrail::api
