// The segments of a trail, in order: which files there are for each, and what is known of them (docs/formats/segment.md
// §1). What must not lie in segments/ is reported.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/files.h"
#include "verify/note_bodies.h"
#include "verify/report.h"
#include "verify/segment_facts.h"
#include "verify/source.h"

namespace sealtrail::verify {

struct Manifest {
  std::string path;
  std::string text;                  // the file
  Hash hash{};                       // of the file
  std::optional<ManifestBody> body;  // what it says, true or not; borrows from `text`
  Status read;                       // why there is no body
  bool is_signed = false;            // by the key of its epoch; known once it is judged
  bool trusted = false;              // its signature holds, and the record that names it agrees
};

struct Segment {
  uint64_t first = 0;
  // The file that counts; nothing where it is not there. The newest ones were opened when the folder was listed, so
  // that a running store, which may just be sealing a log, cannot take them away; the others are opened when they are
  // read, for a trail has more segments than a process may have open files.
  std::optional<SegmentTask> task;
  std::shared_ptr<env::ReadableFile> file;
  // A log whose segment is sealed and whose seal record may not be durable yet.
  std::optional<SegmentTask> left_log;
  std::shared_ptr<env::ReadableFile> left_log_file;
  std::shared_ptr<Manifest> manifest;

  std::optional<SegmentFacts> facts;
  std::optional<SegmentFacts> left_log_facts;

  bool sealed() const { return task ? task->form == Form::kSealed : manifest != nullptr; }
};

struct TrailSegments {
  std::vector<Segment> segments;
  std::vector<Damage> damage;
  std::vector<Notice> notices;
  uint64_t bytes_read = 0;
};

// Reads the folder and its manifests, not the segments. `genesis`: the running hash before record 0. Unavailable if a
// file that was listed is gone: a running store may just have sealed it, so try again.
Result<TrailSegments> ListSegments(const Source& source, const Hash& genesis);

}  // namespace sealtrail::verify
