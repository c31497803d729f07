"""Deliberate breakages of the store, each one that must not go unnoticed: what is replaced in which file, and who notices.

The texts are those of the real sources and must stand there exactly once: whoever changes such a line changes the mutant too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    name: str
    what: str
    edits: tuple[Edit, ...]
    program: str  # target and test binary, below tests/sim
    tests: str  # --gtest_filter
    says: str  # what its output must match


BARE_CUTS = "SealPathTest.APowerCutAnywhereThatTakesAllThatIsNotDurable"

MUTANTS = (
    Mutant(
        "drop a sync",
        "an acknowledgement does not wait for the sync of the log",
        (Edit("src/ledger/ledger.cc", "if (status.ok()) status = log_->Sync();", ""),),
        "seal_path_test",
        BARE_CUTS,
        "records are there, .* were shown|acknowledged records are missing|was acknowledged and is lost",
    ),
    Mutant(
        "acknowledge early",
        "a group is answered before it is written",
        (
            Edit(
                "src/ledger/ledger.cc",
                "  const Status status = Write(batches);\n  for (Waiting& waiting : group) {",
                "  const Status status;\n"
                "  struct Later {\n"
                "    ~Later() { (void)ledger->Write(*batches); }\n"
                "    Ledger* ledger;\n"
                "    const std::vector<const record::RecordBatch*>* batches;\n"
                "  } later{this, &batches};\n"
                "  for (Waiting& waiting : group) {",
            ),
        ),
        "seal_path_test",
        "SealPathTest.APowerCutAnywhere",
        "was acknowledged and is lost|was given twice|were shown to be durable",
    ),
    Mutant(
        "skip read-back",
        "what the manifest states is hashed from memory, not from the sealed file",
        (
            Edit("src/ledger/sealed_writer.cc", "constexpr size_t kSideEncodeBytesMin", "Frame meant;\nconstexpr size_t kSideEncodeBytesMin"),
            Edit(
                "src/ledger/sealed_writer.cc",
                "  SEAL_RETURN_IF_ERROR(file_->Append(parts));\n  return ReadBack(offset)",
                "  SEAL_RETURN_IF_ERROR(file_->Append(parts));\n"
                "  meant = Frame{.header = header, .offset = offset, .payload = {}};\n"
                "  for (const ByteView part : {body, notes, side_offsets}) AppendTo(meant.payload, part);\n"
                "  return ReadBack(offset)",
            ),
            Edit(
                "src/ledger/sealed_writer.cc",
                "  SEAL_ASSIGN_OR_RETURN(const Frame frame, ReadFrame(*written_, offset, file_->size()));\n",
                "  (void)offset;\n  const Frame frame = meant;\n",
            ),
        ),
        "seal_path_test",
        "SealPathTest.ASealedFileThatWasWrittenWrong",
        "DATA_LOSS|the manifest of segment|verify does not find it sound",
    ),
    Mutant(
        "sign twice",
        "a head is signed before its records are durable, and nothing remembers what was signed",
        (
            Edit(
                "src/ledger/ledger.cc",
                "if (status.ok()) status = log_->Sync();",
                "if (status.ok()) status = SignHere();\n  if (status.ok()) status = log_->Sync();",
            ),
            Edit("src/ledger/ledger.cc", "  if (!checkpoint.note.empty()) {\n    claims", "  if (false) {\n    claims"),
            Edit("src/ledger/ledger.cc", "& state = signer_.state()) {\n    claims", "& state = signer_.state(); false && state) {\n    claims"),
            Edit("src/ledger/signing_record.cc", "  if (state_ && (size <", "  if (false && state_ && (size <"),
        ),
        "seal_path_test",
        BARE_CUTS,
        "a second root was|was signed after one of",
    ),
    Mutant(
        "ignore a torn tail",
        "recovery leaves what a power cut tore in the log, and writes after it",
        (
            Edit(
                "src/ledger/recovery.cc",
                "return bad_end_ == BadEnd::kCut ? CutAt(file, first, offset, end) : OkStatus();",
                "return bad_end_ == BadEnd::kCut && end == 0 ? CutAt(file, first, offset, end) : OkStatus();",
            ),
        ),
        "seal_path_test",
        "SealPathTest.APowerCutAnywhere",
        "",
    ),
    Mutant(
        "cut past a synced offset",
        "recovery cuts what a later frame proves to have been durable",
        (Edit("src/ledger/recovery.cc", "  if (proof)\n    return DataLoss(", "  if (false)\n    return DataLoss("),),
        "bit_rot_test",
        "BitRotTest.WhatNoCheckpointCovers",
        "says that it was durable",
    ),
    Mutant(
        "forget the directory sync",
        "a new log's name is not made durable before its records are acknowledged",
        (
            Edit(
                "src/ledger/log_writer.cc",
                "  SEAL_RETURN_IF_ERROR(file->Sync());\n  SEAL_RETURN_IF_ERROR(files.SyncDir(dir));\n",
                "  SEAL_RETURN_IF_ERROR(file->Sync());\n",
            ),
        ),
        "seal_path_test",
        BARE_CUTS,
        "",
    ),
    Mutant(
        "restart a sealed range",
        "a start seals a range anew whose manifest stands there already",
        (
            Edit(
                "src/ledger/recovery.cc",
                "  SEAL_ASSIGN_OR_RETURN(const SegmentFiles present, ListSegmentFiles(env_.files, paths_.segments));\n",
                "  SEAL_ASSIGN_OR_RETURN(SegmentFiles present, ListSegmentFiles(env_.files, paths_.segments));\n"
                "  if (!present.manifests.empty() && present.logs.contains(*present.manifests.rbegin()))\n"
                "    present.manifests.erase(*present.manifests.rbegin());\n",
            ),
        ),
        "seal_path_test",
        "SealPathTest.APowerCutAnywhere",
        "",
    ),
)
