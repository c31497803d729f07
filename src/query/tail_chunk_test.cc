#include "query/tail_chunk.h"

#include <gtest/gtest.h>

#include "vocab/row_decoder.h"

namespace sealtrail::query {
namespace {

using vocab::CanonicalRow;
using vocab::MapEntry;
using vocab::TextColumn;

CanonicalRow RowOf(uint64_t seq, std::string_view actor, std::span<const MapEntry> attributes,
                   std::span<const MapEntry> resource = {}, uint64_t resource_id = 0) {
  CanonicalRow row = vocab::RowDecoder::Unreadable(Seq{seq});
  row.texts[static_cast<size_t>(TextColumn::kActor)] = actor;
  row.attributes = attributes;
  row.resource = resource;
  row.resource_id = resource_id;
  return row;
}

std::string Entries(const TailChunk& chunk, std::span<const EntryRef> entries) {
  std::string out;
  for (const EntryRef& entry : entries) {
    out += chunk.text(chunk.keys()[entry.key]);
    out += entry.value.is_null() ? "=NULL;" : "=" + std::string(chunk.text(entry.value)) + ";";
  }
  return out;
}

TEST(TailChunkTest, GivesBackWhatWasAppended) {
  const MapEntry a[] = {{"k", "v"}, {"n", vocab::kNullText}};
  const MapEntry b[] = {{"k", "v"}, {"z", ""}};
  const MapEntry r[] = {{"service.name", "iam"}};
  TailChunkBuilder builder;
  builder.Append(RowOf(5, "alice", a, r, 9));
  builder.Append(RowOf(6, vocab::kNullText, {}));
  builder.Append(RowOf(7, "alice", b, r, 9));
  const Bytes bytes = builder.Encode();
  const auto opened = TailChunk::Open(bytes);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const TailChunk& chunk = *opened;
  EXPECT_EQ(chunk.first(), Seq{5});
  ASSERT_EQ(chunk.rows(), 3u);
  const auto actors = chunk.texts(TextColumn::kActor);
  EXPECT_EQ(chunk.text(actors[0]), "alice");
  EXPECT_TRUE(actors[1].is_null());
  EXPECT_EQ(chunk.text(actors[2]), "alice");
  EXPECT_TRUE(chunk.texts(TextColumn::kTarget).empty()) << "a column of NULLs takes no room";
  EXPECT_EQ(Entries(chunk, chunk.attributes(0)), "k=v;n=NULL;");
  EXPECT_EQ(Entries(chunk, chunk.attributes(1)), "");
  EXPECT_EQ(Entries(chunk, chunk.attributes(2)), "k=v;z=;");
  EXPECT_EQ(Entries(chunk, chunk.resource(0)), "service.name=iam;");
  EXPECT_EQ(Entries(chunk, chunk.resource(1)), "");
  EXPECT_EQ(Entries(chunk, chunk.resource(2)), "service.name=iam;");
}

// Rows may be added after a chunk was made: the next one has them all.
TEST(TailChunkTest, GrowsAfterEncoding) {
  TailChunkBuilder builder;
  builder.Append(RowOf(0, "a", {}));
  const Bytes first = builder.Encode();
  builder.Append(RowOf(1, "b", {}));
  const Bytes second = builder.Encode();
  EXPECT_EQ(TailChunk::Open(first)->rows(), 1u);
  EXPECT_EQ(TailChunk::Open(second)->rows(), 2u);
}

TEST(TailChunkTest, StoresNeighboursThatAreAlikeOnce) {
  const std::string long_text(1000, 'x');
  TailChunkBuilder builder;
  for (uint64_t i = 0; i < 100; ++i) builder.Append(RowOf(i, long_text, {}));
  EXPECT_LT(builder.bytes(), 100 * 400 + 2 * long_text.size());
}

TEST(TailChunkTest, RefusesWhatIsNoChunk) {
  TailChunkBuilder builder;
  const MapEntry a[] = {{"k", "v"}};
  builder.Append(RowOf(0, "a", a));
  const Bytes bytes = builder.Encode();
  EXPECT_FALSE(TailChunk::Open({}).ok());
  for (size_t cut = 8; cut + 8 < bytes.size(); cut += 8) {
    EXPECT_FALSE(TailChunk::Open(ByteView(bytes).first(cut)).ok()) << cut;
  }
}

}  // namespace
}  // namespace sealtrail::query
