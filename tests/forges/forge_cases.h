#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter::provider {

// A scripted forge of each type, and how to reach it, for tests that all forges
// have to pass.
struct ForgeCase {
  std::string type;
  std::unique_ptr<ScriptedForge> (*make)();
  ProviderOnForge::Addresses addresses;
  std::map<std::string, std::string> secret;  // that `make`'s forge takes
  // Has the forge list so many repositories.
  void (*add_repositories)(ScriptedForge& forge, int count);

  // For the test's name.
  friend std::ostream& operator<<(std::ostream& out, const ForgeCase& forge) {
    return out << forge.type;
  }
};

const std::vector<ForgeCase>& AllForgeCases();

}  // namespace lamplighter::provider
