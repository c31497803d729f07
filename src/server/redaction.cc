#include "server/redaction.h"

#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/wipe.h"
#include "vocab/redaction_rules.h"

namespace sealtrail::server {
namespace {

constexpr size_t kRulesBytesMax = kMiB;
constexpr size_t kKeyTextBytesMax = 4 * kKiB;

Result<vocab::RedactionRules> OwnRules(const env::Env& env, const std::string& file) {
  if (file.empty()) return vocab::RedactionRules();
  SEAL_ASSIGN_OR_RETURN(const std::string yaml, env::ReadText(env.files, file, kRulesBytesMax));
  return vocab::LoadRedactionRules(yaml);
}

// The key in hexadecimal, as `openssl rand -hex 32` writes it.
Result<std::optional<Bytes>> ReadHmacKey(const env::Env& env, const std::string& file) {
  if (file.empty()) return std::optional<Bytes>();
  SEAL_ASSIGN_OR_RETURN(std::string text, env::ReadText(env.files, file, kKeyTextBytesMax));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  auto key = HexDecode(text);
  Wipe(text.data(), text.size());
  if (!key.ok() || key->size() < pipeline::Redactor::kHmacKeyBytesMin) {
    return InvalidArgument("expected a key of {} bytes or more in hexadecimal digits",
                           pipeline::Redactor::kHmacKeyBytesMin);
  }
  const auto info = env.files.Stat(file);
  if (info.ok() && info->open_to_others) {
    LogLine(LogLevel::kWarning, env.clock.Now(), "key_file_open",
            "others than its owner may read the key of redaction, and so try guesses: chmod 600",
            {{"file", file}});
  }
  return std::optional<Bytes>(*std::move(key));
}

}  // namespace

std::string BuiltInRedactionVersion() {
  auto rules = vocab::LoadRedactionRules(vocab::BuiltInRedaction());
  SEAL_CHECK(rules.ok());
  return std::move(rules->version);
}

Result<OpenedRedactor> OpenRedactor(const env::Env& env, const config::Redaction& config,
                                    MetricSet& metrics) {
  auto defaults = vocab::LoadRedactionRules(vocab::BuiltInRedaction());
  SEAL_CHECK(defaults.ok());
  if (config.without_all) {
    defaults->rules.clear();
    defaults->version = "without all";
  }
  auto own = OwnRules(env, config.rules_file);
  if (!own.ok()) return own.status().Annotate(config.rules_file);
  auto rules = vocab::CombineRedactionRules(*std::move(defaults), *std::move(own), config.without);
  if (!rules.ok()) return rules.status().Annotate("redaction.without");
  auto key = ReadHmacKey(env, config.hmac_key_file);
  if (!key.ok()) return key.status().Annotate(config.hmac_key_file);
  auto redactor = pipeline::Redactor::Make({.rules = std::move(rules->rules),
                                            .keep = std::move(rules->keep),
                                            .hmac_key = *std::move(key)},
                                           metrics);
  if (!redactor.ok()) return redactor.status().Annotate(config.rules_file);
  return OpenedRedactor{.redactor = *std::move(redactor), .version = std::move(rules->version)};
}

}  // namespace sealtrail::server
