#include "verify/testing/full_trail.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace sealtrail::verify::testing {
namespace {

// The cosigned checkpoint of all records so far, what is remembered of the first witness, and the policy.
std::string Cosign(Forge& forge) {
  std::string policy, note = forge.SignedCheckpoint(forge.size(), forge.Root());
  const std::string text = note.substr(0, note.find("\n\n") + 1);
  for (const char* name : {"w1", "w2"}) {
    const auto key = *crypto::Ed25519PrivateKey::FromSeed(Bytes(32, static_cast<uint8_t>(name[1])));
    note += CosignatureLine(text, name, key, 1764039846);
    policy += fmt::format("witness {} {}\n", name, WitnessKeyText(name, key));
    if (name[1] != '1') continue;
    const std::string vkey = WitnessKeyText(name, key);
    const std::string state =
        fmt::format("sealtrail/witness/v1\nvkey {}\nsize {}\nroot {}\nsuccess 5\n", vkey,
                    forge.size(), Base64Encode(forge.Root()));
    forge.Put(fmt::format("anchors/witness-{}.state",
                          HexEncode(ByteView(crypto::Sha256(AsBytes(vkey))).first(16))),
              state + fmt::format("sha256 {}\n", Base64Encode(crypto::Sha256(AsBytes(state)))));
  }
  forge.Put(fmt::format("anchors/{:020}.checkpoint", forge.size()), note);
  return policy + "group all all w1 w2\nquorum all\n";
}

}  // namespace

FullTrail::FullTrail(Bodies bodies, const std::function<Bytes(std::string_view note)>& stamp) {
  const Bytes cut(40, 'x');
  forge.compress = bodies == Bodies::kCompressed;
  forge.part = bodies == Bodies::kParted;
  forge.BeginFile();
  forge.AddRecords({SelfLeaf("sealtrail.store.start")});
  forge.AddRecords(
      {SelfLeaf("sealtrail.recovery.cut",
                fmt::format(R"(,["sealtrail.cut.aside","tail-1"],["sealtrail.cut.sha256","{}"])",
                            HexEncode(crypto::Sha256(cut))))});
  forge.source.files["aside/tail-1"] = cut;
  forge.Sync();
  forge.AddMany(ShortLeaves(0, 100));
  const std::string resource = ResourceGroup(2100);
  const uint64_t side = forge.AddSide(resource);
  forge.AddRecords({SpanLeaf(100), LeafWithResourceBeside(resource)}, {"a note"}, {side});
  forge.Sync();
  forge.RotateKey();
  forge.AddMany(ShortLeaves(101, 200));
  forge.Sync();
  forge.AddRecords({LeafWithResourceBeside(resource)}, {}, {side});
  forge.AddRecords({}, {"only a note"});
  forge.Seal();
  forge.AddMany(ShortLeaves(301, 30));
  const std::string other = ResourceGroup(2200);
  const uint64_t other_side = forge.AddSide(other);
  forge.AddRecords({LeafWithResourceBeside(other)}, {}, {other_side});
  // Where bodies are small, a second block of 256 ends here, that began in the segment before.
  if (bodies != Bodies::kRaw) forge.AddMany(ShortLeaves(331, 200));
  forge.RotateKey();
  forge.Seal();
  policy = Cosign(forge);
  if (stamp) {
    const std::string note = forge.SignedCheckpoint(forge.size(), forge.Root());
    forge.Put(fmt::format("anchors/{:020}.stamped", forge.size()), note);
    forge.source.files[fmt::format("anchors/{:020}.0.tsr", forge.size())] = stamp(note);
  }
  forge.AddMany(SpanLeaves(531, 20));
  forge.Sync();
  const uint64_t last_side = forge.AddSide(resource);
  forge.AddRecords({LeafWithResourceBeside(resource)}, {"another note"}, {last_side});
  forge.SignCheckpoint();
  policy = fmt::format("log {}\n", forge.vkey()) + policy;
}

std::vector<std::string> CoveredFiles(const Forge& forge) {
  std::vector<std::string> out;
  for (const auto& [path, content] : forge.source.files) {
    if (path != "LOCK" && !path.starts_with("keys/")) out.push_back(path);
  }
  return out;
}

}  // namespace sealtrail::verify::testing
