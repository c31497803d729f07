// The test binary plays `sealtrail`: started with the hidden argument, it is a query worker.
#include <string_view>

#include <gtest/gtest.h>

#include "query/worker.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == sealtrail::query::kWorkerArgument) {
    return sealtrail::query::RunQueryWorker(sealtrail::query::kWorkerChannelFd);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
