// Runs a fuzz target over a checked-in corpus, without libFuzzer: so that every input that once
// mattered is an ordinary test, with any compiler and any sanitizer. fuzz/CMakeLists.txt.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void Replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> read((std::istreambuf_iterator<char>(in)), {});
  // Of exactly this size, so that AddressSanitizer sees the first byte read past the end.
  const auto bytes = std::make_unique<uint8_t[]>(read.size());
  std::copy(read.begin(), read.end(), bytes.get());
  std::fprintf(stderr, "%s: %zu bytes\n", path.c_str(), read.size());
  LLVMFuzzerTestOneInput(bytes.get(), read.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      Replay(entry.path());
      ++files;
    }
  }
  std::fprintf(stderr, "%zu inputs replayed\n", files);
  return files > 0 ? 0 : 1;
}
