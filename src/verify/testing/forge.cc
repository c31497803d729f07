#include "verify/testing/forge.h"

#include <algorithm>
#include <utility>
#include <zstd.h>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/encoding.h"
#include "base/endian.h"
#include "verify/tree.h"

namespace sealtrail::verify::testing {
namespace {

class MemoryFile : public env::ReadableFile {
 public:
  explicit MemoryFile(const Bytes& content) : content_(content) {}
  Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (offset >= content_.size()) return size_t{0};
    const size_t length = std::min<size_t>(out.size(), content_.size() - offset);
    std::copy_n(content_.begin() + static_cast<ptrdiff_t>(offset), length, out.begin());
    return length;
  }
  Result<uint64_t> Size() const override { return content_.size(); }

 private:
  const Bytes& content_;  // of the source, which outlives it
};

// Writes big-endian fields one after the other.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out) {}
  FieldWriter& Text(std::string_view text) { return Raw(AsBytes(text)); }
  FieldWriter& Raw(ByteView bytes) {
    AppendTo(out_, bytes);
    return *this;
  }
  FieldWriter& Zeros(size_t count) {
    out_.insert(out_.end(), count, 0);
    return *this;
  }
  FieldWriter& Number(uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }

 private:
  Bytes& out_;
};

crypto::Ed25519PrivateKey FixedKey() {
  auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, 0x5e));
  SEAL_CHECK(key.ok());
  return std::move(key).value();
}

Bytes TypedKey(const crypto::Ed25519PrivateKey& key) {
  Bytes out = {0x01};
  AppendTo(out, key.public_key());
  return out;
}

Bytes KeyId(std::string_view name, const crypto::Ed25519PrivateKey& key) {
  const crypto::Hash hash = crypto::Sha256({AsBytes(name), AsBytes("\n"), TypedKey(key)});
  return {hash.begin(), hash.begin() + 4};
}

}  // namespace

Result<std::vector<SourceEntry>> MemorySource::List(const std::string& folder) const {
  const std::string prefix = folder.empty() ? "" : folder + "/";
  std::map<std::string, SourceEntry> found;
  bool exists = folder.empty();
  for (const auto& [path, content] : files) {
    if (!path.starts_with(prefix)) continue;
    exists = true;
    const std::string rest = path.substr(prefix.size());
    if (rest.empty()) continue;
    const size_t slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    found[name] = {.name = name, .size = content.size(), .is_folder = slash != rest.npos};
  }
  if (!exists) return NotFound("list {}: no such folder", folder);
  std::vector<SourceEntry> out;
  for (auto& [name, entry] : found) out.push_back(std::move(entry));
  return out;
}

Result<std::unique_ptr<env::ReadableFile>> MemorySource::Open(const std::string& path) const {
  const auto found = files.find(path);
  if (found == files.end()) return NotFound("open {}: no such file", path);
  return std::unique_ptr<env::ReadableFile>(std::make_unique<MemoryFile>(found->second));
}

Bytes EncodeFrame(const FrameSpec& spec) {
  Bytes payload = spec.body;
  AppendTo(payload, spec.notes);
  for (const uint64_t offset : spec.side_offsets) FieldWriter(payload).Number(offset, 8);
  Bytes out;
  FieldWriter(out)
      .Text("SEAF")
      .Number(spec.type, 1)
      .Number(spec.codec, 1)
      .Zeros(2)
      .Number(spec.first, 8)
      .Number(spec.count, 4)
      .Number(spec.body.size(), 4)
      .Number(spec.notes.size(), 4)
      .Number(spec.side_offsets.size(), 4)
      .Number(spec.synced, 8)
      .Raw(spec.chain)
      .Number(spec.decoded_bytes.value_or(spec.body.size()), 4)
      .Zeros(4)
      .Number(Crc32c(payload), 4);
  FieldWriter(out).Number(Crc32c(out), 4).Raw(payload);
  return out;
}

FrameSpec Compressed(FrameSpec spec) {
  Bytes encoded(ZSTD_compressBound(spec.body.size()));
  const size_t size =
      ZSTD_compress(encoded.data(), encoded.size(), spec.body.data(), spec.body.size(), 3);
  SEAL_CHECK(!ZSTD_isError(size));
  encoded.resize(size);
  spec.codec = 1;
  spec.decoded_bytes = static_cast<uint32_t>(spec.body.size());
  spec.body = std::move(encoded);
  return spec;
}

Bytes EncodeFileHeader(const FileHeaderSpec& spec) {
  Bytes out;
  FieldWriter(out)
      .Text("SEALSEG")
      .Number(spec.version, 1)
      .Number(spec.first, 8)
      .Raw(spec.chain)
      .Raw(spec.origin_hash)
      .Number(1'764'039'846'000'000'000, 8)
      .Zeros(36);
  FieldWriter(out).Number(Crc32c(out), 4);
  return out;
}

Bytes Bundle(const std::vector<std::string>& leaves) {
  Bytes out;
  for (const std::string& leaf : leaves) FieldWriter(out).Number(leaf.size(), 2).Text(leaf);
  return out;
}

std::string VerifierKeyText(std::string_view name, const crypto::Ed25519PrivateKey& key) {
  return fmt::format("{}+{}+{}", name, HexEncode(KeyId(name, key)), Base64Encode(TypedKey(key)));
}

std::string SignNote(std::string_view text, std::string_view name,
                     const crypto::Ed25519PrivateKey& key) {
  Bytes blob = KeyId(name, key);
  AppendTo(blob, key.Sign(AsBytes(text)));
  return fmt::format("{}\n— {} {}\n", text, name, Base64Encode(blob));
}

std::string SpanLeaf(uint64_t number) {
  Bytes salt(16, 0);
  PutBig64(salt.data(), number * 0x9e3779b97f4a7c15);
  return fmt::format(
      R"({{"k":"span","n":"{}","o":{{"a":[["enduser.id","user-{}"],["audit.action","role_update"]],)"
      R"("e":"1764039845000000250","i":"{:016x}","k":2,"n":"user.role.update","s":"1764039845000000000",)"
      R"("t":"5b8efff798038103d269b633813fc60c"}},"r":{{"a":"1764039846000000000","b":"local","t":"grpc"}},"v":0}})",
      Base64Encode(salt), number, number + 1);
}

std::string ResourceGroup(size_t bytes) {
  const std::string around = R"({"r":{"a":[["service.name",""]]}})";
  return fmt::format(R"({{"r":{{"a":[["service.name","{}"]]}}}})",
                     std::string(bytes - around.size(), 's'));
}

std::string LeafWithResourceBeside(std::string_view resource) {
  return fmt::format(
      R"({{"k":"log","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{{"b":"text"}},"r":{{"a":"1764039846000000000"}},)"
      R"("re":["{}",{}],"v":0}})",
      Base64Encode(crypto::Sha256(AsBytes(resource))), resource.size());
}

std::string SelfLeaf(std::string_view action, std::string_view attributes) {
  return fmt::format(
      R"({{"k":"self","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{{"a":[["audit.action","{}"]{}],"en":"{}"}},)"
      R"("r":{{"a":"1764039846000000000","t":"self"}},"v":0}})",
      action, attributes, action);
}

Forge::Forge(std::string origin)
    : origin_(std::move(origin)),
      key_(FixedKey()),
      vkey_(VerifierKeyText(origin_, key_)),
      chain_(ChainStart(origin_)) {
  const auto put = [&](const std::string& path, std::string_view text) {
    source.files[path].assign(text.begin(), text.end());
  };
  put("LOCK", "");
  put("keys/log.vkey", vkey_ + "\n");
  put("trail",
      SignNote(
          fmt::format(
              "sealtrail/trail/v0\norigin {}\nformat 0\ncreated 2026-11-24T03:04:05.000000000Z\n",
              origin_),
          origin_, key_));
}

void Forge::BeginFile() {
  path_ = fmt::format("segments/{:020}.seg", size());
  source.files[path_] = EncodeFileHeader(
      {.first = size(), .chain = chain_, .origin_hash = crypto::Sha256(AsBytes(origin_))});
  synced_ = 128;
}

Bytes& Forge::file() {
  return source.files[path_];
}

FrameSpec Forge::NextFrame() const {
  return {.first = size(), .synced = synced_, .chain = chain_};
}

void Forge::AddFrame(FrameSpec spec) {
  AppendTo(file(), EncodeFrame(spec));
  Bytes body = spec.body;
  if (spec.codec == 1) {
    body.resize(spec.decoded_bytes.value_or(0));
    if (ZSTD_isError(ZSTD_decompress(body.data(), body.size(), spec.body.data(), spec.body.size())))
      return;
  }
  size_t at = 0;
  while (spec.type == 1 && body.size() - at >= 2) {
    const size_t length = GetBig16(body.data() + at);
    if (body.size() - at - 2 < length) return;
    hashes_.push_back(LeafHash(ByteView(body).subspan(at + 2, length)));
    chain_ = ChainHash(chain_, hashes_.back());
    at += 2 + length;
  }
}

void Forge::AddRecords(const std::vector<std::string>& leaves,
                       const std::vector<std::string>& notes, std::vector<uint64_t> sides) {
  FrameSpec spec = NextFrame();
  spec.count = static_cast<uint32_t>(leaves.size());
  spec.body = Bundle(leaves);
  for (const std::string& note : notes) FieldWriter(spec.notes).Number(note.size(), 4).Text(note);
  spec.side_offsets = std::move(sides);
  if (compress && !leaves.empty()) spec = Compressed(std::move(spec));
  AddFrame(std::move(spec));
}

uint64_t Forge::AddSide(std::string_view content) {
  const uint64_t offset = file().size();
  FrameSpec spec = NextFrame();
  spec.type = 2;
  spec.body.assign(content.begin(), content.end());
  AddFrame(std::move(spec));
  return offset;
}

void Forge::Sync() {
  synced_ = file().size();
}

crypto::Hash Forge::Root() const {
  return TreeHashByRecursion(hashes_);
}

std::string Forge::SignedCheckpoint(uint64_t size, const crypto::Hash& root) const {
  return SignNote(fmt::format("{}\n{}\n{}\n", origin_, size, Base64Encode(root)), origin_, key_);
}

void Forge::SignCheckpoint() {
  const std::string note = SignedCheckpoint(size(), Root());
  source.files["checkpoint"].assign(note.begin(), note.end());
}

Forge SmallTrail(uint64_t records, bool compress) {
  Forge forge;
  forge.compress = compress;
  uint64_t number = 0;
  const auto spans = [&](uint64_t count) {
    std::vector<std::string> leaves;
    for (uint64_t i = 0; i < count; ++i) leaves.push_back(SpanLeaf(number++));
    return leaves;
  };
  const uint64_t part = records / 6;
  for (int file = 0; file < 3; ++file) {
    forge.BeginFile();
    if (file == 0) forge.AddRecords({SelfLeaf("sealtrail.store.start")});
    forge.Sync();
    forge.AddRecords(spans(part), {"a note", "and one more"});
    const std::string resource = ResourceGroup(2100 + static_cast<size_t>(file));
    const uint64_t side = forge.AddSide(resource);
    forge.AddRecords(
        {LeafWithResourceBeside(resource), SpanLeaf(number++), LeafWithResourceBeside(resource)},
        {}, {side});
    forge.Sync();
    forge.AddRecords(spans(part));
    forge.Sync();
    forge.AddRecords({}, {"only a note"});
    forge.Sync();
  }
  forge.SignCheckpoint();
  return forge;
}

}  // namespace sealtrail::verify::testing
