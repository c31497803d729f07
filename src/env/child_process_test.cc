// Child processes are tested where a program with a hidden mode exists: src/query/worker_pool_test.cc.
#include "env/child_process.h"

#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "env/shared_memory.h"

namespace sealtrail::env {
namespace {

constexpr int64_t kSecond = kNanosPerSecond;

TEST(ChannelTest, CarriesBytesAndDescriptorsInOrder) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  auto& [a, b] = *pair;
  // More descriptors than the kernel takes at once.
  std::vector<Descriptor> kept;
  std::vector<int> numbers;
  for (int i = 0; i < 300; ++i) {
    kept.push_back(*MakeSealedMemory("t", AsBytes(std::to_string(i))));
    numbers.push_back(kept.back().get());
  }
  ASSERT_TRUE(a.Send(AsBytes("first"), numbers, kSecond).ok());
  ASSERT_TRUE(a.Send(AsBytes(""), {}, kSecond).ok());
  auto first = b.Receive(100, kSecond);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(AsText(first->bytes), "first");
  ASSERT_EQ(first->descriptors.size(), 300u);
  for (int i = 0; i < 300; ++i) {
    auto mapped = MappedMemory::MapSealed(first->descriptors[static_cast<size_t>(i)]);
    ASSERT_TRUE(mapped.ok());
    EXPECT_EQ(AsText((*mapped)->bytes()), std::to_string(i));
  }
  auto second = b.Receive(100, kSecond);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->bytes.empty());
}

TEST(ChannelTest, CarriesMoreThanASocketBuffers) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  auto& [a, b] = *pair;
  const Bytes large(5'000'000, 7);
  std::thread sender([&] { EXPECT_TRUE(a.Send(large, {}, 60 * kSecond).ok()); });
  auto message = b.Receive(large.size(), 60 * kSecond);
  sender.join();
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->bytes, large);
}

TEST(ChannelTest, TellsHowItEnded) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  auto& [a, b] = *pair;
  EXPECT_EQ(b.Receive(100, 0).status().code(), StatusCode::kUnavailable) << "nothing in time";
  ASSERT_TRUE(a.Send(AsBytes("0123456789"), {}, kSecond).ok());
  EXPECT_EQ(b.Receive(9, kSecond).status().code(), StatusCode::kResourceExhausted);

  auto torn = Channel::MakePair();
  ASSERT_TRUE(torn.ok());
  ASSERT_EQ(::send(torn->first.descriptor(), "\0\0\0\5\0\0\0\0ab", 10, 0), 10);
  torn->first.Close();
  EXPECT_EQ(torn->second.Receive(100, kSecond).status().code(), StatusCode::kUnavailable);

  auto closed = Channel::MakePair();
  ASSERT_TRUE(closed.ok());
  closed->first.Close();
  EXPECT_EQ(closed->second.Receive(100, kSecond).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(closed->second.Send(AsBytes("x"), {}, kSecond).code(), StatusCode::kUnavailable);
}

TEST(SharedMemoryTest, CannotBeChangedOnceSealed) {
  auto memory = MakeSealedMemory("t", AsBytes("evidence"));
  ASSERT_TRUE(memory.ok());
  EXPECT_LT(::write(memory->get(), "x", 1), 0);
  EXPECT_NE(::ftruncate(memory->get(), 3), 0);
  auto mapped = MappedMemory::MapSealed(*memory);
  ASSERT_TRUE(mapped.ok());
  EXPECT_EQ(AsText((*mapped)->bytes()), "evidence");
}

TEST(SharedMemoryTest, RefusesMemoryThatMayStillChange) {
  auto pair = Channel::MakePair();
  ASSERT_TRUE(pair.ok());
  EXPECT_EQ(MappedMemory::MapSealed(Descriptor(::dup(pair->first.descriptor()))).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(DescriptorTest, MovesAndCloses) {
  auto file = OpenForReading("/dev/null");
  ASSERT_TRUE(file.ok());
  const int number = file->get();
  {
    const Descriptor taken = std::move(*file);
    EXPECT_EQ(taken.get(), number);
    EXPECT_FALSE(file->valid());
  }
  EXPECT_LT(::dup(number), 0);
  EXPECT_EQ(OpenForReading("/nowhere/at/all").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace sealtrail::env
