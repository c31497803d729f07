// What stands in the folder of segments, and the sealed ones among them as their manifests tell: docs/formats/segment.md
// §1 and §7. Nothing is read of a sealed segment but its manifest.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crypto/sha256.h"
#include "env/files.h"
#include "format/manifest.h"
#include "ledger/trail_keys.h"
#include "record/self_record.h"
#include "tlog/merkle.h"

namespace sealtrail::ledger {

// Ends the name of a file that a backup is about to put in place (backup_folder.h).
constexpr std::string_view kStagedSuffix = ".incoming";

struct SegmentFiles {
  std::set<Seq> logs;
  std::set<Seq> sealed;
  std::set<Seq> manifests;
  std::set<Seq> sealing;
};

// FailedPrecondition where another file stands there.
Result<SegmentFiles> ListSegmentFiles(env::FileSystem& files, const std::string& dir);

struct SealedSegment {
  format::Manifest manifest;
  crypto::Hash
      manifest_hash;  // of the whole file, as the seal record and the next manifest name it
};

// The record that names it, which is the first one after its last (docs/formats/manifest.md).
record::RecordBatch SealRecord(const SealedSegment& sealed, UnixNanos now,
                               const record::Salt& salt);

struct SealedPart {
  std::vector<SealedSegment> segments;
  tlog::Frontier tree;  // of all their records

  TreeSize size() const { return tree.size(); }
};

// The sealed segments from the first on. DataLoss, with the file, where manifests do not follow each other, the last
// one is not signed by the key of its epoch, or a file is missing or of another length.
Result<SealedPart> ReadSealedPart(env::FileSystem& files, const std::string& dir,
                                  const SegmentFiles& present, const TrailKeys& keys);

}  // namespace sealtrail::ledger
