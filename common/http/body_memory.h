#pragma once

#include <cstddef>

namespace lamplighter {

// What the bodies being held may take together, and what they do take.
struct BodyMemory {
  size_t limit = 0;
  size_t used = 0;
};

// A share of a BodyMemory, which must outlive it; given back in the end.
class BodyReservation {
 public:
  explicit BodyReservation(BodyMemory& memory) : memory_(memory) {}
  BodyReservation(const BodyReservation&) = delete;
  BodyReservation& operator=(const BodyReservation&) = delete;
  ~BodyReservation() {
    memory_.used -= size_;
    if (group_used_ != nullptr) *group_used_ -= size_;
  }

  // Counts it with those of a group, which must outlive it. A group gets no
  // more than what it leaves free: a single one half of all, k of them that
  // want everything one part in k + 1 each, so that there is always some left
  // for another. Call before Grow().
  void JoinGroup(size_t& group_used) { group_used_ = &group_used; }

  // Returns false, and takes nothing, if there is no room.
  bool Grow(size_t size) {
    const size_t free = memory_.limit - memory_.used;
    if (size > free) return false;
    if (group_used_ != nullptr && *group_used_ + size > free) return false;
    memory_.used += size;
    size_ += size;
    if (group_used_ != nullptr) *group_used_ += size;
    return true;
  }

 private:
  BodyMemory& memory_;
  size_t* group_used_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lamplighter
