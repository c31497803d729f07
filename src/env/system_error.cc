#include "env/system_error.h"

#include <cerrno>
#include <cstring>

namespace sealtrail::env {

Status SystemError(int error, std::string_view operation, std::string_view path) {
  const std::string text = fmt::format("{} {}: {}", operation, path, ::strerror(error));
  switch (error) {
    case ENOENT:
      return NotFound("{}", text);
    case EEXIST:
      return AlreadyExists("{}", text);
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case ELOOP:
    case ENAMETOOLONG:
      return FailedPrecondition("{}", text);
    default:
      return Unavailable("{}", text);
  }
}

}  // namespace sealtrail::env
