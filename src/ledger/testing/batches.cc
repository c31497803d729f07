#include "ledger/testing/batches.h"

#include <gtest/gtest.h>

#include "record/batch_builder.h"

namespace sealtrail::ledger::testing {

record::RecordBatch Batch(int first, int count, size_t beside_bytes) {
  auto builder = record::BatchBuilder::Make(record::RecordClass::kIngest, {.principal = "local"});
  if (beside_bytes != 0) builder->SetResource("{\"u\":\"" + std::string(beside_bytes, 'r') + "\"}");
  for (int i = first; i < first + count; ++i) {
    record::Salt salt{};
    salt[0] = static_cast<uint8_t>(i);
    EXPECT_TRUE(
        builder
            ->Add({.kind = record::Kind::kLog,
                   .salt = salt,
                   .content = fmt::format(R"({{"a":[["audit.action","act-{}"]],"n":"n"}})", i),
                   .span = {},
                   .identity = {}})
            .ok());
  }
  return std::move(*builder).Finish();
}

}  // namespace sealtrail::ledger::testing
