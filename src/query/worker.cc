// One statement, from its text to its last row. The order matters:
//
//   1. before there is a request: DuckDB is loaded, and what every query uses is used once
//   2. the statement is parsed, and its tree decides what it may do (statement_check.h)
//   3. the engine is closed: only the given parts can be opened, no setting can be changed any more
//   4. views over parts and tail are made, and the statement runs in one transaction, so that now() has one value
#include "query/worker.h"

#include <duckdb.h>

#include "base/limits.h"
#include "env/child_process.h"
#include "env/shared_memory.h"
#include "query/duck.h"
#include "query/duck_vectors.h"
#include "query/json_rows.h"
#include "query/map_function.h"
#include "query/statement_check.h"
#include "query/syntax_tree.h"
#include "query/tail_scan.h"
#include "query/worker_protocol.h"

namespace sealtrail::query {
namespace {

constexpr size_t kRequestBytesMaxHere = 64 * kMiB;
constexpr size_t kRowsMessageBytes = 256 * kKiB;
constexpr int64_t kSendTimeoutNs = 60 * kNanosPerSecond;

Status Send(env::Channel& channel, AnswerType type, std::string_view body) {
  return channel.Send(EncodeAnswer(type, body), {}, kSendTimeoutNs);
}

// Owners for what DuckDB hands out.
struct Prepared {
  duckdb_prepared_statement statement = nullptr;
  ~Prepared() { duckdb_destroy_prepare(&statement); }
};
struct Extracted {
  duckdb_extracted_statements statements = nullptr;
  ~Extracted() { duckdb_destroy_extracted(&statements); }
};
struct Pending {
  duckdb_pending_result result = nullptr;
  ~Pending() { duckdb_destroy_pending(&result); }
};
struct RunningResult {
  duckdb_result result{};
  ~RunningResult() { duckdb_destroy_result(&result); }
};
struct Chunk {
  duckdb_data_chunk chunk;
  ~Chunk() { duckdb_destroy_data_chunk(&chunk); }
};

class Run {
 public:
  Run(Duck& duck, env::Channel& channel, WorkerRequest request,
      std::vector<env::Descriptor> descriptors)
      : duck_(duck),
        channel_(channel),
        request_(std::move(request)),
        descriptors_(std::move(descriptors)) {}

  Status All() {
    if (request_.sql.size() > kSqlBytesMax) {
      return InvalidArgument("a statement of {} bytes; at most {} are allowed", request_.sql.size(),
                             kSqlBytesMax);
    }
    SEAL_ASSIGN_OR_RETURN(const std::string tree, SyntaxTree(duck_, request_.sql));
    SEAL_ASSIGN_OR_RETURN(const StatementShape shape, CheckStatement(request_.sql, tree));
    SEAL_RETURN_IF_ERROR(MakeTables(shape));
    SEAL_RETURN_IF_ERROR(duck_.Run("BEGIN TRANSACTION"));
    QueryEnd end{.is_volatile = shape.is_volatile,
                 .engine = fmt::format("DuckDB {}", duckdb_library_version())};
    SEAL_ASSIGN_OR_RETURN(
        end.now, duck_.RunForText("SELECT strftime(now()::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ')"));
    SEAL_RETURN_IF_ERROR(RunStatement());
    return Send(channel_, AnswerType::kDone, EncodeEnd(end));
  }

 private:
  Status MakeTables(const StatementShape& shape) {
    if (request_.parts > descriptors_.size())
      return InvalidArgument("fewer descriptors than parts");
    ViewInput input = request_.tables;
    for (size_t i = 0; i < request_.parts; ++i) {
      input.part_paths.push_back(fmt::format("/proc/self/fd/{}", descriptors_[i].get()));
    }
    // The parts are opened through the numbers that their descriptors have here; nothing else can be.
    SEAL_RETURN_IF_ERROR(duck_.Close(input.part_paths, request_.limits.memory_bytes));

    const Views views = MakeViews(shape, input);
    auto source = std::make_shared<TailSource>();
    source->columns = views.tail;
    source->end = Seq{input.end};
    for (size_t i = request_.parts; i < descriptors_.size(); ++i) {
      SEAL_ASSIGN_OR_RETURN(auto memory, env::MappedMemory::MapSealed(descriptors_[i]));
      SEAL_ASSIGN_OR_RETURN(TailChunk chunk, TailChunk::Open(memory->bytes()));
      source->chunks.push_back(chunk);
      memories_.push_back(std::move(memory));
    }
    SEAL_RETURN_IF_ERROR(RegisterTailScan(duck_, std::string(kTailFunction), std::move(source)));
    const auto keys = [](const std::vector<std::string>& list) {
      return std::make_shared<const std::vector<std::string>>(list);
    };
    SEAL_RETURN_IF_ERROR(
        RegisterMapFunction(duck_, std::string(kAttributesFunction), keys(views.attribute_keys)));
    SEAL_RETURN_IF_ERROR(
        RegisterMapFunction(duck_, std::string(kResourceFunction), keys(views.resource_keys)));
    for (const std::string& statement : views.statements)
      SEAL_RETURN_IF_ERROR(duck_.Run(statement));
    return OkStatus();
  }

  Status RunStatement() {
    Extracted extracted;
    const idx_t count =
        duckdb_extract_statements(duck_.connection(), request_.sql.c_str(), &extracted.statements);
    if (count != 1)
      return InvalidArgument("a query is one SELECT statement, and there are {}", count);
    Prepared prepared;
    if (duckdb_prepare_extracted_statement(duck_.connection(), extracted.statements, 0,
                                           &prepared.statement) != DuckDBSuccess) {
      return InvalidArgument("{}", duckdb_prepare_error(prepared.statement));
    }
    // The tree said so already; a second witness.
    if (duckdb_prepared_statement_type(prepared.statement) != DUCKDB_STATEMENT_TYPE_SELECT) {
      return InvalidArgument("a query is one SELECT statement, and this is another");
    }
    Pending pending;
    if (duckdb_pending_prepared_streaming(prepared.statement, &pending.result) != DuckDBSuccess) {
      return Explain(duckdb_pending_error(pending.result));
    }
    RunningResult running;
    if (duckdb_execute_pending(pending.result, &running.result) != DuckDBSuccess) {
      return Explain(duckdb_result_error(&running.result));
    }
    SEAL_RETURN_IF_ERROR(SendColumns(running.result));
    return SendRows(running.result);
  }

  Status SendColumns(duckdb_result& result) {
    std::vector<Column> columns;
    for (idx_t i = 0; i < duckdb_column_count(&result); ++i) {
      const DuckType type(duckdb_column_logical_type(&result, i));
      const std::string name = duckdb_column_name(&result, i);
      if (Status s = CheckHasJsonForm(type.get()); !s.ok())
        return s.Annotate(fmt::format("column \"{}\"", name));
      columns.push_back({name, TypeName(type.get())});
    }
    return Send(channel_, AnswerType::kColumns, EncodeColumns(columns));
  }

  Status SendRows(duckdb_result& result) {
    std::string rows;
    uint64_t rows_total = 0;
    uint64_t bytes_total = 0;
    for (;;) {
      Chunk chunk{duckdb_fetch_chunk(result)};
      if (chunk.chunk == nullptr) break;
      const size_t before = rows.size();
      rows_total += duckdb_data_chunk_get_size(chunk.chunk);
      if (rows_total > request_.limits.rows_max) {
        return ResourceExhausted("the answer has more than {} rows; add a LIMIT or narrow it",
                                 request_.limits.rows_max);
      }
      AppendJsonRows(chunk.chunk, rows);
      bytes_total += rows.size() - before;
      if (bytes_total > request_.limits.bytes_max) {
        return ResourceExhausted(
            "the answer has more than {} bytes; add a LIMIT or select fewer columns",
            request_.limits.bytes_max);
      }
      if (rows.size() >= kRowsMessageBytes) {
        SEAL_RETURN_IF_ERROR(Send(channel_, AnswerType::kRows, rows));
        rows.clear();
      }
    }
    // A stream that fails half way ends like one that is over, except for its error.
    if (const char* error = duckdb_result_error(&result); error != nullptr && *error != '\0')
      return Explain(error);
    if (!rows.empty()) SEAL_RETURN_IF_ERROR(Send(channel_, AnswerType::kRows, rows));
    return OkStatus();
  }

  Status Explain(const char* error) const {
    const std::string_view text = error == nullptr ? "" : error;
    if (text.starts_with("Out of Memory Error")) {
      return ResourceExhausted("the statement needs more than {} MiB of memory; narrow it\n{}",
                               request_.limits.memory_bytes / kMiB, text);
    }
    return InvalidArgument("{}", text);
  }

  Duck& duck_;
  env::Channel& channel_;
  const WorkerRequest request_;
  const std::vector<env::Descriptor> descriptors_;
  std::vector<std::unique_ptr<env::MappedMemory>> memories_;
};

// The first use of the parser, the JSON functions and time zones loads tables that every query needs.
Status WarmUp(Duck& duck) {
  SEAL_RETURN_IF_ERROR(SyntaxTree(duck, "SELECT a FROM t WHERE b['c'] = 'd' ORDER BY a").status());
  return duck.Run(
      "SELECT now() - INTERVAL '90 days', strftime(now()::TIMESTAMP, '%Y'), map {'a': 'b'}['a']");
}

Status Serve(env::Channel& channel) {
  SEAL_ASSIGN_OR_RETURN(Duck duck, Duck::Open({}));
  SEAL_RETURN_IF_ERROR(WarmUp(duck));
  SEAL_RETURN_IF_ERROR(Send(channel, AnswerType::kReady, ""));
  SEAL_ASSIGN_OR_RETURN(env::Channel::Message message,
                        channel.Receive(kRequestBytesMaxHere, env::Channel::kForever));
  SEAL_ASSIGN_OR_RETURN(WorkerRequest request, DecodeRequest(message.bytes));
  // The server kills a statement that takes too long; this is for the case that the server is gone.
  env::LimitThisProcess(request.limits.time_ns + 2 * kNanosPerSecond);
  return Run(duck, channel, std::move(request), std::move(message.descriptors)).All();
}

}  // namespace

int RunQueryWorker(int channel_fd) {
  env::Channel channel{env::Descriptor(channel_fd)};
  const Status status = Serve(channel);
  if (status.ok()) return 0;
  if (status.code() != StatusCode::kCancelled)
    (void)Send(channel, AnswerType::kError, EncodeError(status));
  return 0;
}

}  // namespace sealtrail::query
