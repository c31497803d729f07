// What others said about the trail: anchors/<size, 20 digits>.checkpoint, checkpoints with the cosignatures of
// witnesses (C2SP tlog-cosignature). Their roots must be those of the log; with a policy, a witness's signature must
// hold, and the quorum tells up to which size the trail is independent of whoever holds its key.
//
// Other files in anchors/ are not looked at yet: each is a notice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/findings.h"
#include "verify/key_epochs.h"
#include "verify/policy.h"
#include "verify/source.h"

namespace sealtrail::verify {

class AnchorCheck {
 public:
  // Lists and reads the folder. An error only if that fails.
  static Result<AnchorCheck> Read(const Source& source, Findings& findings);

  // The sizes whose roots Check wants.
  std::vector<uint64_t> Sizes() const;

  // The keys that may have signed a checkpoint of some size, in the forms that a note may have.
  using Signers = std::function<std::vector<std::vector<VerifierKey>>(uint64_t size)>;

  // `policy`: null if none was given. `records`: how many the log has; `roots`: by tree size, where they are known.
  void Check(const std::string& origin, const Signers& signers, const Policy* policy,
             uint64_t records, const std::map<uint64_t, Hash>& roots, Findings& findings);

  // After Check: the newest size at which the quorum is met, and who cosigned it.
  struct Independent {
    uint64_t size = 0;
    std::vector<std::string> witnesses;
  };
  const std::optional<Independent>& independent() const { return independent_; }
  bool any() const { return !anchors_.empty(); }
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Anchor {
    std::string path;
    std::string text;
    uint64_t size = 0;  // as the name says
  };

  std::vector<Anchor> anchors_;  // by size
  std::optional<Independent> independent_;
  uint64_t bytes_read_ = 0;
};

}  // namespace sealtrail::verify
