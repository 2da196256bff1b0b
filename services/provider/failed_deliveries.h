#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// What a forge could not deliver to one webhook, as far as its list has been
// read: a reading goes from the newest delivery back to what the one before
// began with. Makes no requests. On the loop only.
class FailedDeliveries {
 public:
  // A delivery to be made again.
  struct Due {
    std::string guid;
    int64_t delivery = 0;
  };
  // What a page, or a try, changed.
  struct Change {
    int64_t found = 0;         // failed
    int64_t failed_again = 0;  // after having been made again
    int64_t given_up = 0;      // as often as is tried
  };

  // Of the reading under way; empty at its beginning.
  const std::string& next_page() const { return next_page_; }

  // Takes in that page. An event whose newest attempt failed is one that
  // failed; a success ends it.
  Change Add(const DeliveryPage& page);

  // True where there is more to read.
  bool IsReading() const { return !next_page_.empty(); }

  // The next reading begins at the newest, and goes as far as this one had to.
  void BeginAnew();

  // What may be made again now, the oldest first.
  std::vector<Due> DueAt(absl::Time now) const;

  // It was made again, or the forge refused to. The next try comes after 10
  // minutes, then 20 and so on, if it failed; the eighth, 21 h later, is the
  // last.
  void Redelivered(const std::string& guid, absl::Time now);
  Change Refused(const std::string& guid, absl::Time now);

 private:
  struct Failure {
    int64_t delivery = 0;  // the newest attempt
    int tries = 0;
    absl::Time next_try = absl::InfinitePast();
    bool awaits_result = false;
  };

  void Tried(Failure& failure, absl::Time now);
  // Makes room where there is none: the oldest goes.
  Failure& FailureOf(const std::string& guid);

  absl::flat_hash_map<std::string, Failure> failures_;  // by guid
  int64_t read_up_to_ = 0;  // by the last reading that came to its end
  // Of the reading under way.
  std::string next_page_;
  int64_t newest_ = 0;
  size_t pages_ = 0;
  absl::flat_hash_set<size_t> seen_;  // hashes of guids
};

}  // namespace lamplighter::provider
