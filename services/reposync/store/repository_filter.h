#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/entry_rows.h"

namespace lamplighter::reposync {

// A filter in SQL, on rows of the table repositories. Runs on the database's
// threads.
class FilterSql {
 public:
  FilterSql(Transaction& transaction, const v1::RepositoryFilter& filter);

  // "repositories" with the index that the filter is best served by; follows
  // FROM.
  const std::string& table() const { return table_; }
  // Begins with " AND", unless there is nothing to filter by.
  const std::string& conditions() const { return conditions_; }
  // True where it is about more than what was removed, archived or forked, and
  // may leave out most of what there is.
  bool is_narrow() const { return is_narrow_; }
  // Values of the conditions; add more to a copy.
  const Bindings& bindings() const { return bindings_; }

 private:
  void ByConnection(Transaction& transaction,
                    const v1::RepositoryFilter& filter);

  std::string table_;
  std::string conditions_;
  bool is_narrow_;
  Bindings bindings_;
};

// As requests have them: 0 means `by_default`, and more than `most` the most.
// InvalidArgument where it is negative.
absl::StatusOr<int32_t> PageSize(int32_t asked, int32_t by_default,
                                 int32_t most);

}  // namespace lamplighter::reposync
