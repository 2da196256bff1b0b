#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"

namespace lamplighter {

// The service hooks of a scripted Azure DevOps: subscriptions by id, with what
// it checks of them, adds to them, and does not show. InvalidArgument has its
// own words. Keeps at most 10,000.
class ScriptedServiceHooks {
 public:
  // Several of the same are welcome. Returns it as it is shown.
  absl::StatusOr<boost::json::object> Add(boost::json::object subscription);

  // Replaces all but what names it; NotFound where there is none. A masked
  // password leaves that there is, and nothing enables one whose owner has
  // left.
  absl::StatusOr<boost::json::object> Replace(const std::string& id,
                                              boost::json::object subscription);

  // False where there is none.
  bool Remove(const std::string& id) { return subscriptions_.erase(id) > 0; }

  // Those that a query or a list's parameters ask for, as they are shown. Of
  // several conditions, any will do.
  boost::json::array Find(const boost::json::object& query) const;

  // Disables it, say.
  void SetStatus(const std::string& id, absl::string_view status);

  // As they are, passwords too.
  const std::map<std::string, boost::json::object>& all() const {
    return subscriptions_;
  }
  void Clear() { subscriptions_.clear(); }

 private:
  std::map<std::string, boost::json::object> subscriptions_;
  int64_t last_id_ = 0;
};

}  // namespace lamplighter
