// Any bytes as the only segment file of a trail. Beyond crashes: every place that is reported lies inside its file,
// the verdict goes with what was found, and a store that is said to be running is never judged harder.
//
// The first byte is a choice. Bit 0: the bytes follow a good file header, else they are the file. Bit 1: checksums of
// frames are made to hold first, or nearly nothing would get past them.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "verify/testing/forge.h"
#include "verify/verify.h"

namespace sealtrail::verify {
namespace {

constexpr size_t kFileHeader = 128, kFrameHeader = 88;

void MakeChecksumsHold(Bytes& file) {
  size_t at = kFileHeader;
  while (file.size() > at && file.size() - at >= kFrameHeader) {
    uint8_t* const header = file.data() + at;
    const uint64_t payload = uint64_t{GetBig32(header + 20)} + GetBig32(header + 24) +
                             uint64_t{GetBig32(header + 28)} * 8;
    if (payload > file.size() - at - kFrameHeader) return;
    PutBig32(header + 80, Crc32c(ByteView(header + kFrameHeader, static_cast<size_t>(payload))));
    PutBig32(header + 84, Crc32c(ByteView(header, 84)));
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

}  // namespace
}  // namespace sealtrail::verify

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealtrail;
  static verify::testing::Forge forge;
  if (size == 0) return 0;
  forge.BeginFile();
  Bytes& file = forge.file();
  if (!(data[0] & 1)) file.clear();
  AppendTo(file, ByteView(data + 1, size - 1));
  if (data[0] & 2) verify::MakeChecksumsHold(file);

  const verify::Report stopped = verify::Verify(forge.source, {});
  verify::CheckReport(stopped, forge.source);
  const verify::Report running = verify::Verify(forge.source, {.running = true});
  verify::CheckReport(running, forge.source);
  SEAL_CHECK(running.damage_total <= stopped.damage_total);
  return 0;
}
