#include "ingest/otlp_http.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/export_entry.h"
#include "ingest/unserved.h"

namespace sealtrail::ingest {
namespace {

using otlp::Encoding;
using pipeline::Signal;

constexpr std::string_view kProtobufType = "application/x-protobuf";
constexpr std::string_view kJsonType = "application/json";

// An exporter uses the endpoint of one signal as it is written, and a bare host as "/".
constexpr char kServed[] =
    "/v1/traces for traces and /v1/logs for logs: an endpoint that is set for one signal alone "
    "needs its whole path";

std::optional<Signal> SignalAt(std::string_view path) {
  if (path == "/v1/traces") return Signal::kTraces;
  if (path == "/v1/logs") return Signal::kLogs;
  return std::nullopt;
}

// By media type, parameters left aside (RFC 9110 §8.3.1: case means nothing).
std::optional<Encoding> EncodingNamed(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ') || type.ends_with('\t')) type.pop_back();
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (type == kProtobufType) return Encoding::kProtobuf;
  if (type == kJsonType) return Encoding::kJson;
  return std::nullopt;
}

Encoding AnswerEncoding(const net::HttpRequest& request) {
  return EncodingNamed(request.Header("content-type")).value_or(Encoding::kJson);
}

Sender SenderOf(const net::HttpRequest& request) {
  const bool json = AnswerEncoding(request) == Encoding::kJson;
  return {.peer = request.peer,
          .user_agent = request.Header("user-agent"),
          .pipeline_label = request.Header("x-audit-pipeline"),
          .tls_subject = request.tls_subject,
          .transport = json ? pipeline::Transport::kHttpJson : pipeline::Transport::kHttpProtobuf};
}

net::HttpResponse Response(int status, Encoding encoding, Bytes body) {
  return {.status = status,
          .content_type = std::string(encoding == Encoding::kJson ? kJsonType : kProtobufType),
          .headers = {},
          .body = SharedBytes(std::move(body)),
          .source = nullptr};
}

net::HttpResponse FailureResponse(const Status& error, Encoding encoding) {
  const otlp::Failure failure = otlp::FailureFrom(error);
  net::HttpResponse response =
      Response(failure.http_status, encoding, otlp::EncodeStatus(failure, encoding));
  if (failure.retry_after_seconds.has_value()) {
    response.headers.emplace_back("Retry-After", std::to_string(*failure.retry_after_seconds));
  }
  return response;
}

// For what HTTP alone can get wrong: a status of HTTP's own over the body of `error`.
net::HttpResponse HttpFailure(int status, const Status& error, Encoding encoding) {
  net::HttpResponse response = FailureResponse(error, encoding);
  response.status = status;
  return response;
}

size_t AnnouncedBytes(const net::HttpRequest& head) {
  const std::string_view text = head.Header("content-length");
  size_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

class OtlpHttp {
 public:
  OtlpHttp(ExportEntry entry, UnservedRequests unserved) : entry_(entry), unserved_(unserved) {}

  void Handle(net::HttpRequest request, const net::HttpResponder& responder) const {
    const std::optional<Signal> signal = SignalAt(request.path);
    const std::optional<Encoding> encoding = EncodingNamed(request.Header("content-type"));
    const std::string_view coding_name = request.Header("content-encoding");
    const std::optional<net::ContentCoding> coding = net::CodingNamed(coding_name);
    if (!signal.has_value()) return responder.Send(NoSuchPath(request));
    if (request.method != "POST") return responder.Send(NotPost(request));
    if (!encoding.has_value()) {
      return Refuse(request, responder, {},
                    InvalidArgument("Content-Type \"{}\": expected {} or {}",
                                    request.Header("content-type"), kProtobufType, kJsonType));
    }
    if (!coding.has_value()) {
      return Refuse(request, responder,
                    {{"Accept-Encoding", std::string(net::kAcceptedCodings)}},  // RFC 9110 §15.5.16
                    InvalidArgument("Content-Encoding \"{}\": expected {} or none", coding_name,
                                    net::kAcceptedCodings));
    }
    entry_.Export(*signal, *encoding, *coding, std::move(request.body), SenderOf(request),
                  [responder, encoding = *encoding](const Status& status) {
                    responder.Send(status.ok()
                                       ? Response(200, encoding, otlp::EncodeSuccess(encoding))
                                       : FailureResponse(status, encoding));
                  });
  }

  // For the server: what it refuses before there is a request.
  net::HttpResponse ErrorAnswer(const net::HttpRequest& head, int status,
                                const std::string& message) const {
    const Encoding encoding = AnswerEncoding(head);
    if (status == 503) return HttpFailure(status, Unavailable("{}", message), encoding);
    entry_.CountUndecodable(SenderOf(head), AnnouncedBytes(head));
    const Status error =
        status == 413 ? ResourceExhausted("{}", message) : InvalidArgument("{}", message);
    return HttpFailure(status, error, encoding);
  }

 private:
  net::HttpResponse NoSuchPath(const net::HttpRequest& request) const {
    return FailureResponse(unserved_.Refuse(request.path, kServed), AnswerEncoding(request));
  }

  net::HttpResponse NotPost(const net::HttpRequest& request) const {
    net::HttpResponse response =
        HttpFailure(405, InvalidArgument("{} {}: expected POST", request.method, request.path),
                    AnswerEncoding(request));
    response.headers.emplace_back("Allow", "POST");
    return response;
  }

  void Refuse(const net::HttpRequest& request, const net::HttpResponder& responder,
              net::HttpHeaders headers, const Status& error) const {
    entry_.CountUndecodable(SenderOf(request), request.body.size());
    net::HttpResponse response = HttpFailure(415, error, AnswerEncoding(request));
    response.headers = std::move(headers);
    responder.Send(std::move(response));
  }

  const ExportEntry entry_;
  const UnservedRequests unserved_;
};

}  // namespace

Result<std::unique_ptr<net::HttpServer>> StartOtlpHttp(net::HttpServerOptions options, env::Env env,
                                                       net::ByteBudget& budget,
                                                       pipeline::ExportHandler& handler,
                                                       MetricSet& metrics) {
  const OtlpHttp otlp(ExportEntry(env.clock, budget, handler), UnservedRequests(metrics));
  options.error_answer = [otlp](const net::HttpRequest& head, int status,
                                const std::string& message) {
    return otlp.ErrorAnswer(head, status, message);
  };
  return net::HttpServer::Start(std::move(options), env, budget,
                                [otlp](net::HttpRequest request, net::HttpResponder responder) {
                                  otlp.Handle(std::move(request), responder);
                                });
}

}  // namespace sealtrail::ingest
