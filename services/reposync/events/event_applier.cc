#include "services/reposync/events/event_applier.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::GitEvent;

// An error of the database: the record waits for it.
constexpr absl::Duration kRetryAfter = absl::Seconds(1);

LookUp MakeLookUp(const GitEvent& event, const v1::Repository& repository,
                  bool may_be_gone, bool is_news) {
  return {.type = event.provider_type(),
          .instance = event.instance(),
          .forge_id = repository.forge_id(),
          .repository_id = repository.id(),
          .may_be_gone = may_be_gone,
          .is_news = is_news};
}

// Whether the event is about the repository itself, and not what happens in it.
bool IsAboutRepository(GitEvent::Type type) {
  switch (type) {
    case GitEvent::REPOSITORY_CREATED:
    case GitEvent::REPOSITORY_RENAMED:
    case GitEvent::REPOSITORY_DELETED:
    case GitEvent::REPOSITORY_TRANSFERRED:
    case GitEvent::REPOSITORY_ARCHIVED:
    case GitEvent::REPOSITORY_UNARCHIVED:
    case GitEvent::REPOSITORY_UPDATED:
      return true;
    default:
      return false;
  }
}

}  // namespace

EventApplier::EventApplier(const Options& options, Consumer& consumer,
                           LookUps& look_ups, CatalogStore& catalog,
                           ConnectionStore& connections,
                           RefreshScheduler& scheduler, Sleeper& sleeper,
                           boost::asio::any_io_executor loop)
    : options_(options),
      consumer_(consumer),
      look_ups_(look_ups),
      catalog_(catalog),
      connections_(connections),
      scheduler_(scheduler),
      sleeper_(sleeper),
      tasks_(std::move(loop), "git events") {}

void EventApplier::OnRecord(ConsumedRecord record) {
  if (++waiting_ == options_.max_waiting) consumer_.Pause();
  GitEvent event;
  if (!event.ParseFromString(record.record.value)) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "a record is no event; left out")
        .With("topic", record.position.topic)
        .With("partition", record.position.partition)
        .With("offset", record.position.offset);
    Finish(record.position);
    return;
  }
  tasks_.Spawn(Apply(std::move(event), std::move(record.position)));
}

void EventApplier::Finish(const RecordPosition& position) {
  consumer_.MarkDone(position);
  if (waiting_-- == options_.max_waiting) consumer_.Resume();
}

awaitable<void> EventApplier::Apply(GitEvent event, RecordPosition position) {
  absl::StatusOr<std::vector<LookUp>> found = co_await WhatToLookUp(event);
  while (co_await WaitFor(found.status())) {
    found = co_await WhatToLookUp(event);
  }
  absl::Status status = found.status();
  if (status.ok() &&
      found->size() > static_cast<size_t>(options_.max_repositories)) {
    found->clear();
    do {
      status = co_await RefreshInstance(event.instance());
    } while (co_await WaitFor(status));
  }
  if (!status.ok()) {
    LAMPLIGHTER_LOG(kWarning, "an event is left out; the next refresh tells")
        .With("instance", event.instance())
        .With("error", status);
  }
  if (!status.ok() || found->empty()) {
    Finish(position);
    co_return;
  }
  auto left = std::make_shared<size_t>(found->size());
  for (LookUp& look_up : *found) {
    look_ups_.Begin(std::move(look_up), [this, left, position] {
      if (--*left == 0) Finish(position);
    });
  }
}

awaitable<bool> EventApplier::WaitFor(absl::Status status) {
  if (!IsTransient(status)) co_return false;
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "an event waits for the database")
      .With("error", status);
  // Cut off by Drain(), the caller ends at its next step.
  (co_await sleeper_.SleepFor(kRetryAfter)).IgnoreError();
  co_return true;
}

awaitable<absl::StatusOr<std::vector<LookUp>>> EventApplier::WhatToLookUp(
    GitEvent event) {
  std::vector<LookUp> look_ups;
  if (event.type() == GitEvent::INSTALLATION_CHANGED) {
    const v1::Installation& installation = event.installation();
    for (const v1::Repository& repository : installation.added()) {
      look_ups.push_back(MakeLookUp(event, repository, /*may_be_gone=*/false,
                                    /*is_news=*/true));
    }
    for (const v1::Repository& repository : installation.removed()) {
      look_ups.push_back(MakeLookUp(event, repository, /*may_be_gone=*/true,
                                    /*is_news=*/true));
    }
    co_return look_ups;
  }
  const v1::Repository& repository = event.repository();
  if (repository.forge_id().empty() || repository.id().empty()) {
    co_return look_ups;
  }
  if (!IsAboutRepository(event.type())) {
    const absl::StatusOr<v1::CatalogEntry> known =
        co_await catalog_.GetByForgeId(event.instance(), repository.forge_id());
    if (known.ok() && !known->has_removed_at() &&
        known->repository().repository_id() == repository.id()) {
      co_return look_ups;
    }
    if (!known.ok() && !absl::IsNotFound(known.status())) {
      co_return known.status();
    }
  }
  const bool may_be_gone = event.type() == GitEvent::REPOSITORY_DELETED ||
                           event.type() == GitEvent::REPOSITORY_TRANSFERRED;
  look_ups.push_back(MakeLookUp(event, repository, may_be_gone,
                                IsAboutRepository(event.type())));
  co_return look_ups;
}

awaitable<absl::Status> EventApplier::RefreshInstance(std::string instance) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<StoredConnection> connections,
      co_await connections_.List());
  for (const StoredConnection& connection : connections) {
    if (connection.info.instance() != instance) continue;
    const absl::Status begun =
        (co_await scheduler_.Begin(connection.info.name(), v1::Refresh::EVENT,
                                   /*accept_shrink=*/false))
            .status();
    // It may have been deleted meanwhile.
    if (!absl::IsNotFound(begun)) LAMPLIGHTER_CO_RETURN_IF_ERROR(begun);
  }
  co_return absl::OkStatus();
}

awaitable<void> EventApplier::OnRevoked(
    std::vector<TopicPartition> /*partitions*/) {
  co_return;
}

awaitable<void> EventApplier::Drain(absl::Duration limit) {
  co_await tasks_.Drain(limit);
}

}  // namespace lamplighter::reposync
