// Keeps ingest out while the anchors are to be waited for: anchor::FailMode::kClosed.
#pragma once

#include "anchor/anchor_service.h"
#include "record/record_sink.h"

namespace sealtrail::server {

// Borrows both. Without a service it lets everything through.
// Threads  Safe, as what it borrows.
class AnchoredSink : public record::RecordSink {
 public:
  AnchoredSink(record::RecordSink& ledger, const anchor::AnchorService* anchors)
      : ledger_(ledger), anchors_(anchors) {}

  void Submit(record::RecordBatch batch, record::CommitDone done) override {
    if (anchors_ != nullptr && batch.record_class == record::RecordClass::kIngest) {
      if (const Status open = anchors_->Accepting(); !open.ok()) return done(open);
    }
    ledger_.Submit(std::move(batch), std::move(done));
  }

 private:
  record::RecordSink& ledger_;
  const anchor::AnchorService* const anchors_;
};

}  // namespace sealtrail::server
