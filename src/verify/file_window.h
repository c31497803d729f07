// A piece of a file in memory, moved along as the file is read.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "env/files.h"

namespace sealtrail::verify {

class FileWindow {
 public:
  // Shows the first `size` bytes of `file`, which must outlive it; what is appended later is not seen.
  FileWindow(const env::ReadableFile& file, uint64_t size) : file_(file), size_(size) {}

  uint64_t size() const { return size_; }

  // `length` bytes from `offset`, which must lie inside the file. They stay until the next call.
  // Unavailable if the file became shorter meanwhile.
  Result<ByteView> View(uint64_t offset, size_t length);

 private:
  // Large enough that a read costs little beside the hashing of what it brings.
  static constexpr size_t kReadBytes = 1 * kMiB;

  const env::ReadableFile& file_;
  const uint64_t size_;
  Bytes buffer_;
  uint64_t begin_ = 0;  // offset of buffer_[0]
  size_t filled_ = 0;
};

}  // namespace sealtrail::verify
