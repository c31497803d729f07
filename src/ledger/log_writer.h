// The log of the segment that grows: the first home of every record.
// Layout: docs/formats/segment.md. What a power cut leaves of its end: recovery.h. What becomes of it: sealer.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "env/files.h"
#include "format/segment_format.h"
#include "ledger/growth.h"
#include "ledger/sequencer.h"
#include "record/record_sink.h"

namespace sealtrail::ledger {

// Appends batches to one log.
//
// Durability  A batch is durable once a Sync() that began after its Append() returned OK. Only then
//             may it be acknowledged.
// Errors      Sticky. After a failed write or sync the end of the file is unknown, so every later
//             call returns that first error; the process stops accepting, and recovers when started
//             again.
// Threads     Compatible. Owned by the ledger's writer.
class LogWriter {
 public:
  // A new file in `dir`, its header and its name durable. `next` is what its first record will be.
  static Result<LogWriter> Create(env::FileSystem& files, const std::string& dir,
                                  const Sequencer& next, std::string_view origin, UnixNanos now);

  // Goes on with a file that recovery found to end, durably, with whole frames that hold
  // `bundle_bytes` of leaves.
  static Result<LogWriter> Continue(env::FileSystem& files, const std::string& dir, Seq first,
                                    uint64_t bundle_bytes);

  // Writes the frames of these batches and moves `sequencer` past their records; adds what came to
  // `growth`.
  Status Append(std::span<const record::RecordBatch* const> batches, Sequencer& sequencer,
                Growth& growth);

  Status Sync();

  // Closes the file; nothing is synced here.
  Status Close();

  Seq first() const { return first_; }
  uint64_t size() const { return file_->size(); }
  // Leaves in the file with their length bytes, whatever they take there.
  uint64_t bundle_bytes() const { return bundle_bytes_; }

 private:
  LogWriter(Seq first, uint64_t bundle_bytes, std::unique_ptr<env::WritableFile> file)
      : first_(first),
        bundle_bytes_(bundle_bytes),
        file_(std::move(file)),
        synced_(file_->size()) {}

  Status Fail(Status error) { return failed_ = std::move(error); }

  Seq first_;
  uint64_t bundle_bytes_;
  std::unique_ptr<env::WritableFile> file_;
  uint64_t synced_;  // bytes of the file known durable
  Status failed_;    // OK until the first error, then that error for good
};

}  // namespace sealtrail::ledger
