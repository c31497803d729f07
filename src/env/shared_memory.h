// Memory that other processes map read-only: written once, then sealed by the kernel (memfd_create(2),
// F_SEAL_WRITE), so that neither side can change what the other reads.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "env/descriptor.h"

namespace sealtrail::env {

// A copy of `bytes` in sealed memory. `name` is for people who look at /proc. Unavailable if the system has no room.
Result<Descriptor> MakeSealedMemory(const std::string& name, ByteView bytes);

// A read-only view of sealed memory or of a file; unmapped on destruction.
// Threads  Safe: nothing changes.
class MappedMemory {
 public:
  // InvalidArgument if the memory could still be changed or cut while it is read (it must be sealed).
  static Result<std::unique_ptr<MappedMemory>> MapSealed(const Descriptor& memory);

  ~MappedMemory();
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  ByteView bytes() const { return bytes_; }

 private:
  explicit MappedMemory(ByteView bytes) : bytes_(bytes) {}

  const ByteView bytes_;
};

}  // namespace sealtrail::env
