#include "query/index_catalogue.h"

#include <bit>

#include <nlohmann/json.hpp>

namespace sealtrail::query {
namespace {

using Json = nlohmann::json;

Json KeysToJson(const PartKeyCounts& keys) {
  return {{"columns", keys.columns}, {"rest", keys.rest}, {"open", keys.rest_is_open}};
}

PartKeyCounts KeysFromJson(const Json& json) {
  PartKeyCounts keys;
  json.at("columns").get_to(keys.columns);
  json.at("rest").get_to(keys.rest);
  json.at("open").get_to(keys.rest_is_open);
  return keys;
}

Catalogue FromJson(const Json& json) {
  Catalogue catalogue;
  json.at("aliases").get_to(catalogue.aliases_version);
  json.at("actions").get_to(catalogue.actions_version);
  json.at("last_leaf_hash").get_to(catalogue.last_leaf_hash);
  for (const Json& part : json.at("parts")) {
    catalogue.parts.push_back({.file = part.at("file"),
                               .first = Seq{part.at("first").get<uint64_t>()},
                               .count = part.at("count"),
                               .bytes = part.at("bytes"),
                               .sha256 = part.at("sha256"),
                               .attributes = KeysFromJson(part.at("attributes")),
                               .resource = KeysFromJson(part.at("resource"))});
  }
  return catalogue;
}

// 0 for up to 8 rows, 1 for up to 64, …
int TierOf(const PartInfo& part) {
  return part.count <= 1 ? 0 : (static_cast<int>(std::bit_width(part.count - 1)) + 2) / 3;
}

}  // namespace

Bytes EncodeCatalogue(const Catalogue& catalogue) {
  Json parts = Json::array();
  for (const PartInfo& part : catalogue.parts) {
    parts.push_back({{"file", part.file},
                     {"first", Value(part.first)},
                     {"count", part.count},
                     {"bytes", part.bytes},
                     {"sha256", part.sha256},
                     {"attributes", KeysToJson(part.attributes)},
                     {"resource", KeysToJson(part.resource)}});
  }
  const Json json = {{"version", kIndexVersion},
                     {"aliases", catalogue.aliases_version},
                     {"actions", catalogue.actions_version},
                     {"last_leaf_hash", catalogue.last_leaf_hash},
                     {"parts", parts}};
  const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  const ByteView bytes = AsBytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<Catalogue> DecodeCatalogue(std::string_view bytes) {
  const Json json = Json::parse(bytes, nullptr, false);
  try {
    if (json.is_discarded() || json.at("version") != kIndexVersion) {
      return InvalidArgument("no index catalogue of version {}", kIndexVersion);
    }
    Catalogue catalogue = FromJson(json);
    Seq next{0};
    for (const PartInfo& part : catalogue.parts) {
      if (part.first != next || part.count == 0 || part.file.empty() ||
          part.file.find('/') != std::string::npos) {
        return InvalidArgument("the index catalogue's parts do not follow each other");
      }
      next = part.first + part.count;
    }
    return catalogue;
  } catch (const Json::exception&) {
    return InvalidArgument("the index catalogue is malformed");
  }
}

// Looks, from the smallest tier up, for kMergeWidth parts of one tier with nothing larger between them. Smaller parts
// before and between them (a restart leaves some) are taken along, so none stays for ever.
PartRange PartsToMerge(const std::vector<PartInfo>& parts) {
  for (int tier = 0; tier <= TierOf({.count = kMergedRowsMax}); ++tier) {
    size_t begin = 0;
    size_t of_tier = 0;
    uint64_t rows = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      const int part_tier = TierOf(parts[i]);
      if (part_tier > tier || rows + parts[i].count > kMergedRowsMax) {
        of_tier = 0;
        rows = 0;
        begin = part_tier > tier ? i + 1 : i;
        if (part_tier > tier) continue;
      }
      rows += parts[i].count;
      of_tier += part_tier == tier;
      if (of_tier == kMergeWidth) return {begin, i + 1};
    }
  }
  return {};
}

}  // namespace sealtrail::query
