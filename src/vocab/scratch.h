// Room for the texts that one row makes: views stay valid until Reset().
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace sealtrail::vocab {

// Threads  Compatible.
class Scratch {
 public:
  std::string_view Copy(std::string_view text) {
    if (blocks_.empty() || blocks_.back().size - used_ < text.size()) Grow(text.size());
    char* const out = blocks_.back().bytes.get() + used_;
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    used_ += text.size();
    return {out, text.size()};
  }

  // Keeps the first block, so that rows of usual size never allocate.
  void Reset() {
    if (blocks_.size() > 1) blocks_.resize(1);
    used_ = 0;
  }

 private:
  static constexpr size_t kBlockBytes = 64 * 1024;
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };

  void Grow(size_t wanted) {
    const size_t size = std::max(wanted, kBlockBytes);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    used_ = 0;
  }

  std::vector<Block> blocks_;
  size_t used_ = 0;
};

}  // namespace sealtrail::vocab
