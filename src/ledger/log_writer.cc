#include "ledger/log_writer.h"

#include "crypto/sha256.h"
#include "ledger/frame_cutter.h"

namespace sealtrail::ledger {
namespace {

std::string PathOf(const std::string& dir, Seq first) {
  return env::JoinPath(dir, format::SegmentFileName(first, format::FileKind::kLog));
}

}  // namespace

Result<LogWriter> LogWriter::Create(env::FileSystem& files, const std::string& dir,
                                    const Sequencer& next, std::string_view origin, UnixNanos now) {
  const auto header = format::EncodeSegmentHeader({.form = format::Form::kLog,
                                                   .first = next.next(),
                                                   .chain_before = next.chain(),
                                                   .origin_hash = crypto::Sha256(AsBytes(origin)),
                                                   .created = now});
  SEAL_ASSIGN_OR_RETURN(auto file, files.Create(PathOf(dir, next.next())));
  SEAL_RETURN_IF_ERROR(file->Append(ByteView(header)));
  SEAL_RETURN_IF_ERROR(file->Sync());
  SEAL_RETURN_IF_ERROR(files.SyncDir(dir));
  return LogWriter(next.next(), 0, std::move(file));
}

Result<LogWriter> LogWriter::Continue(env::FileSystem& files, const std::string& dir, Seq first,
                                      uint64_t bundle_bytes) {
  SEAL_ASSIGN_OR_RETURN(auto file, files.OpenAppend(PathOf(dir, first)));
  return LogWriter(first, bundle_bytes, std::move(file));
}

Status LogWriter::Append(std::span<const record::RecordBatch* const> batches, Sequencer& sequencer,
                         Growth& growth) {
  if (!failed_.ok()) return failed_;
  FrameCutter cutter(file_->size(), synced_, sequencer, growth);
  for (const record::RecordBatch* batch : batches) cutter.Add(*batch);
  cutter.Finish();
  bundle_bytes_ += cutter.bundle_bytes();
  if (Status s = file_->Append(cutter.parts()); !s.ok()) return Fail(std::move(s));
  return OkStatus();
}

// A sync that failed once may claim success the next time while the pages are already gone, so the
// only honest course is to stop writing to this file.
Status LogWriter::Sync() {
  if (!failed_.ok()) return failed_;
  if (Status s = file_->Sync(); !s.ok()) return Fail(std::move(s));
  synced_ = file_->size();
  return OkStatus();
}

Status LogWriter::Close() {
  return file_->Close();
}

}  // namespace sealtrail::ledger
