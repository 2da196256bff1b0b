#pragma once

#include <cstdint>
#include <vector>

#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// What is in the rows is no longer what the forge's pages held that listed
// these repositories: an ETag must not vouch for it. Whoever changes or takes
// away what a connection reaches calls this before, in the same transaction.
void ForgetPages(Transaction& transaction,
                 const std::vector<int64_t>& repositories);

}  // namespace lamplighter::reposync
