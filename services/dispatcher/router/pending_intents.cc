#include "services/dispatcher/router/pending_intents.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/router/revision.h"

namespace lamplighter::dispatcher {
namespace {

bool HasNewCommit(const v1::RefUpdate& update) {
  return absl::StartsWith(update.ref(), "refs/heads/") &&
         (update.action() == v1::RefUpdate::CREATED ||
          update.action() == v1::RefUpdate::UPDATED);
}

bool HasNewCommit(const v1::PullRequest& pull_request,
                  const std::string& repository_id) {
  const std::string& head = pull_request.head_repository_id();
  if (pull_request.head_sha_abbreviated() ||
      (!head.empty() && head != repository_id)) {
    return false;
  }
  return pull_request.action() == v1::PullRequest::OPENED ||
         pull_request.action() == v1::PullRequest::SYNCHRONIZED ||
         pull_request.action() == v1::PullRequest::REOPENED;
}

// Adds the intent of `sha`, once.
void Add(const v1::GitEvent& event, const PendingRules& rules,
         absl::string_view sha, std::vector<v1::StatusIntent>& intents) {
  const absl::StatusOr<std::string> commit = ParseRevision(sha);
  if (!commit.ok() || commit->find_first_not_of('0') == std::string::npos ||
      std::any_of(intents.begin(), intents.end(),
                  [&commit](const v1::StatusIntent& intent) {
                    return intent.sha() == *commit;
                  })) {
    return;
  }
  v1::StatusIntent& intent = intents.emplace_back();
  intent.set_id(absl::StrCat(event.id(), "/pending/", *commit));
  intent.set_event_id(event.id());
  intent.set_repository_id(event.repository().id());
  intent.set_sha(*commit);
  intent.set_state(v1::PENDING);
  intent.set_seen_contexts(true);
  *intent.mutable_event_time() =
      event.has_occurred_at() ? event.occurred_at() : event.received_at();
  // By a clock of ours, and the same when the event is read again.
  *intent.mutable_pending_until() =
      ToProto(FromProto(event.received_at()) + rules.error_after);
}

}  // namespace

std::vector<v1::StatusIntent> PendingIntents(const v1::GitEvent& event,
                                             const PendingRules& rules) {
  std::vector<v1::StatusIntent> intents;
  const std::string& repository = event.repository().id();
  if (repository.empty()) return intents;
  if (event.type() == v1::GitEvent::PUSH && rules.pushes) {
    for (const v1::RefUpdate& update : event.push().refs()) {
      if (HasNewCommit(update)) Add(event, rules, update.after(), intents);
    }
  } else if (event.type() == v1::GitEvent::PULL_REQUEST &&
             rules.pull_requests) {
    const v1::PullRequest& pull_request = event.pull_request();
    if (HasNewCommit(pull_request, repository)) {
      Add(event, rules, pull_request.head_sha(), intents);
    }
  }
  return intents;
}

}  // namespace lamplighter::dispatcher
