#include "net/grow_buffer.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <sys/mman.h>

#include "base/check.h"
#include "base/wipe.h"

namespace sealtrail::net {
namespace {

// From here on memory comes straight from the system: malloc would keep freed blocks of this size
// for later, and the peak of a buffer that doubles would be the sum of its sizes.
constexpr size_t kMappedBytesMin = size_t{4} << 20;

uint8_t* Map(size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<uint8_t*>(at);
}

}  // namespace

GrowBuffer::GrowBuffer(ByteBudget& budget) {
  auto lease = budget.TryTake(0);
  SEAL_CHECK(lease.has_value());
  lease_ = std::move(*lease);
}

GrowBuffer::GrowBuffer(GrowBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      mapped_(other.mapped_),
      lease_(std::move(other.lease_)) {}

GrowBuffer& GrowBuffer::operator=(GrowBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(capacity_, other.capacity_);
  std::swap(mapped_, other.mapped_);
  std::swap(lease_, other.lease_);
  return *this;
}

GrowBuffer::~GrowBuffer() {
  Free();
}

void GrowBuffer::Free() {
  if (mapped_) {
    ::munmap(data_, capacity_);
  } else {
    std::free(data_);
  }
}

bool GrowBuffer::Grow(size_t capacity) {
  if (capacity <= capacity_) return true;
  const size_t held = lease_.bytes();
  if (!lease_.Resize(capacity)) return false;

  uint8_t* grown = nullptr;
  if (mapped_) {
    void* at = ::mremap(data_, capacity_, capacity, MREMAP_MAYMOVE);
    grown = at == MAP_FAILED ? nullptr : static_cast<uint8_t*>(at);
  } else {
    // Not realloc: what it leaves behind could not be wiped (redaction).
    const bool maps = capacity >= kMappedBytesMin;
    grown = maps ? Map(capacity) : static_cast<uint8_t*>(std::malloc(capacity));
    if (grown != nullptr) {
      if (capacity_ > 0) std::memcpy(grown, data_, capacity_);
      Wipe(data_, capacity_);
      std::free(data_);
      mapped_ = maps;
    }
  }
  if (grown == nullptr) {
    SEAL_CHECK(lease_.Resize(held));
    return false;
  }
  data_ = grown;
  capacity_ = capacity;
  return true;
}

SharedBytes GrowBuffer::Finish(size_t size) && {
  SEAL_CHECK(size <= capacity_);
  SEAL_CHECK(lease_.Resize(size));  // shrinks; pages beyond were never touched
  auto owner = std::make_shared<GrowBuffer>(std::move(*this));
  const std::span<uint8_t> bytes{owner->data_, size};
  return SharedBytes::Wipeable(bytes, std::move(owner));
}

}  // namespace sealtrail::net
