// What kind of machine and terminal this is.
#pragma once

namespace sealtrail::env {

// Cores that this process may use, at least 1.
int CoreCount();

// Whether standard error goes to a terminal, so that a person sees progress.
bool StandardErrorIsTerminal();

}  // namespace sealtrail::env
