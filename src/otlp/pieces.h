// Byte ranges of one request that belong together though they lie apart: nearly always there is
// exactly one.
#pragma once

#include <cstring>

#include "base/bytes.h"
#include "model/arena.h"

namespace sealtrail::otlp {

struct Piece {
  ByteView bytes;
  const Piece* next = nullptr;
};

// The occurrences of a singular message field, in order. Protobuf merges them, and merging equals
// decoding the occurrences one after the other into the same message; so a decoder of a message
// reads Pieces, each to its end. That way a byte is decoded once however often and deep a sender
// repeats fields. (Joining the bytes first was dropped: two malformed halves could then make a good
// whole.)
class Pieces {
 public:
  Pieces() = default;
  explicit Pieces(ByteView only) : first_{only, nullptr}, last_(&first_) {}
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  bool empty() const { return last_ == nullptr; }
  const Piece* first() const { return last_ == nullptr ? nullptr : &first_; }

  void Add(ByteView bytes, model::Arena& arena) {
    if (last_ == nullptr) {
      Reset(bytes);
    } else {
      auto* piece = arena.New(Piece{bytes, nullptr});
      last_->next = piece;
      last_ = piece;
    }
  }

  // Forgets the others: `bytes` alone from now on.
  void Reset(ByteView bytes) {
    first_ = {bytes, nullptr};
    last_ = &first_;
  }

 private:
  Piece first_;
  Piece* last_ = nullptr;
};

// The unknown fields of one message. Those that lie side by side are kept as one range of the
// request; only what known fields come between is copied.
class UnknownFields {
 public:
  bool Add(ByteView field, model::Arena& arena) {
    if (run_.data() + run_.size() == field.data() && !run_.empty()) {
      run_ = {run_.data(), run_.size() + field.size()};
    } else {
      if (!run_.empty()) runs_.Add(run_, arena);
      run_ = field;
    }
    total_ += field.size();
    return true;
  }

  bool empty() const { return run_.empty(); }

  ByteView Joined(model::Arena& arena) {
    if (runs_.empty()) return run_;
    auto* out = static_cast<uint8_t*>(arena.Allocate(total_, 1));
    size_t used = 0;
    for (const Piece* piece = runs_.first(); piece != nullptr; piece = piece->next) {
      std::memcpy(out + used, piece->bytes.data(), piece->bytes.size());
      used += piece->bytes.size();
    }
    std::memcpy(out + used, run_.data(), run_.size());
    return {out, total_};
  }

 private:
  Pieces runs_;
  ByteView run_;
  size_t total_ = 0;
};

}  // namespace sealtrail::otlp
