// Makes small trails for tests, written from docs/formats/ alone: a second writer, which shares no code with the
// ledger, and which also writes what no ledger would, with every checksum in order.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"
#include "verify/source.h"

namespace sealtrail::verify::testing {

// Files by path, "segments/….seg". A path that ends in a slash is an empty folder. Opened files borrow from it.
class MemorySource : public Source {
 public:
  std::map<std::string, Bytes> files;

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override;
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override;
};

// Every field of a frame header but the checksums, which EncodeFrame computes.
struct FrameSpec {
  uint8_t type = 1;
  uint8_t codec = 0;
  uint64_t first = 0;
  uint32_t count = 0;
  uint64_t synced = 128;
  crypto::Hash chain{};
  std::optional<uint32_t> decoded_bytes;  // not set: the length of the body
  Bytes body;
  Bytes notes;
  std::vector<uint64_t> side_offsets;
};
Bytes EncodeFrame(const FrameSpec& spec);

// The same frame with its body as one zstd frame (codec 1).
FrameSpec Compressed(FrameSpec spec);

struct FileHeaderSpec {
  uint8_t version = 0;
  uint64_t first = 0;
  crypto::Hash chain{};
  crypto::Hash origin_hash{};
};
Bytes EncodeFileHeader(const FileHeaderSpec& spec);

// Leaves with their lengths, one after the other.
Bytes Bundle(const std::vector<std::string>& leaves);

// `text` (ending in a line feed) as a signed note.
std::string SignNote(std::string_view text, std::string_view name,
                     const crypto::Ed25519PrivateKey& key);
std::string VerifierKeyText(std::string_view name, const crypto::Ed25519PrivateKey& key);

// A leaf of a span, of a log whose resource lies beside, of an own record.
std::string SpanLeaf(uint64_t number);
std::string LeafWithResourceBeside(std::string_view resource);
std::string SelfLeaf(std::string_view action, std::string_view attributes = "");
// A resource group of `bytes` bytes, at least 60.
std::string ResourceGroup(size_t bytes);

// A trail as it grows. The key is always the same one.
class Forge {
 public:
  explicit Forge(std::string origin = "example.com/forge");

  // --- The usual way ---

  bool compress = false;  // bodies of the records frames from here on

  void BeginFile();  // named by the next record's number
  // One frame; `sides`: offsets of side frames that the leaves refer to.
  void AddRecords(const std::vector<std::string>& leaves,
                  const std::vector<std::string>& notes = {}, std::vector<uint64_t> sides = {});
  uint64_t AddSide(std::string_view content);  // its offset
  void Sync();                                 // ends a group
  void SignCheckpoint();                       // over all records so far

  // --- For tampering ---

  Bytes& file();  // the last segment file
  const std::string& path() const { return path_; }
  void AddFrame(FrameSpec spec);  // as it is; counts its records, if they can be
  FrameSpec NextFrame() const;    // header fields for an empty frame at the end
  std::string SignedCheckpoint(uint64_t size, const crypto::Hash& root) const;

  const std::string& origin() const { return origin_; }
  const std::string& vkey() const { return vkey_; }
  const crypto::Ed25519PrivateKey& key() const { return key_; }
  uint64_t size() const { return hashes_.size(); }
  const crypto::Hash& chain() const { return chain_; }
  crypto::Hash Root() const;  // by the recursion of the RFC

  MemorySource source;

 private:
  std::string origin_;
  crypto::Ed25519PrivateKey key_;
  std::string vkey_;
  std::vector<crypto::Hash> hashes_;
  crypto::Hash chain_;
  std::string path_;
  uint64_t synced_ = 128;
};

// 3 files of several groups with notes and side contents, a checkpoint over all: about `records` records.
Forge SmallTrail(uint64_t records = 30, bool compress = false);

}  // namespace sealtrail::verify::testing
