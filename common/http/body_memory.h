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
  ~BodyReservation() { memory_.used -= size_; }

  // Returns false, and takes nothing, if there is no room.
  bool Grow(size_t size) {
    if (size > memory_.limit - memory_.used) return false;
    memory_.used += size;
    size_ += size;
    return true;
  }

 private:
  BodyMemory& memory_;
  size_t size_ = 0;
};

}  // namespace lamplighter
