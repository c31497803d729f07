#include "verify/testing/forge.h"

#include <algorithm>
#include <utility>
#include <zstd.h>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/encoding.h"
#include "base/endian.h"
#include "verify/leaf_check.h"
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

std::vector<std::string> LeavesOf(const Bytes& body) {
  std::vector<std::string> out;
  for (size_t at = 0; body.size() - at >= 2;) {
    const size_t length = GetBig16(body.data() + at);
    if (body.size() - at - 2 < length) break;
    out.emplace_back(AsText(ByteView(body).subspan(at + 2, length)));
    at += 2 + length;
  }
  return out;
}

Bytes ZstdFrame(const Bytes& content) {
  Bytes encoded(ZSTD_compressBound(content.size()));
  const size_t size =
      ZSTD_compress(encoded.data(), encoded.size(), content.data(), content.size(), 3);
  SEAL_CHECK(!ZSTD_isError(size));
  encoded.resize(size);
  return encoded;
}

// Codec 2 (segment.md §3.1), by one rule: a JSON string that is a salt, an id or a number of 19 digits is taken out.
class Parts {
 public:
  void Add(std::string_view leaf) {
    before_ = std::exchange(now_, {});
    while (!leaf.empty()) {
      const size_t open = leaf.find('"');
      const size_t close = open == leaf.npos ? leaf.npos : leaf.find('"', open + 1);
      if (close == leaf.npos) break;
      Put(leaf.substr(0, open + 1));
      const std::string_view text = leaf.substr(open + 1, close - open - 1);
      if (!TakeOut(text)) Put(text);
      Put("\"");
      leaf.remove_prefix(close + 1);
    }
    Put(leaf);
    Put("\n");
  }

  Bytes Body() const {
    Bytes out, frames;
    for (const Bytes* part : {&text_, &ids_, &times_}) {
      const Bytes frame = part->empty() ? Bytes() : ZstdFrame(*part);
      FieldWriter(out).Number(frame.size(), 4);
      AppendTo(frames, frame);
    }
    AppendTo(out, frames);
    AppendTo(out, salts_);
    return out;
  }

 private:
  void Put(std::string_view text) { AppendTo(text_, AsBytes(text)); }

  bool TakeOut(std::string_view text) {
    const bool is_hex = text.find_first_not_of("0123456789abcdef") == text.npos;
    if (text.size() == 24 && text.ends_with("==")) {
      const auto salt = Base64Decode(text);
      if (!salt.ok() || Base64Encode(*salt) != text) return false;
      text_.push_back(1);
      AppendTo(salts_, *salt);
    } else if (is_hex && (text.size() == 32 || text.size() == 16)) {
      text_.push_back(text.size() == 32 ? 2 : 3);
      for (size_t i = 0; i < text.size(); i += 2) {
        ids_.push_back(
            static_cast<uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
      }
    } else if (text.size() == 19 && text[0] != '0' &&
               text.find_first_not_of("0123456789") == text.npos) {
      TakeNumber(std::stoull(std::string(text)));
    } else {
      return false;
    }
    return true;
  }

  // The first of a leaf leans on the leaf before, the others on the one before them.
  void TakeNumber(uint64_t number) {
    text_.push_back(now_.empty() ? 5 : 4);
    const uint64_t base = !now_.empty() ? now_.back() : before_.empty() ? 0 : before_[0];
    now_.push_back(number);
    const auto difference = static_cast<int64_t>(number - base);
    auto coded = static_cast<uint64_t>(difference) << 1;
    if (difference < 0) coded = ~coded;
    for (; coded >= 0x80; coded >>= 7) times_.push_back(static_cast<uint8_t>(coded) | 0x80);
    times_.push_back(static_cast<uint8_t>(coded));
  }

  Bytes text_, ids_, times_, salts_;
  std::vector<uint64_t> now_, before_;
};

crypto::Ed25519PrivateKey FixedKey(uint8_t seed, size_t epoch) {
  auto key = crypto::Ed25519PrivateKey::FromSeed(Bytes(32, static_cast<uint8_t>(seed + epoch)));
  SEAL_CHECK(key.ok());
  return std::move(key).value();
}

Bytes TypedKey(const crypto::Ed25519PrivateKey& key, uint8_t type = 0x01) {
  Bytes out = {type};
  AppendTo(out, key.public_key());
  return out;
}

Bytes KeyId(std::string_view name, const crypto::Ed25519PrivateKey& key, uint8_t type = 0x01) {
  const crypto::Hash hash = crypto::Sha256({AsBytes(name), AsBytes("\n"), TypedKey(key, type)});
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
      .Number(static_cast<uint64_t>(spec.event.least), 8)
      .Number(static_cast<uint64_t>(spec.event.greatest), 8)
      .Number(static_cast<uint64_t>(spec.received.least), 8)
      .Number(static_cast<uint64_t>(spec.received.greatest), 8)
      .Number(Crc32c(payload), 4);
  FieldWriter(out).Number(Crc32c(out), 4).Raw(payload);
  return out;
}

FrameSpec Compressed(FrameSpec spec) {
  spec.codec = 1;
  spec.decoded_bytes = static_cast<uint32_t>(spec.body.size());
  spec.body = ZstdFrame(spec.body);
  return spec;
}

FrameSpec Parted(FrameSpec spec) {
  Parts parts;
  for (const std::string& leaf : LeavesOf(spec.body)) parts.Add(leaf);
  spec.codec = 2;
  spec.decoded_bytes = static_cast<uint32_t>(spec.body.size());
  spec.body = parts.Body();
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
      .Number(spec.form, 1)
      .Zeros(35);
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

std::string WitnessKeyText(std::string_view name, const crypto::Ed25519PrivateKey& key) {
  return fmt::format("{}+{}+{}", name, HexEncode(KeyId(name, key, 0x04)),
                     Base64Encode(TypedKey(key, 0x04)));
}

std::string CosignatureLine(std::string_view text, std::string_view name,
                            const crypto::Ed25519PrivateKey& key, uint64_t time) {
  Bytes blob = KeyId(name, key, 0x04);
  FieldWriter(blob).Number(time, 8);
  AppendTo(blob, key.Sign(AsBytes(fmt::format("cosignature/v1\ntime {}\n{}", time, text))));
  return fmt::format("— {} {}\n", name, Base64Encode(blob));
}

// Times differ from record to record, and not in the order of the records.
std::string SpanLeaf(uint64_t number) {
  Bytes salt(16, 0);
  PutBig64(salt.data(), number * 0x9e3779b97f4a7c15);
  return fmt::format(
      R"({{"k":"span","n":"{}","o":{{"a":[["enduser.id","user-{}"],["audit.action","role_update"]],)"
      R"("e":"1764039845000000250","i":"{:016x}","k":2,"n":"user.role.update","s":"1764039845000000{:03}",)"
      R"("t":"5b8efff798038103d269b633813fc60c"}},"r":{{"a":"1764039846000000{:03}","b":"local","t":"grpc"}},"v":1}})",
      Base64Encode(salt), number, number + 1, number * 7 % 1000, (number * 3 + 1) % 1000);
}

std::string ShortLeaf(uint64_t number) {
  Bytes salt(16, 0);
  PutBig64(salt.data(), number * 0x9e3779b97f4a7c15);
  return fmt::format(R"({{"k":"log","n":"{}","o":{{}},"r":{{"a":"1764039846000000{:03}"}},"v":1}})",
                     Base64Encode(salt), (number * 3 + 1) % 1000);
}

std::vector<std::string> ShortLeaves(uint64_t first, uint64_t count) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(ShortLeaf(first + i));
  return out;
}

std::vector<std::string> SpanLeaves(uint64_t first, uint64_t count) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(SpanLeaf(first + i));
  return out;
}

std::string ResourceGroup(size_t bytes) {
  const std::string around = R"({"r":{"a":[["service.name",""]]}})";
  return fmt::format(R"({{"r":{{"a":[["service.name","{}"]]}}}})",
                     std::string(bytes - around.size(), 's'));
}

std::string LeafWithResourceBeside(std::string_view resource) {
  return fmt::format(
      R"({{"k":"log","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{{"b":"text"}},"r":{{"a":"1764039846000000000"}},)"
      R"("re":["{}",{}],"v":1}})",
      Base64Encode(crypto::Sha256(AsBytes(resource))), resource.size());
}

std::string SelfLeaf(std::string_view action, std::string_view attributes) {
  return fmt::format(
      R"({{"k":"self","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{{"a":[["audit.action","{}"]{}],"en":"{}"}},)"
      R"("r":{{"a":"1764039846000000000","t":"self"}},"v":1}})",
      action, attributes, action);
}

std::string SealLeaf(std::string_view segment_name, const crypto::Hash& manifest) {
  return fmt::format(
      R"({{"k":"seal","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{{"a":[["audit.action","sealtrail.segment.seal"],)"
      R"(["audit.target.id","{}"],["sealtrail.seal.manifest","{}"]],"en":"sealtrail.segment.seal"}},)"
      R"("r":{{"a":"1764039846000000000","t":"self"}},"v":1}})",
      segment_name, Base64Encode(manifest));
}

namespace {

// The bounds of a frame's records, as far as they are records.
void SetBounds(const std::vector<std::string>& leaves, FrameSpec& spec) {
  BoundsSoFar event, received;
  for (const std::string& leaf : leaves) {
    LeafFacts facts;
    if (CheckLeaf(AsBytes(leaf), &facts).what != nullptr) continue;
    received.Add(facts.received_at);
    event.Add(facts.content_time != 0 ? facts.content_time : facts.received_at);
  }
  spec.event = event.bounds();
  spec.received = received.bounds();
}

Bounds Widest(const Bounds& a, const Bounds& b) {
  return {.least = std::min(a.least, b.least), .greatest = std::max(a.greatest, b.greatest)};
}

}  // namespace

Forge::Forge(std::string origin, uint8_t seed)
    : origin_(std::move(origin)), seed_(seed), chain_(ChainStart(origin_)) {
  keys_.push_back(FixedKey(seed_, 0));
  names_.push_back(origin_);
  Put("LOCK", "");
  Put("keys/log.vkey", vkey() + "\n");
  Put("trail",
      Signed(fmt::format(
          "sealtrail/trail/v1\norigin {}\nformat 1\ncreated 2026-11-24T03:04:05.000000000Z\n",
          origin_)));
}

void Forge::Put(const std::string& path, std::string_view text) {
  source.files[path].assign(text.begin(), text.end());
}

std::string Forge::Signed(std::string_view text) const {
  return SignNote(text, log_name(), key());
}

void Forge::BeginFile() {
  path_ = fmt::format("segments/{:020}.log", size());
  source.files[path_] = EncodeFileHeader(
      {.first = size(), .chain = chain_, .origin_hash = crypto::Sha256(AsBytes(origin_))});
  synced_ = 128;
  first_ = size();
  first_chain_ = chain_;
  frames_.clear();
}

Bytes& Forge::file() {
  return source.files[path_];
}

FrameSpec Forge::NextFrame() const {
  return {.first = size(), .synced = synced_, .chain = chain_};
}

void Forge::AddFrame(FrameSpec spec) {
  FrameSpec plain = spec;
  if (spec.codec == 1) {
    plain.body.resize(spec.decoded_bytes.value_or(0));
    const size_t got =
        ZSTD_decompress(plain.body.data(), plain.body.size(), spec.body.data(), spec.body.size());
    if (ZSTD_isError(got)) {
      AppendTo(file(), EncodeFrame(spec));
      return;
    }
    plain.codec = 0;
    plain.decoded_bytes.reset();
  }
  AddFrame(spec, std::move(plain));
}

void Forge::AddFrame(const FrameSpec& spec, FrameSpec plain) {
  const uint64_t offset = file().size();
  AppendTo(file(), EncodeFrame(spec));
  if (plain.type == 1) {
    for (const std::string& leaf : LeavesOf(plain.body)) {
      hashes_.push_back(LeafHash(AsBytes(leaf)));
      chain_ = ChainHash(chain_, hashes_.back());
    }
  }
  frames_.push_back({.offset = offset, .spec = std::move(plain)});
}

FrameSpec Forge::Coded(FrameSpec spec) const {
  return part ? Parted(std::move(spec)) : compress ? Compressed(std::move(spec)) : spec;
}

void Forge::AddRecords(const std::vector<std::string>& leaves,
                       const std::vector<std::string>& notes, std::vector<uint64_t> sides) {
  FrameSpec spec = NextFrame();
  spec.count = static_cast<uint32_t>(leaves.size());
  spec.body = Bundle(leaves);
  SetBounds(leaves, spec);
  for (const std::string& note : notes) FieldWriter(spec.notes).Number(note.size(), 4).Text(note);
  spec.side_offsets = std::move(sides);
  AddFrame(leaves.size() == kBlockRecords ? Coded(spec) : spec, spec);
}

void Forge::AddMany(const std::vector<std::string>& leaves) {
  for (size_t at = 0; at < leaves.size();) {
    const size_t count =
        std::min<size_t>(leaves.size() - at, kBlockRecords - size() % kBlockRecords);
    const auto begin = leaves.begin() + static_cast<ptrdiff_t>(at);
    AddRecords({begin, begin + static_cast<ptrdiff_t>(count)});
    at += count;
  }
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

// The log's frames, cut anew at the multiples of 256 (segment.md §3).
Bytes Forge::SealedForm(uint64_t* index_offset) const {
  Bytes out = EncodeFileHeader({.form = 2,
                                .first = first_,
                                .chain = first_chain_,
                                .origin_hash = crypto::Sha256(AsBytes(origin_))});
  std::map<uint64_t, uint64_t> moved;  // side frames: offset in the log, here
  std::vector<uint64_t> frame_offsets;
  FrameSpec block{.first = first_, .synced = 0, .chain = first_chain_};
  std::vector<std::string> leaves;
  crypto::Hash chain = first_chain_;
  Bytes notes;
  bool bounds_set = false;
  std::vector<uint64_t> sides;
  const auto flush = [&] {
    block.count = static_cast<uint32_t>(leaves.size());
    block.body = Bundle(leaves);
    block.notes = std::exchange(notes, {});
    std::sort(sides.begin(), sides.end());
    sides.erase(std::unique(sides.begin(), sides.end()), sides.end());
    block.side_offsets = std::exchange(sides, {});
    frame_offsets.push_back(out.size());
    AppendTo(out, EncodeFrame(Coded(block)));
    block = {.first = block.first + leaves.size(), .synced = 0, .chain = chain};
    leaves.clear();
    bounds_set = false;
  };
  for (const LogFrame& frame : frames_) {
    if (frame.spec.type != 1) continue;
    for (const uint64_t side : frame.spec.side_offsets) {
      if (!moved.contains(side)) {
        moved[side] = out.size();
        const auto found = std::find_if(frames_.begin(), frames_.end(),
                                        [&](const LogFrame& f) { return f.offset == side; });
        SEAL_CHECK(found != frames_.end());
        FrameSpec spec = found->spec;
        spec.synced = 0;
        AppendTo(out, EncodeFrame(compress ? Compressed(spec) : spec));
      }
      sides.push_back(moved[side]);
    }
    for (const std::string& leaf : LeavesOf(frame.spec.body)) {
      block.event = bounds_set ? Widest(block.event, frame.spec.event) : frame.spec.event;
      block.received =
          bounds_set ? Widest(block.received, frame.spec.received) : frame.spec.received;
      bounds_set = true;
      leaves.push_back(leaf);
      chain = ChainHash(chain, LeafHash(AsBytes(leaf)));
    }
    AppendTo(notes, frame.spec.notes);
    if ((block.first + leaves.size()) % kBlockRecords == 0 && !leaves.empty()) flush();
  }
  if (!leaves.empty()) flush();
  if (!notes.empty()) {
    AppendTo(out, EncodeFrame({.first = size(), .synced = 0, .chain = chain_, .notes = notes}));
  }
  *index_offset = out.size();
  FrameSpec index{.type = 3, .first = size(), .synced = 0, .chain = chain_};
  FieldWriter(index.body).Number(frame_offsets.size(), 4);
  for (const uint64_t offset : frame_offsets) FieldWriter(index.body).Number(offset, 8);
  const uint64_t begin = first_ / kBlockRecords, end = size() / kBlockRecords;
  FieldWriter(index.body).Number(end - begin, 4);
  for (uint64_t i = begin; i < end; ++i) FieldWriter(index.body).Raw(NodeAt(kBlockLevel, i));
  AppendTo(out, EncodeFrame(index));
  return out;
}

crypto::Hash Forge::NodeAt(int level, uint64_t index) const {
  return TreeHashByRecursion(
      std::span(hashes_).subspan(static_cast<size_t>(index << level), size_t{1} << level));
}

std::string Forge::ManifestText(const Bytes& file, uint64_t index_offset) const {
  std::string out = fmt::format(
      "sealtrail/manifest/v1\norigin {}\nsegment {}\nrecords {}\nfile {} {}\nindex {}\n", origin_,
      first_, size() - first_, file.size(), Base64Encode(crypto::Sha256(file)), index_offset);
  uint64_t leaves_bytes = 0;
  Bounds event, received;
  bool any = false;
  for (const LogFrame& frame : frames_) {
    if (frame.spec.type != 1 || frame.spec.count == 0) continue;
    leaves_bytes += frame.spec.body.size() - 2 * frame.spec.count;
    event = any ? Widest(event, frame.spec.event) : frame.spec.event;
    received = any ? Widest(received, frame.spec.received) : frame.spec.received;
    any = true;
  }
  out += fmt::format("leaves {}\nchain {} {}\nbefore {} {}\nafter {} {}\n", leaves_bytes,
                     Base64Encode(first_chain_), Base64Encode(chain_), first_,
                     Base64Encode(Root(first_)), size(), Base64Encode(Root()));
  for (const TreeNode& node : RangeShape(first_, size())) {
    out += fmt::format("node {} {} {}\n", node.level, node.index,
                       Base64Encode(NodeAt(node.level, node.index)));
  }
  out += fmt::format(
      "event {} {}\nreceived {} {}\nrecord-format 1\nrules {}\nconfig none\nprevious {}\nepoch {}\n"
      "sealed 2026-11-24T04:05:06Z\n",
      event.least, event.greatest, received.least, received.greatest,
      Base64Encode(crypto::Sha256(AsBytes("rules"))),
      manifest_before_ ? Base64Encode(*manifest_before_) : "none", keys_.size() - 1);
  return out;
}

void Forge::Seal(const SealSpec& spec) {
  uint64_t index_offset = 0;
  Bytes sealed = SealedForm(&index_offset);
  if (spec.alter_file) spec.alter_file(sealed);
  std::string text = ManifestText(sealed, index_offset);
  if (spec.alter_manifest) spec.alter_manifest(text);
  sealed_firsts_.push_back(first_);
  source.files[Sealed(sealed_firsts_.size() - 1)] = std::move(sealed);
  const std::string manifest = Signed(text);
  Put(Manifest(sealed_firsts_.size() - 1), manifest);
  manifest_before_ = crypto::Sha256(AsBytes(manifest));
  const std::string name = fmt::format("{:020}.seg", first_);
  if (!spec.keep_log) source.files.erase(path_);
  if (spec.write_tiles && spec.seal_record) WriteTiles(size());
  if (!spec.seal_record) return;
  BeginFile();
  AddRecords({SealLeaf(name, *manifest_before_)});
  Sync();
}

void Forge::WriteTiles(uint64_t sealed_end) {
  for (int level = 1; level <= 7; ++level) {
    const uint64_t count = sealed_end >> (8 * level);
    if (count == 0) return;
    Bytes& file = source.files[fmt::format("tiles/{}", level)];
    file.clear();
    for (uint64_t i = 0; i < count; ++i) AppendTo(file, NodeAt(8 * level, i));
  }
}

void Forge::RotateKey(std::string previous) {
  if (previous.empty()) previous = vkey();
  const size_t epoch = keys_.size();
  const auto key = FixedKey(seed_, epoch);
  AddRecords({SelfLeaf(
      "sealtrail.key.rotate",
      fmt::format(
          R"(,["sealtrail.key.vkey","{}"],["sealtrail.key.previous","{}"],["sealtrail.key.epoch",{{"i":"{}"}}])",
          VerifierKeyText(log_name(), key), previous, epoch))});
  Sync();
  const std::string text = fmt::format("{}\n{}\n{}\n", log_name(), size(), Base64Encode(Root()));
  const std::string by_new = SignNote(text, log_name(), key);
  Put(fmt::format("epochs/{}", epoch), Signed(text) + by_new.substr(text.size() + 1));
  keys_.push_back(FixedKey(seed_, epoch));
  names_.push_back(log_name());
  Put("keys/log.vkey", vkey() + "\n");
}

void Forge::RecoverEpoch(const RecoverySpec& spec) {
  const size_t epoch = keys_.size();
  const auto key = FixedKey(seed_, epoch);
  const std::string name =
      spec.name.empty() ? fmt::format("{}/epoch-{}", origin_, epoch) : spec.name;
  const std::string before = SignedCheckpoint(size(), Root());
  AddRecords({SelfLeaf(
      spec.action,
      fmt::format(
          R"(,["sealtrail.key.vkey","{}"],["sealtrail.key.previous","{}"],["sealtrail.key.epoch","{}"],)"
          R"(["sealtrail.tree.size","{}"],["sealtrail.tree.root","{}"])",
          spec.vkey.empty() ? VerifierKeyText(name, key) : spec.vkey,
          spec.previous.empty() ? vkey() : spec.previous, spec.epoch.value_or(epoch),
          spec.size.value_or(size()), Base64Encode(spec.root.value_or(Root()))))});
  Sync();
  const std::string text = fmt::format("{}\n{}\n{}\n", name, size(), Base64Encode(Root()));
  const std::string by_new = SignNote(text, name, key);
  Put(fmt::format("epochs/{}.before", epoch), before);
  Put(fmt::format("epochs/{}", epoch),
      spec.old_key_signs_too ? Signed(text) + by_new.substr(text.size() + 1) : by_new);
  keys_.push_back(FixedKey(seed_, epoch));
  names_.push_back(name);
  Put("keys/log.vkey", vkey() + "\n");
}

crypto::Hash Forge::Root(uint64_t size) const {
  return TreeHashByRecursion(std::span(hashes_).first(static_cast<size_t>(size)));
}

std::string Forge::Sealed(size_t i) const {
  return fmt::format("segments/{:020}.seg", sealed_firsts_[i]);
}
std::string Forge::Manifest(size_t i) const {
  return fmt::format("segments/{:020}.manifest", sealed_firsts_[i]);
}

std::string Forge::SignedCheckpoint(uint64_t size, const crypto::Hash& root) const {
  return Signed(fmt::format("{}\n{}\n{}\n", log_name(), size, Base64Encode(root)));
}

std::string Forge::SigningState(uint64_t size, const crypto::Hash& root) const {
  const std::string text =
      fmt::format("sealtrail/signing/v1\norigin {}\nepoch {}\nsize {}\nroot {}\n", log_name(),
                  keys_.size() - 1, size, Base64Encode(root));
  return fmt::format("{}sha256 {}\n", text, Base64Encode(crypto::Sha256(AsBytes(text))));
}

void Forge::SignCheckpoint() {
  Put("signing/state", SigningState(size(), Root()));
  Put("checkpoint", SignedCheckpoint(size(), Root()));
}

Forge SmallTrail(uint64_t records, bool compress) {
  Forge forge;
  forge.compress = compress;
  uint64_t number = 0;
  const auto spans = [&](uint64_t count) {
    number += count;
    return SpanLeaves(number - count, count);
  };
  const uint64_t part = records / 6;
  forge.BeginFile();
  forge.AddRecords({SelfLeaf("sealtrail.store.start")});
  for (int file = 0; file < 3; ++file) {
    if (file > 0) forge.Seal();
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
