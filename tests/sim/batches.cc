#include "batches.h"

#include <map>
#include <memory>
#include <tuple>

#include "env/testing/sim_env.h"
#include "pipeline/audit_pipeline.h"

namespace sealtrail::sim {
namespace {

// Keeps what the pipeline hands on.
class CaptureSink : public record::RecordSink {
 public:
  void Submit(record::RecordBatch batch, record::CommitDone done) override {
    taken = std::move(batch);
    done(record::CommitOutcome(taken.records.size()));
  }
  record::RecordBatch taken;
};

std::string RequestJson(const std::string& name, int records, bool beside) {
  std::string list;
  for (int i = 0; i < records; ++i) {
    list += fmt::format(
        R"({}{{"timeUnixNano":"{}","attributes":[{{"key":"audit.action","value":{{"stringValue":"{}-{}"}}}},)"
        R"({{"key":"detail","value":{{"stringValue":"{}"}}}}]}})",
        i == 0 ? "" : ",", 1'767'225'600'000'000'000 + i, name, i,
        std::string(beside && i == 1 ? 70'000 : 10, 'x'));
  }
  return fmt::format(
      R"({{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"sim{}"}}}}]}},)"
      R"("scopeLogs":[{{"logRecords":[{}]}}]}}]}})",
      beside ? std::string(3000, 'r') : "", list);
}

record::RecordBatch Make(const std::string& name, int records, bool beside) {
  env::testing::SimEnv world(static_cast<uint64_t>(records) * 2 + (beside ? 1 : 0));
  MetricSet metrics;
  CaptureSink sink;
  pipeline::AuditPipeline pipeline(world.env(), pipeline::Selector({"audit.action"}), sink,
                                   metrics);
  bool ok = false;
  pipeline.Export(pipeline::Signal::kLogs, otlp::Encoding::kJson,
                  SharedBytes::FromText(RequestJson(name, records, beside)),
                  {.principal = "local", .transport = pipeline::Transport::kHttpJson},
                  [&ok](const Status& status) { ok = status.ok(); });
  world.executor().RunUntilIdle();
  SEAL_CHECK(ok && sink.taken.records.size() == static_cast<size_t>(records));
  return std::move(sink.taken);
}

}  // namespace

const record::RecordBatch& BatchOf(const std::string& name, int records, bool beside) {
  static auto& made = *new std::map<std::tuple<std::string, int, bool>, record::RecordBatch>();
  const auto key = std::tuple(name, records, beside);
  auto found = made.find(key);
  if (found == made.end()) found = made.emplace(key, Make(name, records, beside)).first;
  return found->second;
}

std::vector<std::string> LeavesOf(const record::RecordBatch& batch) {
  std::vector<std::string> leaves;
  for (const record::RecordEntry& entry : batch.records) {
    leaves.emplace_back(AsText(ByteView(batch.bundle).subspan(entry.leaf_offset, entry.leaf_size)));
  }
  return leaves;
}

}  // namespace sealtrail::sim
