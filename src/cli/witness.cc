#include <cstdio>

#include <nlohmann/json.hpp>

#include "anchor/witness_server.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "config/config.h"

namespace sealtrail::cli {
namespace {

constexpr size_t kConfigBytesMax = kMiB;

Result<anchor::WitnessOptions> LoadConfig(const env::Env& env, const WitnessArgs& args) {
  SEAL_ASSIGN_OR_RETURN(const Bytes text,
                        env::ReadFile(env.files, args.config_file, kConfigBytesMax));
  SEAL_ASSIGN_OR_RETURN(anchor::WitnessOptions options,
                        config::ParseWitnessConfig(AsText(text), args.config_file));
  options.data_dir = args.data_dir;
  return options;
}

}  // namespace

int Witness(const env::Env& env, const WitnessArgs& args) {
  const auto options = LoadConfig(env, args);
  if (!options.ok()) return Complain(options.status().message());
  const Status ended = anchor::RunWitness(env, *options, [](const anchor::WitnessReady& ready) {
    const nlohmann::ordered_json line = {
        {"event", "ready"}, {"witness", ready.address}, {"vkey", ready.vkey}};
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  });
  return ended.ok() ? 0 : Complain(ended.message());
}

}  // namespace sealtrail::cli
