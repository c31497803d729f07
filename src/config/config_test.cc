#include "config/config.h"

#include <gtest/gtest.h>

namespace sealtrail::config {
namespace {

TEST(ConfigTest, EmptyMeansDefaults) {
  for (std::string_view text : {"", "# nothing\n", "---\n"}) {
    const auto config = ParseConfig(text, "c.yaml");
    ASSERT_TRUE(config.ok()) << config.status().ToString();
    EXPECT_EQ(config->otlp_grpc, "127.0.0.1:4317");
    EXPECT_EQ(config->select_attributes, std::vector<std::string>{"audit.action"});
    EXPECT_FALSE(config->min_free_bytes);
  }
}

TEST(WitnessConfigTest, NamesThePlaceOfABadName) {
  constexpr std::string_view kLogs = "logs: [{vkey: log.example+01234567+AAAA}]\n";
  const auto parse = [&](std::string_view name) {
    return ParseWitnessConfig(fmt::format("{}name: {}\n", kLogs, name), "w.yaml").status();
  };
  EXPECT_TRUE(parse("witness.example.com/w1").ok());
  EXPECT_TRUE(parse("a b").message().starts_with("w.yaml:2: name: ")) << parse("a b").message();
  EXPECT_TRUE(parse("a+b").message().starts_with("w.yaml:2: name: ")) << parse("a+b").message();
}

TEST(ConfigTest, ReadsEveryKey) {
  const auto config = ParseConfig(R"(origin: audit.example.com/eu
listen: {otlp_grpc: "127.0.0.1:0", otlp_http: "localhost:4318", api: "[::1]:8470"}
insecure_bind: true
select: {attributes: [audit.action, security.event]}
min_free_bytes: 1048576
segment:
  bytes_max: 65536
  age_max_seconds: 7
duplicates: {identities_max: 1000, hours_max: 2}
signing_state: /safe
signer: {command: [/bin/sign, "a b"], vkey: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW}
next_signer: {vkey: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW, command: [/bin/other]}
index: {paused: true}
redaction: {rules: /etc/r.yaml, without: [jwt, cookie], hmac_key: /etc/k}
)",
                                  "c.yaml");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->origin, "audit.example.com/eu");
  EXPECT_EQ(config->api, "[::1]:8470");
  EXPECT_TRUE(config->insecure_bind);
  EXPECT_EQ(config->select_attributes.size(), 2u);
  EXPECT_EQ(config->min_free_bytes, 1048576u);
  EXPECT_EQ(config->segment_bytes_max, 65536u);
  EXPECT_EQ(config->segment_age_max_seconds, 7u);
  EXPECT_EQ(config->identities_max, 1000u);
  EXPECT_EQ(config->identity_hours_max, 2u);
  EXPECT_EQ(config->signing_state, "/safe");
  ASSERT_TRUE(config->signer && config->next_signer);
  EXPECT_EQ(config->signer->command, (std::vector<std::string>{"/bin/sign", "a b"}));
  EXPECT_EQ(config->signer->vkey,
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  EXPECT_EQ(config->next_signer->command[0], "/bin/other");
  EXPECT_TRUE(config->index_paused);
  EXPECT_EQ(config->redaction.rules_file, "/etc/r.yaml");
  EXPECT_EQ(config->redaction.without, (std::vector<std::string>{"jwt", "cookie"}));
  EXPECT_FALSE(config->redaction.without_all);
  EXPECT_EQ(config->redaction.hmac_key_file, "/etc/k");
  EXPECT_TRUE(ParseConfig("redaction: {without: all}", "c.yaml")->redaction.without_all);
  EXPECT_TRUE(ParseConfig("select: all", "c.yaml")->select_all);
}

// Each mistake is told with file, line and what is expected.
TEST(ConfigTest, MistakesHaveAPlace) {
  const std::pair<std::string, std::string> table[] = {
      {"origin: two words\n", "c.yaml:1: origin: an origin has no space"},
      {"otlp_grpc: '127.0.0.1:1'\n",
       "c.yaml:1: unknown key \"otlp_grpc\"; did you mean \"listen.otlp_grpc\"?"},
      {"origin: x\nlissten: {}\n", "c.yaml:2: unknown key \"lissten\"; did you mean \"listen\"?"},
      {"listen:\n  api: 8470\n", "c.yaml:2: listen.api: \"8470\", expected host:port"},
      {"listen:\n  apii: a:1\n", "c.yaml:2: unknown key \"listen.apii\"; did you mean \"api\"?"},
      {"insecure_bind: maybe\n", "c.yaml:1: insecure_bind: expected true or false"},
      {"min_free_bytes: -1\n", "c.yaml:1: min_free_bytes: expected a number"},
      {"segment:\n  bytes_max: 1000\n",
       "c.yaml:2: segment.bytes_max: expected a number of bytes, 65536 to"},
      {"segment:\n  age_max_seconds: 0\n",
       "c.yaml:2: segment.age_max_seconds: expected a number of seconds, 1 to"},
      {"bytes_max: 70000\n",
       "c.yaml:1: unknown key \"bytes_max\"; did you mean \"segment.bytes_max\""},
      {"min_free_bytes: 1G\n", "c.yaml:1: min_free_bytes: expected a number"},
      {"select: some\n", "c.yaml:1: select: expected \"all\""},
      {"redaction:\n  without: some\n", "c.yaml:2: redaction.without: expected \"all\" or a list"},
      {"redaction: {rules: ''}\n", "c.yaml:1: redaction.rules: expected the path of a file"},
      {"redaction:\n  key: k\n", "c.yaml:2: unknown key \"redaction.key\"; did you mean"},
      {"hmac_key: k\n", "c.yaml:1: unknown key \"hmac_key\"; did you mean \"redaction.hmac_key\""},
      {"select: {attributes: []}\n", "c.yaml:1: select.attributes: expected a list"},
      {"signer: {vkey: x}\n", "c.yaml:1: signer.command: expected a list of words"},
      {"next_signer:\n  command: [sign]\n",
       "c.yaml:2: next_signer.command: expected a list of words, the first of them the absolute"},
      {"signer: {command: [/a], vkey: x}\n",
       "c.yaml:1: signer.vkey: expected the verifier key of an Ed25519 key"},
      {"signer: {commands: [/a]}\n", "c.yaml:1: unknown key \"signer.commands\""},
      {"anchors:\n  max_age_seconds: 900\n  fail: closed\n",
       "c.yaml:3: anchors.fail: closed without an anchor would never close; expected "
       "anchors.policy"},
      {"listen:\n  api:\n    tls: {cert_file: a}\n",
       "c.yaml:3: listen.api.tls: expected cert_file and key_file"},
      {"listen:\n  api:\n    tls: {}\n",
       "c.yaml:3: listen.api.tls: expected cert_file and key_file"},
      {"listen: {api: {tls: {cert_file: a, key_file: ''}}}\n",
       "c.yaml:1: listen.api.tls.key_file: expected the path of a file"},
      {"listen: {api: {tls: {cert_file: a, key_file: b, ca_file: c}}}\n",
       "c.yaml:1: unknown key \"listen.api.tls.ca_file\"; did you mean \"cert_file\"? Expected one "
       "of: cert_file, client_ca_file, key_file, reload_interval_seconds"},
      {"listen: {api: {tls: {cert_file: a, key_file: b, reload_interval_seconds: 0}}}\n",
       "c.yaml:1: listen.api.tls.reload_interval_seconds: expected a number of seconds, 1 to"},
      {"listen: {api: {address: 1}}\n", "c.yaml:1: listen.api.address: \"1\", expected host:port"},
      {"listen: {api: [a]}\n", "c.yaml:1: listen.api: expected a text"},
      {"tls: {}\n", "c.yaml:1: unknown key \"tls\"; did you mean \"listen.otlp_grpc.tls\"?"},
      {"[1, 2]\n", "c.yaml:1: the file: expected a map"},
      {"a: [\n", "c.yaml:2: "},
  };
  for (const auto& [text, expected] : table) {
    const auto config = ParseConfig(text, "c.yaml");
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.status().message().substr(0, expected.size()), expected);
  }
}

TEST(ConfigTest, AListenerMayHaveTls) {
  const auto config = ParseConfig(R"(listen:
  otlp_grpc:
    address: 0.0.0.0:4317
    tls: &tls {cert_file: a.pem, key_file: a.key, client_ca_file: ca.pem, reload_interval_seconds: 5}
  otlp_http: {tls: *tls}
  api: {address: "127.0.0.1:1", tls: {cert_file: b.pem, key_file: b.key}}
)",
                                  "c.yaml");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  const net::TlsOptions mutual{.cert_file = "a.pem",
                               .key_file = "a.key",
                               .client_ca_file = "ca.pem",
                               .reload_interval_ns = 5 * kNanosPerSecond};
  EXPECT_EQ(config->otlp_grpc, "0.0.0.0:4317");
  EXPECT_EQ(config->otlp_grpc_tls, mutual);
  EXPECT_EQ(config->otlp_http, "127.0.0.1:4318");
  EXPECT_EQ(config->otlp_http_tls, mutual);
  EXPECT_EQ(config->api, "127.0.0.1:1");
  EXPECT_EQ(config->api_tls, (net::TlsOptions{.cert_file = "b.pem", .key_file = "b.key"}));
  EXPECT_TRUE(CheckBinds(*config).ok());
}

TEST(ConfigTest, WideBindsNeedAWord) {
  Config config;
  EXPECT_TRUE(CheckBinds(config).ok());
  for (const char* wide : {"0.0.0.0:4317", "[::]:4317", "10.0.0.1:4317", "example.com:4317",
                           "127.0.0.1.example.com:4317", ":4317"}) {
    config.otlp_grpc = wide;
    EXPECT_EQ(CheckBinds(config).code(), StatusCode::kInvalidArgument) << wide;
  }
  config.otlp_grpc = "0.0.0.0:4317";
  config.insecure_bind = true;
  EXPECT_TRUE(CheckBinds(config).ok());
}

// Or clients that are known by their certificates, at each listener that is not on loopback.
TEST(ConfigTest, WideBindsAreFreeWithMutualTls) {
  const net::TlsOptions mutual{.cert_file = "c", .key_file = "k", .client_ca_file = "ca"};
  Config config;
  config.otlp_grpc = config.otlp_http = config.api = "0.0.0.0:0";
  config.otlp_grpc_tls = config.otlp_http_tls = config.api_tls = mutual;
  EXPECT_TRUE(CheckBinds(config).ok());
  for (auto tls : {&Config::otlp_grpc_tls, &Config::otlp_http_tls, &Config::api_tls}) {
    Config without = config;
    (without.*tls)->client_ca_file = "";
    EXPECT_EQ(CheckBinds(without).code(), StatusCode::kInvalidArgument) << "TLS alone";
    (without.*tls).reset();
    EXPECT_EQ(CheckBinds(without).code(), StatusCode::kInvalidArgument) << "nothing";
  }
  config.api_tls.reset();
  EXPECT_NE(CheckBinds(config).message().find("listen.api.tls"), std::string::npos);
}

}  // namespace
}  // namespace sealtrail::config
