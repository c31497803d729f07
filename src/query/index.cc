#include "query/index.h"

#include <algorithm>
#include <atomic>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/sha256.h"
#include "query/part_digest.h"

namespace sealtrail::query {
namespace {

constexpr std::string_view kCatalogueName = "catalogue.json";
constexpr size_t kCatalogueBytesMax = 256 * kMiB;
constexpr size_t kPieceRowsMax = 16'384;
constexpr size_t kPieceBytesMax = 24 * kMiB;
// One task decodes at most so much, so that a query which waits for the worker is served soon.
constexpr size_t kReadRowsMax = 8'192;
constexpr size_t kReadBytesMax = 8 * kMiB;
constexpr int64_t kRetryNanos = 5 * kNanosPerSecond;

}  // namespace

// All state lives on the worker `decode`, except what is marked otherwise. Tasks hold the state by shared_ptr only
// on the two other workers; the reader's wake-up holds it weakly, since the reader outlives the index.
struct Index::State : std::enable_shared_from_this<Index::State> {
  State(const env::Env& env_in, ledger::LedgerReader& reader_in,
        std::shared_ptr<const vocab::Vocabulary> vocabulary_in, IndexOptions options_in,
        MetricSet& metrics)
      : env(env_in),
        reader(reader_in),
        vocabulary(std::move(vocabulary_in)),
        options(std::move(options_in)),
        indexed_gauge(
            metrics.GetGauge("sealtrail_index_records", "Records that lie in parts of the index")),
        tail_rows_gauge(metrics.GetGauge("sealtrail_index_tail_records",
                                         "Records decoded that are in no part yet")),
        tail_bytes_gauge(metrics.GetGauge("sealtrail_index_tail_bytes", "Memory that holds them")),
        parts_gauge(metrics.GetGauge("sealtrail_index_parts", "Parts of the index")),
        unreadable(metrics.GetCounter("sealtrail_index_unreadable_records_total",
                                      "Records that could not be decoded for SQL")),
        failures(metrics.GetCounter("sealtrail_index_failures_total",
                                    "Parts that could not be written or merged")),
        decoder(vocabulary),
        part_writer(env.files, options.dir),
        merge_writer(env.files, options.dir) {}

  // --- Start ------------------------------------------------------------------------------------

  Status Load() {
    SEAL_RETURN_IF_ERROR(env.files.MakeDir(options.dir));
    catalogue.aliases_version = vocabulary->aliases_version();
    catalogue.actions_version = vocabulary->actions_version();
    if (Status s = LoadCatalogue(); !s.ok()) {
      if (s.code() != StatusCode::kNotFound) {
        LogLine(LogLevel::kWarning, env.clock.Now(), "index_rebuilt",
                "the index is built anew from record 0", {{"reason", s.message()}});
      }
      catalogue.parts.clear();
      catalogue.last_leaf_hash.clear();
      open_parts.clear();
    }
    SEAL_RETURN_IF_ERROR(RemoveStrangers());
    next = catalogue.next();
    indexed.store(Value(next));
    ShowMetrics();
    return OkStatus();
  }

  Status LoadCatalogue() {
    SEAL_ASSIGN_OR_RETURN(
        const Bytes bytes,
        env::ReadFile(env.files, env::JoinPath(options.dir, kCatalogueName), kCatalogueBytesMax));
    SEAL_ASSIGN_OR_RETURN(Catalogue loaded, DecodeCatalogue(AsText(bytes)));
    if (loaded.aliases_version != catalogue.aliases_version ||
        loaded.actions_version != catalogue.actions_version) {
      return FailedPrecondition("aliases or action classes have changed");
    }
    SEAL_RETURN_IF_ERROR(CheckLedger(loaded));
    for (const PartInfo& part : loaded.parts) {
      SEAL_ASSIGN_OR_RETURN(auto open, OpenPartFile(part));
      open_parts.push_back(std::move(open));
    }
    catalogue = std::move(loaded);
    return OkStatus();
  }

  // The ledger must have the record that the index saw last.
  Status CheckLedger(const Catalogue& loaded) const {
    if (loaded.parts.empty()) return OkStatus();
    const Seq last{Value(loaded.next()) - 1};
    SEAL_ASSIGN_OR_RETURN(const std::string hash, LeafHashOf(last));
    if (hash != loaded.last_leaf_hash) return FailedPrecondition("it was made from another ledger");
    return OkStatus();
  }

  Result<std::string> LeafHashOf(Seq seq) const {
    auto range = reader.Read(seq, 1, kReadBytesMax);
    if (!range.ok()) return FailedPrecondition("the ledger ends before record {}", Value(seq));
    const uint8_t prefix = 0;
    return HexEncode(crypto::Sha256({ByteView(&prefix, 1), AsBytes(range->records.front().leaf)}));
  }

  Result<std::shared_ptr<const OpenPart>> OpenPartFile(const PartInfo& part) const {
    const std::string path = env::JoinPath(options.dir, part.file);
    SEAL_ASSIGN_OR_RETURN(const env::FileInfo info, env.files.Stat(path));
    if (info.size != part.bytes)
      return DataLoss("part {} has another size than it was written with", part.file);
    SEAL_ASSIGN_OR_RETURN(const std::string digest, FileDigest(env.files, path));
    if (digest != part.sha256)
      return DataLoss("part {} holds other bytes than it was written with", part.file);
    auto open = std::make_shared<OpenPart>();
    open->info = part;
    SEAL_ASSIGN_OR_RETURN(open->file, env::OpenForReading(path));
    return std::shared_ptr<const OpenPart>(std::move(open));
  }

  // Leftovers of a crash: parts written but not entered, temporary files.
  Status RemoveStrangers() const {
    SEAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, env.files.List(options.dir));
    for (const std::string& name : names) {
      const bool known = name == kCatalogueName ||
                         std::any_of(catalogue.parts.begin(), catalogue.parts.end(),
                                     [&](const PartInfo& part) { return part.file == name; });
      if (!known) SEAL_RETURN_IF_ERROR(env.files.Remove(env::JoinPath(options.dir, name)));
    }
    return OkStatus();
  }

  void Start() {
    decode = env.executor.StartWorker("index", env::Priority::kBackground);
    write = env.executor.StartWorker("index-parts", env::Priority::kBackground);
    merge = env.executor.StartWorker("index-merge", env::Priority::kBackground);
  }

  // --- Decoding, on `decode` -----------------------------------------------------------------------

  // What the ledger has grown by, in steps.
  void Follow() {
    wake_posted.store(false);
    const uint64_t durable = Value(reader.heights().durable);
    if (Value(next) < durable && DecodeStep(TreeSize{durable})) {
      PostWake();
    }
    ConsiderPart();
  }

  // From any thread, the ledger's too; never once the index stops.
  void PostWake() {
    MutexLock lock(wake_mutex);
    if (stopping.load() || wake_posted.exchange(true)) return;
    decode->Post([this] { Follow(); });
  }

  // Decodes some records below `height`. False if there was nothing to do or no room.
  bool DecodeStep(TreeSize height) {
    if (Value(next) >= Value(height) || TailBytes() >= options.tail_bytes_max) return false;
    const size_t wanted = std::min<uint64_t>(kReadRowsMax, Value(height) - Value(next));
    auto range = reader.Read(next, wanted, kReadBytesMax);
    if (!range.ok()) {
      failures.Add();
      LogLine(LogLevel::kError, env.clock.Now(), "index_read_failed", range.status().message(),
              {{"seq", std::to_string(Value(next))}});
      return false;
    }
    for (const ledger::RecordView& record : range->records) {
      if (Append(record)) continue;
      ShowMetrics();
      return false;
    }
    ShowMetrics();
    return true;
  }

  // False where what lies beside the record could not be read: that says nothing of the record, and is tried again.
  bool Append(const ledger::RecordView& record) {
    Status unread;
    const auto beside = [&](const crypto::Hash& hash) {
      auto content = reader.ReadBeside(record.seq, hash);
      const StatusCode code = content.status().code();
      if (!content.ok() && code != StatusCode::kDataLoss && code != StatusCode::kNotFound)
        unread = content.status();
      return content;
    };
    const Status s = decoder.Decode(record.seq, record.leaf, beside, row);
    if (!unread.ok()) {
      failures.Add();
      LogLine(LogLevel::kError, env.clock.Now(), "index_read_failed", unread.message(),
              {{"seq", std::to_string(Value(record.seq))}});
      return false;
    }
    if (!s.ok()) {
      unreadable.Add();
      LogLine(LogLevel::kError, env.clock.Now(), "record_unreadable", s.message(),
              {{"seq", std::to_string(Value(record.seq))}});
      row = vocab::RowDecoder::Unreadable(record.seq);
    }
    if (builder.rows() == 0) oldest_row_at = env.clock.Monotonic();
    builder.Append(row);
    next = record.seq + 1;
    partial.reset();
    if (builder.rows() >= kPieceRowsMax || builder.bytes() >= kPieceBytesMax) SealBuilder();
    return true;
  }

  Result<std::shared_ptr<const TailPiece>> MakePiece() const {
    const Bytes encoded = builder.Encode();
    auto piece = std::make_shared<TailPiece>();
    SEAL_ASSIGN_OR_RETURN(piece->memory, env::MakeSealedMemory("sealtrail-tail", encoded));
    SEAL_ASSIGN_OR_RETURN(piece->mapped, env::MappedMemory::MapSealed(piece->memory));
    SEAL_ASSIGN_OR_RETURN(piece->chunk, TailChunk::Open(piece->mapped->bytes()));
    return std::shared_ptr<const TailPiece>(std::move(piece));
  }

  // Turns the builder's rows into a piece. Without memory for it the rows stay in the builder.
  bool SealBuilder() {
    if (builder.rows() == 0) return true;
    if (partial == nullptr) {
      auto piece = MakePiece();
      if (!piece.ok()) {
        failures.Add();
        LogLine(LogLevel::kError, env.clock.Now(), "index_tail_failed", piece.status().message());
        return false;
      }
      partial = std::move(*piece);
    }
    pieces.push_back(std::exchange(partial, nullptr));
    builder = TailChunkBuilder();
    return true;
  }

  size_t TailBytes() const {
    size_t bytes = builder.bytes();
    for (const auto& piece : pieces) bytes += piece->mapped->bytes().size();
    return bytes;
  }

  uint64_t TailRows() const { return Value(next) - Value(catalogue.next()); }

  std::shared_ptr<const IndexSnapshot> MakeSnapshot() {
    auto snapshot = std::make_shared<IndexSnapshot>();
    snapshot->parts = open_parts;
    snapshot->tail = pieces;
    snapshot->covered = TreeSize{Value(next)};
    if (builder.rows() > 0) {
      if (partial == nullptr) {
        if (auto piece = MakePiece(); piece.ok()) partial = std::move(*piece);
      }
      if (partial != nullptr) {
        snapshot->tail.push_back(partial);
      } else {
        snapshot->covered = TreeSize{Value(next) - builder.rows()};
      }
    }
    return snapshot;
  }

  // --- Parts, written on `write` ------------------------------------------------------------------

  void ConsiderPart() {
    if (options.paused || writing || stopping.load() || TailRows() == 0) return;
    if (const int64_t wait = part_not_before - env.clock.Monotonic(); wait > 0) {
      return ScheduleConsidering(wait);
    }
    const int64_t age = env.clock.Monotonic() - oldest_row_at;
    const int64_t wanted_age = TailRows() >= options.part_rows_min ? options.part_interval_ns
                                                                   : options.part_interval_max_ns;
    const bool full = TailRows() >= options.part_rows_max || TailBytes() >= options.tail_bytes_max;
    if (!full && age < wanted_age) {
      ScheduleConsidering(wanted_age - age);
      return;
    }
    StartPart();
  }

  void ScheduleConsidering(int64_t delay_ns) {
    if (considering || stopping.load()) return;
    considering = true;
    decode->PostAfter(delay_ns, [this] {
      considering = false;
      ConsiderPart();
    });
  }

  void StartPart() {
    if (!SealBuilder()) {
      part_not_before = env.clock.Monotonic() + kRetryNanos;
      return ScheduleConsidering(kRetryNanos);
    }
    writing = true;
    std::vector<std::shared_ptr<const TailPiece>> taken;
    uint64_t rows = 0;
    for (const auto& piece : pieces) {
      if (rows >= options.part_rows_max) break;
      rows += piece->chunk.rows();
      taken.push_back(piece);
    }
    write->Post([this, taken = std::move(taken)] {
      std::vector<TailChunk> chunks;
      for (const auto& piece : taken) chunks.push_back(piece->chunk);
      auto part = part_writer.Write(chunks);
      decode->Post(
          [this, part = std::move(part), count = taken.size()] { FinishPart(part, count); });
    });
  }

  void FinishPart(const Result<PartInfo>& part, size_t pieces_taken) {
    writing = false;
    Status status = part.ok() ? EnterPart(*part, pieces_taken) : part.status();
    if (!status.ok()) {
      NoteFailure("part", status);
      part_not_before = env.clock.Monotonic() + kRetryNanos;
      return ConsiderPart();
    }
    oldest_row_at = env.clock.Monotonic();
    ShowMetrics();
    ConsiderMerge();
    PostWake();
  }

  Status EnterPart(const PartInfo& part, size_t pieces_taken) {
    SEAL_ASSIGN_OR_RETURN(auto open, OpenPartFile(part));
    Catalogue changed = catalogue;
    changed.parts.push_back(part);
    SEAL_ASSIGN_OR_RETURN(changed.last_leaf_hash, LeafHashOf(Seq{Value(changed.next()) - 1}));
    SEAL_RETURN_IF_ERROR(SaveCatalogue(changed));
    catalogue = std::move(changed);
    open_parts.push_back(std::move(open));
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(pieces_taken));
    indexed.store(Value(catalogue.next()));
    return OkStatus();
  }

  Status SaveCatalogue(const Catalogue& changed) const {
    return env::ReplaceFile(env.files, options.dir, kCatalogueName, EncodeCatalogue(changed));
  }

  void NoteFailure(std::string_view what, const Status& status) {
    failures.Add();
    LogLine(LogLevel::kError, env.clock.Now(), "index_write_failed", status.message(),
            {{"what", std::string(what)}});
  }

  // --- Merging, on `merge` -------------------------------------------------------------------------

  void ConsiderMerge() {
    if (merging || stopping.load()) return;
    const PartRange range = PartsToMerge(catalogue.parts);
    if (range.begin == range.end) return;
    merging = true;
    const std::vector<PartInfo> inputs(
        catalogue.parts.begin() + static_cast<std::ptrdiff_t>(range.begin),
        catalogue.parts.begin() + static_cast<std::ptrdiff_t>(range.end));
    merge->Post([this, inputs] {
      auto merged = merge_writer.Merge(inputs);
      decode->Post([this, merged = std::move(merged), inputs] { FinishMerge(merged, inputs); });
    });
  }

  void FinishMerge(const Result<PartInfo>& merged, const std::vector<PartInfo>& inputs) {
    merging = false;
    Status status = merged.ok() ? EnterMerged(*merged, inputs) : merged.status();
    if (!status.ok()) return NoteFailure("merge", status);
    for (const PartInfo& input : inputs) {
      // What cannot be removed now is a stranger at the next start.
      (void)env.files.Remove(env::JoinPath(options.dir, input.file));
    }
    ShowMetrics();
    ConsiderMerge();
  }

  // Only the end of the list can have changed meanwhile, so the inputs are where they were.
  Status EnterMerged(const PartInfo& merged, const std::vector<PartInfo>& inputs) {
    SEAL_ASSIGN_OR_RETURN(auto open, OpenPartFile(merged));
    const auto begin = std::find(catalogue.parts.begin(), catalogue.parts.end(), inputs.front()) -
                       catalogue.parts.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(inputs.size());
    Catalogue changed = catalogue;
    changed.parts.erase(changed.parts.begin() + begin, changed.parts.begin() + end);
    changed.parts.insert(changed.parts.begin() + begin, merged);
    SEAL_RETURN_IF_ERROR(SaveCatalogue(changed));
    catalogue = std::move(changed);
    open_parts.erase(open_parts.begin() + begin, open_parts.begin() + end);
    open_parts.insert(open_parts.begin() + begin, std::move(open));
    return OkStatus();
  }

  void ShowMetrics() {
    indexed_gauge.Set(static_cast<double>(Value(catalogue.next())));
    tail_rows_gauge.Set(static_cast<double>(TailRows()));
    tail_bytes_gauge.Set(static_cast<double>(TailBytes()));
    parts_gauge.Set(static_cast<double>(catalogue.parts.size()));
  }

  const env::Env env;
  ledger::LedgerReader& reader;
  const std::shared_ptr<const vocab::Vocabulary> vocabulary;
  const IndexOptions options;
  Gauge& indexed_gauge;
  Gauge& tail_rows_gauge;
  Gauge& tail_bytes_gauge;
  Gauge& parts_gauge;
  Counter& unreadable;
  Counter& failures;

  // Any thread.
  std::atomic<bool> wake_posted{false};
  std::atomic<bool> stopping{false};
  Mutex wake_mutex;  // held while posting for others, so that stopping comes before or after
  std::atomic<uint64_t> indexed{0};

  // Worker `decode`.
  vocab::RowDecoder decoder;
  vocab::CanonicalRow row;
  TailChunkBuilder builder;
  std::shared_ptr<const TailPiece>
      partial;  // the builder's rows as a piece, until more are appended
  std::vector<std::shared_ptr<const TailPiece>> pieces;
  Seq next{0};
  MonotonicNanos oldest_row_at{0};
  MonotonicNanos part_not_before{0};  // after a failure
  Catalogue catalogue;
  std::vector<std::shared_ptr<const OpenPart>> open_parts;
  bool writing = false;
  bool merging = false;
  bool considering = false;

  PartWriter part_writer;   // worker `write`
  PartWriter merge_writer;  // worker `merge`

  // Ended in this order by ~Index: those that post to `decode` first.
  std::unique_ptr<env::Worker> decode;
  std::unique_ptr<env::Worker> write;
  std::unique_ptr<env::Worker> merge;
};

Result<std::unique_ptr<Index>> Index::Open(const env::Env& env, ledger::LedgerReader& reader,
                                           std::shared_ptr<const vocab::Vocabulary> vocabulary,
                                           IndexOptions options, MetricSet& metrics) {
  std::unique_ptr<Index> index(
      new Index(env, reader, std::move(vocabulary), std::move(options), metrics));
  if (Status s = index->state_->Load(); !s.ok()) return s.Annotate("index");
  index->state_->Start();
  if (!index->state_->options.paused) {
    // The reader calls for as long as it lives, which is longer than we do.
    reader.OnGrowth([weak = std::weak_ptr<State>(index->state_)] {
      if (const auto state = weak.lock()) state->PostWake();
    });
    index->state_->PostWake();
  }
  return index;
}

Index::Index(const env::Env& env, ledger::LedgerReader& reader,
             std::shared_ptr<const vocab::Vocabulary> vocabulary, IndexOptions options,
             MetricSet& metrics)
    : state_(std::make_shared<State>(env, reader, std::move(vocabulary), std::move(options),
                                     metrics)) {}

Index::~Index() {
  {
    MutexLock lock(state_->wake_mutex);
    state_->stopping.store(true);
  }
  if (!state_->decode) return;  // it was refused before it had workers
  state_->write->End();
  state_->merge->End();
  state_->decode->End();
}

void Index::Snapshot(TreeSize height,
                     std::function<void(std::shared_ptr<const IndexSnapshot>)> ready) {
  State* const state = state_.get();
  state->decode->Post([state, height, ready = std::move(ready)] {
    while (state->DecodeStep(height)) {
    }
    state->ConsiderPart();
    ready(state->MakeSnapshot());
  });
}

TreeSize Index::indexed() const {
  return TreeSize{state_->indexed.load()};
}

}  // namespace sealtrail::query
