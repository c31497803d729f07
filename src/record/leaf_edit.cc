#include "record/leaf_edit.h"

#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/endian.h"
#include "base/limits.h"
#include "record/leaf_members.h"

namespace sealtrail::record {
namespace {

constexpr uint8_t kLeafPrefix = 0x00;  // RFC 6962 §2.1

// Puts `part` of `leaf` beside, and the reference in its place.
void PutBeside(std::string& leaf, std::string_view part, RecordBatch& batch,
               std::vector<uint32_t>& refs) {
  const auto at = static_cast<size_t>(part.data() - leaf.data());
  const crypto::Hash hash = crypto::Sha256(AsBytes(part));
  const std::string reference = fmt::format("[\"{}\",{}]", Base64Encode(hash), part.size());
  const size_t size = part.size();
  refs.push_back(static_cast<uint32_t>(batch.beside.size()));
  batch.beside.push_back({.hash = hash, .bytes = Bytes(part.begin(), part.end())});
  leaf.replace(at, size, reference);
}

std::string WithFindings(std::string_view leaf, std::span<const std::string_view> findings,
                         RecordBatch& batch, std::vector<uint32_t>& refs) {
  std::string out = fmt::format("{{\"f\":[\"{}\"],", fmt::join(findings, "\",\""));
  out += leaf.substr(1);
  for (const auto part : {&LeafMembers::content, &LeafMembers::span}) {
    if (out.size() <= kLeafBytesMax) break;
    const auto parts = SplitLeaf(out);
    SEAL_CHECK(parts.ok());  // made by a BatchBuilder
    const std::string_view json = (*parts).*part;
    if (!json.empty() && json.front() != '[') PutBeside(out, json, batch, refs);
  }
  SEAL_CHECK(out.size() <= kLeafBytesMax);
  return out;
}

}  // namespace

RecordBatch Edited(RecordBatch batch, std::span<const LeafEdit> edits) {
  SEAL_CHECK(edits.size() == batch.records.size());
  const Bytes bundle = std::exchange(batch.bundle, {});
  const std::vector<RecordEntry> records = std::exchange(batch.records, {});
  const std::vector<uint32_t> refs = std::exchange(batch.beside_refs, {});
  for (size_t i = 0; i < records.size(); ++i) {
    if (!edits[i].keep) continue;
    RecordEntry entry = records[i];
    std::vector<uint32_t> own(refs.begin() + entry.beside_begin, refs.begin() + entry.beside_end);
    ByteView leaf = ByteView(bundle).subspan(entry.leaf_offset, entry.leaf_size);
    std::string edited;
    if (!edits[i].findings.empty()) {
      edited = WithFindings(AsText(leaf), edits[i].findings, batch, own);
      leaf = AsBytes(edited);
      entry.leaf_hash = crypto::Sha256({ByteView(&kLeafPrefix, 1), leaf});
    }
    entry.leaf_size = static_cast<uint16_t>(leaf.size());
    entry.leaf_offset = static_cast<uint32_t>(batch.bundle.size() + 2);
    entry.beside_begin = static_cast<uint32_t>(batch.beside_refs.size());
    batch.beside_refs.insert(batch.beside_refs.end(), own.begin(), own.end());
    entry.beside_end = static_cast<uint32_t>(batch.beside_refs.size());
    batch.bundle.resize(batch.bundle.size() + 2);
    PutBig16(batch.bundle.data() + batch.bundle.size() - 2, entry.leaf_size);
    AppendTo(batch.bundle, leaf);
    batch.records.push_back(entry);
  }
  return batch;
}

}  // namespace sealtrail::record
