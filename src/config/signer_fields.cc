#include "config/signer_fields.h"

#include "tlog/note.h"

namespace sealtrail::config {
namespace {

constexpr size_t kWordsMax = 64;

}  // namespace

Status ReadSigner(const YamlFields& yaml, const YAML::Node& node, const std::string& key,
                  std::optional<SignerCommand>& signer) {
  SignerCommand read;
  const std::string command = key + ".command";
  const auto word = [&](const YAML::Node& each) {
    return yaml.Text(each, command, read.command.emplace_back());
  };
  SEAL_RETURN_IF_ERROR(yaml.Map(
      node, key + ".",
      {{"command", [&](const YAML::Node& n) { return yaml.List(n, command, kWordsMax, word); }},
       {"vkey", [&](const YAML::Node& n) { return yaml.Text(n, key + ".vkey", read.vkey); }}}));
  if (read.command.empty() || !read.command[0].starts_with('/')) {
    return yaml.Error(node, fmt::format("{}: expected a list of words, the first of them the "
                                        "absolute path of a program",
                                        command));
  }
  const auto verifier = tlog::Verifier::FromVkey(read.vkey);
  if (!verifier.ok()) {
    return yaml.Error(node, fmt::format("{}.vkey: expected the verifier key of an Ed25519 key, "
                                        "<name>+<8 hex>+<base64>: {}",
                                        key, verifier.status().message()));
  }
  read.vkey = verifier->vkey();
  signer = std::move(read);
  return OkStatus();
}

}  // namespace sealtrail::config
