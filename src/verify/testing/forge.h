// Makes small trails for tests, written from docs/formats/ alone: a second writer, which shares no code with the
// ledger, and which also writes what no ledger would, with every checksum in order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"
#include "verify/segment_layout.h"
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
  Bounds event;
  Bounds received;
  Bytes body;
  Bytes notes;
  std::vector<uint64_t> side_offsets;
};
Bytes EncodeFrame(const FrameSpec& spec);

// The same frame with its body as one zstd frame (codec 1), or parted (codec 2): salts, ids and times of its leaves
// lie apart.
FrameSpec Compressed(FrameSpec spec);
FrameSpec Parted(FrameSpec spec);

struct FileHeaderSpec {
  uint8_t version = 1;
  uint8_t form = 1;
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

// A witness's key (C2SP tlog-cosignature, type 0x04) and its line under the text of a checkpoint.
std::string WitnessKeyText(std::string_view name, const crypto::Ed25519PrivateKey& key);
std::string CosignatureLine(std::string_view text, std::string_view name,
                            const crypto::Ed25519PrivateKey& key, uint64_t time);

// A leaf of a span, of a log whose resource lies beside, of an own record, of a record that seals. `attributes`:
// `,["name","value"]` and so on.
std::string SpanLeaf(uint64_t number);
std::string ShortLeaf(uint64_t number);
std::string LeafWithResourceBeside(std::string_view resource);
std::string SelfLeaf(std::string_view action, std::string_view attributes = "");
std::string SealLeaf(std::string_view segment_name, const crypto::Hash& manifest);
// A resource group of `bytes` bytes, at least 60.
std::string ResourceGroup(size_t bytes);

// What Seal() makes, and what a test may make differ.
struct SealSpec {
  bool keep_log = false;    // as if the power went before the last step
  bool seal_record = true;  // begins the next log
  bool write_tiles = true;
  // Called on the manifest's text before it is signed, and on the sealed file before it is hashed.
  std::function<void(std::string&)> alter_manifest;
  std::function<void(Bytes&)> alter_file;
};

// What RecoverEpoch() makes, and what a test may make differ.
struct RecoverySpec {
  std::string name;      // of the new key; empty: the usual one
  std::string vkey;      // that the record names; empty: the new key's
  std::string previous;  // likewise
  std::optional<uint64_t> epoch, size;
  std::optional<crypto::Hash> root;
  std::string_view action = "sealtrail.recovery.epoch";
  bool old_key_signs_too = false;
};

// A trail as it grows. The keys are always the same.
class Forge {
 public:
  // `seed`: another one has other keys.
  explicit Forge(std::string origin = "example.com/forge", uint8_t seed = 0x5e);

  // --- The usual way ---

  // Bodies of the sealed form and of whole blocks in logs, from here on: side contents too with `compress`.
  bool compress = false;
  bool part = false;

  void BeginFile();  // a log, named by the next record's number
  // One frame, which must not cross a multiple of 256; `sides`: offsets of side frames that the leaves refer to.
  void AddRecords(const std::vector<std::string>& leaves,
                  const std::vector<std::string>& notes = {}, std::vector<uint64_t> sides = {});
  // As many frames as it takes.
  void AddMany(const std::vector<std::string>& leaves);
  uint64_t AddSide(std::string_view content);  // its offset
  void Sync();                                 // ends a group
  void Seal(const SealSpec& spec = {});        // the log that grows; begins the next one
  // A record, and epochs/<n>. `previous`: what the record says the key before was; empty: what it was.
  void RotateKey(std::string previous = "");
  // A record, epochs/<n> by the new key alone, and epochs/<n>.before.
  void RecoverEpoch(const RecoverySpec& spec = {});
  void SignCheckpoint();  // over all records so far, with the signing record
  void WriteTiles(uint64_t sealed_end);

  // --- For tampering ---

  Bytes& file();  // the log that grows
  const std::string& path() const { return path_; }
  void AddFrame(FrameSpec spec);  // as it is; counts its records, if they can be
  FrameSpec NextFrame() const;    // header fields for an empty frame at the end
  std::string SignedCheckpoint(uint64_t size, const crypto::Hash& root) const;
  std::string SigningState(uint64_t size, const crypto::Hash& root) const;
  std::string Signed(std::string_view text) const;  // by the newest key
  void Put(const std::string& path, std::string_view text);

  const std::string& origin() const { return origin_; }
  std::string vkey(size_t epoch) const { return VerifierKeyText(names_[epoch], keys_[epoch]); }
  const std::string& log_name() const { return names_.back(); }
  std::string vkey() const { return vkey(keys_.size() - 1); }
  const crypto::Ed25519PrivateKey& key() const { return keys_.back(); }
  uint64_t size() const { return hashes_.size(); }
  const crypto::Hash& chain() const { return chain_; }
  crypto::Hash Root() const { return Root(size()); }  // by the recursion of the RFC
  crypto::Hash Root(uint64_t size) const;
  std::string Sealed(size_t i) const;    // path of the i-th sealed file
  std::string Manifest(size_t i) const;  // and of its manifest

  MemorySource source;

 private:
  struct LogFrame {
    uint64_t offset = 0;
    FrameSpec spec;  // decoded
  };

  FrameSpec Coded(FrameSpec spec) const;
  void AddFrame(const FrameSpec& spec, FrameSpec plain);  // `plain`: the same, decoded
  Bytes SealedForm(uint64_t* index_offset) const;
  std::string ManifestText(const Bytes& file, uint64_t index_offset) const;
  crypto::Hash NodeAt(int level, uint64_t index) const;

  std::string origin_;
  uint8_t seed_;
  std::vector<crypto::Ed25519PrivateKey> keys_;
  std::vector<std::string> names_;  // of the keys
  std::vector<crypto::Hash> hashes_;
  crypto::Hash chain_;
  std::string path_;
  uint64_t synced_ = 128;

  // The log that grows.
  uint64_t first_ = 0;
  crypto::Hash first_chain_{};
  std::vector<LogFrame> frames_;
  std::vector<uint64_t> sealed_firsts_;
  std::optional<crypto::Hash> manifest_before_;
};

// The usual number of spans.
std::vector<std::string> SpanLeaves(uint64_t first, uint64_t count);
std::vector<std::string> ShortLeaves(uint64_t first, uint64_t count);

// Two sealed segments and a log, of several groups with notes and side contents, a checkpoint over all: about
// `records` records.
Forge SmallTrail(uint64_t records = 30, bool compress = false);

}  // namespace sealtrail::verify::testing
