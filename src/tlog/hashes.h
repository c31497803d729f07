// The hashes of RFC 6962 §2.1, and those of the article's running hash beside them. Their prefixes
// (0x00 leaf, 0x01 node, 0x02 running hash) keep one from ever being taken for another.
// docs/formats/segment.md and checkpoint.md say where the values stand.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/status.h"
#include "crypto/sha256.h"

namespace sealtrail::tlog {

using crypto::Hash;

// SHA-256(0x00 ‖ leaf).
Hash LeafHash(ByteView leaf);

// SHA-256(0x01 ‖ left ‖ right).
Hash NodeHash(const Hash& left, const Hash& right);

// SHA-256("sealtrail/chain/v1\n" ‖ origin): the running hash before the first record.
Hash ChainGenesis(std::string_view origin);

// SHA-256(0x02 ‖ before ‖ leaf_hash).
Hash ChainNext(const Hash& before, const Hash& leaf_hash);

// The root of no leaves: SHA-256 of nothing.
Hash EmptyRoot();

// InvalidArgument unless `bytes` are 32.
Result<Hash> HashOf(ByteView bytes);

// A hash as proofs and checkpoints write it: 44 characters of base64. InvalidArgument on anything
// else.
Result<Hash> HashFromBase64(std::string_view text);

}  // namespace sealtrail::tlog
