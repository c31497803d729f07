#include "verify/file_window.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sealtrail::verify {

Result<ByteView> FileWindow::View(uint64_t offset, size_t length) {
  SEAL_CHECK(offset <= size_ && length <= size_ - offset);
  if (offset >= begin_ && offset + length <= begin_ + filled_) {
    return ByteView(buffer_).subspan(static_cast<size_t>(offset - begin_), length);
  }
  // What is already there at the front of the new window is kept.
  size_t kept = 0;
  if (offset >= begin_ && offset < begin_ + filled_) {
    kept = static_cast<size_t>(begin_ + filled_ - offset);
    std::memmove(buffer_.data(), buffer_.data() + (offset - begin_), kept);
  }
  const auto want =
      static_cast<size_t>(std::min<uint64_t>(std::max(length, kReadBytes), size_ - offset));
  if (buffer_.size() < want) buffer_.resize(want);
  begin_ = offset;
  filled_ = kept;
  SEAL_ASSIGN_OR_RETURN(const size_t got,
                        file_.ReadAt(offset + kept, std::span(buffer_).subspan(kept, want - kept)));
  filled_ += got;
  if (filled_ < length) return Unavailable("the file became shorter while it was read");
  return ByteView(buffer_).first(length);
}

}  // namespace sealtrail::verify
