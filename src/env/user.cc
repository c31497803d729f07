#include "env/user.h"

#include <array>
#include <pwd.h>
#include <unistd.h>

#include <sys/stat.h>

namespace sealtrail::env {

std::string UserName(uint32_t uid) {
  std::array<char, 4096> buffer;
  passwd entry;
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return std::to_string(uid);
}

uint32_t CurrentUser() {
  return ::geteuid();
}

void KeepFilesPrivate() {
  ::umask(0077);
}

}  // namespace sealtrail::env
