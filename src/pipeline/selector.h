// Which spans, span events and log records are audit data: design §3, "Selection".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/telemetry.h"

namespace sealtrail::pipeline {

// The value at `path` in these attributes: under the key itself, or inside map attributes, where "a.b.c" is also
// found as key "b.c" of map "a", and so on. The last one wins, as in SQL; null if there is none.
const model::AnyValue* FindAttribute(model::Attributes attributes, std::string_view path);

// Threads  Safe after construction.
class Selector {
 public:
  // Keeps what carries any of `paths`, whatever its value.
  explicit Selector(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  // Keeps everything.
  static Selector All() {
    Selector selector({});
    selector.all_ = true;
    return selector;
  }

  bool Selects(const model::Span& span) const { return SelectsAttributes(span.attributes); }
  bool Selects(const model::SpanEvent& event) const { return SelectsAttributes(event.attributes); }
  // A log record also where its body is a map that carries one.
  bool Selects(const model::LogRecord& log) const;

 private:
  bool SelectsAttributes(model::Attributes attributes) const;

  std::vector<std::string> paths_;
  bool all_ = false;
};

}  // namespace sealtrail::pipeline
