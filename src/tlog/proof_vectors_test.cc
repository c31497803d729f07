// The 518 vectors of transparency-dev/merkle, good proofs and every way to spoil one:
// tests/vectors/merkle.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "tlog/proof.h"

namespace sealtrail::tlog {
namespace {

using Json = nlohmann::json;

// A hash that has not 32 bytes is refused where it is read, before any proof is looked at.
Result<Hash> HashIn(const Json& vector, const char* member) {
  return HashFromBase64(vector[member].get<std::string>());
}

// Some roots are random text of another length: they stand for a hash that is equal only to itself.
Hash RootIn(const Json& vector, const char* member) {
  const Bytes bytes = Base64Decode(vector[member].get<std::string>()).value();
  const auto hash = HashOf(bytes);
  return hash.ok() ? *hash : crypto::Sha256(bytes);
}

Result<Proof> ProofIn(const Json& vector) {
  Proof proof;
  if (vector["proof"].is_null()) return proof;
  for (const Json& text : vector["proof"]) {
    SEAL_ASSIGN_OR_RETURN(const Hash hash, HashFromBase64(text.get<std::string>()));
    proof.push_back(hash);
  }
  return proof;
}

LeafRange RangeIn(const Json& vector) {
  return {vector["start"].get<uint64_t>(), vector["end"].get<uint64_t>()};
}

// Runs `verify` on every vector of `file` and expects what the vector says.
template <typename Verify>
void CheckVectors(const std::string& file, int expected, Verify verify) {
  std::ifstream in(SEALTRAIL_SOURCE_DIR "/tests/vectors/merkle/" + file);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const Json vector = Json::parse(line);
    SCOPED_TRACE(vector["name"].get<std::string>() + ": " + vector["desc"].get<std::string>());
    const Status status = verify(vector);
    EXPECT_EQ(!status.ok(), vector["wantErr"].get<bool>()) << status.ToString();
  }
  EXPECT_EQ(count, expected);
}

Status Inclusion(const Json& v) {
  SEAL_ASSIGN_OR_RETURN(const Hash leaf, HashIn(v, "leafHash"));
  const Hash root = RootIn(v, "root");
  SEAL_ASSIGN_OR_RETURN(const Proof proof, ProofIn(v));
  return VerifyInclusion(Seq{v["leafIdx"].get<uint64_t>()}, TreeSize{v["treeSize"].get<uint64_t>()},
                         leaf, proof, root);
}

Status Consistency(const Json& v) {
  const Hash old_root = RootIn(v, "root1");
  const Hash root = RootIn(v, "root2");
  SEAL_ASSIGN_OR_RETURN(const Proof proof, ProofIn(v));
  return VerifyConsistency(TreeSize{v["size1"].get<uint64_t>()}, old_root,
                           TreeSize{v["size2"].get<uint64_t>()}, root, proof);
}

Status SubtreeInclusion(const Json& v) {
  SEAL_ASSIGN_OR_RETURN(const Hash leaf, HashIn(v, "leafHash"));
  const Hash root = RootIn(v, "root");
  SEAL_ASSIGN_OR_RETURN(const Proof proof, ProofIn(v));
  return VerifySubtreeInclusion(Seq{v["leafIdx"].get<uint64_t>()}, RangeIn(v), leaf, proof, root);
}

Status SubtreeConsistency(const Json& v) {
  const Hash subtree_root = RootIn(v, "root1");
  const Hash root = RootIn(v, "root2");
  SEAL_ASSIGN_OR_RETURN(const Proof proof, ProofIn(v));
  return VerifySubtreeConsistency(RangeIn(v), subtree_root, TreeSize{v["size"].get<uint64_t>()},
                                  root, proof);
}

TEST(ProofVectorsTest, Inclusion) {
  CheckVectors("inclusion.ndjson", 98, Inclusion);
}
TEST(ProofVectorsTest, Consistency) {
  CheckVectors("consistency.ndjson", 98, Consistency);
}
TEST(ProofVectorsTest, SubtreeInclusion) {
  CheckVectors("subtreeinclusion.ndjson", 204, SubtreeInclusion);
}
TEST(ProofVectorsTest, SubtreeConsistency) {
  CheckVectors("subtreeconsistency.ndjson", 118, SubtreeConsistency);
}

}  // namespace
}  // namespace sealtrail::tlog
