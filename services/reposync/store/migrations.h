#pragma once

#include "absl/status/status.h"
#include "services/reposync/store/database.h"

// The schema, and how it came to be: one step a version. A step that was
// released is never edited; a new one is added.

namespace lamplighter::reposync {

// That this program knows.
int SchemaVersion();

// Brings a schema of version `from` to the next one; does nothing to one that
// is further. `transaction` may write. 0 is a database without a schema.
absl::Status MigrateFrom(int from, Transaction& transaction);

// FailedPrecondition where the schema is of a newer version.
absl::Status CheckSchemaVersion(Transaction& transaction);

}  // namespace lamplighter::reposync
