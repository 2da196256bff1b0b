#include "tests/forges/scripted_azuredevops_hooks.h"

#include <array>
#include <string_view>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/json/array.hpp"
#include "boost/json/value.hpp"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxSubscriptions = 10'000;
constexpr char kMask[] = "********";
constexpr char kOwnerHasLeft[] = "disabledByInactiveIdentity";

const json::object& ObjectAt(const json::object& object, std::string_view key) {
  static const auto* const none = new json::object();
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : *none;
}

bool IsGuid(absl::string_view text) {
  return text.size() == 36 && absl::c_all_of(text, [](char c) {
           return c == '-' || absl::ascii_isxdigit(c);
         });
}

absl::Status CheckInputs(const json::object& inputs) {
  for (const auto& [key, value] : inputs) {
    if (value.is_string()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("The value of input ", std::string(key),
                     " must be of the type System.String."));
  }
  return absl::OkStatus();
}

absl::Status CheckUrl(const json::object& consumer) {
  const std::string url = TextAt(consumer, "url");
  if (!absl::StartsWith(url, "https://") && !absl::StartsWith(url, "http://")) {
    return absl::InvalidArgumentError("A value is required for input 'url'.");
  }
  if (absl::StrContains(url, "://localhost") ||
      absl::StrContains(url, "://127.")) {
    return absl::InvalidArgumentError(
        "The URL must not be of a loopback or special address.");
  }
  if (!TextAt(consumer, "basicAuthPassword").empty() &&
      !absl::StartsWith(url, "https://")) {
    return absl::InvalidArgumentError(
        "Basic authentication needs a URL with HTTPS.");
  }
  return absl::OkStatus();
}

absl::Status Check(const json::object& subscription) {
  static constexpr std::array<absl::string_view, 4> kEvents = {
      "git.push", "git.pullrequest.created", "git.pullrequest.updated",
      "git.pullrequest.merged"};
  if (TextAt(subscription, "publisherId") != "tfs" ||
      !absl::c_linear_search(kEvents, TextAt(subscription, "eventType"))) {
    return absl::InvalidArgumentError("No such event of the publisher.");
  }
  if (TextAt(subscription, "consumerId") != "webHooks" ||
      TextAt(subscription, "consumerActionId") != "httpRequest") {
    return absl::InvalidArgumentError("No such action of the consumer.");
  }
  const json::object& publisher = ObjectAt(subscription, "publisherInputs");
  const json::object& consumer = ObjectAt(subscription, "consumerInputs");
  if (absl::Status status = CheckInputs(publisher); !status.ok()) return status;
  if (absl::Status status = CheckInputs(consumer); !status.ok()) return status;
  const std::string repository = TextAt(publisher, "repository");
  if (!IsGuid(TextAt(publisher, "projectId")) ||
      !(repository.empty() || IsGuid(repository))) {
    return absl::InvalidArgumentError(
        "The inputs projectId and repository must be ids, not names.");
  }
  return CheckUrl(consumer);
}

json::object Shown(json::object subscription) {
  json::value* inputs = subscription.if_contains("consumerInputs");
  if (inputs != nullptr && inputs->is_object() &&
      inputs->get_object().contains("basicAuthPassword")) {
    inputs->get_object()["basicAuthPassword"] = kMask;
  }
  return subscription;
}

// A filter on inputs is met by any of its conditions; one without any, by all.
bool Meets(const json::object& inputs, const json::object& query,
           std::string_view filters) {
  const json::value* list = query.if_contains(filters);
  if (list == nullptr || !list->is_array()) return true;
  return absl::c_all_of(list->get_array(), [&](const json::value& filter) {
    if (!filter.is_object()) return false;
    const json::value* conditions =
        filter.get_object().if_contains("conditions");
    if (conditions == nullptr || !conditions->is_array()) return true;
    return absl::c_any_of(conditions->get_array(),
                          [&](const json::value& condition) {
                            if (!condition.is_object()) return false;
                            const json::object& wanted = condition.get_object();
                            return absl::EqualsIgnoreCase(
                                TextAt(inputs, TextAt(wanted, "inputId")),
                                TextAt(wanted, "inputValue"));
                          });
  });
}

}  // namespace

absl::StatusOr<json::object> ScriptedServiceHooks::Add(
    json::object subscription) {
  if (absl::Status status = Check(subscription); !status.ok()) return status;
  if (subscriptions_.size() == kMaxSubscriptions) {
    return absl::InvalidArgumentError("There are too many subscriptions.");
  }
  std::string id = absl::StrFormat("fd672255-8b6b-4769-9260-%012x", ++last_id_);
  subscription["id"] = id;
  subscription["status"] = "enabled";
  subscription["publisherInputs"].as_object()["tfsSubscriptionId"] = id;
  return Shown(subscriptions_[std::move(id)] = std::move(subscription));
}

absl::StatusOr<json::object> ScriptedServiceHooks::Replace(
    const std::string& id, json::object subscription) {
  const auto it = subscriptions_.find(id);
  if (it == subscriptions_.end()) {
    return absl::NotFoundError("There is no such subscription.");
  }
  if (absl::Status status = Check(subscription); !status.ok()) return status;
  json::object& known = it->second;
  json::object& consumer = subscription["consumerInputs"].as_object();
  if (TextAt(consumer, "basicAuthPassword") == kMask) {
    consumer["basicAuthPassword"] =
        known["consumerInputs"].as_object()["basicAuthPassword"];
  }
  const bool stays = TextAt(known, "status") == kOwnerHasLeft ||
                     TextAt(subscription, "status").empty();
  if (stays) subscription["status"] = known["status"];
  subscription["id"] = id;
  subscription["publisherInputs"].as_object()["tfsSubscriptionId"] = id;
  return Shown(known = std::move(subscription));
}

json::array ScriptedServiceHooks::Find(const json::object& query) const {
  static constexpr std::array<absl::string_view, 4> kFields = {
      "publisherId", "eventType", "consumerId", "consumerActionId"};
  json::array found;
  for (const auto& [id, subscription] : subscriptions_) {
    const bool is_asked_for =
        absl::c_all_of(kFields, [&, &known = subscription](auto field) {
          const std::string wanted = TextAt(query, field);
          return wanted.empty() || wanted == TextAt(known, field);
        });
    if (is_asked_for &&
        Meets(ObjectAt(subscription, "publisherInputs"), query,
              "publisherInputFilters") &&
        Meets(ObjectAt(subscription, "consumerInputs"), query,
              "consumerInputFilters")) {
      found.push_back(Shown(subscription));
    }
  }
  return found;
}

void ScriptedServiceHooks::SetStatus(const std::string& id,
                                     absl::string_view status) {
  const auto it = subscriptions_.find(id);
  if (it == subscriptions_.end()) return;
  it->second["status"] = std::string_view(status.data(), status.size());
}

}  // namespace lamplighter
