#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/json/object.hpp"
#include "tests/forges/gitlab_json.h"
#include "tests/forges/scripted_gitlab.h"
#include "tests/forges/scripted_json.h"

// What GitLab remembers of its deliveries.
namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr absl::Duration kWindow = absl::Hours(7 * 24);
constexpr size_t kMaxOnPage = 20;
constexpr absl::Duration kResendWindow = absl::Minutes(1);
constexpr int kMaxResends = 5;

// Of an answer that never came there is no code.
json::object EventJson(const ScriptedAttempt& attempt) {
  json::object event;
  event["id"] = attempt.id;
  event["url"] = "https://hooks.example.com/events/forge";
  event["trigger"] = "push_hooks";
  event["request_headers"] = json::object{{"Content-Type", "application/json"},
                                          {"Idempotency-Key", attempt.guid},
                                          {"X-Gitlab-Event", "Push Hook"},
                                          {"X-Gitlab-Token", "[REDACTED]"}};
  event["request_data"] = json::object{{"object_kind", "push"}};
  event["response_headers"] = json::object();
  event["response_body"] = "";
  event["execution_duration"] = 0.5;
  event["response_status"] =
      attempt.code == 0 ? "internal error" : absl::StrCat(attempt.code);
  return event;
}

}  // namespace

HttpResponse ScriptedGitLab::ListEvents(const HttpRequest& request,
                                        ScriptedCall& /*call*/) {
  const auto hook = FindHook(request);
  if (hook == hooks_.end()) return Error(404, "404 Not found");
  if (QueryNumber(request.query, "per_page", kMaxOnPage) > kMaxOnPage) {
    return Json(
        400, json::object{{"error", "per_page does not have a valid value"}});
  }
  std::vector<const ScriptedAttempt*> newest_first;
  const std::vector<ScriptedAttempt>& attempts =
      deliveries_.Of(absl::StrCat(hook->first));
  for (auto it = attempts.rbegin(); it != attempts.rend(); ++it) {
    if (it->at >= clock().Now() - kWindow) newest_first.push_back(&*it);
  }
  return NumberedPage(request, newest_first.size(),
                      [&](size_t i) { return EventJson(*newest_first[i]); });
}

// Answers once the receiver has. Of each project five a minute.
HttpResponse ScriptedGitLab::ResendEvent(const HttpRequest& request,
                                         ScriptedCall& /*call*/) {
  const auto hook = FindHook(request);
  if (hook == hooks_.end()) return Error(404, "404 Not found");
  auto& [window_ends, resends] =
      resends_[TextAt(hook->second.fields, "project")];
  if (clock().Now() >= window_ends) {
    window_ends = clock().Now() + kResendWindow;
    resends = 0;
  }
  if (++resends > kMaxResends) {
    return Json(429, json::object{{"message",
                                   {{"error",
                                     "This endpoint has been requested too "
                                     "many times. Try again later."}}}});
  }
  if (hook->second.alert_status != "executable") {
    return Error(422, "Hook disabled");
  }
  int64_t event = 0;
  if (!absl::SimpleAtoi(request.path_params[2], &event)) event = 0;
  const ScriptedAttempt* again =
      deliveries_.DeliverAgain(absl::StrCat(hook->first), event, kWindow);
  if (again == nullptr) return Error(404, "404 Not found");
  if (again->code == 0) return Error(422, "execution expired");
  return Json(201, json::object{{"response_status", again->code}});
}

}  // namespace lamplighter
