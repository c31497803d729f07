#include "verify/segment_pool.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/mutex.h"
#include "verify/segment_check.h"

namespace sealtrail::verify {
namespace {

struct Job {
  const SegmentTask* task;
  const env::ReadableFile* file;  // null where it is not open yet
  std::optional<SegmentFacts>* facts;
};

// Nothing stands in a file of that length that a writer wrote, and it would be read for hours.
SegmentFacts TooLong(const SegmentTask& task, uint64_t size) {
  SegmentFacts out{.first = task.first, .next = task.first};
  out.end_is_damaged = true;
  out.file_bytes = size;
  out.findings.Found({.file = task.path,
                      .seq = Seq{task.first},
                      .length = size,
                      .unit = "file",
                      .kind = "file_too_long",
                      .text = fmt::format("{} bytes, and no segment is longer than {}; it was not "
                                          "read",
                                          size, kSegmentFileBytesMax)});
  return out;
}

SegmentFacts ReadOne(const Job& job, const Source& source, const TrailFacts& trail) {
  const auto read = [&]() -> Result<SegmentFacts> {
    const env::ReadableFile* file = job.file;
    std::unique_ptr<env::ReadableFile> opened;
    if (file == nullptr) {
      SEAL_ASSIGN_OR_RETURN(opened, source.Open(job.task->path));
      file = opened.get();
    }
    SEAL_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    if (size > kSegmentFileBytesMax) return TooLong(*job.task, size);
    return SegmentCheck(trail, *job.task, FileWindow(*file, size)).Run();
  };
  auto facts = read();
  if (facts.ok()) return std::move(facts).value();
  SegmentFacts unread;
  unread.first = unread.next = job.task->first;
  unread.unread = true;
  unread.findings.obstacles.push_back(facts.status().Annotate(job.task->path).message());
  return unread;
}

// Hands out the jobs, and counts what is done.
// Threads  Safe.
class Queue {
 public:
  Queue(std::vector<Job> jobs, const Source& source, const TrailFacts& trail)
      : jobs_(std::move(jobs)), source_(source), trail_(trail) {}

  // Until no job is left. What each one writes is its own.
  void Work() {
    while (const Job* const job = Next()) {
      SegmentFacts facts = ReadOne(*job, source_, trail_);
      const uint64_t records = facts.records_read, bytes = facts.file_bytes;
      *job->facts = std::move(facts);
      MutexLock lock(mutex_);
      ++done_;
      records_ += records;
      bytes_ += bytes;
      changed_.NotifyAll();
    }
  }

  // Returns when all is done; tells of each change.
  void WaitForAll(const std::function<void(uint64_t, uint64_t)>& progress) {
    size_t seen = 0;
    while (seen < jobs_.size()) {
      uint64_t records = 0, bytes = 0;
      {
        MutexLock lock(mutex_);
        while (done_ == seen) changed_.Wait(mutex_);
        seen = done_;
        records = records_;
        bytes = bytes_;
      }
      if (progress) progress(records, bytes);
    }
  }

 private:
  const Job* Next() {
    MutexLock lock(mutex_);
    return next_ < jobs_.size() ? &jobs_[next_++] : nullptr;
  }

  const std::vector<Job> jobs_;
  const Source& source_;
  const TrailFacts& trail_;

  Mutex mutex_;
  CondVar changed_;
  size_t next_ SEAL_GUARDED_BY(mutex_) = 0;
  size_t done_ SEAL_GUARDED_BY(mutex_) = 0;
  uint64_t records_ SEAL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ SEAL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

void ReadSegments(const Source& source, std::vector<Segment>& segments, const TrailFacts& trail,
                  const PoolOptions& options) {
  std::vector<Job> jobs;
  for (Segment& segment : segments) {
    if (segment.task) jobs.push_back({&*segment.task, segment.file.get(), &segment.facts});
    if (segment.left_log) {
      jobs.push_back({&*segment.left_log, segment.left_log_file.get(), &segment.left_log_facts});
    }
  }
  const size_t threads =
      std::min<size_t>(static_cast<size_t>(std::max(options.threads, 1)), jobs.size());
  Queue queue(std::move(jobs), source, trail);
  std::vector<std::unique_ptr<env::Worker>> workers;
  if (options.executor != nullptr && threads > 1) {
    for (size_t i = 0; i < threads; ++i) {
      workers.push_back(options.executor->StartWorker("verify"));
      workers.back()->Post([&queue] { queue.Work(); });
    }
  } else {
    queue.Work();
  }
  queue.WaitForAll(options.progress);
}

}  // namespace sealtrail::verify
