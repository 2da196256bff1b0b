#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "services/reposync/store/statements.h"

// Many rows in one statement: of SQLite it is run row by row, PostgreSQL gets
// an array for each column.

namespace lamplighter::reposync {

// Rows to insert, column by column. All columns get as many values.
class RowBatch {
 public:
  using Texts = std::vector<std::string>;
  using Numbers = std::vector<int64_t>;

  // References stay as they are.
  Texts& Text(std::string name) {
    return texts_.emplace_back(std::move(name)).values;
  }
  Numbers& Number(std::string name) {
    return numbers_.emplace_back(std::move(name)).values;
  }
  // One where -1 is NULL.
  Numbers& NumberOrNull(std::string name) {
    numbers_.emplace_back(std::move(name)).nullable = true;
    return numbers_.back().values;
  }

  // For Insert(): where a row of that key is there, it gets these values, but
  // for columns that are `kept`.
  std::string OnConflict(const std::string& key,
                         const std::vector<std::string>& kept) const;

  // INSERT INTO `table` ... `conflict`, e.g. "ON CONFLICT ...". Nothing where
  // there are no rows.
  void Insert(Transaction& transaction, const std::string& table,
              const std::string& conflict = "") const;

 private:
  struct TextColumn {
    explicit TextColumn(std::string name) : name(std::move(name)) {}
    std::string name;
    Texts values;
  };
  struct NumberColumn {
    explicit NumberColumn(std::string name) : name(std::move(name)) {}
    std::string name;
    Numbers values;
    bool nullable = false;
  };

  bool empty() const;
  void InsertEach(Transaction& transaction, const std::string& table,
                  const std::string& conflict) const;
  void InsertArrays(Transaction& transaction, const std::string& table,
                    const std::string& conflict) const;

  std::deque<TextColumn> texts_;
  std::deque<NumberColumn> numbers_;
};

// What follows FROM to read the rows of `table` that a set of keys, each once,
// finds: in `where` told.key is one of them. The set is one parameter, `keys`,
// with soci::use(ArrayOf(dialect, texts), keys). Each is looked up by itself,
// whatever the database believes of the table: of a new one PostgreSQL knows
// nothing, and would rather read most of it than look up as many as IN has.
std::string EachText(Dialect dialect, const std::string& keys,
                     const std::string& table, const std::string& where);
std::string EachNumber(Dialect dialect, const std::string& keys,
                       const std::string& table, const std::string& where);

// A set as one parameter: "x " + InTexts(dialect, "names"), with
// soci::use(ArrayOf(dialect, names), "names").
std::string InTexts(Dialect dialect, const std::string& parameter);
std::string InNumbers(Dialect dialect, const std::string& parameter);
std::string ArrayOf(Dialect dialect, const std::vector<std::string>& texts);
std::string ArrayOf(Dialect dialect, const std::vector<int64_t>& numbers);

}  // namespace lamplighter::reposync
