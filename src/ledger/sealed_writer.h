// Writes the sealed form of a segment, block after block, and believes nothing of it: each block is read back from the
// file, decoded and hashed, and the running hash that comes out must be the one that the log has had since the records
// came. So a fault of the encoder, of memory or of the disk becomes a refused seal and not a broken proof.
// docs/formats/segment.md §3, §4 and §6.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/sha256.h"
#include "env/files.h"
#include "format/manifest.h"
#include "format/segment_format.h"
#include "ledger/frame_reader.h"
#include "tlog/compact_range.h"
#include "tlog/merkle.h"

namespace sealtrail::ledger {

// Threads  Compatible. Owned by the sealer.
// Errors   After one the object is useless. DataLoss: what was read back is not what the log holds.
class SealedWriter {
 public:
  // A new `.sealing` file in `dir`; one that an earlier process left is removed. `log_header`: that of the log.
  // `before`: the tree of the records before the segment.
  static Result<SealedWriter> Create(env::FileSystem& files, const std::string& dir,
                                     const format::SegmentHeader& log_header,
                                     const tlog::Frontier& before);

  // Takes the next frame of the log, in the order of the log.
  Status Add(const Frame& frame);

  // Makes what was written so far durable, so that Finish has less to do.
  Status Sync() { return file_->Sync(); }

  // Writes what is left and the index, syncs, checks, and renames the file to its final name, durably. `chain`: the
  // running hash after the last record. Sets everything in the manifest that follows from the segment itself.
  Status Finish(const crypto::Hash& chain, format::Manifest& manifest);

 private:
  // A records frame in the making.
  struct Block {
    format::FrameHeader header;
    Bytes bundle;
    Bytes notes;
    std::vector<uint64_t> side_offsets;
  };
  // The running hash that the log states before a record.
  struct Mark {
    Seq seq;
    crypto::Hash chain;
  };

  SealedWriter(env::FileSystem& files, std::string dir, format::SegmentHeader header,
               const tlog::Frontier& before, tlog::CompactRange tile)
      : files_(files),
        dir_(std::move(dir)),
        header_(header),
        before_(before),
        chain_(header.chain_before),
        range_(Value(header.first)),
        tile_(std::move(tile)),
        next_(header.first) {}

  std::string PathOf(format::FileKind kind) const;
  Status AddSide(const Frame& frame);
  Status AddRecords(const Frame& frame);
  Status AddPiece(const Frame& frame, ByteView bundle, uint32_t count);
  Status CloseBlock();
  Status WriteBlock(Block block, format::Codec codec, ByteView body);
  Status WriteIndex(const crypto::Hash& chain);
  Status Write(format::FrameHeader header, ByteView body, ByteView notes, ByteView side_offsets);
  Status ReadBack(uint64_t offset);
  Status CheckLeaves(const format::FrameHeader& header, ByteView bundle);

  env::FileSystem& files_;
  const std::string dir_;
  const format::SegmentHeader header_;
  const tlog::Frontier before_;
  std::unique_ptr<env::WritableFile> file_;
  std::unique_ptr<env::ReadableFile> written_;

  Block block_;
  std::vector<uint64_t> block_offsets_;
  std::map<uint64_t, uint64_t> side_offset_of_;  // in the log, in this file

  // What was read back.
  crypto::Sha256Stream file_hash_;
  crypto::Hash chain_;
  tlog::CompactRange range_;  // of the segment
  tlog::CompactRange tile_;   // of the block of 256 that is not whole yet, wherever it began
  Seq next_;
  std::vector<Mark> marks_;
  std::vector<format::Hash32> nodes_;  // of the blocks of 256 that ended in this segment
  uint64_t leaf_bytes_ = 0;
  format::TimeBounds times_;
};

}  // namespace sealtrail::ledger
