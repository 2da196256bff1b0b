#include "services/reposync/store/repository_filter.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

// Connections that reach so few are read whole and sorted; of others a page is
// found soon by going through all repositories in order.
constexpr int64_t kFew = 5000;

std::string CleanArray(
    Dialect dialect,
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<std::string> clean;
  for (const std::string& text : texts) clean.push_back(CleanText(text));
  return ArrayOf(dialect, clean);
}

}  // namespace

FilterSql::FilterSql(Transaction& transaction,
                     const v1::RepositoryFilter& filter)
    : table_("repositories"),
      is_narrow_(filter.types_size() > 0 || filter.instances_size() > 0 ||
                 !filter.group().empty() || filter.connections_size() > 0 ||
                 filter.min_access() !=
                     v1::CatalogRepository::ACCESS_UNSPECIFIED) {
  const Dialect dialect = transaction.dialect;
  if (!filter.include_removed()) {
    absl::StrAppend(&conditions_, " AND repositories.removed_at = 0");
  }
  if (!filter.include_archived()) {
    absl::StrAppend(&conditions_, " AND repositories.archived = 0");
  }
  if (filter.exclude_forks()) {
    absl::StrAppend(&conditions_, " AND repositories.fork = 0");
  }
  if (filter.types_size() > 0) {
    absl::StrAppend(&conditions_, " AND repositories.type ",
                    InTexts(dialect, "types"));
    bindings_.Text("types", CleanArray(dialect, filter.types()));
  }
  if (filter.instances_size() > 0) {
    absl::StrAppend(&conditions_, " AND repositories.instance ",
                    InTexts(dialect, "instances"));
    bindings_.Text("instances", CleanArray(dialect, filter.instances()));
  }
  if (!filter.group().empty()) {
    absl::StrAppend(&conditions_, " AND repositories.group_key = :group_key");
    bindings_.Text("group_key", Fold(CleanText(filter.group())));
  }
  if (filter.connections_size() > 0) {
    ByConnection(transaction, filter);
  } else if (filter.min_access() != v1::CatalogRepository::ACCESS_UNSPECIFIED) {
    absl::StrAppend(&conditions_, " AND repositories.access >= :min_access");
    bindings_.Number("min_access", filter.min_access());
  }
}

void FilterSql::ByConnection(Transaction& transaction,
                             const v1::RepositoryFilter& filter) {
  const Dialect dialect = transaction.dialect;
  const std::string connections = CleanArray(dialect, filter.connections());
  const std::string of_connections = absl::StrCat(
      "FROM reaches WHERE connection ", InTexts(dialect, "connections"));
  int64_t reached = 0;
  Execute(transaction,
          absl::StrCat("SELECT COUNT(*) FROM (SELECT 1 ", of_connections,
                       " LIMIT ", kFew + 1, ") AS reached"),
          soci::use(connections, "connections"), soci::into(reached));
  bindings_.Text("connections", connections)
      .Number("min_access", filter.min_access());
  if (reached <= kFew) {
    if (dialect == Dialect::kSqlite) table_ = "repositories NOT INDEXED";
    absl::StrAppend(&conditions_, " AND repositories.id IN (SELECT repository ",
                    of_connections, " AND access >= :min_access)");
  } else {
    absl::StrAppend(&conditions_, " AND EXISTS (SELECT 1 ", of_connections,
                    " AND repository = repositories.id AND access >= "
                    ":min_access)");
  }
}

absl::StatusOr<int32_t> PageSize(int32_t asked, int32_t by_default,
                                 int32_t most) {
  if (asked < 0) {
    return absl::InvalidArgumentError("page size: must not be negative");
  }
  return asked == 0 ? by_default : std::min(asked, most);
}

}  // namespace lamplighter::reposync
