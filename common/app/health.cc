#include "common/app/health.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace lamplighter {

void Health::AddCheck(const std::string& name, Check check) {
  checks_[name] = std::move(check);
}

void Health::RemoveCheck(const std::string& name) { checks_.erase(name); }

absl::Status Health::Ready() const {
  std::string problems = stopping_ ? "stopping\n" : "";
  for (const auto& [name, check] : checks_) {
    const absl::Status status = check();
    if (status.ok()) continue;
    absl::StrAppend(&problems, name, ": ", status.message(), "\n");
  }
  if (problems.empty()) return absl::OkStatus();
  problems.pop_back();
  return absl::UnavailableError(problems);
}

}  // namespace lamplighter
