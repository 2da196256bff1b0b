#pragma once

#include <string>

#include "yaml-cpp/yaml.h"

namespace lamplighter {

// A YAML document as JSON: what is plain and reads as null, a boolean or a
// number is one, as in YAML 1.2's core schema; all else is a string. Throws
// nothing for a node that was parsed; keys are taken as text.
std::string YamlToJson(const YAML::Node& node);

}  // namespace lamplighter
