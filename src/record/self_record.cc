#include "record/self_record.h"

#include <algorithm>

#include "model/telemetry.h"
#include "record/content_writer.h"

namespace sealtrail::record {
namespace {

model::KeyValue TextPair(std::string_view key, std::string_view text) {
  model::KeyValue pair;
  pair.key = key;
  pair.has_value = true;
  pair.value.type = model::AnyValue::Type::kString;
  pair.value.text = text;
  return pair;
}

JsonBuffer ContentOf(const SelfAct& act, UnixNanos now) {
  std::vector<model::KeyValue> attributes = {TextPair("audit.action", act.action)};
  if (!act.actor.empty()) attributes.push_back(TextPair("audit.actor.id", act.actor));
  if (!act.target.empty()) attributes.push_back(TextPair("audit.target.id", act.target));
  if (!act.outcome.empty()) attributes.push_back(TextPair("audit.outcome", act.outcome));
  for (const auto& [name, text] : act.details) attributes.push_back(TextPair(name, text));

  model::LogRecord log;
  log.event_name = act.action;
  log.attributes = attributes;
  log.time_unix_nano = static_cast<uint64_t>(Value(now));
  JsonBuffer content;
  ContentNotes notes;
  WriteLog(content, log, notes);
  return content;
}

}  // namespace

RecordBatch SelfRecord(const SelfAct& act, UnixNanos now, const Salt& salt) {
  return SelfRecords({act}, now, {salt});
}

RecordBatch SelfRecords(const std::vector<SelfAct>& acts, UnixNanos now,
                        const std::vector<Salt>& salts) {
  SEAL_CHECK(acts.size() == salts.size());
  auto builder = BatchBuilder::Make(RecordClass::kOwn, {.received_at = now, .transport = "self"});
  SEAL_CHECK(builder.ok());
  for (size_t i = 0; i < acts.size(); ++i) {
    const JsonBuffer content = ContentOf(acts[i], now);
    const LeafParts parts{
        .kind = acts[i].kind,
        .salt = salts[i],
        .content = content,
        .span = {},
        .identity = {},
        .time_unix_nano = static_cast<uint64_t>(std::max<int64_t>(Value(now), 0))};
    const Status added = builder->Add(parts);
    SEAL_CHECK(added.ok());
  }
  return std::move(*builder).Finish();
}

}  // namespace sealtrail::record
