// A signing key behind a command of the operator's. Its protocol: docs/configuration.md, "Signer commands".
#pragma once

#include "config/config.h"
#include "ledger/signing_key.h"

namespace sealtrail::server {

// Nothing is run until it is asked to sign.
std::optional<ledger::ExternalSigner> SignerOf(const std::optional<config::SignerCommand>& signer);

}  // namespace sealtrail::server
