#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/reposync/store/database.h"
#include "soci/soci.h"

namespace lamplighter::reposync {

// Statements that a session has prepared, by their text, so that each is parsed
// and planned once. Bounded: when it is full, all are dropped.
class PreparedStatements {
 public:
  explicit PreparedStatements(soci::session& session) : session_(session) {}

  soci::statement& Get(const std::string& sql);

 private:
  static constexpr size_t kMaxStatements = 200;

  soci::session& session_;
  absl::flat_hash_map<std::string, std::unique_ptr<soci::statement>>
      statements_;
};

// Runs a statement that the session prepares once, with soci::use() and
// soci::into(), as `transaction.sql << sql, ...` would; of a row that it has at
// most. Returns whether it had one.
// Name what is used (soci::use(id, "id")) where `sql` has a name twice.
template <typename... Exchanges>
bool Execute(Transaction& transaction, const std::string& sql,
             const Exchanges&... exchanges) {
  soci::statement& statement = transaction.prepared.Get(sql);
  (statement.exchange(exchanges), ...);
  statement.define_and_bind();
  const bool got = statement.execute(true);
  // To its end: SQLite keeps reading the same state of the database until then.
  while (got && statement.fetch()) {
  }
  statement.bind_clean_up();
  return got;
}

// The same of one that returns no rows. Returns how many it wrote.
template <typename... Exchanges>
int64_t ExecuteAndCount(Transaction& transaction, const std::string& sql,
                        const Exchanges&... exchanges) {
  soci::statement& statement = transaction.prepared.Get(sql);
  (statement.exchange(exchanges), ...);
  statement.define_and_bind();
  statement.execute(true);
  const int64_t rows = statement.get_affected_rows();
  statement.bind_clean_up();
  return rows;
}

// The same of one with any number of rows, calling `on_row` for each, which is
// in what it was had into.
template <typename OnRow, typename... Exchanges>
void ForEachRow(Transaction& transaction, const std::string& sql, OnRow on_row,
                const Exchanges&... exchanges) {
  soci::statement& statement = transaction.prepared.Get(sql);
  (statement.exchange(exchanges), ...);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) on_row();
  statement.bind_clean_up();
}

}  // namespace lamplighter::reposync
