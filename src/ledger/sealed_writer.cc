#include "ledger/sealed_writer.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/endian.h"

namespace sealtrail::ledger {
namespace {

using format::FileKind;
using format::FrameHeader;

constexpr size_t kSideEncodeBytesMin = kKiB;  // smaller ones are not worth a decoder's setup

// The leaves of the block of 256 in which `leaves` (from 0) end, if they end inside one: the smallest of the perfect
// subtrees that they are made of.
Result<tlog::CompactRange> LastTile(const tlog::CompactRange& leaves) {
  const tlog::LeafRange tile{leaves.end() - leaves.end() % kFrameRecordsMax, leaves.end()};
  const auto count = static_cast<ptrdiff_t>(tlog::RangeNodes(tile).size());
  return tlog::CompactRange::FromNodes(tile,
                                       {leaves.hashes().end() - count, leaves.hashes().end()});
}

}  // namespace

Result<SealedWriter> SealedWriter::Create(env::FileSystem& files, const std::string& dir,
                                          const format::SegmentHeader& log_header,
                                          const tlog::Frontier& before) {
  format::SegmentHeader header = log_header;
  header.form = format::Form::kSealed;
  SEAL_ASSIGN_OR_RETURN(tlog::CompactRange tile, LastTile(before.leaves()));
  SealedWriter writer(files, dir, header, before, std::move(tile));
  const std::string path = writer.PathOf(FileKind::kSealing);
  if (const Status removed = files.Remove(path);
      !removed.ok() && removed.code() != StatusCode::kNotFound) {
    return removed;
  }
  SEAL_ASSIGN_OR_RETURN(writer.file_, files.Create(path));
  SEAL_ASSIGN_OR_RETURN(writer.written_, files.OpenRead(path));
  const auto bytes = format::EncodeSegmentHeader(header);
  SEAL_RETURN_IF_ERROR(writer.file_->Append(ByteView(bytes)));
  auto read_back = bytes;
  SEAL_ASSIGN_OR_RETURN(const size_t got, writer.written_->ReadAt(0, read_back));
  if (got != bytes.size() || read_back != bytes)
    return DataLoss("{} at 0: another header than was written", path);
  writer.file_hash_.Update(bytes);
  return writer;
}

std::string SealedWriter::PathOf(FileKind kind) const {
  return env::JoinPath(dir_, format::SegmentFileName(header_.first, kind));
}

Status SealedWriter::Add(const Frame& frame) {
  return frame.header.type == format::FrameType::kSide ? AddSide(frame) : AddRecords(frame);
}

// It goes before the block that is being put together, in which the first record that refers to it will lie.
Status SealedWriter::AddSide(const Frame& frame) {
  side_offset_of_[frame.offset] = file_->size();
  FrameHeader header = frame.header;
  if (block_.header.count != 0) {
    header.first = block_.header.first;
    header.chain_before = block_.header.chain_before;
  }
  Bytes encoded;
  ByteView body = frame.payload;
  header.codec = format::Codec::kRaw;
  if (body.size() >= kSideEncodeBytesMin) {
    header.codec = format::EncodeContent(body, encoded);
    body = encoded;
  }
  return Write(header, body, {}, {});
}

Status SealedWriter::AddRecords(const Frame& frame) {
  const FrameHeader& header = frame.header;
  if (header.count != 0) marks_.push_back({.seq = header.first, .chain = header.chain_before});
  const ByteView notes = ByteView(frame.payload).subspan(header.body_bytes, header.notes_bytes);
  const ByteView sides = frame.side_offsets();
  for (size_t i = 0; i + 8 <= sides.size(); i += 8) {
    const auto moved = side_offset_of_.find(GetBig64(sides.data() + i));
    if (moved == side_offset_of_.end()) return DataLoss("a side offset that leads nowhere");
    block_.side_offsets.push_back(moved->second);
  }
  AppendTo(block_.notes, notes);
  if (header.count == 0) return OkStatus();
  if (block_.header.count == 0) {
    block_.header.first = header.first;
    block_.header.chain_before = header.chain_before;
  }
  block_.header.times = format::Widen(block_.header.times, block_.header.count == 0, header.times);
  block_.header.count += header.count;
  // A whole block of the log is in its final form already.
  if (header.count == kFrameRecordsMax) {
    block_.header.decoded_bytes = header.decoded_bytes;
    return WriteBlock(std::exchange(block_, Block()), header.codec,
                      ByteView(frame.payload).first(header.body_bytes));
  }
  SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame.Bundle());
  AppendTo(block_.bundle, bundle);
  const bool ends = (Value(header.first) + header.count) % kFrameRecordsMax == 0;
  return ends ? CloseBlock() : OkStatus();
}

Status SealedWriter::CloseBlock() {
  Block block = std::exchange(block_, Block());
  block.header.decoded_bytes = static_cast<uint32_t>(block.bundle.size());
  Bytes encoded;
  const format::Codec codec = format::EncodeBundle(block.bundle, encoded);
  return WriteBlock(std::move(block), codec, encoded);
}

Status SealedWriter::WriteBlock(Block block, format::Codec codec, ByteView body) {
  block_offsets_.push_back(file_->size());
  block.header.codec = codec;
  std::ranges::sort(block.side_offsets);
  block.side_offsets.erase(std::unique(block.side_offsets.begin(), block.side_offsets.end()),
                           block.side_offsets.end());
  Bytes offsets(block.side_offsets.size() * 8);
  for (size_t i = 0; i < block.side_offsets.size(); ++i)
    PutBig64(offsets.data() + i * 8, block.side_offsets[i]);
  times_ = format::Widen(times_, block_offsets_.size() == 1, block.header.times);
  return Write(block.header, body, block.notes, offsets);
}

Status SealedWriter::Write(FrameHeader header, ByteView body, ByteView notes,
                           ByteView side_offsets) {
  header.synced = 0;
  header.body_bytes = static_cast<uint32_t>(body.size());
  header.notes_bytes = static_cast<uint32_t>(notes.size());
  header.side_offsets = static_cast<uint32_t>(side_offsets.size() / 8);
  header.payload_crc = Crc32c(side_offsets, Crc32c(notes, Crc32c(body)));
  const auto head = format::EncodeFrameHeader(header);
  const uint64_t offset = file_->size();
  const std::array<ByteView, 4> parts = {ByteView(head), body, notes, side_offsets};
  SEAL_RETURN_IF_ERROR(file_->Append(parts));
  return ReadBack(offset).Annotate(fmt::format("{} at {}", PathOf(FileKind::kSealing), offset));
}

Status SealedWriter::ReadBack(uint64_t offset) {
  SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(*written_, offset, file_->size()));
  if (frame.end() != file_->size()) return DataLoss("a frame of another length than was written");
  file_hash_.Update(format::EncodeFrameHeader(frame.header));
  file_hash_.Update(frame.payload);
  if (frame.header.type == format::FrameType::kIndex) return OkStatus();
  SEAL_ASSIGN_OR_RETURN(const Bytes bundle, frame.Bundle());
  if (frame.header.type == format::FrameType::kSide)
    return OkStatus();  // its hash stands in the leaves
  return CheckLeaves(frame.header, bundle);
}

Status SealedWriter::CheckLeaves(const FrameHeader& header, ByteView bundle) {
  if (header.first != next_ || header.chain_before != chain_)
    return DataLoss("a block out of its place");
  SEAL_ASSIGN_OR_RETURN(const auto leaves, format::SplitBundle(bundle, header.count));
  auto mark = marks_.begin();
  for (const std::string_view leaf : leaves) {
    if (mark != marks_.end() && mark->seq == next_) {
      if (mark->chain != chain_)
        return DataLoss("record {}: not the running hash of the log", Value(next_));
      ++mark;
    }
    const crypto::Hash hash = tlog::LeafHash(AsBytes(leaf));
    chain_ = tlog::ChainNext(chain_, hash);
    range_.Append(hash);
    tile_.Append(hash);
    if (tile_.end() % kFrameRecordsMax == 0) {
      nodes_.push_back(tile_.Root());
      tile_ = tlog::CompactRange(tile_.end());
    }
    leaf_bytes_ += leaf.size();
    next_ = next_ + 1;
  }
  marks_.erase(marks_.begin(), mark);
  return OkStatus();
}

Status SealedWriter::WriteIndex(const crypto::Hash& chain) {
  const Bytes body = format::EncodeIndex({.offsets = block_offsets_, .nodes = nodes_});
  return Write({.type = format::FrameType::kIndex,
                .first = next_,
                .chain_before = chain,
                .decoded_bytes = static_cast<uint32_t>(body.size())},
               body, {}, {});
}

Status SealedWriter::Finish(const crypto::Hash& chain, format::Manifest& manifest) {
  if (block_.header.count != 0) {
    SEAL_RETURN_IF_ERROR(CloseBlock());
  } else if (!block_.notes.empty()) {
    block_.header.first = next_;
    block_.header.chain_before = chain;
    SEAL_RETURN_IF_ERROR(Write(block_.header, {}, block_.notes, {}));
  }
  if (chain_ != chain)
    return DataLoss("{}: its records do not end with the running hash of the log",
                    PathOf(FileKind::kSealing));
  tlog::CompactRange whole = before_.leaves();
  SEAL_RETURN_IF_ERROR(whole.Merge(range_));
  manifest.index_offset = file_->size();
  SEAL_RETURN_IF_ERROR(WriteIndex(chain));
  SEAL_RETURN_IF_ERROR(file_->Sync());
  manifest.file_bytes = file_->size();
  SEAL_RETURN_IF_ERROR(file_->Close());
  SEAL_RETURN_IF_ERROR(files_.Rename(PathOf(FileKind::kSealing), PathOf(FileKind::kSealed)));
  SEAL_RETURN_IF_ERROR(files_.SyncDir(dir_));

  manifest.first = header_.first;
  manifest.records = Value(next_) - Value(header_.first);
  manifest.file_hash = file_hash_.Finish();
  manifest.leaf_bytes = leaf_bytes_;
  manifest.chain_before = header_.chain_before;
  manifest.chain_after = chain;
  manifest.before = {.size = before_.size(), .root = before_.Root()};
  manifest.after = {.size = TreeSize{Value(next_)}, .root = whole.Root()};
  const auto ids = tlog::RangeNodes({range_.begin(), range_.end()});
  for (size_t i = 0; i < ids.size(); ++i) {
    manifest.nodes.push_back({.level = static_cast<uint32_t>(ids[i].level),
                              .index = ids[i].index,
                              .hash = range_.hashes()[i]});
  }
  manifest.times = times_;
  return OkStatus();
}

}  // namespace sealtrail::ledger
