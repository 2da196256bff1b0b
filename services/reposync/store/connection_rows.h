#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/reposync/store/connection_store.h"
#include "services/reposync/store/database.h"

// Rows of connections, within a transaction.
namespace lamplighter::reposync {

// All, or the one of that name, by name in order.
absl::StatusOr<std::vector<StoredConnection>> LoadConnections(
    Transaction& transaction, const std::string& name);
// NotFound.
absl::StatusOr<StoredConnection> FindConnection(Transaction& transaction,
                                                const std::string& name);
// False where there is one of that name.
bool InsertConnection(Transaction& transaction,
                      const StoredConnection& connection);
// All but its origin and created_at.
void WriteConnection(Transaction& transaction,
                     const StoredConnection& connection);

}  // namespace lamplighter::reposync
