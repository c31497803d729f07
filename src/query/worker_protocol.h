// What server and query worker say to each other, over env::Channel.
//
// One request: a JSON header, with descriptors of the parts and then of the tail chunks. Answers: one kColumns,
// any number of kRows, one kDone; or kError at any time. The first byte of an answer says which it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "query/table_views.h"

namespace sealtrail::query {

struct Column {
  std::string name;
  std::string type;  // as DuckDB names it
};

struct QueryLimits {
  uint64_t memory_bytes = kQueryMemoryBytes;
  uint64_t rows_max = kQueryRowsMax;
  uint64_t bytes_max = kQueryAnswerBytesMax;  // of all rows together, as JSON
  int64_t time_ns = kQueryNanosMax;
};

struct WorkerRequest {
  std::string sql;
  uint64_t parts = 0;  // how many of the descriptors are parts; the others are chunks
  ViewInput tables;    // without part_paths: the worker makes them from the descriptors
  QueryLimits limits;
};

enum class AnswerType : uint8_t {
  kReady = 'W',
  kColumns = 'C',
  kRows = 'R',
  kDone = 'D',
  kError = 'E'
};

struct QueryEnd {
  std::string now;           // the value of now(), ISO 8601
  bool is_volatile = false;  // run again, it may answer differently
  std::string engine;        // "DuckDB v1.4.4"
};

Bytes EncodeRequest(const WorkerRequest& request);
Result<WorkerRequest> DecodeRequest(ByteView bytes);

Bytes EncodeAnswer(AnswerType type, std::string_view body);
std::string EncodeColumns(const std::vector<Column>& columns);
Result<std::vector<Column>> DecodeColumns(std::string_view body);
std::string EncodeEnd(const QueryEnd& end);
Result<QueryEnd> DecodeEnd(std::string_view body);
std::string EncodeError(const Status& status);
Status DecodeError(std::string_view body);

}  // namespace sealtrail::query
