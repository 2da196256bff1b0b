#pragma once

#include <memory>
#include <utility>

#include "common/http/http_server.h"

namespace lamplighter {

// A request's place in its group, if it has one, until it is answered.
class GroupPlace {
 public:
  GroupPlace() = default;
  GroupPlace(const GroupPlace&) = delete;
  GroupPlace& operator=(const GroupPlace&) = delete;
  ~GroupPlace() {
    if (group_ != nullptr) --group_->requests;
  }

  // Once. `group` may be null.
  void Take(std::shared_ptr<RequestGroup> group) {
    group_ = std::move(group);
    if (group_ != nullptr) ++group_->requests;
  }

  const RequestGroup* group() const { return group_.get(); }

 private:
  std::shared_ptr<RequestGroup> group_;
};

}  // namespace lamplighter
