#include "services/reposync/store/row_batch.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace lamplighter::reposync {
namespace {

// Both JSON and PostgreSQL's arrays have texts in quotes, with a backslash
// before quotes and backslashes; JSON alone minds control characters.
void AppendQuoted(absl::string_view text, Dialect dialect, std::string& array) {
  array.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      array.push_back('\\');
      array.push_back(c);
    } else if (dialect == Dialect::kSqlite && c >= 0 && c < 0x20) {
      absl::StrAppend(&array, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      array.push_back(c);
    }
  }
  array.push_back('"');
}

// OFFSET 0 keeps PostgreSQL from making one join of it, which it could begin
// with the table; CROSS JOIN keeps SQLite from that.
std::string Each(Dialect dialect, const char* type, const std::string& keys,
                 const std::string& table, const std::string& where) {
  return dialect == Dialect::kSqlite
             ? absl::StrCat("(SELECT value AS key FROM json_each(:", keys,
                            ")) AS told CROSS JOIN ", table, " ON ", where)
             : absl::StrCat("unnest(CAST(:", keys, " AS ", type,
                            "[])) AS told(key) CROSS JOIN LATERAL (SELECT *"
                            " FROM ",
                            table, " WHERE ", where, " OFFSET 0) AS ", table);
}

}  // namespace

std::string EachText(Dialect dialect, const std::string& keys,
                     const std::string& table, const std::string& where) {
  return Each(dialect, "TEXT", keys, table, where);
}

std::string EachNumber(Dialect dialect, const std::string& keys,
                       const std::string& table, const std::string& where) {
  return Each(dialect, "BIGINT", keys, table, where);
}

std::string InTexts(Dialect dialect, const std::string& parameter) {
  return dialect == Dialect::kSqlite
             ? absl::StrCat("IN (SELECT value FROM json_each(:", parameter,
                            "))")
             : absl::StrCat("= ANY(CAST(:", parameter, " AS TEXT[]))");
}

std::string InNumbers(Dialect dialect, const std::string& parameter) {
  return dialect == Dialect::kSqlite
             ? absl::StrCat("IN (SELECT value FROM json_each(:", parameter,
                            "))")
             : absl::StrCat("= ANY(CAST(:", parameter, " AS BIGINT[]))");
}

std::string ArrayOf(Dialect dialect, const std::vector<std::string>& texts) {
  const bool sqlite = dialect == Dialect::kSqlite;
  std::string array = sqlite ? "[" : "{";
  for (const std::string& text : texts) {
    if (array.size() > 1) array.push_back(',');
    AppendQuoted(text, dialect, array);
  }
  array.push_back(sqlite ? ']' : '}');
  return array;
}

std::string ArrayOf(Dialect dialect, const std::vector<int64_t>& numbers) {
  const bool sqlite = dialect == Dialect::kSqlite;
  return absl::StrCat(sqlite ? "[" : "{", absl::StrJoin(numbers, ","),
                      sqlite ? "]" : "}");
}

bool RowBatch::empty() const {
  return texts_.empty() ? numbers_.empty() || numbers_[0].values.empty()
                        : texts_[0].values.empty();
}

std::string RowBatch::OnConflict(const std::string& key,
                                 const std::vector<std::string>& kept) const {
  std::vector<std::string> values;
  const auto add = [&](const std::string& name) {
    if (name == key || absl::c_linear_search(kept, name)) return;
    values.push_back(absl::StrCat(name, " = excluded.", name));
  };
  for (const TextColumn& column : texts_) add(column.name);
  for (const NumberColumn& column : numbers_) add(column.name);
  return absl::StrCat("ON CONFLICT(", key, ") DO UPDATE SET ",
                      absl::StrJoin(values, ", "));
}

void RowBatch::Insert(Transaction& transaction, const std::string& table,
                      const std::string& conflict) const {
  if (empty()) return;
  if (transaction.dialect == Dialect::kSqlite) {
    InsertEach(transaction, table, conflict);
  } else {
    InsertArrays(transaction, table, conflict);
  }
}

void RowBatch::InsertEach(Transaction& transaction, const std::string& table,
                          const std::string& conflict) const {
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const TextColumn& column : texts_) {
    names.push_back(column.name);
    values.push_back(absl::StrCat(":", column.name));
  }
  for (const NumberColumn& column : numbers_) {
    names.push_back(column.name);
    values.push_back(column.nullable
                         ? absl::StrCat("NULLIF(:", column.name, ", -1)")
                         : absl::StrCat(":", column.name));
  }
  soci::statement& statement = transaction.prepared.Get(
      absl::StrCat("INSERT INTO ", table, "(", absl::StrJoin(names, ", "),
                   ") VALUES (", absl::StrJoin(values, ", "), ") ", conflict));
  for (const TextColumn& column : texts_) {
    statement.exchange(soci::use(column.values, column.name));
  }
  for (const NumberColumn& column : numbers_) {
    statement.exchange(soci::use(column.values, column.name));
  }
  statement.define_and_bind();
  statement.execute(true);
  statement.bind_clean_up();
}

void RowBatch::InsertArrays(Transaction& transaction, const std::string& table,
                            const std::string& conflict) const {
  std::vector<std::string> names;
  std::vector<std::string> values;
  std::vector<std::string> arrays;
  std::deque<std::string> literals;
  for (const TextColumn& column : texts_) {
    names.push_back(column.name);
    values.push_back(column.name);
    arrays.push_back(absl::StrCat("CAST(:", column.name, " AS TEXT[])"));
    literals.push_back(ArrayOf(transaction.dialect, column.values));
  }
  for (const NumberColumn& column : numbers_) {
    names.push_back(column.name);
    values.push_back(column.nullable
                         ? absl::StrCat("NULLIF(", column.name, ", -1)")
                         : column.name);
    arrays.push_back(absl::StrCat("CAST(:", column.name, " AS BIGINT[])"));
    literals.push_back(ArrayOf(transaction.dialect, column.values));
  }
  soci::statement& statement = transaction.prepared.Get(absl::StrCat(
      "INSERT INTO ", table, "(", absl::StrJoin(names, ", "), ") SELECT ",
      absl::StrJoin(values, ", "), " FROM unnest(", absl::StrJoin(arrays, ", "),
      ") AS added(", absl::StrJoin(names, ", "), ") ", conflict));
  for (size_t i = 0; i < names.size(); ++i) {
    statement.exchange(soci::use(literals[i], names[i]));
  }
  statement.define_and_bind();
  statement.execute(true);
  statement.bind_clean_up();
}

}  // namespace lamplighter::reposync
