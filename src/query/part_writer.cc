#include "query/part_writer.h"

#include <algorithm>

#include "query/duck.h"
#include "query/map_function.h"
#include "query/part_columns.h"
#include "query/part_digest.h"
#include "query/tail_scan.h"
#include "vocab/columns.h"

namespace sealtrail::query {
namespace {

constexpr uint64_t kMemoryBytes = 384u << 20;
constexpr std::string_view kTail = "sealtrail_part_rows";

// Splits `counts` into the keys that get one of `columns_max` columns, the most frequent first, and the rest.
PartKeyCounts Divide(const std::map<std::string, uint64_t>& counts, size_t columns_max) {
  std::vector<std::pair<uint64_t, std::string_view>> by_count;
  PartKeyCounts keys;
  const auto to_rest = [&](std::string_view key) {
    if (keys.rest.size() < kRestKeysMax) {
      keys.rest.emplace(key);
    } else {
      keys.rest_is_open = true;
    }
  };
  for (const auto& [key, count] : counts) {
    if (key.size() > kColumnKeyBytesMax) {
      to_rest(key);
    } else {
      by_count.emplace_back(count, key);
    }
  }
  std::stable_sort(by_count.begin(), by_count.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < by_count.size(); ++i) {
    if (i < columns_max) {
      keys.columns.emplace(by_count[i].second, by_count[i].first);
    } else {
      to_rest(by_count[i].second);
    }
  }
  return keys;
}

// How a part of so many key columns is written. A row group is held in memory whole, 16 bytes a value, and each
// column has a dictionary beside it: 350 columns with the usual settings took over 384 MiB.
std::string CopyOptions(size_t key_columns) {
  constexpr size_t kWide = 80;
  const std::string_view sizes = key_columns <= kWide
                                     ? "ROW_GROUP_SIZE 122880"
                                     : "ROW_GROUP_SIZE 16384, DICTIONARY_SIZE_LIMIT 2048, "
                                       "STRING_DICTIONARY_PAGE_SIZE_LIMIT 65536";
  return fmt::format("(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, {})", sizes);
}

struct Counts {
  std::map<std::string, uint64_t> attributes;
  std::map<std::string, uint64_t> resource;
};

Counts CountKeys(const std::vector<TailChunk>& chunks) {
  Counts counts;
  for (const TailChunk& chunk : chunks) {
    std::vector<uint64_t> attributes(chunk.keys().size());
    std::vector<uint64_t> resource(chunk.keys().size());
    for (size_t row = 0; row < chunk.rows(); ++row) {
      for (const EntryRef& entry : chunk.attributes(row))
        attributes[entry.key] += !entry.value.is_null();
      for (const EntryRef& entry : chunk.resource(row))
        resource[entry.key] += !entry.value.is_null();
    }
    for (size_t key = 0; key < chunk.keys().size(); ++key) {
      const std::string name(chunk.text(chunk.keys()[key]));
      if (attributes[key] > 0) counts.attributes[name] += attributes[key];
      if (resource[key] > 0) counts.resource[name] += resource[key];
    }
  }
  return counts;
}

std::vector<TailColumns::Key> TailKeys(const PartKeyCounts& keys,
                                       std::string (*column_of)(std::string_view)) {
  std::vector<TailColumns::Key> out;
  for (const auto& [key, count] : keys.columns) out.push_back({column_of(key), key});
  return out;
}

std::string CanonicalColumns() {
  std::string columns = "seq";
  for (const std::string_view name : vocab::kTimeColumnNames) columns += ", " + SqlName(name);
  columns += ", time_unix_nano";
  for (const std::string_view name : vocab::kTextColumnNames) columns += ", " + SqlName(name);
  return columns + ", severity_number, findings";
}

// Keys of a merged part. Columns of the parts that the merged one has no room for are folded into its rest.
struct MergedKeys {
  PartKeyCounts keys;
  std::vector<std::string> folded;
};

MergedKeys MergeKeys(const std::vector<PartInfo>& parts, PartKeyCounts PartInfo::*side,
                     size_t columns_max) {
  std::map<std::string, uint64_t> counts;
  for (const PartInfo& part : parts) {
    for (const auto& [key, count] : (part.*side).columns) counts[key] += count;
  }
  MergedKeys merged{.keys = Divide(counts, columns_max), .folded = {}};
  for (const auto& [key, count] : counts) {
    if (!merged.keys.columns.contains(key)) merged.folded.push_back(key);
  }
  for (const PartInfo& part : parts) {
    merged.keys.rest_is_open |= (part.*side).rest_is_open;
    for (const std::string& key : (part.*side).rest) {
      if (merged.keys.rest.size() < kRestKeysMax) {
        merged.keys.rest.insert(key);
      } else {
        merged.keys.rest_is_open |= !merged.keys.rest.contains(key);
      }
    }
  }
  return merged;
}

std::string MergedColumns(const MergedKeys& merged, std::string_view rest, const std::string& fold,
                          std::string (*column_of)(std::string_view)) {
  std::string columns;
  for (const auto& [key, count] : merged.keys.columns) columns += ", " + SqlName(column_of(key));
  if (merged.folded.empty()) return fmt::format("{}, {}", columns, rest);
  std::string arguments(rest);
  for (const std::string& key : merged.folded) arguments += ", " + SqlName(column_of(key));
  return fmt::format("{}, {}({}) AS {}", columns, fold, arguments, rest);
}

}  // namespace

struct PartWriter::Engine {
  explicit Engine(Duck opened) : duck(std::move(opened)) {}
  Duck duck;
  std::shared_ptr<TailSource> tail = std::make_shared<TailSource>();
  uint64_t folds = 0;  // fold functions made so far, each with a name of its own
};

PartWriter::PartWriter(env::FileSystem& files, std::string dir)
    : files_(files), dir_(std::move(dir)) {}
PartWriter::~PartWriter() = default;

Result<PartWriter::Engine*> PartWriter::Open() {
  if (engine_ == nullptr) {
    SEAL_ASSIGN_OR_RETURN(Duck duck, Duck::Open({.memory_bytes = kMemoryBytes}));
    auto engine = std::make_unique<Engine>(std::move(duck));
    SEAL_RETURN_IF_ERROR(RegisterTailScan(engine->duck, std::string(kTail), engine->tail));
    engine_ = std::move(engine);
  }
  return engine_.get();
}

Result<PartInfo> PartWriter::Write(const std::vector<TailChunk>& chunks) {
  SEAL_ASSIGN_OR_RETURN(Engine* const engine, Open());
  PartInfo part{.first = chunks.front().first()};
  for (const TailChunk& chunk : chunks) part.count += chunk.rows();
  const Counts counts = CountKeys(chunks);
  part.attributes = Divide(counts.attributes, kKeyColumnsMax);
  part.resource = Divide(counts.resource, kResourceKeyColumnsMax);
  const std::shared_ptr<TailSource> tail = engine->tail;
  tail->chunks = chunks;
  tail->columns = {.attribute_keys = TailKeys(part.attributes, AttributeColumn),
                   .resource_keys = TailKeys(part.resource, ResourceColumn),
                   .maps = false,
                   .rests = true};
  const Status status = Copy(*engine, fmt::format("SELECT * FROM {}()", kTail), part);
  tail->chunks.clear();
  SEAL_RETURN_IF_ERROR(status);
  return part;
}

Result<PartInfo> PartWriter::Merge(const std::vector<PartInfo>& parts) {
  SEAL_ASSIGN_OR_RETURN(Engine* const engine, Open());
  const MergedKeys attributes = MergeKeys(parts, &PartInfo::attributes, kKeyColumnsMax);
  const MergedKeys resource = MergeKeys(parts, &PartInfo::resource, kResourceKeyColumnsMax);
  PartInfo part{
      .first = parts.front().first, .attributes = attributes.keys, .resource = resource.keys};
  std::string paths;
  for (const PartInfo& input : parts) {
    part.count += input.count;
    paths += (paths.empty() ? "" : ", ") + SqlText(env::JoinPath(dir_, input.file));
  }
  const std::string fold = fmt::format("sealtrail_fold_{}", engine->folds++);
  const auto keys = [](const MergedKeys& merged) {
    return std::make_shared<const std::vector<std::string>>(merged.folded);
  };
  if (!attributes.folded.empty()) {
    SEAL_RETURN_IF_ERROR(RegisterMapFunction(engine->duck, fold + "_a", keys(attributes)));
  }
  if (!resource.folded.empty()) {
    SEAL_RETURN_IF_ERROR(RegisterMapFunction(engine->duck, fold + "_r", keys(resource)));
  }
  const std::string select =
      fmt::format("SELECT {}{}{} FROM read_parquet([{}], union_by_name = true)", CanonicalColumns(),
                  MergedColumns(attributes, "a_rest", fold + "_a", AttributeColumn),
                  MergedColumns(resource, "r_rest", fold + "_r", ResourceColumn), paths);
  SEAL_RETURN_IF_ERROR(Copy(*engine, select, part));
  return part;
}

// Names the file, writes it and makes it durable. A part that is not in the catalogue afterwards is removed at the
// next start.
Status PartWriter::Copy(Engine& engine, const std::string& select, PartInfo& part) {
  part.file = fmt::format("part-{:020}-{}.parquet", Value(part.first), part.count);
  const std::string path = env::JoinPath(dir_, part.file);
  const std::string sql =
      fmt::format("COPY ({}) TO {} {}", select, SqlText(path),
                  CopyOptions(part.attributes.columns.size() + part.resource.columns.size()));
  if (Status s = engine.duck.Run(sql); !s.ok()) {
    engine_.reset();  // whatever state it is in, the next part starts afresh
    return Unavailable("write part {}: {}", part.file, s.message());
  }
  SEAL_ASSIGN_OR_RETURN(auto file, files_.OpenAppend(path));
  part.bytes = file->size();
  SEAL_RETURN_IF_ERROR(file->Sync());
  SEAL_RETURN_IF_ERROR(file->Close());
  SEAL_ASSIGN_OR_RETURN(part.sha256, FileDigest(files_, path));
  return files_.SyncDir(dir_);
}

}  // namespace sealtrail::query
