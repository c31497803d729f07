// Goal: the real file system does what files.h says, also at the edges of the system calls behind
// it.
#include "env/real_files.h"

#include <fcntl.h>
#include <functional>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "env/testing/temp_folder.h"

namespace sealtrail::env {
namespace {

using testing::TempFolder;

Bytes MustRead(const std::string& path) {
  auto content = ReadFile(RealFiles(), path, kGiB);
  SEAL_CHECK(content.ok());
  return std::move(content).value();
}

void MustWrite(const std::string& path, ByteView content) {
  auto file = RealFiles().Create(path);
  SEAL_CHECK(file.ok());
  SEAL_CHECK((*file)->Append(content).ok());
}

// Runs `body` in a child process, where it may change what a process has only one of. True if it
// returned true.
bool InChild(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  SEAL_CHECK(child >= 0);
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  SEAL_CHECK(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The superuser may write anywhere: become somebody else first.
bool AsNobody(const std::function<bool()>& body) {
  return InChild([&] { return (::geteuid() != 0 || ::seteuid(65534) == 0) && body(); });
}

TEST(RealFilesTest, AppendWritesMorePartsThanOneCallTakes) {
  const TempFolder folder;
  std::vector<Bytes> parts;
  for (size_t i = 0; i < 3 * IOV_MAX + 7; ++i) parts.emplace_back(i % 5, static_cast<uint8_t>(i));
  const std::vector<ByteView> views(parts.begin(), parts.end());
  Bytes expected;
  for (const Bytes& part : parts) AppendTo(expected, part);

  auto file = *RealFiles().Create(folder / "f");
  ASSERT_TRUE(file->Append(AsBytes("head")).ok());
  ASSERT_TRUE(file->Append(views).ok());
  ASSERT_TRUE(file->Append(std::vector<ByteView>{}).ok());
  EXPECT_EQ(file->size(), expected.size() + 4);
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Close().ok());
  expected.insert(expected.begin(), {'h', 'e', 'a', 'd'});
  EXPECT_EQ(MustRead(folder / "f"), expected);
}

// A signal ends a write into a full pipe: with what was written so far, in the middle of parts, or with EINTR.
TEST(RealFilesTest, AppendGoesOnAfterAPartialOrInterruptedWrite) {
  const TempFolder folder;
  const std::string path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::vector<Bytes> parts;
  for (size_t i = 0; i < 3'000; ++i) parts.emplace_back(331, static_cast<uint8_t>(i % 251));
  const std::vector<ByteView> views(parts.begin(), parts.end());
  Bytes expected;
  for (const Bytes& part : parts) AppendTo(expected, part);

  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_EQ(::fcntl(reader, F_SETFL, 0), 0);
  struct sigaction on_signal {};
  on_signal.sa_handler = [](int) {};  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &on_signal, nullptr), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = RealFiles().OpenAppend(path);
    ::_exit(file.ok() && (*file)->Append(views).ok() && (*file)->size() == expected.size() ? 0 : 1);
  }
  Bytes got;
  uint8_t buffer[777];
  while (got.size() < expected.size()) {
    ::kill(child, SIGUSR1);
    const ssize_t count = ::read(reader, buffer, sizeof buffer);
    if (count > 0) AppendTo(got, {buffer, static_cast<size_t>(count)});
    if (count < 0) break;
  }
  ::close(reader);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(got, expected);
}

TEST(RealFilesTest, AFailedAppendSaysHowFarItCame) {
  const TempFolder folder;
  const std::string path = folder / "f";
  EXPECT_TRUE(InChild([&] {
    const rlimit limit{.rlim_cur = 1'000, .rlim_max = 1'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    ::signal(SIGXFSZ, SIG_IGN);
    auto file = *RealFiles().Create(path);
    const Status status = file->Append(Bytes(1'500, 7));
    return status.message() == "write " + path + ": File too large" && file->size() == 1'000;
  }));
  EXPECT_EQ(MustRead(path), Bytes(1'000, 7));
}

TEST(RealFilesTest, AFullDiskIsUnavailable) {
  auto file = *RealFiles().OpenAppend("/dev/full");
  EXPECT_EQ(file->Append(AsBytes("x")).ToString(),
            "UNAVAILABLE: write /dev/full: No space left on device");
}

TEST(RealFilesTest, CreateIsPrivateAndNeverReplaces) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("x"));
  struct stat info;
  ASSERT_EQ(::stat((folder / "f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(RealFiles().Create(folder / "f").status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(MustRead(folder / "f"), Bytes{'x'});
}

TEST(RealFilesTest, OpenAppendGoesOnAtTheEnd) {
  const TempFolder folder;
  EXPECT_EQ(RealFiles().OpenAppend(folder / "f").status().code(), StatusCode::kNotFound);
  MustWrite(folder / "f", AsBytes("ab"));
  auto file = *RealFiles().OpenAppend(folder / "f");
  EXPECT_EQ(file->size(), 2u);
  ASSERT_TRUE(file->Append(AsBytes("c")).ok());
  EXPECT_EQ(file->size(), 3u);
  EXPECT_EQ(AsText(MustRead(folder / "f")), "abc");
}

TEST(RealFilesTest, ReadsStopAtTheEndAndNowhereElse) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("0123456789"));
  const auto file = *RealFiles().OpenRead(folder / "f");
  const auto read = [&](uint64_t offset, size_t count) {
    Bytes out(count);
    const size_t got = *file->ReadAt(offset, out);
    return std::string(AsText(ByteView(out).first(got)));
  };
  EXPECT_EQ(read(0, 10), "0123456789");
  EXPECT_EQ(read(3, 4), "3456");
  EXPECT_EQ(read(8, 5), "89");
  EXPECT_EQ(read(10, 5), "");
  EXPECT_EQ(read(0, 0), "");
  // An offset read from a damaged file may be anything; as a signed number these are negative.
  EXPECT_EQ(read(INT64_MAX, 5), "");
  EXPECT_EQ(read(uint64_t{INT64_MAX} + 1, 5), "");
  EXPECT_EQ(read(UINT64_MAX - 2, 5), "");
  EXPECT_EQ(*file->Size(), 10u);
}

TEST(RealFilesTest, TruncateCutsAndRefusesTheImpossible) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("0123456789"));
  ASSERT_TRUE(RealFiles().Truncate(folder / "f", 4).ok());
  EXPECT_EQ(AsText(MustRead(folder / "f")), "0123");
  EXPECT_EQ(RealFiles().Truncate(folder / "f", UINT64_MAX).ToString(),
            "UNAVAILABLE: truncate " + (folder / "f") + ": File too large");
  EXPECT_EQ(AsText(MustRead(folder / "f")), "0123");
  EXPECT_EQ(RealFiles().Truncate(folder / "g", 4).code(), StatusCode::kNotFound);
}

TEST(RealFilesTest, AFileIsNoFolderAndAFolderIsNoFile) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("x"));
  ASSERT_TRUE(RealFiles().MakeDir(folder / "d").ok());
  EXPECT_TRUE(RealFiles().MakeDir(folder / "d").ok());
  EXPECT_EQ(RealFiles().MakeDir(folder / "f").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(RealFiles().OpenRead(folder / "d").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(RealFiles().List(folder / "f").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(RealFiles().SyncDir(folder / "f").code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(RealFiles().Stat(folder / "d")->is_directory);
  EXPECT_EQ(RealFiles().Stat(folder / "d")->size, 0u);
  EXPECT_FALSE(RealFiles().Stat(folder / "f")->is_directory);
  struct stat info;
  ASSERT_EQ(::stat((folder / "d").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(RealFilesTest, ListIsSorted) {
  const TempFolder folder;
  for (const char* name : {"10", "b", "2", "a", "B", ".hidden"}) MustWrite(folder / name, {});
  EXPECT_EQ(*RealFiles().List(folder.path()),
            (std::vector<std::string>{".hidden", "10", "2", "B", "a", "b"}));
  EXPECT_EQ(RealFiles().List(folder / "none").status().code(), StatusCode::kNotFound);
}

TEST(RealFilesTest, AReadOnlyFolderNeedsAnOperator) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("x"));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  EXPECT_TRUE(AsNobody([&] {
    const Status status = RealFiles().Create(folder / "g").status();
    return status.code() == StatusCode::kFailedPrecondition &&
           status.message() == "create " + (folder / "g") + ": Permission denied" &&
           RealFiles().Lock(folder / "LOCK").status().code() == StatusCode::kFailedPrecondition &&
           RealFiles().Remove(folder / "f").code() == StatusCode::kFailedPrecondition &&
           RealFiles().MakeDir(folder / "d").code() == StatusCode::kFailedPrecondition;
  }));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
}

TEST(RealFilesTest, ALockIsForOneAloneAndEndsWithItsHolder) {
  const TempFolder folder;
  const std::string path = folder / "LOCK";
  const auto take = [&] { return RealFiles().Lock(path).ok(); };
  {
    auto lock = RealFiles().Lock(path);
    ASSERT_TRUE(lock.ok());
    EXPECT_TRUE(RealFiles().IsLocked(path));
    EXPECT_EQ(RealFiles().Lock(path).status().ToString(),
              "UNAVAILABLE: " + path + " is held by another process");
    EXPECT_FALSE(InChild(take));
  }
  EXPECT_FALSE(RealFiles().IsLocked(path));
  EXPECT_FALSE(RealFiles().IsLocked(folder / "none"));
  EXPECT_TRUE(InChild(take));
  EXPECT_TRUE(InChild([&] {  // dies with the lock in its hands
    auto lock = RealFiles().Lock(path);
    return lock.ok() ? (::_exit(0), true) : false;
  }));
  EXPECT_TRUE(take());
}

TEST(RealFilesTest, ALockThatWasRemovedStillHolds) {
  const TempFolder folder;
  const std::string path = folder / "LOCK";
  const auto take = [&] { return RealFiles().Lock(path).ok(); };
  {
    auto lock = RealFiles().Lock(path);
    ASSERT_TRUE(lock.ok() && RealFiles().Remove(path).ok());
    EXPECT_TRUE(RealFiles().IsLocked(path));
    EXPECT_EQ(RealFiles().Lock(path).status().ToString(),
              "UNAVAILABLE: " + path + " is held by another process");
    EXPECT_FALSE(InChild(take));
    EXPECT_TRUE(RealFiles().IsLocked(path)) << "who was refused made no new file";
  }
  EXPECT_FALSE(RealFiles().IsLocked(path));
  EXPECT_TRUE(InChild(take));
}

// Others lock folders too (flock DIR command): that is no store that writes there.
TEST(RealFilesTest, AFolderThatSomebodyElseLocksHoldsNoWriter) {
  const TempFolder folder;
  const std::string path = folder / "LOCK";
  ASSERT_TRUE(RealFiles().Lock(path).ok());
  const int descriptor = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(descriptor, 0);
  ASSERT_EQ(::flock(descriptor, LOCK_EX | LOCK_NB), 0);
  EXPECT_FALSE(RealFiles().IsLocked(path));
  ::close(descriptor);
}

TEST(RealFilesTest, FreeBytesAreSome) {
  const TempFolder folder;
  EXPECT_GT(*RealFiles().FreeBytes(folder.path()), 0u);
  EXPECT_GE(*RealFiles().TotalBytes(folder.path()), *RealFiles().FreeBytes(folder.path()));
  EXPECT_EQ(RealFiles().FreeBytes(folder / "none").status().code(), StatusCode::kNotFound);
}

TEST(RealFilesTest, ReplaceFileLeavesTheOldContentWhenItFails) {
  const TempFolder folder;
  ASSERT_TRUE(ReplaceFile(RealFiles(), folder.path(), "f", AsBytes("old")).ok());
  EXPECT_TRUE(InChild([&] {
    const rlimit limit{.rlim_cur = 2, .rlim_max = 2};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    ::signal(SIGXFSZ, SIG_IGN);
    return !ReplaceFile(RealFiles(), folder.path(), "f", AsBytes("new")).ok();
  }));
  EXPECT_EQ(AsText(MustRead(folder / "f")), "old");
  ASSERT_TRUE(ReplaceFile(RealFiles(), folder.path(), "f", AsBytes("new")).ok());
  EXPECT_EQ(AsText(MustRead(folder / "f")), "new");
  EXPECT_EQ(*RealFiles().List(folder.path()), std::vector<std::string>{"f"});
}

TEST(RealFilesTest, ReadFileHasABound) {
  const TempFolder folder;
  MustWrite(folder / "f", AsBytes("0123"));
  EXPECT_EQ(AsText(*ReadFile(RealFiles(), folder / "f", 4)), "0123");
  EXPECT_EQ(ReadFile(RealFiles(), folder / "f", 3).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace sealtrail::env
