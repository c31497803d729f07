// What can fail returns Status or Result<T>. Messages are made with fmt, and each layer adds one
// phrase of context, outermost first: "append: segment 42: write: No space left on device". The
// codes are those that some caller acts on; docs/ARCHITECTURE.md says when to use which.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace sealtrail {

enum class StatusCode {
  kOk,
  kInvalidArgument,     // the bytes given are wrong and always will be
  kNotFound,            // no such thing
  kAlreadyExists,       // it is there, and it was to be new
  kResourceExhausted,   // a stated limit was met
  kUnavailable,         // try again; nothing was acknowledged
  kFailedPrecondition,  // an operator must act first
  kPermissionDenied,    // known, but not allowed
  kUnauthenticated,     // not known
  kUnimplemented,       // no such operation, or a format newer than this program
  kDataLoss,            // stored bytes contradict their hash or their neighbours
  kCancelled,           // the caller went away
};

// The code's name as absl and gRPC spell it: "INVALID_ARGUMENT".
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // "OK", or "DATA_LOSS: segment 7: ...".
  std::string ToString() const;

  // The same error with "context: " before its message; OK stays OK.
  Status Annotate(std::string_view context) const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

inline Status OkStatus() {
  return {};
}

// A value, or the error that stood in its way.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: a value is a result
  Result(Status status) : status_(std::move(status)) {  // NOLINT: an error is a result
    SEAL_CHECK(!status_.ok());
  }

  bool ok() const { return status_.ok(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  // Only on ok(); anything else is a bug.
  T& value() & {
    SEAL_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    SEAL_CHECK(ok());
    return *value_;
  }
  // By value, so that `for (auto& x : *F())` holds on to what it walks over.
  T value() && {
    SEAL_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

#define SEAL_DEFINE_ERROR_(Name)                                                  \
  template <typename... Args>                                                     \
  Status Name(fmt::format_string<Args...> text, Args&&... args) {                 \
    return {StatusCode::k##Name, fmt::format(text, std::forward<Args>(args)...)}; \
  }
SEAL_DEFINE_ERROR_(InvalidArgument)
SEAL_DEFINE_ERROR_(NotFound)
SEAL_DEFINE_ERROR_(AlreadyExists)
SEAL_DEFINE_ERROR_(ResourceExhausted)
SEAL_DEFINE_ERROR_(Unavailable)
SEAL_DEFINE_ERROR_(FailedPrecondition)
SEAL_DEFINE_ERROR_(PermissionDenied)
SEAL_DEFINE_ERROR_(Unauthenticated)
SEAL_DEFINE_ERROR_(Unimplemented)
SEAL_DEFINE_ERROR_(DataLoss)
SEAL_DEFINE_ERROR_(Cancelled)
#undef SEAL_DEFINE_ERROR_

// Returns from the enclosing function where `expr` is an error.
#define SEAL_RETURN_IF_ERROR(expr)                                                          \
  do {                                                                                      \
    if (::sealtrail::Status seal_status_ = (expr); !seal_status_.ok()) return seal_status_; \
  } while (0)

// SEAL_ASSIGN_OR_RETURN(auto x, F()): x gets the value, or the enclosing function returns the
// error.
#define SEAL_ASSIGN_OR_RETURN(lhs, expr) \
  SEAL_ASSIGN_OR_RETURN_(SEAL_CONCAT_(seal_result_, __LINE__), lhs, expr)
#define SEAL_ASSIGN_OR_RETURN_(tmp, lhs, expr)   \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
#define SEAL_CONCAT_(a, b) SEAL_CONCAT2_(a, b)
#define SEAL_CONCAT2_(a, b) a##b

}  // namespace sealtrail
