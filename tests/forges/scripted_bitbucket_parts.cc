#include "tests/forges/scripted_bitbucket_parts.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/json/value.hpp"
#include "tests/forges/scripted_json.h"

namespace lamplighter {

absl::optional<BitbucketBuild> ReadBitbucketBuild(const HttpRequest& request) {
  const auto json = ReadBody(request);
  if (!json) return absl::nullopt;
  BitbucketBuild build;
  build.key = TextAt(*json, "key");
  build.state = TextAt(*json, "state");
  build.name = TextAt(*json, "name");
  build.description = TextAt(*json, "description");
  build.url = TextAt(*json, "url");
  return build;
}

const BitbucketBuild& BitbucketBuildStore::Set(const std::string& commit,
                                               BitbucketBuild build,
                                               absl::Time now) {
  std::vector<BitbucketBuild>& builds = commits_[commit];
  if (builds.empty()) oldest_first_.push_back(commit);
  build.updated_at = now;
  const auto same = absl::c_find_if(builds, [&](const BitbucketBuild& other) {
    return other.repository == build.repository && other.key == build.key;
  });
  if (same != builds.end()) {
    build.id = same->id;
    build.created_at = same->created_at;
    *same = std::move(build);
    return *same;
  }
  build.id = ++last_id_;
  build.created_at = now;
  builds.push_back(std::move(build));
  ++size_;
  while (size_ > max_builds_ && oldest_first_.front() != commit) {
    size_ -= commits_[oldest_first_.front()].size();
    commits_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  return commits_[commit].back();
}

const BitbucketBuild* BitbucketBuildStore::Find(const std::string& commit,
                                                absl::string_view repository,
                                                absl::string_view key) const {
  for (const BitbucketBuild& build : Of(commit)) {
    if (build.repository == repository && build.key == key) return &build;
  }
  return nullptr;
}

const std::vector<BitbucketBuild>& BitbucketBuildStore::Of(
    const std::string& commit) const {
  static const auto* const none = new std::vector<BitbucketBuild>();
  const auto it = commits_.find(commit);
  return it == commits_.end() ? *none : it->second;
}

void BitbucketBuildStore::Clear() {
  commits_.clear();
  oldest_first_.clear();
  size_ = 0;
}

absl::optional<BitbucketWebhook> ReadBitbucketWebhook(
    const boost::json::object& json) {
  BitbucketWebhook webhook;
  webhook.url = TextAt(json, "url");
  if (const auto* active = json.if_contains("active");
      active != nullptr && active->is_bool()) {
    webhook.active = active->get_bool();
  }
  const auto* events = json.if_contains("events");
  if (webhook.url.empty() || events == nullptr || !events->is_array()) {
    return absl::nullopt;
  }
  for (const boost::json::value& event : events->get_array()) {
    if (event.is_string()) webhook.events.emplace_back(event.get_string());
  }
  if (webhook.events.empty()) return absl::nullopt;
  return webhook;
}

boost::json::array EventsJson(const BitbucketWebhook& webhook) {
  boost::json::array events;
  for (const std::string& event : webhook.events) events.emplace_back(event);
  return events;
}

BitbucketWebhook& BitbucketWebhookStore::Add(const std::string& repository,
                                             BitbucketWebhook webhook) {
  webhook.id = ++last_id_;
  return repositories_[repository].emplace_back(std::move(webhook));
}

BitbucketWebhook* BitbucketWebhookStore::Find(const std::string& repository,
                                              int64_t id) {
  std::vector<BitbucketWebhook>& webhooks = repositories_[repository];
  const auto it = absl::c_find_if(
      webhooks, [&](const BitbucketWebhook& w) { return w.id == id; });
  return it == webhooks.end() ? nullptr : &*it;
}

bool BitbucketWebhookStore::Remove(const std::string& repository, int64_t id) {
  std::vector<BitbucketWebhook>& webhooks = repositories_[repository];
  const auto it = absl::c_find_if(
      webhooks, [&](const BitbucketWebhook& w) { return w.id == id; });
  if (it == webhooks.end()) return false;
  webhooks.erase(it);
  return true;
}

const std::vector<BitbucketWebhook>& BitbucketWebhookStore::Of(
    const std::string& repository) const {
  static const auto* const none = new std::vector<BitbucketWebhook>();
  const auto it = repositories_.find(repository);
  return it == repositories_.end() ? *none : it->second;
}

BitbucketAccess BitbucketAccessTo(size_t index) {
  if (index % 3 == 0) return BitbucketAccess::kAdmin;
  return index % 3 == 1 ? BitbucketAccess::kWrite : BitbucketAccess::kRead;
}

BitbucketAccess BitbucketAccessTo(absl::string_view name) {
  size_t index = 0;
  if (absl::ConsumePrefix(&name, "repo-") && absl::SimpleAtoi(name, &index)) {
    return BitbucketAccessTo(index);
  }
  return BitbucketAccess::kAdmin;
}

size_t BitbucketIndexWith(BitbucketAccess access, size_t i) {
  if (access == BitbucketAccess::kAdmin) return i * 3;
  return access == BitbucketAccess::kWrite ? i / 2 * 3 + i % 2 : i;
}

size_t BitbucketCountWith(BitbucketAccess access, size_t all) {
  if (access == BitbucketAccess::kAdmin) return (all + 2) / 3;
  return access == BitbucketAccess::kWrite ? all - all / 3 : all;
}

std::string BitbucketRepositoryName(size_t index) {
  return absl::StrCat("repo-", index);
}

std::string BitbucketAuthorizationOf(absl::string_view token) {
  return absl::StrContains(token, ':')
             ? absl::StrCat("Basic ", absl::Base64Escape(token))
             : absl::StrCat("Bearer ", token);
}

}  // namespace lamplighter
