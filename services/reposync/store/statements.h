#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

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

// Values of a statement whose text is put together, by name.
class Bindings {
 public:
  Bindings& Text(std::string name, std::string value) {
    texts_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Bindings& Number(std::string name, int64_t value) {
    numbers_.emplace_back(std::move(name), value);
    return *this;
  }
  void Exchange(soci::statement& statement) const;

 private:
  std::deque<std::pair<std::string, std::string>> texts_;  // they stay in place
  std::deque<std::pair<std::string, int64_t>> numbers_;
};

// One of what a statement uses or reads into.
template <typename Value>
void Exchange(soci::statement& statement, const Value& value) {
  statement.exchange(value);
}
inline void Exchange(soci::statement& statement, const Bindings& bindings) {
  bindings.Exchange(statement);
}

// Runs a statement that the session prepares once, with soci::use(), Bindings
// and soci::into(), as `transaction.sql << sql, ...` would; of a row that it
// has at most. Returns whether it had one. Name what is used (soci::use(id,
// "id")) where `sql` has a name twice.
template <typename... Exchanges>
bool Execute(Transaction& transaction, const std::string& sql,
             const Exchanges&... exchanges) {
  soci::statement& statement = transaction.prepared.Get(sql);
  (Exchange(statement, exchanges), ...);
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
  (Exchange(statement, exchanges), ...);
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
  (Exchange(statement, exchanges), ...);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) on_row();
  statement.bind_clean_up();
}

}  // namespace lamplighter::reposync
