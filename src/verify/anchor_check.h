// What others said about the trail: anchors/ (docs/formats/anchors.md).
//  - <size>.checkpoint: cosignatures of witnesses (C2SP tlog-cosignature). With a policy, a witness's signature must
//    hold, and the quorum tells up to which size the trail is independent of whoever holds its key.
//  - <size>.stamped and <size>.<n>.tsr: time stamps (RFC 3161). A token must be whole and about that note; with the
//    certificates of authorities, one that leads to them tells since when the records are known to exist.
//  - what is remembered of witnesses: witness_state.h; what was kept of a contradiction: evidence_check.h.
//
// Each note must be a checkpoint of the size in its name, by the trail's key, with the root of the log.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "crypto/rfc3161.h"
#include "verify/anchor_files.h"
#include "verify/evidence_check.h"
#include "verify/findings.h"
#include "verify/key_epochs.h"
#include "verify/policy.h"
#include "verify/source.h"
#include "verify/witness_state.h"

namespace sealtrail::verify {

class AnchorCheck {
 public:
  // Lists the folder. An error only if that fails.
  static Result<AnchorCheck> Read(const Source& source, Findings& findings);

  // The sizes whose roots Check wants.
  std::vector<uint64_t> Sizes() const;

  // What the anchors are held to.
  struct Log {
    // Under which name it signed a checkpoint of some size.
    std::function<std::string(uint64_t size)> name;
    // The keys that may have signed a checkpoint of some size, in the forms that a note may have.
    std::function<std::vector<std::vector<VerifierKey>>(uint64_t size)> signers;
    std::vector<LogKey> keys;        // all that are known
    uint64_t records = 0;            // how many there are
    bool is_damaged = false;         // so a tree that is larger has its reason
    std::map<uint64_t, Hash> roots;  // by tree size, where they are known
  };

  // `policy`, `authorities`: null if none were given. An error only if a file cannot be read.
  Status Check(const Source& source, const Log& log, const Policy* policy,
               const crypto::TimestampAuthorities* authorities, Findings& findings);

  // After Check: the newest size at which the quorum is met, and who cosigned it.
  struct Independent {
    uint64_t size = 0;
    std::vector<std::string> witnesses;
  };
  const std::optional<Independent>& independent() const { return independent_; }
  bool any_cosigned() const { return !files_.cosigned.empty(); }

  // After Check: the tokens.
  struct Stamped {
    uint64_t size = 0;
    crypto::Timestamp stamp;
  };
  // The newest size that a token is about, and the earliest such token: one that leads to a given certificate; one
  // that is merely whole.
  const std::optional<Stamped>& stamped() const { return stamped_; }
  const std::optional<Stamped>& claimed() const { return claimed_; }
  bool any_token() const { return tokens_ > 0; }
  bool token_fails() const {
    return token_fails_;
  }  // one is not whole, or not about a note of this log

  // After Check: the largest size of a note that is about the records that are there: others were shown it.
  uint64_t shown() const { return shown_; }

  // After Check: the trail's key signed a tree that is not this one, and the note is in evidence/.
  bool contradicted() const { return contradicted_; }

  uint64_t bytes_read() const { return bytes_read_; }

 private:
  // What a note turned out to be.
  enum class Note {
    kFits,   // signed, and about the records that are there
    kSound,  // signed; the records are not known
    kBad,    // reported
  };
  // Signature lines by a key that nobody named.
  struct Strangers {
    std::string first_file;
    uint64_t lines = 0;
  };

  Result<std::optional<std::string>> ReadFile(const Source& source, const std::string& path,
                                              uint64_t bytes_max, std::string_view unit,
                                              Findings& findings);
  Note CheckNote(const std::string& path, const std::string& text, uint64_t size,
                 bool may_be_cosigned, const Log& log, Findings& findings);
  void CheckCosigners(const std::string& path, const std::string& text, uint64_t size,
                      const Log& log, const Policy* policy, Findings& findings);
  Status CheckStamped(const Source& source, uint64_t size, const std::vector<uint64_t>& tokens,
                      const Log& log, const crypto::TimestampAuthorities* authorities,
                      Findings& findings);
  void CheckToken(const std::string& path, ByteView token, uint64_t size, const std::string& note,
                  bool fits, const crypto::TimestampAuthorities* authorities, Findings& findings);
  void TellOfStrangers(bool policy_given, Findings& findings) const;

  AnchorFiles files_;
  std::vector<WitnessState> states_;
  std::vector<Evidence> evidence_;
  std::map<std::string, Strangers> strangers_;  // by "name+id"
  std::optional<Independent> independent_;
  std::optional<Stamped> stamped_;
  std::optional<Stamped> claimed_;
  uint64_t tokens_ = 0;
  bool token_fails_ = false;
  uint64_t shown_ = 0;
  bool contradicted_ = false;
  uint64_t bytes_read_ = 0;
};

}  // namespace sealtrail::verify
