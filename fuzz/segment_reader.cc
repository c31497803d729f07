// Any bytes as the only segment of a trail, as a log or in the sealed form, or as the manifest of a good one. Beyond
// crashes: every place that is reported lies inside its file, the verdict goes with what was found, and a store that
// is said to be running is never judged harder.
//
// The first byte is a choice. Bit 0: the bytes follow a good file header, else they are the file. Bit 1: checksums of
// frames are made to hold first, or nearly nothing would get past them. Bit 2: the sealed form. Bit 3: the bytes are a
// manifest's text, which is signed.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kFileHeader = 128, kFrameHeader = 120;
constexpr char kSealed[] = "segments/00000000000000000000.seg";

void MakeChecksumsHold(Bytes& file) {
  size_t at = kFileHeader;
  while (file.size() > at && file.size() - at >= kFrameHeader) {
    uint8_t* const header = file.data() + at;
    const uint64_t payload = uint64_t{GetBig32(header + 20)} + GetBig32(header + 24) +
                             uint64_t{GetBig32(header + 28)} * 8;
    if (payload > file.size() - at - kFrameHeader) return;
    PutBig32(header + 112, Crc32c(ByteView(header + kFrameHeader, static_cast<size_t>(payload))));
    PutBig32(header + 116, Crc32c(ByteView(header, 116)));
    at += kFrameHeader + static_cast<size_t>(payload);
  }
}

void CheckReport(const Report& report, const testing::MemorySource& source) {
  SEAL_CHECK((report.verdict == Verdict::kNotSound) == (report.damage_total > 0));
  SEAL_CHECK((report.verdict == Verdict::kCannotTell) ==
             (report.damage_total == 0 && !report.obstacles.empty()));
  for (const Damage& damage : report.damage) {
    const auto file = source.files.find(damage.file);
    const uint64_t size = file == source.files.end() ? 0 : file->second.size();
    SEAL_CHECK(damage.offset <= size && damage.length <= size - damage.offset);
  }
  SEAL_CHECK(IsUtf8(ReportJson(report)) && IsUtf8(ReportText(report)));
}

testing::MemorySource WithSegment(uint8_t choice, ByteView bytes) {
  testing::Forge forge;
  forge.BeginFile();
  Bytes file = forge.file();
  const bool sealed = choice & 4;
  if (sealed) {
    file = testing::EncodeFileHeader({.form = 2,
                                      .chain = forge.chain(),
                                      .origin_hash = crypto::Sha256(AsBytes(forge.origin()))});
  }
  if (!(choice & 1)) file.clear();
  AppendTo(file, bytes);
  if (choice & 2) MakeChecksumsHold(file);
  if (sealed) forge.source.files.erase(forge.path());
  forge.source.files[sealed ? kSealed : forge.path()] = std::move(file);
  return forge.source;
}

testing::MemorySource WithManifest(ByteView bytes) {
  testing::Forge forge;
  forge.BeginFile();
  forge.AddRecords({testing::SpanLeaf(1)});
  forge.Seal({.alter_manifest = [&](std::string& text) { text = std::string(AsText(bytes)); }});
  return forge.source;
}

}  // namespace
}  // namespace sealtrail::verify

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  if (size == 0) return 0;
  const ByteView bytes(data + 1, size - 1);
  const verify::testing::MemorySource source =
      data[0] & 8 ? verify::WithManifest(bytes) : verify::WithSegment(data[0], bytes);
  const verify::Report stopped = verify::Verify(source, {});
  verify::CheckReport(stopped, source);
  const verify::Report running = verify::Verify(source, {.running = true});
  verify::CheckReport(running, source);
  SEAL_CHECK(running.damage_total <= stopped.damage_total);
  return 0;
}
