#include "tlog/checkpoint.h"

#include "base/encoding.h"
#include "tlog/hashes.h"
#include "tlog/text.h"

namespace sealtrail::tlog {

std::string CheckpointText(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n{}", checkpoint.origin, Value(checkpoint.size),
                     Base64Encode(checkpoint.root), checkpoint.extensions);
}

Result<Checkpoint> ParseCheckpointWithExtensions(std::string_view text) {
  const auto origin = TakeLine(text);
  const auto size_line = TakeLine(text);
  const auto root_line = TakeLine(text);
  if (!origin || !size_line || !root_line) {
    return InvalidArgument("a checkpoint of fewer than three lines");
  }
  if (origin->empty()) return InvalidArgument("a checkpoint without an origin");
  Checkpoint checkpoint{.origin = std::string(*origin), .extensions = std::string(text)};
  const auto size = ParseDecimal(*size_line);
  if (!size.ok()) return size.status().Annotate("a checkpoint's size");
  checkpoint.size = TreeSize{*size};
  const auto root = HashFromBase64(*root_line);
  if (!root.ok()) return root.status().Annotate("a checkpoint's root");
  checkpoint.root = *root;
  while (!text.empty()) {
    const auto line = TakeLine(text);
    if (!line) return InvalidArgument("a checkpoint line without its end");
    if (line->empty()) return InvalidArgument("an empty line in a checkpoint");
  }
  return checkpoint;
}

Result<Checkpoint> ParseCheckpointText(std::string_view text) {
  SEAL_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointWithExtensions(text));
  if (!checkpoint.extensions.empty()) {
    return InvalidArgument("a checkpoint of more than three lines");
  }
  return checkpoint;
}

}  // namespace sealtrail::tlog
