#include "services/reposync/store/known_pages.h"

#include "absl/strings/str_cat.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {

void ForgetPages(Transaction& transaction,
                 const std::vector<int64_t>& repositories) {
  if (repositories.empty()) return;
  transaction.sql << absl::StrCat(
      "DELETE FROM pages WHERE EXISTS (SELECT 1 FROM reaches"
      " WHERE reaches.connection = pages.connection"
      " AND reaches.page = pages.number AND reaches.repository IN ",
      IdList(repositories), ")");
}

}  // namespace lamplighter::reposync
