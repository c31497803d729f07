#include "ledger/segment_files.h"

#include "base/encoding.h"

namespace sealtrail::ledger {
namespace {

using format::FileKind;

// Holds a manifest against the one before it.
Status CheckFollows(const SealedPart& before, const format::Manifest& manifest,
                    const std::string& origin) {
  if (manifest.origin != origin) return DataLoss("it belongs to the trail {}", manifest.origin);
  if (Value(manifest.first) != Value(before.size())) {
    return DataLoss("it begins with record {}, the segment before it ends before record {}",
                    Value(manifest.first), Value(before.size()));
  }
  const bool first = before.segments.empty();
  // First, for it tells which of the two changed: of one that names the other, what else it says is its own.
  if (manifest.previous.has_value() == first ||
      (!first && *manifest.previous != before.segments.back().manifest_hash)) {
    return first ? DataLoss("it names a manifest before it, and there is none")
                 : DataLoss("it names another manifest before it than {} is now",
                            format::SegmentFileName(before.segments.back().manifest.first,
                                                    FileKind::kManifest));
  }
  const crypto::Hash chain =
      first ? tlog::ChainGenesis(origin) : before.segments.back().manifest.chain_after;
  if (manifest.chain_before != chain)
    return DataLoss("its running hash does not continue the segment before it");
  if (manifest.before.root != before.tree.Root())
    return DataLoss("its tree does not continue the segment before it");
  return OkStatus();
}

Result<tlog::Frontier> TreeAfter(const tlog::Frontier& before, const format::Manifest& manifest) {
  std::vector<crypto::Hash> hashes;
  for (const format::ManifestNode& node : manifest.nodes) hashes.push_back(node.hash);
  SEAL_ASSIGN_OR_RETURN(const tlog::CompactRange range,
                        tlog::CompactRange::FromNodes(
                            {Value(manifest.first), Value(manifest.end())}, std::move(hashes)));
  tlog::CompactRange leaves = before.leaves();
  SEAL_RETURN_IF_ERROR(leaves.Merge(range));
  SEAL_ASSIGN_OR_RETURN(tlog::Frontier tree, tlog::Frontier::From(std::move(leaves)));
  if (tree.Root() != manifest.after.root)
    return DataLoss("its nodes do not give the root that it states");
  return tree;
}

// The key that signed a manifest is that of the epoch that it states.
Status CheckSignature(std::string_view note, const format::Manifest& manifest,
                      const TrailKeys& keys) {
  if (manifest.epoch > keys.epoch()) {
    return DataLoss("it is signed by key {} of the trail, of which {} are known", manifest.epoch,
                    keys.verifiers.size());
  }
  return keys.verifiers[manifest.epoch].Open(note).status();
}

// The signature of the last one alone is checked: the others are bound by the hash in the one that follows.
Status AddSegment(env::FileSystem& files, const std::string& dir, Seq first, const TrailKeys& keys,
                  bool last, SealedPart& part) {
  const std::string path = env::JoinPath(dir, format::SegmentFileName(first, FileKind::kManifest));
  SEAL_ASSIGN_OR_RETURN(const Bytes note, env::ReadFile(files, path, format::kManifestBytesMax));
  const auto parsed = tlog::ParseNote(AsText(note));
  if (!parsed.ok()) return DataLoss("{}: {}", path, parsed.status().message());
  auto manifest = format::ParseManifestText(parsed->text);
  if (manifest.status().code() == StatusCode::kUnimplemented)
    return manifest.status().Annotate(path);
  if (!manifest.ok()) return DataLoss("{}: {}", path, manifest.status().message());
  if (last) {
    const Status signature = CheckSignature(AsText(note), *manifest, keys);
    if (!signature.ok()) return DataLoss("{}: {}", path, signature.message());
  }
  if (manifest->first != first)
    return DataLoss("{}: it is the manifest of segment {}", path, Value(manifest->first));
  SEAL_RETURN_IF_ERROR(CheckFollows(part, *manifest, keys.origin()).Annotate(path));
  auto tree = TreeAfter(part.tree, *manifest);
  if (!tree.ok()) return DataLoss("{}: {}", path, tree.status().message());

  const std::string file = env::JoinPath(dir, format::SegmentFileName(first, FileKind::kSealed));
  const auto info = files.Stat(file);
  if (info.status().code() == StatusCode::kNotFound) {
    return DataLoss("{} is missing: its manifest says {} records", file, manifest->records);
  }
  if (!info.ok()) return info.status();
  if (info->size != manifest->file_bytes) {
    return DataLoss("{} has {} bytes, its manifest says {}", file, info->size,
                    manifest->file_bytes);
  }
  part.tree = *std::move(tree);
  part.segments.push_back(
      {.manifest = *std::move(manifest), .manifest_hash = crypto::Sha256(note)});
  return OkStatus();
}

}  // namespace

Result<SegmentFiles> ListSegmentFiles(env::FileSystem& files, const std::string& dir) {
  SEAL_ASSIGN_OR_RETURN(const auto names, files.List(dir));
  SegmentFiles present;
  for (const std::string& name : names) {
    if (name.ends_with(".manifest.tmp")) continue;  // of a replacement that was not finished
    if (name.ends_with(kStagedSuffix)) continue;    // of a backup that was not finished
    const auto file = format::ParseSegmentFileName(name);
    if (!file.ok()) return FailedPrecondition("{}: {}", dir, file.status().message());
    switch (file->kind) {
      case FileKind::kLog:
        present.logs.insert(file->first);
        break;
      case FileKind::kSealed:
        present.sealed.insert(file->first);
        break;
      case FileKind::kManifest:
        present.manifests.insert(file->first);
        break;
      case FileKind::kSealing:
        present.sealing.insert(file->first);
        break;
    }
  }
  return present;
}

record::RecordBatch SealRecord(const SealedSegment& sealed, UnixNanos now,
                               const record::Salt& salt) {
  const std::string name = format::SegmentFileName(sealed.manifest.first, FileKind::kSealed);
  return record::SelfRecord(
      {.action = "sealtrail.segment.seal",
       .actor = "sealtrail",
       .target = name,
       .kind = record::Kind::kSeal,
       .details = {{"sealtrail.seal.records", std::to_string(sealed.manifest.records)},
                   {"sealtrail.seal.manifest", Base64Encode(sealed.manifest_hash)}}},
      now, salt);
}

Result<SealedPart> ReadSealedPart(env::FileSystem& files, const std::string& dir,
                                  const SegmentFiles& present, const TrailKeys& keys) {
  SealedPart part;
  for (const Seq first : present.manifests) {
    const bool last = first == *present.manifests.rbegin();
    SEAL_RETURN_IF_ERROR(AddSegment(files, dir, first, keys, last, part));
  }
  return part;
}

}  // namespace sealtrail::ledger
