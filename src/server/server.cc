#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "anchor/anchor_files.h"
#include "anchor/start_check.h"
#include "api/api.h"
#include "base/log.h"
#include "base/time_text.h"
#include "dedupe/deduper.h"
#include "env/temp_folder.h"
#include "env/user.h"
#include "ingest/otlp_grpc.h"
#include "ingest/otlp_http.h"
#include "ledger/folder_reader.h"
#include "ledger/ledger.h"
#include "net/http_server.h"
#include "net/tls_certificates.h"
#include "pipeline/audit_pipeline.h"
#include "record/self_record.h"
#include "server/anchored_sink.h"
#include "server/blocking.h"
#include "server/ledger_tree.h"
#include "server/local_token.h"
#include "server/redaction.h"
#include "server/signer_command.h"
#include "tlog/policy.h"

namespace sealtrail::server {
namespace {

constexpr int64_t kDrainNanos = 5 * kNanosPerSecond;
constexpr int64_t kTallyNanos = 300 * kNanosPerSecond;
constexpr int64_t kReadsNanos = 60 * kNanosPerSecond;
constexpr size_t kRequestBudgetBytes = 192 * kMiB;  // bodies in memory, all transports together
constexpr uint64_t kFloorBytesMax = 2 * kGiB;
constexpr size_t kPolicyBytesMax = kMiB;

pipeline::Selector SelectorFrom(const config::Config& config) {
  return config.select_all ? pipeline::Selector::All()
                           : pipeline::Selector(config.select_attributes);
}

// The lesser of 5 % of the disk and 2 GiB, where the configuration does not say.
Result<uint64_t> FloorFrom(const env::Env& env, const std::string& data_dir,
                           const config::Config& config) {
  if (config.min_free_bytes) return *config.min_free_bytes;
  SEAL_ASSIGN_OR_RETURN(const uint64_t total, env.files.TotalBytes(data_dir));
  return std::min<uint64_t>(total / 20, kFloorBytesMax);
}

// What a manifest says of the vocabulary (docs/formats/manifest.md).
crypto::Hash RulesDigest(const vocab::Vocabulary& vocabulary, std::string_view redaction_version) {
  return crypto::Sha256(
      AsBytes(fmt::format("aliases {}\nactions {}\nredaction {}\n", vocabulary.aliases_version(),
                          vocabulary.actions_version(), redaction_version)));
}

// Tried, for rights and mounts have many forms. A folder that another process holds can be written.
bool CanWrite(const env::Env& env, const std::string& data_dir) {
  const std::string probe = env::JoinPath(data_dir, "LOCK");
  const auto lock = env.files.Lock(probe);
  return lock.ok() || lock.status().code() != StatusCode::kFailedPrecondition;
}

}  // namespace

class Server::Impl {
 public:
  enum class For { kServing, kACommand };

  Impl(const env::Env& env, config::Config config, For purpose)
      : env_(env), config_(std::move(config)), purpose_(purpose) {}

  static Result<std::unique_ptr<Server>> StartFor(For purpose, const env::Env& env,
                                                  const std::string& data_dir,
                                                  const config::Config& config,
                                                  std::function<void(const Status&)> on_failure);
  Status Start(const std::string& data_dir, std::function<void(const Status&)> on_failure);
  Status StartReadOnly(const std::string& data_dir);
  Status Stop();
  const ReadyInfo& ready() const { return ready_; }

 private:
  Status OpenEngine(ledger::LedgerReader& reader, const std::string& index_dir);
  Status LoadTls();
  void MakeApi(const ledger::LedgerReader& reader);
  Status Listen(const std::string& socket);
  Status RecordInsecureBind();
  void RecordTalliesLater();
  void RecordReadsLater();
  api::Readiness Readiness() const;
  std::string IdleSigner() const;
  bool HasAnchors() const;
  Status PrepareAnchors(const std::string& data_dir);
  Status SettleAnchors(const std::string& log_origin, const ledger::LedgerReader& reader);
  Status CompareWithWitnesses(const std::string& log_origin, const ledger::LedgerReader& reader);
  Status StartAnchors();
  void StartDeduper();

  const env::Env env_;
  const config::Config config_;
  const For purpose_;
  MetricSet metrics_;
  net::ByteBudget budget_{kRequestBudgetBytes};
  std::string data_dir_;
  std::string token_;
  anchor::Options anchor_options_;
  std::unique_ptr<LedgerTree> tree_;                // both before the ledger, whose growth
  std::unique_ptr<anchor::AnchorService> anchors_;  // calls the service to its end
  std::atomic<uint64_t> sealed_seen_{0};
  std::unique_ptr<AnchoredSink> ingest_sink_;
  std::unique_ptr<dedupe::Deduper> deduper_;
  std::unique_ptr<ledger::Ledger> ledger_;        // or, on a folder that cannot be written,
  std::unique_ptr<ledger::FolderReader> reader_;  // this, with
  std::optional<env::TempFolder> scratch_;        // this for index and socket
  std::unique_ptr<pipeline::AuditPipeline> pipeline_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<net::TlsCertificates> otlp_http_tls_;  // before the servers that use them
  std::unique_ptr<net::TlsCertificates> otlp_grpc_tls_;
  std::unique_ptr<net::TlsCertificates> api_tls_;
  std::unique_ptr<net::HttpServer> otlp_http_;
  std::unique_ptr<net::GrpcServer> otlp_grpc_;
  std::unique_ptr<net::HttpServer> api_server_;
  std::unique_ptr<env::Worker> timer_;
  std::atomic<bool> stopping_{false};
  ReadyInfo ready_;
};

Status Server::Impl::Start(const std::string& data_dir,
                           std::function<void(const Status&)> on_failure) {
  data_dir_ = data_dir;
  SEAL_RETURN_IF_ERROR(LoadTls());
  SEAL_RETURN_IF_ERROR(env_.files.MakeDir(data_dir));
  SEAL_ASSIGN_OR_RETURN(const uint64_t floor, FloorFrom(env_, data_dir, config_));
  SEAL_RETURN_IF_ERROR(PrepareAnchors(data_dir));
  // A command takes no records, and need not wait for the rules.
  OpenedRedactor redaction{.redactor = nullptr, .version = BuiltInRedactionVersion()};
  if (purpose_ == For::kServing) {
    SEAL_ASSIGN_OR_RETURN(redaction, OpenRedactor(env_, config_.redaction, metrics_));
  }
  SEAL_ASSIGN_OR_RETURN(
      ledger_, ledger::Ledger::Open(
                   env_,
                   {.data_dir = data_dir,
                    .origin = config_.origin,
                    .segment_bytes_max = config_.segment_bytes_max,
                    .segment_age_max_ns =
                        static_cast<int64_t>(config_.segment_age_max_seconds) * kNanosPerSecond,
                    .signing_state_dir = config_.signing_state,
                    .signer = SignerOf(config_.signer),
                    .next_signer = SignerOf(config_.next_signer),
                    .start_check =
                        [this](const std::string& log_origin, const ledger::LedgerReader& reader) {
                          return SettleAnchors(log_origin, reader);
                        },
                    .rules_digest = RulesDigest(*vocab::Vocabulary::BuiltIn(), redaction.version),
                    .config_digest = config_.digest,
                    .min_free_bytes = floor},
                   metrics_, std::move(on_failure)));
  if (const std::string idle = IdleSigner(); !idle.empty())
    LogLine(LogLevel::kWarning, env_.clock.Now(), "signer_idle", idle);
  SEAL_ASSIGN_OR_RETURN(token_, OpenLocalToken(env_, data_dir));
  SEAL_RETURN_IF_ERROR(OpenEngine(*ledger_, ledger::TrailPaths(data_dir).index));
  SEAL_RETURN_IF_ERROR(StartAnchors());
  ingest_sink_ = std::make_unique<AnchoredSink>(*ledger_, anchors_.get());
  if (purpose_ == For::kServing) StartDeduper();
  record::RecordSink& sink = deduper_ ? static_cast<record::RecordSink&>(*deduper_) : *ingest_sink_;
  pipeline_ = std::make_unique<pipeline::AuditPipeline>(env_, SelectorFrom(config_), sink, metrics_,
                                                        std::move(redaction.redactor));
  MakeApi(*ledger_);
  if (config_.insecure_bind) SEAL_RETURN_IF_ERROR(RecordInsecureBind());
  SEAL_RETURN_IF_ERROR(Listen(env::JoinPath(data_dir, "api.sock")));
  timer_ = env_.executor.StartWorker("server");
  RecordTalliesLater();
  RecordReadsLater();
  return OkStatus();
}

// Before the listeners open: who sends now may be sending again.
void Server::Impl::StartDeduper() {
  const dedupe::WindowLimits limits{
      .entries_max = config_.identities_max,
      .age_max_ns = static_cast<int64_t>(config_.identity_hours_max) * 3600 * kNanosPerSecond};
  deduper_ = std::make_unique<dedupe::Deduper>(env_, *ingest_sink_, *ledger_, limits, metrics_);
  deduper_->Rebuild();
  const dedupe::WindowState window = deduper_->state();
  LogLine(LogLevel::kInfo, env_.clock.Now(), "duplicates_window",
          fmt::format("{} identities of at most {}, {} MiB; repeats are recognised after an outage "
                      "of up to {:.1f} s at the present rate",
                      window.entries, window.entries_max, window.bytes / kMiB,
                      static_cast<double>(window.outage_ns) / kNanosPerSecond));
}

// First of all: a start that cannot show its certificate leaves the folder as it is.
Status Server::Impl::LoadTls() {
  const auto load = [this](const std::optional<net::TlsOptions>& options, const char* listener,
                           std::unique_ptr<net::TlsCertificates>& out) {
    if (!options.has_value()) return OkStatus();
    auto loaded = net::TlsCertificates::Load(*options, listener, env_, metrics_);
    if (loaded.ok()) out = *std::move(loaded);
    return loaded.status();
  };
  SEAL_RETURN_IF_ERROR(load(config_.otlp_http_tls, "otlp_http", otlp_http_tls_));
  SEAL_RETURN_IF_ERROR(load(config_.otlp_grpc_tls, "otlp_grpc", otlp_grpc_tls_));
  return load(config_.api_tls, "api", api_tls_);
}

bool Server::Impl::HasAnchors() const {
  return !anchor_options_.policy.empty() || !anchor_options_.authorities.empty();
}

Status Server::Impl::PrepareAnchors(const std::string& data_dir) {
  anchor_options_ = config_.anchors;
  anchor_options_.dir = ledger::TrailPaths(data_dir).anchors;
  const bool command = purpose_ == For::kACommand;
  const std::string file =
      command ? anchor::PolicyPath(anchor_options_.dir) : config_.anchor_policy_file;
  if (file.empty()) return OkStatus();
  auto policy = env::ReadText(env_.files, file, kPolicyBytesMax);
  if (command && policy.status().code() == StatusCode::kNotFound) return OkStatus();
  if (!policy.ok()) return policy.status();
  anchor_options_.policy = *std::move(policy);
  return tlog::Policy::Parse(anchor_options_.policy).status().Annotate(file);
}

// Before anything is signed: a folder that was restored from an older copy must not go on, neither now nor when a command
// runs it that has no configuration and goes by the policy kept here.
Status Server::Impl::SettleAnchors(const std::string& log_origin,
                                   const ledger::LedgerReader& reader) {
  SEAL_RETURN_IF_ERROR(CompareWithWitnesses(log_origin, reader));
  if (purpose_ == For::kACommand) return OkStatus();
  return anchor::KeepPolicy(env_.files, anchor_options_.dir, anchor_options_.policy);
}

Status Server::Impl::CompareWithWitnesses(const std::string& log_origin,
                                          const ledger::LedgerReader& reader) {
  if (anchor_options_.policy.empty() || Value(reader.heights().durable) == 0) return OkStatus();
  const LedgerTree tree(reader);
  return anchor::CheckStart(env_, anchor_options_, log_origin, tree).status();
}

Status Server::Impl::StartAnchors() {
  if (purpose_ == For::kACommand) return OkStatus();
  if (!HasAnchors()) return OkStatus();
  tree_ = std::make_unique<LedgerTree>(*ledger_);
  SEAL_ASSIGN_OR_RETURN(
      anchors_, anchor::AnchorService::Start(env_, anchor_options_, *tree_, *ledger_, metrics_));
  ledger_->OnGrowth([this] {
    const TreeSize sealed = ledger_->heights().sealed;
    if (sealed_seen_.exchange(Value(sealed)) != Value(sealed)) anchors_->StampSoon(sealed);
  });
  return OkStatus();
}

Status Server::Impl::StartReadOnly(const std::string& data_dir) {
  data_dir_ = data_dir;
  SEAL_ASSIGN_OR_RETURN(reader_, ledger::FolderReader::Open(env_, data_dir));
  SEAL_ASSIGN_OR_RETURN(env::TempFolder scratch, env::TempFolder::Make());
  scratch_.emplace(std::move(scratch));
  SEAL_RETURN_IF_ERROR(OpenEngine(*reader_, env::JoinPath(scratch_->path(), "index")));
  MakeApi(*reader_);
  return Listen(env::JoinPath(scratch_->path(), "api.sock"));
}

Status Server::Impl::OpenEngine(ledger::LedgerReader& reader, const std::string& index_dir) {
  SEAL_ASSIGN_OR_RETURN(
      engine_,
      query::Engine::Open(env_, reader, vocab::Vocabulary::BuiltIn(),
                          {.index = {.dir = index_dir, .paused = config_.index_paused}}, metrics_));
  return OkStatus();
}

void Server::Impl::MakeApi(const ledger::LedgerReader& reader) {
  api_ = std::make_unique<api::Api>(api::Services{
      .env = env_,
      .reader = reader,
      .sink = ledger_.get(),
      .engine = *engine_,
      .metrics = metrics_,
      .budget = budget_,
      .readiness = [this] { return Readiness(); },
      .checkpoint_now =
          [this](std::function<void(Status)> done) {
            if (ledger_ == nullptr)
              return done(OkStatus());  // the folder's own is all there can be
            ledger_->CheckpointNow(std::move(done));
          },
      .vkeys = [this] { return ledger_ ? ledger_->vkeys() : reader_->vkeys(); },
      .key_in_file =
          [this, keys = ledger::TrailPaths(data_dir_).keys] {
            if (ledger_) return ledger_->key_in_file();
            return env_.files.Stat(env::JoinPath(keys, "log.key")).ok();
          },
      .rotate_key =
          ledger_ ? [this](const std::string& actor, bool to_file,
                           std::function<void(Status)>
                               done) { ledger_->RotateKey(actor, std::move(done), to_file); }
                  : std::function<void(const std::string&, bool, std::function<void(Status)>)>(),
      .plan_backup =
          [this](std::function<void(Result<ledger::BackupPlan>)> done) {
            if (ledger_ == nullptr) return done(ledger::PlanFolder(env_, data_dir_));
            ledger_->PlanBackup(std::move(done));
          },
      .anchors = anchors_.get(),
      .anchors_dir = ledger::TrailPaths(data_dir_).anchors,
      .local_token = token_,
      .local_principal = "local:" + env::UserName(env::CurrentUser())});
}

Status Server::Impl::Listen(const std::string& socket) {
  ready_ = {.socket = socket};
  if (ledger_) {
    ready_.origin = ledger_->origin();
    ready_.vkey = ledger_->vkey();
  }
  if (!config_.otlp_http.empty()) {
    SEAL_ASSIGN_OR_RETURN(otlp_http_, ingest::StartOtlpHttp({.address = config_.otlp_http,
                                                             .tls = otlp_http_tls_.get()},
                                                            env_, budget_, *pipeline_, metrics_));
    ready_.otlp_http = otlp_http_->address();
  }
  if (!config_.otlp_grpc.empty()) {
    SEAL_ASSIGN_OR_RETURN(otlp_grpc_, ingest::StartOtlpGrpc({.address = config_.otlp_grpc,
                                                             .tls = otlp_grpc_tls_.get()},
                                                            env_, budget_, *pipeline_, metrics_));
    ready_.otlp_grpc = otlp_grpc_->address();
  }
  SEAL_ASSIGN_OR_RETURN(
      api_server_,
      net::HttpServer::Start({.address = config_.api,
                              .tls = api_tls_.get(),
                              .unix_path = ready_.socket,
                              .body_bytes_max = kMiB},
                             env_, budget_,
                             [this](net::HttpRequest request, net::HttpResponder responder) {
                               api_->Handle(std::move(request), std::move(responder));
                             }));
  ready_.api = api_server_->address();
  return OkStatus();
}

// Before the first listener opens: the trail shows since when strangers could reach it.
Status Server::Impl::RecordInsecureBind() {
  record::Salt salt;
  env_.random.Fill(salt);
  record::RecordBatch batch =
      record::SelfRecord({.action = "sealtrail.bind.insecure",
                          .actor = "sealtrail",
                          .target = ledger_->origin(),
                          .details = {{"sealtrail.listen.otlp_grpc", config_.otlp_grpc},
                                      {"sealtrail.listen.otlp_http", config_.otlp_http},
                                      {"sealtrail.listen.api", config_.api}}},
                         env_.clock.Now(), salt);
  return WaitFor([&](std::function<void(Status)> done) {
    ledger_->Submit(std::move(batch),
                    [done = std::move(done)](const Result<record::CommitOutcome>& outcome) {
                      done(outcome.status());
                    });
  });
}

void Server::Impl::RecordTalliesLater() {
  timer_->PostAfter(kTallyNanos, [this] {
    pipeline_->RecordTallies([](const Status&) {});  // a failure shows in /readyz and the log
    if (!stopping_) RecordTalliesLater();
  });
}

void Server::Impl::RecordReadsLater() {
  timer_->PostAfter(kReadsNanos, [this] {
    api_->RecordEntryReads([](const Status&) {});
    if (!stopping_) RecordReadsLater();
  });
}

// Empty where the configured signer signs, or none is configured.
std::string Server::Impl::IdleSigner() const {
  if (!config_.signer || !ledger_) return "";
  const auto signer = tlog::Verifier::FromVkey(config_.signer->vkey);
  const std::vector<std::string> vkeys = ledger_->vkeys();
  if (!signer.ok() || signer->vkey() == vkeys.back()) return "";
  const bool retired = std::ranges::find(vkeys, signer->vkey()) != vkeys.end();
  return fmt::format(
      "the configured signer has the key {}, which {}; the log's key is {}, {}", signer->vkey(),
      retired ? "was replaced and signs no more" : "was never handed over to", vkeys.back(),
      ledger_->key_in_file() ? "a file in the folder: see keys rotate and next_signer"
                             : "held by next_signer: make that the signer");
}

api::Readiness Server::Impl::Readiness() const {
  api::Readiness readiness{.accepting = ledger_ ? ledger_->Accepting()
                                                : FailedPrecondition("the folder is only read")};
  if (const Status signing = ledger_ ? ledger_->Signing() : OkStatus(); !signing.ok()) {
    readiness.warnings.push_back(
        fmt::format("signer: failing, records from {} on are under no checkpoint: {}",
                    Value(ledger_->heights().checkpointed), signing.message()));
  }
  if (const std::string idle = IdleSigner(); !idle.empty())
    readiness.warnings.push_back("signer: " + idle);
  if (anchors_) {
    if (readiness.accepting.ok()) readiness.accepting = anchors_->Accepting();
    for (const anchor::AnchorHealth& kind : anchors_->report().kinds) {
      if (!kind.failing && !kind.forked) continue;
      readiness.warnings.push_back(
          fmt::format("anchor {}: {}, last {}", anchor::AnchorKindName(kind.kind),
                      kind.forked ? "a witness raised an alarm (sealtrail anchors show)" : "late",
                      kind.last ? Iso8601(*kind.last) : "never"));
    }
  }
  if (stopping_) readiness.accepting = Unavailable("shutting down");
  if (config_.insecure_bind) {
    readiness.warnings.emplace_back("insecure_bind: listening without TLS and authentication");
  }
  return readiness;
}

Status Server::Impl::Stop() {
  stopping_ = true;
  if (otlp_grpc_) otlp_grpc_->Stop(kDrainNanos);
  if (otlp_http_) otlp_http_->Stop(kDrainNanos);
  if (engine_) engine_->Stop();  // a statement may run longer than anybody waits for a stop
  if (api_server_) api_server_->Stop(kDrainNanos);
  if (timer_) timer_->End();
  if (deduper_) deduper_->Stop();
  if (anchors_) anchors_->Stop();
  if (ledger_ == nullptr) {
    engine_.reset();
    return OkStatus();
  }
  Status status;
  if (pipeline_) {
    status = WaitFor(
        [this](std::function<void(Status)> done) { pipeline_->RecordTallies(std::move(done)); });
  }
  if (api_) {
    const Status reads = WaitFor(
        [this](std::function<void(Status)> done) { api_->RecordEntryReads(std::move(done)); });
    if (status.ok()) status = reads;
  }
  const Status closed =
      WaitFor([this](std::function<void(Status)> done) { ledger_->Close(std::move(done)); });
  engine_.reset();
  return closed.ok() ? status : closed;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const env::Env& env, const std::string& data_dir,
                                              const config::Config& config,
                                              std::function<void(const Status&)> on_failure) {
  return Impl::StartFor(Impl::For::kServing, env, data_dir, config, std::move(on_failure));
}

Result<std::unique_ptr<Server>> Server::Impl::StartFor(
    For purpose, const env::Env& env, const std::string& data_dir, const config::Config& config,
    std::function<void(const Status&)> on_failure) {
  auto impl = std::make_unique<Impl>(env, config, purpose);
  if (Status status = impl->Start(data_dir, std::move(on_failure)); !status.ok()) {
    if (const Status stopped = impl->Stop(); !stopped.ok()) {
      LogLine(LogLevel::kError, env.clock.Now(), "stop_failed", stopped.message());
    }
    return status;
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<std::unique_ptr<Server>> Server::StartLocal(const env::Env& env,
                                                   const std::string& data_dir) {
  config::Config config;
  config.otlp_grpc = config.otlp_http = config.api = "";
  if (CanWrite(env, data_dir))
    return Impl::StartFor(Impl::For::kACommand, env, data_dir, config, [](const Status&) {});
  auto impl = std::make_unique<Impl>(env, config, Impl::For::kACommand);
  if (Status status = impl->StartReadOnly(data_dir); !status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const ReadyInfo& Server::ready() const {
  return impl_->ready();
}
Status Server::Stop() {
  return impl_->Stop();
}

}  // namespace sealtrail::server
