// Bytes that any number may read and nobody changes, whoever made them: a request's body on its way
// from a transport to the pipeline, without a copy in between. The last reader may wipe them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/wipe.h"

namespace sealtrail {

// Ownership  view() is valid as long as any copy lives. Destroying the last copy frees the bytes.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(ByteView view, std::shared_ptr<const void> owner)
      : view_(view), owner_(std::move(owner)) {}
  explicit SharedBytes(Bytes bytes) {
    auto owner = std::make_shared<Bytes>(std::move(bytes));
    *this = Wipeable(*owner, owner);
  }
  static SharedBytes FromText(std::string text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(owner->data()), owner->size());
    return Wipeable(bytes, std::move(owner));
  }
  // Bytes that Wipe() may overwrite.
  static SharedBytes Wipeable(std::span<uint8_t> bytes, std::shared_ptr<const void> owner) {
    SharedBytes shared(bytes, std::move(owner));
    shared.writable_ = bytes.data();
    return shared;
  }

  // Overwrites them, where whoever made them allowed it: every copy then shows zeros. For who knows that nobody reads on.
  void Wipe() const {
    if (writable_ != nullptr) sealtrail::Wipe(writable_, view_.size());
  }

  ByteView view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

 private:
  ByteView view_;
  uint8_t* writable_ = nullptr;  // view_.data(), where it may be wiped
  std::shared_ptr<const void> owner_;
};

}  // namespace sealtrail
