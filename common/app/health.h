#pragma once

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace lamplighter {

// Whether the process can do its job. On the loop only.
class Health {
 public:
  using Check = std::function<absl::Status()>;

  // Adds what must be OK for readiness; `name` stands in the answer. Stays
  // until RemoveCheck(); what it refers to must live until then.
  void AddCheck(const std::string& name, Check check);
  void RemoveCheck(const std::string& name);

  // From now on the process is not ready: it is stopping.
  void SetStopping() { stopping_ = true; }

  // OK, or Unavailable with every check that fails, one a line.
  absl::Status Ready() const;

 private:
  std::map<std::string, Check> checks_;
  bool stopping_ = false;
};

}  // namespace lamplighter
