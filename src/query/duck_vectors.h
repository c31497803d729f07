// Writing into DuckDB's vectors. Included by the .cc files that do, and by nothing else.
#pragma once

#include <cstring>
#include <duckdb.h>
#include <string_view>

namespace sealtrail::query {

// DuckDB's own form of a text, pointing at `text` where it is longer than 12 bytes: no copy is made, so `text` must
// live as long as the query.
inline duckdb_string_t BorrowText(std::string_view text) {
  duckdb_string_t out;
  std::memset(&out, 0, sizeof(out));
  out.value.inlined.length = static_cast<uint32_t>(text.size());
  if (text.size() <= sizeof(out.value.inlined.inlined)) {
    if (!text.empty()) std::memcpy(out.value.inlined.inlined, text.data(), text.size());
    return out;
  }
  std::memcpy(out.value.pointer.prefix, text.data(), sizeof(out.value.pointer.prefix));
  out.value.pointer.ptr = const_cast<char*>(text.data());
  return out;
}

inline std::string_view ViewOf(const duckdb_string_t& text) {
  const uint32_t size = text.value.inlined.length;
  return size <= sizeof(text.value.inlined.inlined)
             ? std::string_view(text.value.inlined.inlined, size)
             : std::string_view(text.value.pointer.ptr, size);
}

template <typename T>
T* DataOf(duckdb_vector vector) {
  return static_cast<T*>(duckdb_vector_get_data(vector));
}

inline uint64_t* WritableValidity(duckdb_vector vector) {
  duckdb_vector_ensure_validity_writable(vector);
  return duckdb_vector_get_validity(vector);
}
inline void SetNull(uint64_t* validity, size_t row) {
  validity[row / 64] &= ~(uint64_t{1} << row % 64);
}
inline void SetValid(uint64_t* validity, size_t row) {
  validity[row / 64] |= uint64_t{1} << row % 64;
}
inline bool IsValid(const uint64_t* validity, size_t row) {
  return validity == nullptr || (validity[row / 64] >> row % 64 & 1) != 0;
}
inline void SetAllNull(duckdb_vector vector, size_t rows) {
  std::memset(WritableValidity(vector), 0, (rows + 63) / 64 * sizeof(uint64_t));
}

// A logical type that frees itself.
class DuckType {
 public:
  explicit DuckType(duckdb_logical_type type) : type_(type) {}
  explicit DuckType(duckdb_type id) : type_(duckdb_create_logical_type(id)) {}
  DuckType(const DuckType&) = delete;
  DuckType& operator=(const DuckType&) = delete;
  ~DuckType() { duckdb_destroy_logical_type(&type_); }
  duckdb_logical_type get() const { return type_; }
  duckdb_type id() const { return duckdb_get_type_id(type_); }

  static duckdb_logical_type TextMap() {
    const DuckType text(DUCKDB_TYPE_VARCHAR);
    return duckdb_create_map_type(text.get(), text.get());
  }
  static duckdb_logical_type TextList() {
    const DuckType text(DUCKDB_TYPE_VARCHAR);
    return duckdb_create_list_type(text.get());
  }

 private:
  duckdb_logical_type type_;
};

// Appends to a vector of MAP(VARCHAR, VARCHAR): rows in order, the entries of each in the order given.
class TextMapWriter {
 public:
  explicit TextMapWriter(duckdb_vector map)
      : map_(map),
        entries_(duckdb_list_vector_get_child(map)),
        rows_(DataOf<duckdb_list_entry>(map)) {}

  void Add(std::string_view key, duckdb_string_t value) {
    Slot(key);
    if (validity_ != nullptr) SetValid(validity_, size_);
    values_[size_++] = value;
  }
  void AddNull(std::string_view key) {
    Slot(key);
    if (validity_ == nullptr)
      validity_ = WritableValidity(duckdb_struct_vector_get_child(entries_, 1));
    SetNull(validity_, size_++);
  }
  void EndRow(size_t row) {
    rows_[row] = {begin_, size_ - begin_};
    begin_ = size_;
  }
  void Finish() { duckdb_list_vector_set_size(map_, size_); }

 private:
  // Makes room for one more entry. Growing moves the vectors, so their places are fetched anew.
  void Slot(std::string_view key) {
    if (size_ == capacity_) {
      capacity_ = capacity_ == 0 ? 4 * duckdb_vector_size() : 2 * capacity_;
      duckdb_list_vector_set_size(map_, size_);
      duckdb_list_vector_reserve(map_, capacity_);
      keys_ = DataOf<duckdb_string_t>(duckdb_struct_vector_get_child(entries_, 0));
      values_ = DataOf<duckdb_string_t>(duckdb_struct_vector_get_child(entries_, 1));
      validity_ = duckdb_vector_get_validity(duckdb_struct_vector_get_child(entries_, 1));
    }
    keys_[size_] = BorrowText(key);
  }

  const duckdb_vector map_;
  const duckdb_vector entries_;
  duckdb_list_entry* const rows_;
  duckdb_string_t* keys_ = nullptr;
  duckdb_string_t* values_ = nullptr;
  uint64_t* validity_ = nullptr;  // of the values, where there is any NULL
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t size_ = 0;
};

}  // namespace sealtrail::query
