#include <cstdio>

#include "base/encoding.h"
#include "base/limits.h"
#include "cli/commands.h"
#include "cli/static_tree.h"
#include "cli/store_client.h"
#include "tlog/note.h"

namespace sealtrail::cli {
namespace {

// Cuts a stream of pieces into lines and gives each to a tree.
class LeafLines {
 public:
  explicit LeafLines(StaticTree& tree) : tree_(tree) {}

  Status Take(std::string_view piece) {
    for (size_t end; (end = piece.find('\n')) != piece.npos; piece.remove_prefix(end + 1)) {
      line_ += piece.substr(0, end);
      SEAL_RETURN_IF_ERROR(tree_.Append(AsBytes(line_)));
      line_.clear();
    }
    line_ += piece;
    if (line_.size() > kLeafBytesMax) return DataLoss("a leaf of over {} bytes", kLeafBytesMax);
    return OkStatus();
  }

 private:
  StaticTree& tree_;
  std::string line_;  // the beginning of one
};

Status Fill(StoreClient& client, StaticTree& tree) {
  if (tree.next() < Value(tree.size())) {
    LeafLines lines(tree);
    const std::string target =
        fmt::format("/api/v1/leaves?from={}&to={}", tree.next(), Value(tree.size()) - 1);
    SEAL_ASSIGN_OR_RETURN(
        const auto response,
        client.Fetch("GET", target, "", [&](std::string_view piece) { return lines.Take(piece); }));
    TellUnrecorded(response);
  }
  return tree.Finish();
}

}  // namespace

int ExportTlog(const env::Env& env, const ExportTlogArgs& args) {
  if (const Status apart = CheckApart(env.files, args.data_dir, args.tree_dir); !apart.ok())
    return Complain(apart.message());
  auto client = StoreClient::OpenFolder(env, args.data_dir);
  if (!client.ok()) return Complain(client.status().message());
  const auto note = (*client)->FetchText("POST", "/api/v1/checkpoint", tlog::kSignedNoteBytesMax);
  auto tree = note.ok() ? StaticTree::Open(env.files, args.tree_dir, *note) : note.status();
  Status status = tree.ok() ? Fill(**client, *tree) : tree.status();
  const Status closed = (*client)->Close();
  if (status.ok()) status = closed;
  if (!status.ok()) return Complain(status.message());
  std::fprintf(stderr, "size %llu\nroot %s\n", static_cast<unsigned long long>(Value(tree->size())),
               Base64Encode(tree->root()).c_str());
  return 0;
}

}  // namespace sealtrail::cli
