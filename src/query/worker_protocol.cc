#include "query/worker_protocol.h"

#include <nlohmann/json.hpp>

namespace sealtrail::query {
namespace {

using Json = nlohmann::json;

// Keys may be any UTF-8; a text that is not would be our own bug, and is replaced rather than thrown upon.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json KeysToJson(const PartKeys& keys) {
  return {{"columns", keys.columns}, {"rest", keys.rest}, {"open", keys.rest_is_open}};
}

PartKeys KeysFromJson(const Json& json) {
  PartKeys keys;
  json.at("columns").get_to(keys.columns);
  json.at("rest").get_to(keys.rest);
  json.at("open").get_to(keys.rest_is_open);
  return keys;
}

// Runs a decoder that reads members with at(), which throws where one is missing.
template <typename T, typename F>
Result<T> Decoded(std::string_view body, const char* what, F read) {
  const Json json = Json::parse(body, nullptr, false);
  try {
    if (!json.is_discarded()) return read(json);
  } catch (const Json::exception&) {
  }
  return InvalidArgument("a malformed {} from the other process", what);
}

constexpr StatusCode kCodes[] = {StatusCode::kInvalidArgument, StatusCode::kResourceExhausted,
                                 StatusCode::kUnavailable, StatusCode::kFailedPrecondition,
                                 StatusCode::kDataLoss};

}  // namespace

Bytes EncodeRequest(const WorkerRequest& request) {
  Json segments = Json::array();
  for (const SegmentRow& row : request.tables.segments) {
    segments.push_back({row.name, row.first, row.count, row.bytes, row.active});
  }
  Json checkpoints = Json::array();
  for (const CheckpointRow& row : request.tables.checkpoints) {
    checkpoints.push_back({row.tree_size, row.root, row.note});
  }
  const std::string text = Dump({{"sql", request.sql},
                                 {"parts", request.parts},
                                 {"attributes", KeysToJson(request.tables.attributes)},
                                 {"resource", KeysToJson(request.tables.resource)},
                                 {"end", request.tables.end},
                                 {"segments", segments},
                                 {"checkpoints", checkpoints},
                                 {"memory_bytes", request.limits.memory_bytes},
                                 {"rows_max", request.limits.rows_max},
                                 {"bytes_max", request.limits.bytes_max},
                                 {"time_ns", request.limits.time_ns}});
  const ByteView bytes = AsBytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<WorkerRequest> DecodeRequest(ByteView bytes) {
  return Decoded<WorkerRequest>(AsText(bytes), "request", [](const Json& json) {
    WorkerRequest request;
    json.at("sql").get_to(request.sql);
    json.at("parts").get_to(request.parts);
    request.tables.attributes = KeysFromJson(json.at("attributes"));
    request.tables.resource = KeysFromJson(json.at("resource"));
    json.at("end").get_to(request.tables.end);
    for (const Json& row : json.at("segments")) {
      request.tables.segments.push_back({row.at(0), row.at(1), row.at(2), row.at(3), row.at(4)});
    }
    for (const Json& row : json.at("checkpoints")) {
      request.tables.checkpoints.push_back({row.at(0), row.at(1), row.at(2)});
    }
    json.at("memory_bytes").get_to(request.limits.memory_bytes);
    json.at("rows_max").get_to(request.limits.rows_max);
    json.at("bytes_max").get_to(request.limits.bytes_max);
    json.at("time_ns").get_to(request.limits.time_ns);
    return request;
  });
}

Bytes EncodeAnswer(AnswerType type, std::string_view body) {
  Bytes bytes;
  bytes.reserve(body.size() + 1);
  bytes.push_back(static_cast<uint8_t>(type));
  AppendTo(bytes, AsBytes(body));
  return bytes;
}

std::string EncodeColumns(const std::vector<Column>& columns) {
  Json json = Json::array();
  for (const Column& column : columns) json.push_back({column.name, column.type});
  return Dump(json);
}

Result<std::vector<Column>> DecodeColumns(std::string_view body) {
  return Decoded<std::vector<Column>>(body, "list of columns", [](const Json& json) {
    std::vector<Column> columns;
    for (const Json& column : json) columns.push_back({column.at(0), column.at(1)});
    return columns;
  });
}

std::string EncodeEnd(const QueryEnd& end) {
  return Dump({{"now", end.now}, {"volatile", end.is_volatile}, {"engine", end.engine}});
}

Result<QueryEnd> DecodeEnd(std::string_view body) {
  return Decoded<QueryEnd>(body, "end", [](const Json& json) {
    return QueryEnd{
        .now = json.at("now"), .is_volatile = json.at("volatile"), .engine = json.at("engine")};
  });
}

std::string EncodeError(const Status& status) {
  return Dump({{"code", StatusCodeName(status.code())}, {"message", status.message()}});
}

Status DecodeError(std::string_view body) {
  struct Error {
    std::string code;
    std::string message;
  };
  const auto error = Decoded<Error>(body, "error", [](const Json& json) {
    return Error{.code = json.at("code"), .message = json.at("message")};
  });
  if (!error.ok()) return error.status();
  for (const StatusCode code : kCodes) {
    if (StatusCodeName(code) == error->code) return Status(code, error->message);
  }
  return Unavailable("{}", error->message);
}

}  // namespace sealtrail::query
