#include "query/part_digest.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "crypto/sha256.h"

namespace sealtrail::query {

Result<std::string> FileDigest(env::FileSystem& files, const std::string& path) {
  SEAL_ASSIGN_OR_RETURN(const auto file, files.OpenRead(path));
  crypto::Sha256Stream hash;
  Bytes piece(kMiB);
  for (uint64_t offset = 0;;) {
    SEAL_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(offset, piece));
    if (got == 0) break;
    hash.Update(ByteView(piece).first(got));
    offset += got;
  }
  return HexEncode(hash.Finish());
}

}  // namespace sealtrail::query
