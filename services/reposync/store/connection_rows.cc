#include "services/reposync/store/connection_rows.h"

#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using absl::StatusOr;
using soci::into;
using soci::use;
using v1::CatalogConnection;

template <typename Message>
StatusOr<Message> Decode(const std::string& text, absl::string_view what) {
  std::string bytes;
  Message message;
  if (absl::Base64Unescape(text, &bytes) && message.ParseFromString(bytes)) {
    return message;
  }
  return absl::InternalError(
      absl::StrCat("the database's ", what, " cannot be decoded"));
}

template <typename Message>
std::string Encode(const Message& message) {
  return absl::Base64Escape(message.SerializeAsString());
}

absl::Status NoConnection(const std::string& name) {
  return absl::NotFoundError(absl::StrCat("there is no connection ", name));
}

// A row as it stands.
struct Columns {
  std::string name, info, sealed, check_answer, check_error;
  int origin = 0;
  int64_t credential_version = 0, checked_at = 0, created_at = 0;
};

StatusOr<StoredConnection> ConnectionOf(const Columns& columns) {
  StoredConnection connection;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      connection.info,
      Decode<v1::ConnectionInfo>(columns.info,
                                 absl::StrCat("connection ", columns.name)));
  connection.origin = static_cast<CatalogConnection::Origin>(columns.origin);
  if (!absl::Base64Unescape(columns.sealed, &connection.sealed)) {
    return absl::InternalError(absl::StrCat("the sealed secret of connection ",
                                            columns.name,
                                            " cannot be decoded"));
  }
  connection.credential_version = columns.credential_version;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      connection.check,
      Decode<v1::CheckCredentialResponse>(
          columns.check_answer,
          absl::StrCat("check of connection ", columns.name)));
  if (columns.checked_at != 0) {
    connection.checked_at = absl::FromUnixMillis(columns.checked_at);
  }
  connection.check_error = columns.check_error;
  connection.created_at = absl::FromUnixMillis(columns.created_at);
  return connection;
}

}  // namespace

StatusOr<std::vector<StoredConnection>> LoadConnections(
    Transaction& transaction, const std::string& name) {
  Columns columns;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT name, origin, info, sealed, credential_version,"
              " check_answer, checked_at, check_error, created_at"
              " FROM connections WHERE CAST(:name AS TEXT) = ''"
              " OR name = :name ORDER BY name",
       use(name, "name"), into(columns.name), into(columns.origin),
       into(columns.info), into(columns.sealed),
       into(columns.credential_version), into(columns.check_answer),
       into(columns.checked_at), into(columns.check_error),
       into(columns.created_at));
  statement.execute();
  std::vector<StoredConnection> connections;
  while (statement.fetch()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(StoredConnection connection,
                                 ConnectionOf(columns));
    connections.push_back(std::move(connection));
  }
  return connections;
}

StatusOr<StoredConnection> FindConnection(Transaction& transaction,
                                          const std::string& name) {
  if (name.empty()) return NoConnection(name);
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::vector<StoredConnection> found,
                               LoadConnections(transaction, name));
  if (found.empty()) return NoConnection(name);
  return std::move(found[0]);
}

bool InsertConnection(Transaction& transaction,
                      const StoredConnection& connection) {
  const std::string& name = connection.info.name();
  const std::string info = Encode(connection.info);
  const std::string sealed = absl::Base64Escape(connection.sealed);
  const std::string check = Encode(connection.check);
  const int origin = connection.origin;
  const int64_t checked_at = ToMillis(connection.checked_at);
  const int64_t created_at = ToMillis(connection.created_at);
  soci::statement statement =
      (transaction.sql.prepare
           << "INSERT INTO connections (name, origin, info, sealed,"
              " credential_version, check_answer, checked_at, check_error,"
              " created_at) VALUES (:name, :origin, :info, :sealed, :version,"
              " :check_answer, :checked_at, :check_error, :created_at)"
              " ON CONFLICT DO NOTHING",
       use(name, "name"), use(origin, "origin"), use(info, "info"),
       use(sealed, "sealed"), use(connection.credential_version, "version"),
       use(check, "check_answer"), use(checked_at, "checked_at"),
       use(connection.check_error, "check_error"),
       use(created_at, "created_at"));
  statement.execute(true);
  return statement.get_affected_rows() > 0;
}

void WriteConnection(Transaction& transaction,
                     const StoredConnection& connection) {
  const std::string info = Encode(connection.info);
  const std::string sealed = absl::Base64Escape(connection.sealed);
  const std::string check = Encode(connection.check);
  const int64_t checked_at = ToMillis(connection.checked_at);
  transaction.sql << "UPDATE connections SET info = :info, sealed = :sealed,"
                     " credential_version = :version,"
                     " check_answer = :check_answer, checked_at = :checked_at,"
                     " check_error = :check_error WHERE name = :name",
      use(info, "info"), use(sealed, "sealed"),
      use(connection.credential_version, "version"), use(check, "check_answer"),
      use(checked_at, "checked_at"), use(connection.check_error, "check_error"),
      use(connection.info.name(), "name");
}

}  // namespace lamplighter::reposync
