#include "record/leaf_edit.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "base/limits.h"
#include "record/batch_builder.h"
#include "record/leaf_members.h"

namespace sealtrail::record {
namespace {

constexpr uint8_t kLeafPrefix = 0x00;

RecordBatch ThreeRecords(size_t content_bytes) {
  auto builder = BatchBuilder::Make(record::RecordClass::kIngest, {.principal = "local"});
  builder->SetResource("{\"u\":\"" + std::string(kBesideBytesMin, 'r') + "\"}");
  for (const char letter : {'a', 'b', 'c'}) {
    const std::string content = "{\"n\":\"" + std::string(content_bytes, letter) + "\"}";
    EXPECT_TRUE(builder
                    ->Add({.kind = record::Kind::kSpanEvent,
                           .salt = {},
                           .content = content,
                           .span = content,
                           .identity = {}})
                    .ok());
    builder->SetScope("{\"u\":\"" + std::string(kBesideBytesMin, letter) + "\"}");
  }
  return std::move(*builder).Finish();
}

// All that the ledger takes for granted of a batch.
void ExpectConsistent(const RecordBatch& batch) {
  size_t at = 0;
  uint32_t refs = 0;
  for (size_t i = 0; i < batch.records.size(); ++i) {
    const RecordEntry& entry = batch.records[i];
    EXPECT_EQ(entry.leaf_offset, at + 2);
    EXPECT_EQ(GetBig16(batch.bundle.data() + at), entry.leaf_size);
    at += 2u + entry.leaf_size;
    EXPECT_EQ(entry.leaf_hash,
              crypto::Sha256({ByteView(&kLeafPrefix, 1), AsBytes(LeafOf(batch, i))}));
    EXPECT_EQ(entry.beside_begin, refs);
    refs = entry.beside_end;
    for (uint32_t ref = entry.beside_begin; ref < entry.beside_end; ++ref) {
      const BesideContent& content = batch.beside[batch.beside_refs[ref]];
      EXPECT_EQ(content.hash, crypto::Sha256(content.bytes));
    }
  }
  EXPECT_EQ(at, batch.bundle.size());
  EXPECT_EQ(refs, batch.beside_refs.size());
}

TEST(LeafEditTest, DropsAndFlags) {
  const RecordBatch before = ThreeRecords(10);
  std::vector<LeafEdit> edits(3);
  edits[0].keep = false;
  edits[2].findings = {"conflict", "possible_duplicate"};
  const RecordBatch after = Edited(before, edits);
  ASSERT_EQ(after.records.size(), 2u);
  ExpectConsistent(after);
  EXPECT_EQ(LeafOf(after, 0), LeafOf(before, 1));
  EXPECT_EQ(LeafOf(after, 1), R"({"f":["conflict","possible_duplicate"],)" +
                                  std::string(LeafOf(before, 2).substr(1)));
  // Each still refers to the resource, and to the scope that was set after the one before it.
  EXPECT_EQ(after.records[0].beside_end - after.records[0].beside_begin, 2u);
  EXPECT_EQ(after.beside[after.beside_refs[1]].bytes, before.beside[before.beside_refs[2]].bytes);
}

TEST(LeafEditTest, WhatNoLongerFitsLiesBeside) {
  const size_t rest = ThreeRecords(0).records[2].leaf_size;
  const size_t longest = (kLeafBytesMax - rest) / 2;  // content and span are alike
  const RecordBatch before = ThreeRecords(longest);
  ASSERT_GT(LeafOf(before, 2).size(), kLeafBytesMax - 10);
  std::vector<LeafEdit> edits(3);
  edits[2].findings = {"conflict"};
  const RecordBatch after = Edited(before, edits);
  ExpectConsistent(after);
  const std::string leaf(LeafOf(after, 2));
  EXPECT_LT(leaf.size(), kLeafBytesMax / 2 + 1000);
  EXPECT_NE(leaf.find(R"("o":[")"), std::string::npos);
  EXPECT_EQ(leaf.find(R"("sp":[")"), std::string::npos);
  EXPECT_EQ(after.records[2].beside_end - after.records[2].beside_begin, 3u);
  EXPECT_EQ(LeafOf(after, 1), LeafOf(before, 1));
}

}  // namespace
}  // namespace sealtrail::record
