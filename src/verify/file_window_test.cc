#include "verify/file_window.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sealtrail::verify {
namespace {

class PatternFile : public env::ReadableFile {
 public:
  explicit PatternFile(uint64_t size) : size_(size) {}
  static uint8_t At(uint64_t offset) { return static_cast<uint8_t>(offset * 2654435761u >> 13); }
  Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    const size_t length =
        static_cast<size_t>(std::min<uint64_t>(out.size(), size_ - std::min(size_, offset)));
    for (size_t i = 0; i < length; ++i) out[i] = At(offset + i);
    return length;
  }
  Result<uint64_t> Size() const override { return size_; }

 private:
  const uint64_t size_;
};

TEST(FileWindowTest, ShowsTheFileWhateverTheOrder) {
  const PatternFile file(5 * kMiB + 123);
  FileWindow window(file, 5 * kMiB + 123);
  const std::pair<uint64_t, size_t> views[] = {{0, 88},
                                               {88, 300 * kKiB},
                                               {600 * kKiB, 800 * kKiB},
                                               {10, 20},
                                               {kMiB - 5, 10},
                                               {kMiB - 1, 2 * kMiB},
                                               {5 * kMiB, 123},
                                               {5 * kMiB + 123, 0},
                                               {4 * kMiB, kMiB + 123},
                                               {0, 5 * kMiB + 123}};
  for (const auto& [offset, length] : views) {
    const auto view = window.View(offset, length);
    ASSERT_TRUE(view.ok());
    ASSERT_EQ(view->size(), length);
    for (size_t i = 0; i < length; ++i)
      ASSERT_EQ((*view)[i], PatternFile::At(offset + i)) << offset << " + " << i;
  }
}

TEST(FileWindowTest, AFileThatBecomesShorter) {
  const PatternFile file(1000);
  FileWindow window(file, 2000);
  EXPECT_TRUE(window.View(0, 1000).ok());
  EXPECT_EQ(window.View(900, 200).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace sealtrail::verify
