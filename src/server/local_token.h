// The token of this folder's owner: DATA/local.token, mode 0600, made at first start. design §7.
#pragma once

#include <string>

#include "env/env.h"

namespace sealtrail::server {

// 64 hexadecimal digits.
Result<std::string> OpenLocalToken(const env::Env& env, const std::string& data_dir);

}  // namespace sealtrail::server
