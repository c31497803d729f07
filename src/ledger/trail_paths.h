// Where things lie in a data folder: docs/formats/segment.md §1.
#pragma once

#include <string>

namespace sealtrail::ledger {

struct TrailPaths {
  explicit TrailPaths(const std::string& data_dir);
  std::string data_dir;
  std::string lock;
  std::string trail;
  std::string checkpoint;
  std::string segments;  // folder
  std::string tiles;     // folder
  std::string epochs;    // folder
  std::string signing;   // folder, where no other one is configured
  std::string anchors;   // folder
  std::string aside;     // folder
  std::string keys;      // folder
  std::string index;     // folder
};

}  // namespace sealtrail::ledger
