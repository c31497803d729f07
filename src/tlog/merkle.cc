#include "tlog/merkle.h"

namespace sealtrail::tlog {

Result<Frontier> Frontier::From(CompactRange leaves) {
  if (leaves.begin() != 0) return InvalidArgument("a tree that begins at leaf {}", leaves.begin());
  Frontier frontier;
  frontier.leaves_ = std::move(leaves);
  return frontier;
}

}  // namespace sealtrail::tlog
