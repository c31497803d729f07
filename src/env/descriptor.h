// An open file descriptor with an owner, for what is handed to other processes: files to read, shared memory,
// ends of channels.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace sealtrail::env {

// Closes on destruction. Moving hands over.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// A file to be read, closed in children unless handed to them. NotFound if there is none.
Result<Descriptor> OpenForReading(const std::string& path);

}  // namespace sealtrail::env
