#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/listing_store.h"

namespace lamplighter::reposync {

// What a listing, all of whose pages were written, lacks: what has no page, or
// one beyond the last, and was not looked up since it began. Within a
// transaction; for ListingStore.
class MissingOf {
 public:
  // What is missing since `confirm_after` before the listing began is
  // confirmed.
  MissingOf(const Listing& listing, absl::Duration confirm_after);

  Missing Count(Transaction& transaction) const;
  // The catalog's ids of `limit` at most.
  std::vector<int64_t> Find(Transaction& transaction, bool confirmed_only,
                            int32_t limit) const;
  // Since when, where that is not known; and that the others are not missing.
  void Note(Transaction& transaction, absl::Time now) const;

 private:
  const std::string connection_;
  const int32_t pages_;
  const int64_t began_;               // milliseconds since 1970
  const int64_t confirmed_if_since_;  // the same
};

}  // namespace lamplighter::reposync
