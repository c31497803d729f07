// Signals as events: blocked everywhere, waited for in one place.
#pragma once

namespace sealtrail::env {

enum class Signal { kStop, kReload };  // SIGTERM and SIGINT; SIGHUP

// Blocks these signals for this thread and all that it starts, and ignores SIGPIPE. Call before any thread starts.
void BlockSignals();

// Waits for the next of them.
Signal WaitForSignal();

// Makes WaitForSignal return kStop, as SIGTERM from outside would.
void RaiseStop();

}  // namespace sealtrail::env
