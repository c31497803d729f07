#include <algorithm>

#include "anchor/witness_key.h"
#include "anchor/witness_server.h"
#include "base/log.h"

namespace sealtrail::anchor {
namespace {

constexpr size_t kWorkersMax = 4;
constexpr std::string_view kAddPath = "/add-checkpoint";
constexpr std::string_view kCheckpointName = "/checkpoint";
constexpr size_t kHexChars = 64;

net::HttpResponse Text(int status, std::string body) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .headers = {},
          .body = SharedBytes::FromText(std::move(body)),
          .source = nullptr};
}

net::HttpResponse Busy(std::string why) {
  net::HttpResponse response = Text(503, std::move(why) + "\n");
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

int64_t SecondsUp(int64_t nanos) {
  return (nanos + kNanosPerSecond - 1) / kNanosPerSecond;
}

// The origin of the checkpoint that is offered, whoever signed it; empty where there is none.
std::string OriginOf(const tlog::AddCheckpointRequest& request) {
  return request.checkpoint.substr(0, request.checkpoint.find('\n'));
}

// A parent that may not be read was made by others, and so was the folder.
Status MakeFolders(env::FileSystem& files, const std::string& dir) {
  const bool existed = files.Stat(dir).ok();
  SEAL_RETURN_IF_ERROR(files.MakeDir(dir));
  const Status parent = files.SyncDir(env::ParentPath(dir));
  if (!parent.ok() && !(existed && parent.code() == StatusCode::kFailedPrecondition)) return parent;
  for (std::string_view name : {"keys", "logs", "evidence"}) {
    SEAL_RETURN_IF_ERROR(files.MakeDir(env::JoinPath(dir, name)));
  }
  return files.SyncDir(dir);
}

}  // namespace

WitnessService::WitnessService(const env::Env& env, std::function<void(const Status&)> on_failure)
    : env_(env), on_failure_(std::move(on_failure)) {}

// The workers first: what they run looks at all the rest.
WitnessService::~WitnessService() {
  for (auto& worker : workers_) worker->End();
}

Result<std::unique_ptr<WitnessService>> WitnessService::Open(
    const env::Env& env, const WitnessOptions& options,
    std::function<void(const Status&)> on_failure) {
  std::unique_ptr<WitnessService> service(new WitnessService(env, std::move(on_failure)));
  for (std::string_view name : {"trail", "segments"}) {
    SEAL_ASSIGN_OR_RETURN(const bool there,
                          env::Exists(env.files, env::JoinPath(options.data_dir, name)));
    if (there)
      return FailedPrecondition(
          "{} is the data folder of a store: it holds \"{}\"; give the witness a folder of its own",
          options.data_dir, name);
  }
  SEAL_RETURN_IF_ERROR(MakeFolders(env.files, options.data_dir));
  SEAL_ASSIGN_OR_RETURN(service->lock_, env.files.Lock(env::JoinPath(options.data_dir, "LOCK")));
  SEAL_ASSIGN_OR_RETURN(tlog::Cosigner cosigner, LoadOrMakeWitnessKey(env, options));
  service->cosigner_ = std::make_unique<tlog::Cosigner>(std::move(cosigner));
  SEAL_RETURN_IF_ERROR(service->OpenLogs(options));
  return service;
}

Status WitnessService::OpenLogs(const WitnessOptions& options) {
  const size_t workers = std::min(kWorkersMax, options.logs.size());
  for (size_t i = 0; i < workers; ++i) {
    workers_.push_back(env_.executor.StartWorker(fmt::format("witness-{}", i)));
  }
  for (size_t i = 0; i < options.logs.size(); ++i) {
    SEAL_ASSIGN_OR_RETURN(auto log,
                          WatchedLog::Open(env_, options.data_dir, options.logs[i], *cosigner_));
    const std::string hex = WatchedLog::HexOf(log->origin());
    const std::string origin = log->origin();
    Owned owned{.log = std::move(log), .worker = workers_[i % workers].get()};
    if (!logs_.emplace(hex, std::move(owned)).second) {
      return InvalidArgument("the log {} is listed twice", origin);
    }
  }
  return OkStatus();
}

std::string WitnessService::vkey() const {
  return cosigner_->verifier().vkey();
}

const WitnessService::Owned* WitnessService::Find(std::string_view hex) const {
  const auto found = logs_.find(hex);
  return found == logs_.end() ? nullptr : &found->second;
}

void WitnessService::Handle(const net::HttpRequest& request,
                            std::function<void(net::HttpResponse)> done) {
  if (request.path == kAddPath) {
    if (request.method != "POST") return done(Text(405, "POST only\n"));
    return AddCheckpoint(request, std::move(done));
  }
  std::string_view path = request.path;
  if (path.size() != 1 + kHexChars + kCheckpointName.size() || !path.ends_with(kCheckpointName)) {
    return done(Text(404, "not here\n"));
  }
  if (request.method != "GET") return done(Text(405, "GET only\n"));
  done(Checkpoint(path.substr(1, kHexChars)));
}

net::HttpResponse WitnessService::Checkpoint(std::string_view hex) const {
  const Owned* owned = Find(hex);
  const std::string note = owned == nullptr ? "" : owned->log->checkpoint();
  return note.empty() ? Text(404, "no checkpoint of that log was ever cosigned\n")
                      : Text(200, note);
}

void WitnessService::AddCheckpoint(const net::HttpRequest& request,
                                   std::function<void(net::HttpResponse)> done) {
  if (request.body.size() > kWitnessRequestBytesMax) return done(Text(413, "too long\n"));
  auto parsed = tlog::ParseAddCheckpoint(AsText(request.body.view()));
  if (!parsed.ok()) return done(Text(400, parsed.status().message() + "\n"));
  const Owned* owned = Find(WatchedLog::HexOf(OriginOf(*parsed)));
  if (owned == nullptr) return done(Text(404, "not a log that is watched here\n"));
  if (waiting_.fetch_add(1) >= kWitnessRequestsWaitingMax) {
    waiting_.fetch_sub(1);
    return done(Busy("too many requests wait"));
  }
  owned->worker->Post(
      [this, log = owned->log.get(), request = std::move(*parsed), done = std::move(done)] {
        net::HttpResponse response = ToResponse(*log, log->Add(request));
        waiting_.fetch_sub(1);
        done(std::move(response));
      });
}

net::HttpResponse WitnessService::ToResponse(const WatchedLog& log, Result<WitnessReply> reply) {
  if (!reply.ok()) {
    if (!failed_.exchange(true)) {
      LogLine(LogLevel::kError, env_.clock.Now(), "witness_failed", reply.status().message());
      if (on_failure_) on_failure_(reply.status());
    }
    return Busy("the disk failed");
  }
  const tlog::WitnessAnswer answer = reply->answer.answer;
  if (answer == tlog::WitnessAnswer::kFork) {
    LogLine(LogLevel::kError, env_.clock.Now(), "log_forked",
            "the log has signed two roots for one size; both notes are kept in evidence/",
            {{"origin", log.origin()}});
  } else if (answer == tlog::WitnessAnswer::kNotTrusted ||
             answer == tlog::WitnessAnswer::kBadProof) {
    LogLine(LogLevel::kWarning, env_.clock.Now(), "checkpoint_refused", reply->answer.detail,
            {{"origin", log.origin()}});
  }
  tlog::HttpAnswer http = tlog::EncodeAnswer(reply->answer);
  net::HttpResponse response = Text(http.status, std::move(http.body));
  response.content_type = std::move(http.content_type);
  if (reply->retry_after_ns > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(SecondsUp(reply->retry_after_ns)));
  }
  return response;
}

}  // namespace sealtrail::anchor
