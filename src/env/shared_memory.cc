#include "env/shared_memory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

namespace sealtrail::env {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

Status WriteAll(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Unavailable("write shared memory: {}", ::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return OkStatus();
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Descriptor> OpenForReading(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return Descriptor(fd);
  if (errno == ENOENT) return NotFound("open {}: {}", path, ::strerror(errno));
  return Unavailable("open {}: {}", path, ::strerror(errno));
}

Result<Descriptor> MakeSealedMemory(const std::string& name, ByteView bytes) {
  Descriptor memory(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.valid()) return Unavailable("memfd_create: {}", ::strerror(errno));
  SEAL_RETURN_IF_ERROR(WriteAll(memory.get(), bytes));
  if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) {
    return Unavailable("seal shared memory: {}", ::strerror(errno));
  }
  return memory;
}

Result<std::unique_ptr<MappedMemory>> MappedMemory::MapSealed(const Descriptor& memory) {
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) return InvalidArgument("memory is not sealed");
  struct stat info;
  if (::fstat(memory.get(), &info) != 0) return Unavailable("fstat: {}", ::strerror(errno));
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return std::unique_ptr<MappedMemory>(new MappedMemory({}));
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) return Unavailable("map shared memory: {}", ::strerror(errno));
  return std::unique_ptr<MappedMemory>(new MappedMemory({static_cast<const uint8_t*>(at), size}));
}

MappedMemory::~MappedMemory() {
  if (!bytes_.empty()) ::munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace sealtrail::env
