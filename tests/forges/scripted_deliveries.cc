#include "tests/forges/scripted_deliveries.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

namespace lamplighter {

std::string ScriptedDeliveries::Deliver(const std::string& webhook,
                                        absl::Duration ago,
                                        int64_t installation) {
  ScriptedAttempt attempt;
  attempt.id = ++last_id_;
  attempt.guid = absl::StrCat("0b989ba4-0000-0000-0000-", attempt.id);
  attempt.at = clock_.Now() - ago;
  attempt.code = code_;
  attempt.installation = installation;
  return attempts_[webhook].emplace_back(std::move(attempt)).guid;
}

const ScriptedAttempt* ScriptedDeliveries::DeliverAgain(
    const std::string& webhook, int64_t id, absl::Duration window) {
  std::vector<ScriptedAttempt>& attempts = attempts_[webhook];
  const auto it = absl::c_find_if(
      attempts, [&](const ScriptedAttempt& a) { return a.id == id; });
  if (it == attempts.end() || it->at < clock_.Now() - window) return nullptr;
  ScriptedAttempt again = *it;
  again.id = ++last_id_;
  again.at = clock_.Now();
  again.code = code_;
  again.is_redelivery = true;
  return &attempts.emplace_back(std::move(again));
}

std::vector<int> ScriptedDeliveries::CodesOf(const std::string& webhook,
                                             const std::string& guid) {
  std::vector<int> codes;
  for (const ScriptedAttempt& attempt : attempts_[webhook]) {
    if (attempt.guid == guid) codes.push_back(attempt.code);
  }
  return codes;
}

}  // namespace lamplighter
