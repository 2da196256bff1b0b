#include "services/reposync/store/statements.h"

namespace lamplighter::reposync {

soci::statement& PreparedStatements::Get(const std::string& sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return *found->second;
  if (statements_.size() >= kMaxStatements) statements_.clear();
  auto statement = std::make_unique<soci::statement>(session_);
  statement->alloc();
  statement->prepare(sql);
  return *(statements_[sql] = std::move(statement));
}

void Bindings::Exchange(soci::statement& statement) const {
  for (const auto& [name, value] : texts_) {
    statement.exchange(soci::use(value, name));
  }
  for (const auto& [name, value] : numbers_) {
    statement.exchange(soci::use(value, name));
  }
}

}  // namespace lamplighter::reposync
