// Bytes that any number may read and nobody changes, whoever made them: a request's body on its way
// from a transport to the pipeline, without a copy in between.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"

namespace sealtrail {

// Ownership  view() is valid as long as any copy lives. Destroying the last copy frees the bytes.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(ByteView view, std::shared_ptr<const void> owner)
      : view_(view), owner_(std::move(owner)) {}
  explicit SharedBytes(Bytes bytes) {
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  static SharedBytes FromText(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const ByteView view = AsBytes(*owner);
    return {view, std::move(owner)};
  }

  ByteView view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

 private:
  ByteView view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace sealtrail
