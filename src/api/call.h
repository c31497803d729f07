// One request on its way through the handlers. Only for the files of Api.
#pragma once

#include <string>

#include "api/api.h"

namespace sealtrail::api {

struct Api::Call {
  net::HttpRequest request;
  net::HttpResponder responder;
  std::string principal;  // empty: nobody that we know
};

}  // namespace sealtrail::api
