#include "verify/testing/full_trail.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace sealtrail::verify::testing {

Forge FullTrail(bool compress) {
  const Bytes cut(40, 'x');
  Forge forge;
  forge.compress = compress;
  forge.BeginFile();
  forge.AddRecords({SelfLeaf("sealtrail.store.start")});
  forge.AddRecords(
      {SelfLeaf("sealtrail.recovery.cut",
                fmt::format(R"(,["sealtrail.cut.aside","tail-1"],["sealtrail.cut.sha256","{}"])",
                            HexEncode(crypto::Sha256(cut))))});
  forge.source.files["aside/tail-1"] = cut;
  forge.Sync();
  forge.AddMany(SpanLeaves(0, 100));
  const std::string resource = ResourceGroup(2100);
  const uint64_t side = forge.AddSide(resource);
  forge.AddRecords({SpanLeaf(100), LeafWithResourceBeside(resource)}, {"a note"}, {side});
  forge.Sync();
  forge.RotateKey();
  forge.AddMany(SpanLeaves(101, 200));
  forge.Sync();
  forge.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
  forge.AddRecords({}, {"only a note"});
  forge.Seal();
  forge.AddMany(SpanLeaves(301, 30));
  const std::string other = ResourceGroup(2200);
  const uint64_t other_side = forge.AddSide(other);
  forge.AddRecords({LeafWithResourceBeside(other)}, {}, {other_side});
  forge.AddMany(SpanLeaves(331, 200));
  forge.RotateKey();
  forge.Seal();
  forge.AddMany(SpanLeaves(531, 20));
  forge.Sync();
  const uint64_t last_side = forge.AddSide(resource);
  forge.AddRecords({LeafWithResourceBeside(resource)}, {"another note"}, {last_side});
  forge.SignCheckpoint();
  return forge;
}

std::vector<std::string> CoveredFiles(const Forge& forge) {
  std::vector<std::string> out;
  for (const auto& [path, content] : forge.source.files) {
    if (path != "LOCK" && !path.starts_with("keys/")) out.push_back(path);
  }
  return out;
}

}  // namespace sealtrail::verify::testing
