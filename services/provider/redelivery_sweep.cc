#include "services/provider/redelivery_sweep.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "services/provider/connections.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr size_t kMaxWebhooks = 10'000;
// Of the listing, in a sweep: most may be of no use.
constexpr int kMaxPages = 5;

// Of one repository or webhook alone: the sweep goes on with the next.
bool IsLocal(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
         absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status);
}

// Of one delivery alone; it may have been made nevertheless.
bool IsOfDelivery(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ||
         absl::IsDeadlineExceeded(status);
}

// Who may do less sees no webhooks. Where the forge does not say, asking will
// tell.
bool MayHaveWebhook(const v1::CatalogRepository& repository) {
  const bool is_allowed =
      repository.access() == v1::CatalogRepository::ADMIN ||
      repository.access() == v1::CatalogRepository::ACCESS_UNSPECIFIED;
  return is_allowed && !repository.archived();
}

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

void Add(FailedDeliveries::Change& sum,
         const FailedDeliveries::Change& change) {
  sum.found += change.found;
  sum.failed_again += change.failed_again;
  sum.given_up += change.given_up;
}

}  // namespace

RedeliverySweep::RedeliverySweep(Options options, ForgeJobs& jobs,
                                 const Clock& clock, Sleeper& sleeper,
                                 Metrics& metrics)
    : options_(std::move(options)),
      jobs_(jobs),
      clock_(clock),
      sleeper_(sleeper),
      metrics_(metrics) {}

asio::awaitable<void> RedeliverySweep::Run() {
  while (true) {
    // Replicas that start together do not sweep together.
    const absl::Duration wait =
        options_.interval * absl::Uniform(random_, 0.5, 1.5);
    if (!(co_await sleeper_.SleepFor(wait)).ok()) co_return;
    const Report report = co_await Sweep();
    if (absl::IsCancelled(report.status)) co_return;
    Count(report);
    if (!report.status.ok()) {
      LAMPLIGHTER_LOG(kWarning, "failed deliveries not all looked for")
          .With("connection", options_.connection)
          .With("error", report.status.message());
    }
    if (report.change.found == 0 && report.tries == 0) continue;
    LAMPLIGHTER_LOG(kInfo, "failed deliveries found and asked for again")
        .With("connection", options_.connection)
        .With("found", report.change.found)
        .With("redelivered", report.redelivered)
        .With("failed", report.change.failed_again)
        .With("given_up", report.change.given_up);
  }
}

void RedeliverySweep::Count(const Report& report) {
  const auto count = [&](const char* result, int64_t number) {
    metrics_.redeliveries
        .Add({{"connection", options_.connection}, {"result", result}})
        .Increment(static_cast<double>(number));
  };
  count("found", report.change.found);
  count("redelivered", report.redelivered);
  count("failed", report.change.failed_again);
  count("given_up", report.change.given_up);
}

asio::awaitable<RedeliverySweep::Report> RedeliverySweep::Sweep() {
  Report report;
  report.status = co_await FindWebhooks();
  if (!report.status.ok() && !IsLocal(report.status)) co_return report;
  for (std::string& repository : NextRound()) {
    last_visited_ = repository;
    const absl::Status status = co_await Visit(repository, report);
    report.status.Update(status);
    if (absl::IsNotFound(status)) webhooks_.erase(repository);
    if (!status.ok() && !IsLocal(status)) break;
  }
  co_return report;
}

template <typename Result>
asio::awaitable<Result> RedeliverySweep::Do(std::string repository,
                                            Work<Result> work) {
  // Anew each time: its Secret may have changed.
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Connection connection,
                                  jobs_.FindConnection(options_.connection));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const WantedWebhook wanted,
                                  WantedWebhookOf(connection));
  v1::Account account;
  account.set_connection(options_.connection);
  auto begin =
      repository.empty()
          ? jobs_.OnAccount(account, absl::InfiniteFuture())
          : jobs_.OnRepository(connection, repository, absl::InfiniteFuture());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ForgeJob job, co_await std::move(begin));
  job.call.AddSecret(wanted.secret);  // the forge may quote what it sent
  LAMPLIGHTER_CO_RETURN_IF_ERROR(jobs_.CheckReserve(job));
  Result result = co_await work(*job.forge, job.call);
  jobs_.Finish(job, StatusOf(result));
  co_return result;
}

asio::awaitable<absl::Status> RedeliverySweep::FindWebhooks() {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Connection connection,
                                  jobs_.FindConnection(options_.connection));
  const std::string url = connection.webhook_url;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::string id, co_await Do<absl::StatusOr<std::string>>(
                                "", [&](Forge& forge, ForgeCall& call) {
                                  return forge.FindAccountWebhook(call, url);
                                }));
  if (id.empty()) {
    webhooks_.erase("");
    co_return co_await FindOnRepositories(url);
  }
  // It sends what those of the repositories would.
  if (const auto it = webhooks_.find("");
      it == webhooks_.end() || it->second.id != id) {
    webhooks_.clear();
    webhooks_[""].id = id;
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> RedeliverySweep::FindOnRepositories(
    std::string url) {
  if (repositories_.size() < options_.max_repositories) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await ListRepositories());
  }
  absl::Status first_error;
  for (size_t i = 0; i < options_.max_repositories; ++i) {
    if (repositories_.empty()) break;
    const std::string repository = repositories_.front();
    const absl::Status status = co_await FindOnRepository(repository, url);
    if (!status.ok() && !IsLocal(status)) co_return status;
    repositories_.pop_front();
    // That one may not be looked at is nothing to report.
    if (!absl::IsNotFound(status) && !absl::IsPermissionDenied(status)) {
      first_error.Update(status);
    }
  }
  co_return first_error;
}

asio::awaitable<absl::Status> RedeliverySweep::ListRepositories() {
  for (int i = 0; i < kMaxPages; ++i) {
    absl::StatusOr<RepositoryPage> page =
        co_await Do<absl::StatusOr<RepositoryPage>>(
            "", [&](Forge& forge, ForgeCall& call) {
              return forge.ListRepositories(call, next_page_, "");
            });
    if (!page.ok()) {
      // The token may have become invalid.
      if (absl::IsInvalidArgument(page.status())) next_page_.clear();
      co_return page.status();
    }
    next_page_ = page->next;
    for (const v1::CatalogRepository& repository : page->repositories) {
      if (!MayHaveWebhook(repository)) continue;
      repositories_.push_back(repository.repository_id());
    }
    if (next_page_.empty()) break;
    if (repositories_.size() >= options_.max_repositories) break;
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> RedeliverySweep::FindOnRepository(
    std::string repository, std::string url) {
  WantedWebhook wanted;
  wanted.url = url;
  absl::StatusOr<std::vector<ForgeWebhook>> shown =
      co_await Do<absl::StatusOr<std::vector<ForgeWebhook>>>(
          repository, [&](Forge& forge, ForgeCall& call) {
            return forge.ListWebhooks(call, wanted, {});
          });
  if (!shown.ok()) co_return shown.status();
  const auto ours = absl::c_find_if(
      *shown, [&](const ForgeWebhook& webhook) { return webhook.url == url; });
  if (ours == shown->end()) {
    webhooks_.erase(repository);
    co_return absl::OkStatus();
  }
  if (webhooks_.size() >= kMaxWebhooks && !webhooks_.contains(repository)) {
    co_return absl::FailedPreconditionError(
        absl::StrCat("more than ", kMaxWebhooks, " webhooks"));
  }
  Webhook& webhook = webhooks_[repository];
  if (webhook.id != ours->id) webhook = Webhook{ours->id, {}};
  co_return absl::OkStatus();
}

std::vector<std::string> RedeliverySweep::NextRound() {
  std::vector<std::string> round;
  auto it = webhooks_.upper_bound(last_visited_);
  const size_t size = std::min(options_.max_webhooks, webhooks_.size());
  while (round.size() < size) {
    if (it == webhooks_.end()) it = webhooks_.begin();
    round.push_back(it->first);
    ++it;
  }
  return round;
}

asio::awaitable<absl::Status> RedeliverySweep::Visit(std::string repository,
                                                     Report& report) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Read(repository, report));
  co_return co_await Redeliver(std::move(repository), report);
}

asio::awaitable<absl::Status> RedeliverySweep::Read(std::string repository,
                                                    Report& report) {
  Webhook& webhook = webhooks_[repository];
  do {
    const absl::StatusOr<DeliveryPage> page =
        co_await Do<absl::StatusOr<DeliveryPage>>(
            repository, [&](Forge& forge, ForgeCall& call) {
              return forge.ListDeliveries(call, webhook.id,
                                          webhook.deliveries.next_page());
            });
    if (!page.ok()) {
      // After a limit it goes on where it was; else what was read may be
      // what is wrong.
      if (!absl::IsResourceExhausted(page.status())) {
        webhook.deliveries.BeginAnew();
      }
      co_return page.status();
    }
    Add(report.change, webhook.deliveries.Add(*page));
  } while (webhook.deliveries.IsReading());
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> RedeliverySweep::Redeliver(std::string repository,
                                                         Report& report) {
  Webhook& webhook = webhooks_[repository];
  const absl::Time now = clock_.Now();
  for (const FailedDeliveries::Due& due : webhook.deliveries.DueAt(now)) {
    if (report.tries == options_.max_redeliveries) break;
    if (report.tries++ > 0) {
      LAMPLIGHTER_CO_RETURN_IF_ERROR(
          co_await sleeper_.SleepFor(options_.spacing));
    }
    const absl::Status status = co_await Do<absl::Status>(
        repository, [&](Forge& forge, ForgeCall& call) {
          return forge.Redeliver(call, webhook.id, due.delivery);
        });
    if (status.ok()) {
      webhook.deliveries.Redelivered(due.guid, now);
      ++report.redelivered;
      continue;
    }
    if (!IsOfDelivery(status)) co_return status;
    report.status.Update(status);
    Add(report.change, webhook.deliveries.Refused(due.guid, now));
  }
  co_return absl::OkStatus();
}

}  // namespace lamplighter::provider
