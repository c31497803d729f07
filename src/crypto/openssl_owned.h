// Owners of libcrypto's objects, and its errors in words. For this module's own sources.
#pragma once

#include <memory>
#include <string>

#include <openssl/err.h>

namespace sealtrail::crypto {

template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using OpensslOwned = std::unique_ptr<T, OpensslFree<kFree>>;

// What this thread's error queue says, oldest first; empties it. Never empty.
inline std::string OpensslErrors() {
  std::string words;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    const char* const reason = ERR_reason_error_string(code);
    if (!words.empty()) words += "; ";
    words += reason != nullptr ? reason : "error";
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
      words.append(" (").append(data).append(")");
    }
  }
  return words.empty() ? "no reason given" : words;
}

}  // namespace sealtrail::crypto
