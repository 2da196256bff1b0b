#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"

namespace lamplighter::dispatcher {

// A queue in which owners take turns: whoever has a thousand items in it delays
// the one item of another by one. Items of one owner keep their order.
template <typename T>
class FairQueue {
 public:
  // Where an item stands, or stood.
  struct Place {
    uint64_t turn = 0;    // of its owner
    uint64_t ticket = 0;  // among the owner's
  };

  Place Add(const std::string& owner, T item) {
    const Place place = {next_, next_ + 1};
    next_ += 2;
    AddAt(owner, place, std::move(item));
    return place;
  }

  // Puts `item` where one of `owner` was removed from.
  void AddAt(const std::string& owner, const Place& place, T item) {
    Owner& to = owners_[owner];
    if (to.items.empty()) {
      to.turn = place.turn;
      turns_[to.turn] = owner;
    }
    to.items.emplace(place.ticket, std::move(item));
    ++size_;
  }

  // Takes the item at `place` out, and notes there whose turn it was.
  void Remove(const std::string& owner, Place& place) {
    Owner& from = owners_.find(owner)->second;
    from.items.erase(place.ticket);
    --size_;
    place.turn = from.turn;
    if (!from.items.empty()) return;
    turns_.erase(from.turn);
    owners_.erase(owner);
  }

  // There must be one.
  T PopFirst() {
    auto turn = turns_.extract(turns_.begin());
    const auto owner = owners_.find(turn.mapped());
    const auto first = owner->second.items.begin();
    T item = std::move(first->second);
    owner->second.items.erase(first);
    --size_;
    if (owner->second.items.empty()) {
      owners_.erase(owner);
    } else {  // behind all the others
      turn.key() = owner->second.turn = next_++;
      turns_.insert(std::move(turn));
    }
    return item;
  }

  // Those of who is next first.
  std::vector<T> Items() const {
    std::vector<T> items;
    items.reserve(size_);
    for (const auto& [turn, owner] : turns_) {
      for (const auto& [ticket, item] : owners_.find(owner)->second.items) {
        items.push_back(item);
      }
    }
    return items;
  }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  struct Owner {
    uint64_t turn = 0;
    std::map<uint64_t, T> items;  // by ticket; never empty
  };

  absl::node_hash_map<std::string, Owner> owners_;
  std::map<uint64_t, std::string> turns_;  // who is when
  size_t size_ = 0;
  uint64_t next_ = 0;  // turn and ticket
};

}  // namespace lamplighter::dispatcher
