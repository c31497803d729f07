#include "env/signals.h"

#include <initializer_list>
#include <signal.h>
#include <unistd.h>

#include "base/check.h"

namespace sealtrail::env {
namespace {

sigset_t Watched() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Watched();
  SEAL_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  SEAL_CHECK(::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

Signal WaitForSignal() {
  const sigset_t set = Watched();
  int number = 0;
  SEAL_CHECK(::sigwait(&set, &number) == 0);
  return number == SIGHUP ? Signal::kReload : Signal::kStop;
}

void RaiseStop() {
  SEAL_CHECK(::kill(::getpid(), SIGTERM) == 0);
}

}  // namespace sealtrail::env
