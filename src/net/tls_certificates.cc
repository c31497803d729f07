#include "net/tls_certificates.h"

#include <utility>

#include "base/log.h"

namespace sealtrail::net {
namespace {

Status ReadPem(const env::Env& env, const std::string& path, std::string& out) {
  auto text = env::ReadText(env.files, path, kTlsFileBytesMax);
  if (!text.ok()) return text.status();
  out = *std::move(text);
  return OkStatus();
}

}  // namespace

TlsCertificates::TlsCertificates(TlsOptions options, std::string listener, const env::Env& env,
                                 MetricSet& metrics)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      env_(env),
      failures_(&metrics.GetCounter("sealtrail_tls_reload_failures_total",
                                    "Looks at TLS files that could not be used",
                                    {{"listener", listener_}})),
      end_(&metrics.GetGauge("sealtrail_tls_certificate_end_seconds",
                             "When the certificate in use ends, as Unix time",
                             {{"listener", listener_}})) {}

TlsCertificates::~TlsCertificates() {
  if (worker_) worker_->End();
}

Result<std::unique_ptr<TlsCertificates>> TlsCertificates::Load(TlsOptions options,
                                                               std::string listener,
                                                               const env::Env& env,
                                                               MetricSet& metrics) {
  std::unique_ptr<TlsCertificates> tls(
      new TlsCertificates(std::move(options), std::move(listener), env, metrics));
  SEAL_ASSIGN_OR_RETURN(TlsPem pem, tls->Read());
  SEAL_RETURN_IF_ERROR(tls->Adopt(std::move(pem)));
  if (tls->options_.reload_interval_ns > 0) {
    tls->worker_ = env.executor.StartWorker("tls-reload", env::Priority::kBackground);
    tls->ReloadLater();
  }
  return tls;
}

std::shared_ptr<const TlsState> TlsCertificates::current() const {
  MutexLock lock(mutex_);
  return current_;
}

Result<TlsPem> TlsCertificates::Read() const {
  TlsPem pem;
  SEAL_RETURN_IF_ERROR(ReadPem(env_, options_.cert_file, pem.certificates));
  SEAL_RETURN_IF_ERROR(ReadPem(env_, options_.key_file, pem.key));
  if (!options_.client_ca_file.empty()) {
    SEAL_RETURN_IF_ERROR(ReadPem(env_, options_.client_ca_file, pem.client_ca));
    // An empty file must not mean that nobody is asked.
    if (pem.client_ca.empty()) return InvalidArgument("{}: empty", options_.client_ca_file);
  }
  return pem;
}

Status TlsCertificates::Adopt(TlsPem pem) {
  auto context = MakeTlsContext(pem);
  if (!context.ok()) {
    return context.status().Annotate(
        fmt::format("tls of {} ({}, {}{}{})", listener_, options_.cert_file, options_.key_file,
                    options_.client_ca_file.empty() ? "" : ", ", options_.client_ca_file));
  }
  end_->Set(static_cast<double>(Value(CertificateEnd(**context)) / kNanosPerSecond));
  const auto before = current();
  auto next = std::make_shared<const TlsState>(
      TlsState{before ? before->generation + 1 : 1, std::move(pem), *std::move(context)});
  MutexLock lock(mutex_);
  current_ = std::move(next);
  return OkStatus();
}

Status TlsCertificates::Reload() {
  Status status;
  bool changed = false;
  if (Result<TlsPem> pem = Read(); !pem.ok()) {
    status = pem.status();
  } else if (*pem != current()->pem) {
    changed = true;
    status = Adopt(*std::move(pem));
  }
  if (status.ok()) {
    if (changed) {
      LogLine(LogLevel::kInfo, env_.clock.Now(), "tls_reloaded", "the new certificate is in use",
              {{"listener", listener_}});
    }
    last_failure_.clear();
    return status;
  }
  failures_->Add();
  if (std::exchange(last_failure_, status.message()) != status.message()) {
    LogLine(LogLevel::kError, env_.clock.Now(), "tls_reload_failed",
            "the certificate before stays in use: " + status.message(), {{"listener", listener_}});
  }
  return status;
}

void TlsCertificates::ReloadLater() {
  worker_->PostAfter(options_.reload_interval_ns, [this] {
    static_cast<void>(Reload());  // has been told
    ReloadLater();
  });
}

}  // namespace sealtrail::net
