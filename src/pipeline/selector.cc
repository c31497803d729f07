#include "pipeline/selector.h"

#include <algorithm>

namespace sealtrail::pipeline {

const model::AnyValue* FindAttribute(model::Attributes attributes, std::string_view path) {
  const model::AnyValue* found = nullptr;
  for (const model::KeyValue& pair : attributes) {
    if (pair.key.size() > path.size() || !path.starts_with(pair.key)) continue;
    if (pair.key.size() == path.size()) {
      found = &pair.value;
    } else if (pair.value.type == model::AnyValue::Type::kMap && path[pair.key.size()] == '.') {
      const model::AnyValue* inside =
          FindAttribute(pair.value.map->values, path.substr(pair.key.size() + 1));
      if (inside != nullptr) found = inside;
    }
  }
  return found;
}

bool Selector::SelectsAttributes(model::Attributes attributes) const {
  return all_ || std::ranges::any_of(paths_, [&](const std::string& path) {
           return FindAttribute(attributes, path) != nullptr;
         });
}

bool Selector::Selects(const model::LogRecord& log) const {
  if (SelectsAttributes(log.attributes)) return true;
  return log.body != nullptr && log.body->type == model::AnyValue::Type::kMap &&
         SelectsAttributes(log.body->map->values);
}

}  // namespace sealtrail::pipeline
