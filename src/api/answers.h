// What handlers share: answers in JSON and text, and numbers from the query string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "net/http_message.h"

namespace sealtrail::api {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

net::HttpResponse JsonAnswer(int status, const nlohmann::json& body);
net::HttpResponse TextAnswer(std::string text, std::string_view content_type);

// The record number or tree size that `name` has in "a=1&b=2"; nothing if it is absent or empty. InvalidArgument if it is
// no decimal number.
Result<std::optional<uint64_t>> NumberIn(std::string_view query, std::string_view name);

}  // namespace sealtrail::api
