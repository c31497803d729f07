#include "query/engine.h"

#include <atomic>
#include <deque>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/time_text.h"
#include "query/row_digest.h"
#include "query/worker_process.h"

namespace sealtrail::query {
namespace {

constexpr std::string_view kSchemaVersion = "1";  // of the tables: docs/sql.md

// Hands one value from one thread to another that waits for it.
template <typename T>
class Handover {
 public:
  void Put(T value) {
    MutexLock lock(mutex_);
    value_.emplace(std::move(value));
    // Still holding the lock: the waiting side destroys this as soon as it can.
    ready_.NotifyOne();
  }
  T Take() {
    MutexLock lock(mutex_);
    while (!value_) ready_.Wait(mutex_);
    return std::move(*value_);
  }

 private:
  Mutex mutex_;
  CondVar ready_;
  std::optional<T> value_ SEAL_GUARDED_BY(mutex_);
};

PartKeys UnionOfKeys(const IndexSnapshot& snapshot, PartKeyCounts PartInfo::*side) {
  PartKeys keys;
  for (const auto& part : snapshot.parts) {
    const PartKeyCounts& counts = part->info.*side;
    for (const auto& [key, count] : counts.columns) keys.columns.insert(key);
    keys.rest.insert(counts.rest.begin(), counts.rest.end());
    keys.rest_is_open |= counts.rest_is_open;
  }
  return keys;
}

}  // namespace

struct Engine::State {
  // A thread that runs one statement after the other, each in a process that was made ready before.
  struct Slot {
    std::unique_ptr<WorkerProcess> process;
    std::unique_ptr<env::Worker> thread;
    Mutex mutex;
    WorkerProcess* running SEAL_GUARDED_BY(mutex) = nullptr;  // `process` while it has a statement
  };
  struct Waiting {
    QueryRequest request;
    QueryDone done;
    UnixNanos asked_at;
    ledger::CheckpointInfo head;
  };

  State(const env::Env& env_in, ledger::LedgerReader& reader_in, EngineOptions options_in,
        MetricSet& metrics)
      : env(env_in),
        reader(reader_in),
        options(std::move(options_in)),
        answered(metrics.GetCounter("sealtrail_queries_total", "SQL statements, by outcome",
                                    {{"outcome", "ok"}})),
        refused(metrics.GetCounter("sealtrail_queries_total", "SQL statements, by outcome",
                                   {{"outcome", "refused"}})),
        failed(metrics.GetCounter("sealtrail_queries_total", "SQL statements, by outcome",
                                  {{"outcome", "failed"}})) {}

  void StartSlots() {
    for (int i = 0; i < options.workers; ++i) {
      auto slot = std::make_unique<Slot>();
      slot->thread = env.executor.StartWorker(fmt::format("query-{}", i));
      slot->thread->Post([this, slot = slot.get()] { MakeReady(*slot); });
      slots.push_back(std::move(slot));
    }
  }

  void MakeReady(Slot& slot) {
    if (slot.process != nullptr && slot.process->HasEnded()) slot.process.reset();
    if (stopping.load() || slot.process != nullptr) return;
    auto process = WorkerProcess::Start(env.clock, options.nice);
    if (process.ok()) {
      slot.process = std::move(*process);
    } else {
      LogLine(LogLevel::kError, env.clock.Now(), "query_worker_failed", process.status().message());
    }
  }

  // Each thread takes what has waited longest.
  void Serve(Slot& slot) {
    std::optional<Waiting> next;
    {
      MutexLock lock(mutex);
      if (waiting.empty()) return;
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    Result<QueryResult> result =
        stopping.load() ? Result<QueryResult>(Unavailable("shutting down")) : Answer(slot, *next);
    Count(result);
    next->done(std::move(result));
    slot.process.reset();
    MakeReady(slot);
  }

  void Count(const Result<QueryResult>& result) {
    if (result.ok()) return answered.Add();
    if (result.status().code() == StatusCode::kInvalidArgument) return refused.Add();
    failed.Add();
  }

  Result<QueryResult> Answer(Slot& slot, const Waiting& query) {
    MakeReady(slot);
    if (slot.process == nullptr)
      return Unavailable("no process for the statement could be started");
    const auto snapshot = SnapshotOf(query.head.size);
    const uint64_t covers = std::min(Value(query.head.size), Value(snapshot->covered));
    if (query.request.covers_at_least && Value(*query.request.covers_at_least) >= covers) {
      return Unavailable(
          "the index has reached record {}, and the answer was to cover {}; try again", covers,
          Value(*query.request.covers_at_least));
    }
    WorkerRequest request = RequestFor(query, *snapshot, covers);
    std::vector<int> descriptors;
    for (const auto& part : snapshot->parts) descriptors.push_back(part->file.get());
    for (const auto& piece : snapshot->tail) descriptors.push_back(piece->memory.get());
    Result<WorkerAnswer> answer = RunIn(slot, request, descriptors);
    if (!answer.ok()) return stopping.load() ? Unavailable("shutting down") : answer.status();
    return ResultFor(query, covers, *std::move(answer));
  }

  // Runs it where Stop() can end it.
  Result<WorkerAnswer> RunIn(Slot& slot, const WorkerRequest& request,
                             const std::vector<int>& descriptors) {
    {
      MutexLock lock(slot.mutex);
      if (stopping.load()) return Unavailable("shutting down");
      slot.running = slot.process.get();
    }
    Result<WorkerAnswer> answer = slot.process->Run(request, descriptors);
    MutexLock lock(slot.mutex);
    slot.running = nullptr;
    return answer;
  }

  std::shared_ptr<const IndexSnapshot> SnapshotOf(TreeSize height) {
    auto handover = std::make_shared<Handover<std::shared_ptr<const IndexSnapshot>>>();
    index->Snapshot(height, [handover](std::shared_ptr<const IndexSnapshot> snapshot) {
      handover->Put(std::move(snapshot));
    });
    return handover->Take();
  }

  WorkerRequest RequestFor(const Waiting& query, const IndexSnapshot& snapshot,
                           uint64_t covers) const {
    WorkerRequest request;
    request.sql = query.request.sql;
    request.parts = snapshot.parts.size();
    request.limits = options.limits;
    request.tables.attributes = UnionOfKeys(snapshot, &PartInfo::attributes);
    request.tables.resource = UnionOfKeys(snapshot, &PartInfo::resource);
    request.tables.end = covers;
    for (const ledger::SegmentInfo& segment : reader.segments()) {
      request.tables.segments.push_back(
          {segment.name, Value(segment.first), segment.count, segment.bytes, !segment.sealed});
    }
    if (const ledger::CheckpointInfo checkpoint = reader.checkpoint(); !checkpoint.note.empty()) {
      request.tables.checkpoints.push_back(
          {Value(checkpoint.size), HexEncode(checkpoint.root), checkpoint.note});
    }
    return request;
  }

  QueryResult ResultFor(const Waiting& query, uint64_t covers, WorkerAnswer answer) const {
    RowDigests digests = DigestRows(answer.rows);
    return {.columns = std::move(answer.columns),
            .rows = std::move(answer.rows),
            .statement = {.sql = query.request.sql,
                          .tree_size = query.head.size,
                          .root = HexEncode(query.head.root),
                          .covers = TreeSize{covers},
                          .aliases = vocabulary->aliases_version(),
                          .actions = vocabulary->actions_version(),
                          .schema = std::string(kSchemaVersion),
                          .engine = std::move(answer.end.engine),
                          .now = std::move(answer.end.now),
                          .rerunnable = !answer.end.is_volatile,
                          .rows = answer.row_count,
                          .rows_sha256 = std::move(digests.in_order),
                          .sorted_rows_sha256 = std::move(digests.sorted),
                          .asked_by = query.request.asked_by,
                          .asked_at = Iso8601(query.asked_at)}};
  }

  const env::Env env;
  ledger::LedgerReader& reader;
  const EngineOptions options;
  std::shared_ptr<const vocab::Vocabulary> vocabulary;
  Counter& answered;
  Counter& refused;
  Counter& failed;
  std::unique_ptr<Index> index;
  std::vector<std::unique_ptr<Slot>> slots;

  std::atomic<bool> stopping{false};
  Mutex mutex;
  std::deque<Waiting> waiting SEAL_GUARDED_BY(mutex);
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Engine>> Engine::Open(const env::Env& env, ledger::LedgerReader& reader,
                                             std::shared_ptr<const vocab::Vocabulary> vocabulary,
                                             EngineOptions options, MetricSet& metrics) {
  auto state = std::make_unique<State>(env, reader, std::move(options), metrics);
  state->vocabulary = vocabulary;
  SEAL_ASSIGN_OR_RETURN(
      state->index, Index::Open(env, reader, std::move(vocabulary), state->options.index, metrics));
  state->StartSlots();
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

void Engine::Stop() {
  state_->stopping.store(true);
  for (auto& slot : state_->slots) {
    MutexLock lock(slot->mutex);
    if (slot->running != nullptr) slot->running->Kill();
  }
}

Engine::~Engine() {
  Stop();
  for (auto& slot : state_->slots) slot->thread->End();
}

// Every thread is told of every statement: the first that is free takes it, and the others find nothing left.
void Engine::Query(QueryRequest request, QueryDone done) {
  if (request.sql.size() > kSqlBytesMax) {
    return done(InvalidArgument("a statement of {} bytes; at most {} are allowed",
                                request.sql.size(), kSqlBytesMax));
  }
  State::Waiting waiting{std::move(request), std::move(done), state_->env.clock.Now(),
                         state_->reader.TreeHead()};
  {
    MutexLock lock(state_->mutex);
    if (state_->waiting.size() < state_->options.waiting_max) {
      state_->waiting.push_back(std::move(waiting));
      waiting.done = nullptr;
    }
  }
  if (waiting.done != nullptr) {
    return waiting.done(
        Unavailable("{} statements wait already; try again", state_->options.waiting_max));
  }
  for (auto& slot : state_->slots) {
    slot->thread->Post([state = state_.get(), slot = slot.get()] { state->Serve(*slot); });
  }
}

Result<QueryResult> Engine::QueryAndWait(QueryRequest request) {
  auto handover = std::make_shared<Handover<Result<QueryResult>>>();
  Query(std::move(request),
        [handover](Result<QueryResult> result) { handover->Put(std::move(result)); });
  return handover->Take();
}

TreeSize Engine::indexed() const {
  return state_->index->indexed();
}

std::string StatementJson(const Statement& statement) {
  const nlohmann::ordered_json json = {{"sql", statement.sql},
                                       {"tree_size", Value(statement.tree_size)},
                                       {"root", statement.root},
                                       {"covers", Value(statement.covers)},
                                       {"aliases", statement.aliases},
                                       {"actions", statement.actions},
                                       {"schema", statement.schema},
                                       {"engine", statement.engine},
                                       {"now", statement.now},
                                       {"rerunnable", statement.rerunnable},
                                       {"rows", statement.rows},
                                       {"rows_sha256", statement.rows_sha256},
                                       {"sorted_rows_sha256", statement.sorted_rows_sha256},
                                       {"asked_by", statement.asked_by},
                                       {"asked_at", statement.asked_at}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sealtrail::query
