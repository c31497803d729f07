#include "verify/log_join.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "verify/own_record.h"

namespace sealtrail::verify {
namespace {

const OwnLeaf* SealRecordOf(const Segment& segment) {
  if (!segment.facts || segment.facts->own.empty()) return nullptr;
  const OwnLeaf& first = segment.facts->own.front();
  return Value(first.seq) == segment.first ? &first : nullptr;
}

std::string FileName(uint64_t first) {
  return SegmentName(first, ".seg");
}

// The lines of a text, without line feeds.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

LogJoin::LogJoin(const TrailFacts& trail, std::string origin, const Hash& genesis,
                 const KeyEpochs& keys, TileCheck& tiles, Findings& findings)
    : trail_(trail),
      origin_(std::move(origin)),
      keys_(keys),
      tiles_(tiles),
      findings_(findings),
      chain_(genesis) {
  RememberEnd();
}

Status LogJoin::Join(std::span<Segment> segments) {
  for (size_t i = 0; i < segments.size(); ++i) SEAL_RETURN_IF_ERROR(JoinOne(segments, i));
  return OkStatus();
}

std::optional<LogJoin::At> LogJoin::at_end() const {
  if (!tree_known_ || !chain_) return std::nullopt;
  return At{.root = tree_.Root(), .chain = chain_};
}

Status LogJoin::JoinOne(std::span<Segment> segments, size_t i) {
  Segment& segment = segments[i];
  if (!ReachFirst(segment)) return OkStatus();
  if (segment.manifest) JudgeManifest(segments, i);
  const Manifest* const manifest = segment.manifest.get();
  const bool trusted = manifest != nullptr && manifest->trusted;
  end_is_damaged_ = false;

  if (!segment.facts) {  // reported as missing where the folder was listed
    manifest_before_ = trusted ? std::optional(manifest->hash) : std::nullopt;
    whole_ = false;
    before_is_clean_ = false;
    unconfirmed_.reset();
    if (manifest == nullptr || !manifest->body || !trusted) {
      end_is_damaged_ = true;
      return OkStatus();
    }
    Altered(segment.first, manifest->body->size_after);
    chain_ = manifest->body->chain_after;
    next_ = manifest->body->size_after;
    SEAL_RETURN_IF_ERROR(Grow(segment, &manifest->body->nodes));
    CheckSeal(segments, i);
    return OkStatus();
  }

  SegmentFacts& facts = *segment.facts;
  const bool clean = facts.findings.damage_total == 0 && facts.was_read;
  findings_.Take(std::move(facts.findings));
  records_read_ += facts.records_read;
  bytes_read_ += facts.file_bytes;
  last_path_ = segment.task->path;
  last_bytes_ = facts.file_bytes;
  for (const Interval& each : facts.altered) Altered(each.first, each.end);
  const uint64_t damage_before = findings_.damage_total;
  if (manifest == nullptr) manifest_before_.reset();  // for the next one to be compared with
  const Fit fit = manifest != nullptr ? CompareManifest(segment, clean) : Fit::kUnknown;
  CheckChain(segment, !clean || findings_.damage_total > damage_before);
  Remember(facts);

  // Where the records are not those that were sealed, the manifest says what the tree had there.
  const bool stand_in = trusted && (!facts.nodes || fit == Fit::kOtherFile);
  whole_ = whole_ && facts.whole && fit != Fit::kOtherFile;
  end_is_damaged_ = facts.end_is_damaged || (seal_is_missing_ && facts.next == facts.first);
  sure_next_ = facts.sure_next;
  if (stand_in) {
    if (fit == Fit::kOtherFile) Altered(segment.first, manifest->body->size_after);
    if (facts.next < manifest->body->size_after) Altered(facts.next, manifest->body->size_after);
    next_ = manifest->body->size_after;
    chain_ = manifest->body->chain_after;
    end_is_damaged_ = false;
  } else {
    next_ = facts.next;
    chain_ = facts.chain_after;
  }
  SEAL_RETURN_IF_ERROR(Grow(segment, stand_in      ? &manifest->body->nodes
                                     : facts.nodes ? &*facts.nodes
                                                   : nullptr));
  before_is_clean_ = clean && findings_.damage_total == damage_before;
  unconfirmed_ = facts.unconfirmed;
  unconfirmed_path_ = segment.task->path;
  if (segment.sealed()) CheckSeal(segments, i);
  if (segment.left_log) CheckLeftLog(segments, i);
  return OkStatus();
}

// False if the segment lies over records that were read already.
bool LogJoin::ReachFirst(const Segment& segment) {
  const std::string path =
      segment.task ? segment.task->path : "segments/" + FileName(segment.first);
  if (segment.first < next_) {
    findings_.Found(
        {.file = path,
         .seq = Seq{segment.first},
         .unit = "file",
         .kind = "file_misplaced",
         .text = fmt::format("its name says record {}, but records up to {} stand in the files "
                             "before it; it does not count",
                             segment.first, next_ - 1)});
    return false;
  }
  if (segment.first == next_) return true;
  if (!end_is_damaged_) {
    findings_.Found({.file = "segments/" + FileName(next_),
                     .seq = Seq{next_},
                     .unit = "file",
                     .kind = "missing_file",
                     .text = fmt::format(
                         "records {} to {} are missing: this file, or the end of the one before it",
                         next_, segment.first - 1)});
  }
  Altered(next_, segment.first);
  next_ = segment.first;
  chain_.reset();
  tree_known_ = whole_ = before_is_clean_ = false;
  unconfirmed_.reset();
  manifest_before_.reset();
  return true;
}

// --- Manifests ----------------------------------------------------------------------------------

// Trusted: it parses, the key of its epoch signed it, and the record after the segment names it.
void LogJoin::JudgeManifest(std::span<Segment> segments, size_t i) {
  Manifest& manifest = *segments[i].manifest;
  if (!manifest.body) return;
  const ManifestBody& body = *manifest.body;
  const auto key = body.epoch <= keys_.newest() ? keys_.Key(body.epoch) : std::nullopt;
  manifest.is_signed = key && NoteHolds(manifest.text, std::span(&*key, 1));
  if (!manifest.is_signed || body.origin != origin_ || body.segment != segments[i].first) return;
  manifest.trusted = true;
  // Behind a gap stands the record that seals another segment.
  const bool is_followed = i + 1 < segments.size() && segments[i + 1].first == body.size_after;
  const OwnLeaf* const seal = is_followed ? SealRecordOf(segments[i + 1]) : nullptr;
  if (seal == nullptr) return;
  const auto named = Find(AttributesOfOwn(seal->leaf), "sealtrail.seal.manifest");
  manifest.trusted = !named || *named == Base64Encode(manifest.hash);
}

LogJoin::Fit LogJoin::CompareManifest(const Segment& segment, bool facts_clean) {
  const Manifest& manifest = *segment.manifest;
  const SegmentFacts& facts = *segment.facts;
  const std::optional<Hash> before = std::exchange(manifest_before_, std::nullopt);
  ExpectedLines expected = ManifestLines(segment, facts_clean);
  // The line of the manifest before stands in the middle of those that only the signature vouches for.
  const size_t previous_line = expected.size() - 3;
  expected[previous_line] = segment.first == 0 ? std::optional<std::string>("previous none")
                            : before
                                ? std::optional(fmt::format("previous {}", Base64Encode(*before)))
                                : std::nullopt;
  const bool names_its_key = manifest.body && manifest.body->epoch <= keys_.newest();
  const auto key = keys_.Key(names_its_key ? manifest.body->epoch : keys_.AtSize(facts.next));
  const std::span<const VerifierKey> keys =
      key ? std::span<const VerifierKey>(&*key, 1) : std::span<const VerifierKey>();
  const bool holds = names_its_key ? manifest.is_signed : key && NoteHolds(manifest.text, keys);
  if (holds && manifest.read.code() == StatusCode::kUnimplemented) {
    findings_.obstacles.push_back(fmt::format("{}: {}", manifest.path, manifest.read.message()));
    return Fit::kUnknown;
  }
  if (holds && !manifest.body) {
    Damage found = NoteLine(manifest.path, manifest.text, SIZE_MAX);
    found.text = manifest.read.message();
    findings_.Found(std::move(found));
    return Fit::kUnknown;
  }
  if (!holds) {
    findings_.Found(LocateNoteDamage(manifest.path, manifest.text, expected, keys));
    return Fit::kUnknown;
  }
  const ManifestBody& body = *manifest.body;
  const std::vector<std::string_view> lines = Lines(ParseSignedNote(manifest.text)->text);
  const auto differs = [&](size_t line, std::string text, std::string kind = "manifest_differs") {
    Damage found = NoteLine(manifest.path, manifest.text, line);
    found.seq = Seq{segment.first};
    found.kind = std::move(kind);
    found.text = std::move(text);
    findings_.Found(std::move(found));
  };
  if (body.origin != origin_ || body.segment != segment.first) {
    const size_t line = body.origin != origin_ ? 1 : 2;
    differs(line, "the manifest is that of another place", "file_misplaced");
    return Fit::kUnknown;
  }
  if (body.epoch < std::max(epoch_before_, keys_.AtSize(body.segment)) ||
      body.epoch > keys_.AtSize(body.size_after)) {
    differs(lines.size() - 2, "another key was current when the segment was sealed");
    return Fit::kUnknown;
  }
  if (!manifest.trusted) {
    Damage found = NoteLine(manifest.path, manifest.text, SIZE_MAX);
    found.seq = Seq{segment.first + body.records};
    found.kind = "manifest_altered";
    found.text = "the record after the segment names it with another SHA-256";
    findings_.Found(std::move(found));
    return Fit::kUnknown;
  }
  manifest_before_ = manifest.hash;
  epoch_before_ = std::max(epoch_before_, body.epoch);
  if (segment.task->form != Form::kSealed || !facts_clean) return Fit::kUnknown;

  constexpr size_t kFileLine = 4;
  if (expected[kFileLine] && *expected[kFileLine] != lines[kFileLine]) {
    findings_.Found({.file = segment.task->path,
                     .seq = Seq{segment.first},
                     .length = facts.file_bytes,
                     .unit = "file",
                     .kind = "file_altered",
                     .text = "it is not the file that its manifest names"});
    const bool same_records = facts.nodes == body.nodes && facts.chain_after == body.chain_after;
    return same_records ? Fit::kFits : Fit::kOtherFile;
  }
  for (size_t i = 0; i < lines.size() && i < expected.size(); ++i) {
    if (!expected[i] || *expected[i] == lines[i]) continue;
    differs(i, fmt::format("the segment gives \"{}\"", *expected[i]));
    return Fit::kFits;
  }
  const auto covers = [](const Bounds& stated, const BoundsSoFar& found) {
    return !found.any() ||
           (stated.Hold(found.bounds().least) && stated.Hold(found.bounds().greatest));
  };
  if (!covers(body.event, facts.event)) differs(lines.size() - 8, "a record's time lies outside");
  if (!covers(body.received, facts.received))
    differs(lines.size() - 7, "a record's time lies outside");
  return Fit::kFits;
}

// Line by line what the manifest must say, as far as the segment and what came before it tell.
ExpectedLines LogJoin::ManifestLines(const Segment& segment, bool facts_clean) const {
  const SegmentFacts& facts = *segment.facts;
  ExpectedLines out = {fmt::format("sealtrail/manifest/v{}", kFormatVersion),
                       fmt::format("origin {}", origin_), fmt::format("segment {}", segment.first)};
  const bool sealed = segment.task->form == Form::kSealed;
  const bool known = facts_clean && facts.nodes && facts.chain_after && facts.chain_before;
  const auto line = [&](bool is_known, auto make) {
    out.push_back(is_known ? std::optional<std::string>(make()) : std::nullopt);
  };
  line(known, [&] { return fmt::format("records {}", facts.next - facts.first); });
  line(sealed && facts_clean,
       [&] { return fmt::format("file {} {}", facts.file_bytes, Base64Encode(facts.file_hash)); });
  line(known && sealed, [&] { return fmt::format("index {}", facts.index_offset.value_or(0)); });
  line(known, [&] { return fmt::format("leaves {}", facts.leaves_bytes); });
  line(known, [&] {
    return fmt::format("chain {} {}", Base64Encode(*facts.chain_before),
                       Base64Encode(*facts.chain_after));
  });
  line(tree_known_,
       [&] { return fmt::format("before {} {}", segment.first, Base64Encode(tree_.Root())); });
  line(known && tree_known_, [&] {
    RangeTree after = tree_;
    for (const TreeNode& node : *facts.nodes) after.AppendNode(node.level, node.hash);
    return fmt::format("after {} {}", facts.next, Base64Encode(after.Root()));
  });
  const uint64_t end =
      known || !segment.manifest->body ? facts.next : segment.manifest->body->size_after;
  size_t i = 0;
  for (const TreeNode& shape : RangeShape(segment.first, end)) {
    line(known, [&] {
      return fmt::format("node {} {} {}", shape.level, shape.index,
                         Base64Encode((*facts.nodes)[i].hash));
    });
    ++i;
  }
  line(false, [] { return ""; });  // event
  line(false, [] { return ""; });  // received
  line(true, [] { return fmt::format("record-format {}", kFormatVersion); });
  line(false, [] { return ""; });  // rules
  line(false, [] { return ""; });  // config
  line(false, [] { return ""; });  // previous
  const uint64_t least = keys_.AtSize(segment.first), most = keys_.AtSize(facts.next);
  line(least == most, [&] { return fmt::format("epoch {}", least); });
  line(false, [] { return ""; });  // sealed
  return out;
}

// --- What follows a sealed segment --------------------------------------------------------------

void LogJoin::CheckSeal(std::span<Segment> segments, size_t i) {
  const Segment& segment = segments[i];
  if (i + 1 < segments.size() && segments[i + 1].first == next_) {
    const Segment& next = segments[i + 1];
    if (!next.facts || !next.facts->was_read) return;  // which is reported
    if (next.facts->next > next.first || !next.facts->chain_after) {
      CheckSealRecord(segment, next);
      return;
    }
  }
  if (i + 1 < segments.size() && segments[i + 1].first != next_)
    return;  // a gap, which is reported
  // The log of a sealed segment is removed only when the record that seals it is durable.
  if (segment.left_log) {
    findings_.notices.push_back(
        {.file = segment.left_log->path,
         .kind = "seal_record_pending",
         .text = "the segment is sealed, and the record that says so is not there yet"});
    return;
  }
  const bool no_file = i + 1 == segments.size();
  findings_.Found(
      {.file = no_file ? "segments/" + SegmentName(next_, ".log") : segments[i + 1].task->path,
       .seq = Seq{next_},
       .offset = no_file ? 0 : segments[i + 1].facts->file_bytes,
       .unit = no_file ? "file" : "end of file",
       .kind = no_file ? "missing_file" : "records_missing",
       .text = "the log that begins with the record that seals the segment before it"});
  end_is_damaged_ = seal_is_missing_ = true;
  whole_ = false;
}

void LogJoin::CheckSealRecord(const Segment& segment, const Segment& next) {
  const OwnLeaf* const seal = SealRecordOf(next);
  const auto wrong = [&](std::string text) {
    findings_.Found({.file = next.task->path,
                     .seq = Seq{next.first},
                     .offset = kFileHeaderBytes,
                     .unit = "record",
                     .kind = "seal_record",
                     .text = std::move(text)});
  };
  if (seal == nullptr) {
    for (const Interval& each : next.facts->altered) {
      if (each.first <= next.first && next.first < each.end) return;  // which is reported
    }
    if (next.facts->next == next.first) return;
    return wrong("the first record after a sealed segment must be the one that seals it");
  }
  const OwnAttributes attributes = AttributesOfOwn(seal->leaf);
  if (Find(attributes, "audit.action") != kSealAction) return wrong("another action than a seal");
  if (Find(attributes, "audit.target.id") != FileName(segment.first)) {
    return wrong("it seals another segment");
  }
  if (!Find(attributes, "sealtrail.seal.manifest")) wrong("it names no manifest");
}

void LogJoin::CheckLeftLog(std::span<Segment> segments, size_t i) {
  const Segment& segment = segments[i];
  SegmentFacts facts = *segment.left_log_facts;
  const bool clean = facts.findings.damage_total == 0;
  const std::string& path = segment.left_log->path;
  bytes_read_ += facts.file_bytes;
  findings_.Take(std::move(facts.findings));
  const auto whole_file = [&](std::string kind, std::string text) {
    findings_.Found({.file = path,
                     .seq = Seq{segment.first},
                     .length = facts.file_bytes,
                     .unit = "file",
                     .kind = std::move(kind),
                     .text = std::move(text)});
  };
  const bool is_last_sealed =
      std::none_of(segments.begin() + static_cast<ptrdiff_t>(i) + 1, segments.end(),
                   [](const Segment& s) { return s.sealed(); });
  if (!is_last_sealed) {
    whole_file("log_left", "a log whose segment was sealed long ago");
  } else if (clean && before_is_clean_ && (facts.next != next_ || facts.chain_after != chain_)) {
    whole_file("log_differs", "the log holds other records than its sealed form");
  } else if (clean) {
    findings_.notices.push_back({.file = path,
                                 .kind = "sealed_log",
                                 .text = "its sealed form counts; a start removes this file"});
  }
}

// --- Running hash, tree, tiles ------------------------------------------------------------------

// `explained`: the file has damage that may be the reason.
void LogJoin::CheckChain(const Segment& segment, bool explained) {
  const SegmentFacts& facts = *segment.facts;
  if (!chain_ || !facts.chain_before || *chain_ == *facts.chain_before) return;
  if (unconfirmed_) {
    findings_.Found({.file = unconfirmed_path_,
                     .seq = Seq{unconfirmed_->first},
                     .offset = unconfirmed_->offset,
                     .length = unconfirmed_->length,
                     .unit = "frame",
                     .kind = "records_altered",
                     .text = "the running hash in the next file is not theirs"});
    Altered(unconfirmed_->first, unconfirmed_->first + unconfirmed_->count);
    whole_ = false;
    return;
  }
  if (explained || !before_is_clean_) return;
  const Field& field = FileHeader::FieldAt(16);
  findings_.Found({.file = segment.task->path,
                   .seq = Seq{segment.first},
                   .offset = field.offset,
                   .length = field.length,
                   .unit = fmt::format("file header: {}", field.name),
                   .kind = "running_hash",
                   .text = "the running hash is not that of the records before it"});
}

void LogJoin::Remember(const SegmentFacts& facts) {
  if (!tree_known_) return;
  for (const LogHeads::At& mark : facts.at_marks) {
    RangeTree at = tree_;
    for (const TreeNode& node : mark.nodes) at.AppendNode(node.level, node.hash);
    at_marks_[mark.size] = {.root = at.Root(), .chain = mark.chain};
  }
}

// `nodes`: of the segment; null where they cannot be known.
Status LogJoin::Grow(const Segment& segment, const std::vector<TreeNode>* nodes) {
  const bool known = nodes != nullptr && tree_known_ && tree_.end() == segment.first;
  std::vector<TreeNode> blocks;
  if (known) {
    const size_t before = tree_.blocks().size();
    for (const TreeNode& node : *nodes) tree_.AppendNode(node.level, node.hash);
    if (tree_.blocks().size() > before) {
      const TreeNode& first = tree_.blocks()[before];
      // Of a segment that begins inside a block, the first one is put together here.
      if (segment.first % kBlockRecords != 0) blocks.push_back(first);
      const auto& facts = segment.facts;
      if (facts && facts->stated_first_block && segment.first % kBlockRecords != 0 &&
          *facts->stated_first_block != first.hash) {
        findings_.Found({.file = segment.task->path,
                         .seq = Seq{first.index << kBlockLevel},
                         .offset = facts->stated_first_block_offset,
                         .length = sizeof(Hash),
                         .unit = "index: hash of 256 records",
                         .kind = "index_altered",
                         .text = "the index does not say what the records give"});
      }
    }
  } else {
    tree_known_ = false;
  }
  if (segment.facts && segment.facts->nodes && nodes == &*segment.facts->nodes) {
    blocks.insert(blocks.end(), segment.facts->blocks.begin(), segment.facts->blocks.end());
  }
  RememberEnd();
  for (const TreeNode& block : blocks) SEAL_RETURN_IF_ERROR(tiles_.Add(block));
  return OkStatus();
}

void LogJoin::RememberEnd() {
  if (!tree_known_ || !std::binary_search(trail_.marks.begin(), trail_.marks.end(), next_)) return;
  at_marks_[next_] = {.root = tree_.Root(), .chain = chain_};
}

void LogJoin::Altered(uint64_t first, uint64_t end) {
  if (first < end) altered_.push_back({.first = first, .end = end});
}

}  // namespace sealtrail::verify
