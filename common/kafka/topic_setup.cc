#include "common/kafka/topic_setup.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/kafka/topic_check.h"
#include "common/log/log.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

using ::boost::asio::awaitable;

constexpr int kDefaultPartitions = 12;
constexpr absl::Duration kAttempt = absl::Seconds(10);
constexpr absl::Duration kPause = absl::Seconds(5);

}  // namespace

TopicSetup::TopicSetup(KafkaOptions kafka, config::v1::Kafka config,
                       const std::vector<std::string>& names, Sleeper& sleeper)
    : kafka_(std::move(kafka)),
      make_(!config.has_create_topics() || config.create_topics()),
      topics_(LamplighterTopics(
          config.partitions() > 0 ? config.partitions() : kDefaultPartitions,
          config.replication_factor())),
      sleeper_(sleeper) {
  if (names.empty()) return;
  topics_.erase(std::remove_if(topics_.begin(), topics_.end(),
                               [&names](const TopicSpec& topic) {
                                 return !absl::c_linear_search(names,
                                                               topic.name);
                               }),
                topics_.end());
}

awaitable<void> TopicSetup::Run() {
  if (!make_) co_return;
  absl::Status slept;
  std::string logged;
  while (slept.ok()) {
    const absl::Status there = co_await Try();
    // Where nobody has answered, what was last said holds.
    if (!IsTransient(there)) ready_ = there;
    if (there.ok()) co_return;
    if (there.message() != logged) {
      logged = std::string(there.message());
      LAMPLIGHTER_LOG(kWarning, "topics are not ready").With("error", logged);
    }
    slept = co_await sleeper_.SleepFor(kPause);
  }
}

awaitable<absl::Status> TopicSetup::Try() {
  const absl::Status made = co_await EnsureTopics(kafka_, topics_, kAttempt);
  if (IsTransient(made)) co_return made;
  const absl::StatusOr<std::vector<std::string>> differences =
      co_await CheckTopics(kafka_, topics_, kAttempt);
  if (differences.ok()) {  // whoever may not make them need not
    for (const std::string& difference : *differences) {
      LAMPLIGHTER_LOG(kWarning, "topic is not as it would have been made")
          .With("difference", difference);
    }
    co_return absl::OkStatus();
  }
  if (IsTransient(differences.status())) co_return differences.status();
  const bool missing = absl::IsNotFound(differences.status());
  // Made just now, and not known to every broker yet.
  if (missing && made.ok()) co_return absl::OkStatus();
  // Why they could not be made is of interest only where they are not there.
  std::string why(differences.status().message());
  if (missing && absl::IsPermissionDenied(made)) {
    absl::StrAppend(&why, ", and the account may not make them");
  } else if (missing) {
    why = std::string(made.message());
  }
  co_return absl::FailedPreconditionError(
      absl::StrCat(why,
                   "; docs/topics.md says how to make them and what the "
                   "account must be allowed"));
}

}  // namespace lamplighter
