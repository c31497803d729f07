// Real commands of the system, run to their end.
#include "env/run_command.h"

#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <gtest/gtest.h>

#include "env/shared_memory.h"

namespace sealtrail::env {
namespace {

Result<CommandResult> Shell(const std::string& script, std::string_view input = {},
                            int64_t timeout_ns = 60 * kNanosPerSecond) {
  return RunCommand({.argv = {"/bin/sh", "-c", script}, .timeout_ns = timeout_ns}, AsBytes(input));
}

std::string OutputOf(const Result<CommandResult>& result) {
  return result.ok() ? std::string(AsText(result->output)) : result.status().ToString();
}

TEST(RunCommandTest, GivesTheInputAndTakesTheOutput) {
  const std::string text("a\0b\n", 4);
  EXPECT_EQ(OutputOf(Shell("cat", text)), text);
  EXPECT_EQ(OutputOf(Shell("cat /dev/stdin; wc -c < /dev/stdin", "again ")), "again 6\n");
  EXPECT_EQ(OutputOf(Shell("true", std::string(1'000'000, 'x'))), "") << "nobody must read it";
  EXPECT_EQ(OutputOf(RunCommand({.argv = {"/bin/echo", "a b", "$HOME"}}, {})), "a b $HOME\n");
}

TEST(RunCommandTest, HowItEndedIsAResult) {
  auto result = Shell("echo out; echo 'no key' >&2; echo >&2; exit 3");
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->exit.code, 3);
  EXPECT_EQ(AsText(result->output), "out\n");
  EXPECT_EQ(result->errors, "no key");
  result = Shell("kill -TERM $$");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit.signal, SIGTERM);
  result = Shell("head -c 1000000 /dev/zero | tr '\\0' e >&2; echo done");
  EXPECT_EQ(OutputOf(result), "done\n");
  EXPECT_EQ(result->errors, std::string(300, 'e'));
}

TEST(RunCommandTest, WhatCannotBeStartedSaysSo) {
  EXPECT_EQ(RunCommand({.argv = {}}, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(RunCommand({.argv = {"echo"}}, {}).status().code(), StatusCode::kInvalidArgument);
  const auto result = RunCommand({.argv = {"/nowhere/at/all"}}, {});
  EXPECT_EQ(result.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(result.status().message().find("/nowhere/at/all"), std::string::npos);
}

TEST(RunCommandTest, TooMuchOutputEndsIt) {
  EXPECT_EQ(Shell("head -c 4096 /dev/zero")->output.size(), 4096u);
  EXPECT_EQ(Shell("head -c 4097 /dev/zero").status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Shell("cat /dev/zero").status().code(), StatusCode::kResourceExhausted);
}

// Its children too: the number that it prints is that of a process which would run on for an hour.
TEST(RunCommandTest, ItsGroupIsKilledWhenItEndsAndWhenItsTimeIsUp) {
  const auto result = Shell("sleep 3600 & echo $!");
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  const int left = std::atoi(OutputOf(result).c_str());
  ASSERT_GT(left, 0);
  const auto runs = [](int pid) {  // and is not merely waiting for its parent
    return OutputOf(Shell("grep -c 'State:.[^Z]' /proc/" + std::to_string(pid) + "/status")) ==
           "1\n";
  };
  while (runs(left)) {
  }
  const Status late = Shell("sleep 3600; echo", "", 200 * kNanosPerMilli).status();
  EXPECT_EQ(late.code(), StatusCode::kUnavailable);
  EXPECT_NE(late.message().find("200 ms"), std::string::npos) << late.message();
}

TEST(RunCommandTest, ItGetsNothingOfOurs) {
  ::setenv("SEALTRAIL_SECRET", "x", 1);
  EXPECT_EQ(OutputOf(RunCommand({.argv = {"/usr/bin/env"}}, {})),
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
  ::unsetenv("SEALTRAIL_SECRET");
  const Descriptor file = *OpenForReading("/dev/null");
  const int inherited = ::dup(file.get());  // not closed on exec
  ASSERT_GE(inherited, 3);
  EXPECT_EQ(
      OutputOf(Shell("for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && echo $n; done; true")),
      "");
  ::close(inherited);
  // No signal is blocked or ignored.
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  const auto before = ::signal(SIGPIPE, SIG_IGN), quit = ::signal(SIGQUIT, SIG_IGN);
  // (The C library ignores two of its own, above the ones that have names.)
  EXPECT_EQ(OutputOf(RunCommand({.argv = {"/bin/grep", "-Ec", "^Sig(Blk|Ign):.[0-9a-f]+0000000$",
                                          "/proc/self/status"}},
                                {})),
            "2\n");
  ::signal(SIGPIPE, before);
  ::signal(SIGQUIT, quit);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

}  // namespace
}  // namespace sealtrail::env
