// What every configuration file here is read with: maps of known keys, and errors that say file, line and what is
// expected.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/status.h"

namespace sealtrail::config {

using Field = std::function<Status(const YAML::Node&)>;
using Fields = std::map<std::string, Field>;

// Every error is InvalidArgument: "NAME:LINE: …".
class YamlFields {
 public:
  // `nested`: keys below the top, "listen.api", to be proposed to whoever writes one at the top.
  YamlFields(std::string name, std::vector<std::string> nested)
      : name_(std::move(name)), nested_(std::move(nested)) {}

  Status Error(const YAML::Node& at, const std::string& text) const;

  // Calls the field of each key; an unknown one is an error that proposes the nearest. `path`: "" or "listen.".
  Status Map(const YAML::Node& node, const std::string& path, const Fields& fields) const;

  Status Text(const YAML::Node& node, std::string_view key, std::string& out) const;
  Status Bool(const YAML::Node& node, std::string_view key, bool& out) const;
  Status Number(const YAML::Node& node, std::string_view key, std::string_view unit, uint64_t min,
                uint64_t max, uint64_t& out) const;

  // The same as a time: seconds in the file.
  Status Seconds(const YAML::Node& node, std::string_view key, uint64_t min, uint64_t max,
                 int64_t& nanos) const;

  // Calls `item` for each of a list of 1 to `max`.
  Status List(const YAML::Node& node, std::string_view key, size_t max, const Field& item) const;

 private:
  std::string Nearest(const std::string& key, const std::string& path, const Fields& fields) const;

  const std::string name_;
  const std::vector<std::string> nested_;
};

// Reads a whole file; what yaml-cpp throws becomes an error of the same form.
Status ReadYaml(std::string_view yaml, const std::string& name, const Field& root);

}  // namespace sealtrail::config
