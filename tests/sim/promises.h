// What a trail has promised so far, over all its processes: noted as it is given, and held against what is there later.
//
//   acknowledged  a record that was acknowledged has its number and its bytes for ever
//   durable       so has one that readers were shown
//   shown         a checkpoint that was shown is of a tree that is a prefix of every later one
//   signed        so is one that was signed and that nobody was shown; for one size one root, over all keys; and the signing
//                 record on the disk is never behind a signature
//   sealed        a manifest that a start has found, or that a seal record names, is the only one of its range
//   keys          a key that was shown stays, in its place
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "ledger/ledger.h"
#include "ledger/signing_record.h"
#include "reference_model.h"

namespace sealtrail::sim {

// Threads  Compatible.
class Promises {
 public:
  const ReferenceModel& model() const { return model_; }
  // The first promise that was broken; empty while none is.
  const std::string& broken() const { return broken_; }
  void Break(std::string what);

  // --- given

  void Acknowledged(Seq seq, const std::string& leaf, Seq last_before);
  // What is written to a file, whatever becomes of it: finds the notes that were signed.
  void Written(const std::string& path, ByteView bytes);
  // What readers see now: new records are noted, checkpoint and keys too.
  void Observe(const ledger::Ledger& ledger);

  // --- kept

  // All records, read anew.
  void CheckRecords(const ledger::Ledger& ledger);
  void CheckSigned(const std::optional<ledger::SigningState>& record);
  // The files of manifests that stand there, by the first record of their segment, at a good start.
  void CheckManifests(const std::map<Seq, Bytes>& manifests);
  // What every manifest says, and that there is one for each seal record.
  void CheckSealed(const std::map<Seq, Bytes>& manifests, const std::map<Seq, Bytes>& segments);
  void CheckTiles(const ledger::Ledger& ledger);
  // All that was acknowledged, shown and signed is in the model, which CheckRecords brought up to what is there.
  void CheckAll();

  const std::vector<std::string>& vkeys() const { return vkeys_; }
  size_t acknowledged() const { return acknowledged_.size(); }
  size_t seals() const { return seals_.size(); }
  size_t heads_signed() const { return signed_.size(); }

 private:
  void Note(std::string_view leaf, uint64_t seq);
  void NoteHead(TreeSize size, const crypto::Hash& root, std::string_view how);
  void CheckManifest(Seq first, const Bytes& note, const Bytes& segment);

  ReferenceModel model_;
  std::string broken_;
  std::map<Seq, std::string> acknowledged_;
  std::map<TreeSize, crypto::Hash> heads_;  // shown or signed
  std::map<TreeSize, crypto::Hash> signed_;
  TreeSize shown_{0};
  std::map<Seq, crypto::Hash> manifests_;     // that a start has found
  std::map<std::string, std::string> seals_;  // file of the segment, hash of the manifest in base64
  std::vector<std::string> vkeys_;
};

}  // namespace sealtrail::sim
