// A source of which one call fails, as on a disk that cannot be read for a moment.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "verify/source.h"

namespace sealtrail::verify::testing {

// Fails call `number`, from 0, of all that list, open or read, with `code`.
class FailingSource : public Source {
 public:
  FailingSource(const Source& inner, int number, StatusCode code)
      : inner_(inner), number_(number), code_(code) {}

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override {
    SEAL_RETURN_IF_ERROR(Next(folder));
    return inner_.List(folder);
  }
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override {
    SEAL_RETURN_IF_ERROR(Next(path));
    SEAL_ASSIGN_OR_RETURN(auto file, inner_.Open(path));
    return std::unique_ptr<env::ReadableFile>(std::make_unique<File>(*this, path, std::move(file)));
  }

  bool failed() const { return calls_ > number_; }
  const std::string& what() const { return what_; }

 private:
  class File : public env::ReadableFile {
   public:
    File(const FailingSource& source, std::string path, std::unique_ptr<env::ReadableFile> inner)
        : source_(source), path_(std::move(path)), inner_(std::move(inner)) {}
    Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
      SEAL_RETURN_IF_ERROR(source_.Next(path_));
      return inner_->ReadAt(offset, out);
    }
    Result<uint64_t> Size() const override {
      SEAL_RETURN_IF_ERROR(source_.Next(path_));
      return inner_->Size();
    }

   private:
    const FailingSource& source_;
    const std::string path_;
    const std::unique_ptr<env::ReadableFile> inner_;
  };

  Status Next(const std::string& what) const {
    if (calls_++ != number_) return OkStatus();
    what_ = what;
    return Status(code_, what + ": it cannot be read");
  }

  const Source& inner_;
  const int number_;
  const StatusCode code_;
  mutable int calls_ = 0;
  mutable std::string what_;
};

// Of which one file or folder cannot be read, ever.
class UnreadableSource : public Source {
 public:
  UnreadableSource(const Source& inner, std::string path) : inner_(inner), path_(std::move(path)) {}

  Result<std::vector<SourceEntry>> List(const std::string& folder) const override {
    SEAL_RETURN_IF_ERROR(Look(folder));
    return inner_.List(folder);
  }
  Result<std::unique_ptr<env::ReadableFile>> Open(const std::string& path) const override {
    SEAL_RETURN_IF_ERROR(Look(path));
    return inner_.Open(path);
  }

 private:
  Status Look(const std::string& path) const {
    return path == path_ ? Unavailable("{}: it cannot be read", path) : OkStatus();
  }

  const Source& inner_;
  const std::string path_;
};

}  // namespace sealtrail::verify::testing
