// The trail's keys: which there are, and a new one that takes over.
#include <nlohmann/json.hpp>

#include "api/api.h"
#include "api/call.h"
#include "api/problem.h"

namespace sealtrail::api {
namespace {

using nlohmann::json;

net::HttpResponse KeysAnswer(const std::vector<std::string>& vkeys, bool in_file) {
  json keys = json::array();
  for (size_t epoch = 0; epoch < vkeys.size(); ++epoch) {
    keys.push_back(
        {{"epoch", epoch}, {"vkey", vkeys[epoch]}, {"current", epoch + 1 == vkeys.size()}});
  }
  keys.back()["held"] = in_file ? "file" : "command";
  net::HttpResponse response{.content_type = "application/json"};
  response.body = SharedBytes::FromText(json({{"keys", keys}}).dump() + "\n");
  return response;
}

}  // namespace

void Api::Keys(const Call& call) {
  call.responder.Send(KeysAnswer(services_.vkeys(), services_.key_in_file()));
}

// {"to_file":true}: a key file may follow a key that a command holds. The record that names the new key is what tells of
// this act. Where a key does not sign, 409 rather than 503: who is told to try again later would rotate twice.
void Api::RotateKey(const Call& call) {
  if (!services_.rotate_key) {
    return call.responder.Send(Problem(503, "the folder is only read: no key can take over"));
  }
  const std::string_view text = AsText(call.request.body.view());
  const json body = json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (!body.is_object() || (body.contains("to_file") && !body["to_file"].is_boolean())) {
    return call.responder.Send(Problem(400, R"(expected a JSON object {"to_file":true or false})"));
  }
  services_.rotate_key(
      call.principal, body.value("to_file", false), [this, call](const Status& status) {
        if (status.code() == StatusCode::kFailedPrecondition)
          return call.responder.Send(Problem(409, status.message()));
        call.responder.Send(status.ok() ? KeysAnswer(services_.vkeys(), services_.key_in_file())
                                        : ProblemFrom(status));
      });
}

}  // namespace sealtrail::api
