#include "api/answers.h"

#include <charconv>

namespace sealtrail::api {
namespace {

// The value of `name`; nothing if it is absent or empty.
std::optional<std::string_view> QueryParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.size() > name.size() + 1 && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

}  // namespace

net::HttpResponse JsonAnswer(int status, const nlohmann::json& body) {
  net::HttpResponse response{.status = status, .content_type = "application/json"};
  response.body = SharedBytes::FromText(
      body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return response;
}

net::HttpResponse TextAnswer(std::string text, std::string_view content_type) {
  net::HttpResponse response{.content_type = std::string(content_type)};
  response.body = SharedBytes::FromText(std::move(text));
  return response;
}

Result<std::optional<uint64_t>> NumberIn(std::string_view query, std::string_view name) {
  const auto text = QueryParameter(query, name);
  if (!text) return std::optional<uint64_t>();
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size())
    return InvalidArgument("{}: \"{}\", expected a number", name, *text);
  return std::optional(number);
}

}  // namespace sealtrail::api
