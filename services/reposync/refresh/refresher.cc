#include "services/reposync/refresh/refresher.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/grpc/retry_info.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/time/proto_time.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::Refresh;

// A handful may come and go however few there are.
constexpr int64_t kFew = 2;
// The position of a listing of which nothing changed is written so often.
constexpr absl::Duration kSaveEvery = absl::Seconds(5);

// Whether the type's listing is one list. Others are lists one after another,
// of workspaces, projects or kinds of access, of which some are empty or the
// same.
bool IsOneList(absl::string_view type) {
  return type == "github" || type == "gitlab" || type == "gitea";
}

// Whether another try may bring more pages.
bool MayGoOn(const absl::Status& status) {
  return IsTransient(status) || absl::IsDeadlineExceeded(status);
}

const char* NameOf(Refresh::State state) {
  switch (state) {
    case Refresh::DONE:
      return "done";
    case Refresh::HELD:
      return "held";
    default:
      return "failed";
  }
}

}  // namespace

std::string SummaryOf(const Refresh& refresh) {
  std::string summary =
      absl::StrCat(refresh.seen(), " seen, ", refresh.added(), " added, ",
                   refresh.changed(), " changed, ", refresh.removed(),
                   " removed, ", refresh.kept(), " kept, ", refresh.requests(),
                   " requests, ", refresh.not_modified(), " not modified");
  if (refresh.has_finished_at()) {
    const absl::Duration took =
        FromProto(refresh.finished_at()) - FromProto(refresh.started_at());
    absl::StrAppendFormat(&summary, ", %.1f s", absl::ToDoubleSeconds(took));
  }
  return summary;
}

struct Refresher::PageSaid {
  explicit PageSaid(const v1::ListRepositoriesResponse& page)
      : next_token(page.next_page_token()),
        size(page.repositories_size()),
        total(page.total()),
        is_modified(!page.not_modified()) {}

  bool is_last() const { return next_token.empty(); }

  std::string next_token;
  int size;
  int64_t total;
  bool is_modified;
};

struct Refresher::Reading {
  // A page was written.
  void Note(const PageSaid& page, const PageWritten& written, bool is_first) {
    tokens.insert(absl::HashOf(page.next_token));
    is_complete = page.is_last();
    if (page.total > 0) total = page.total;
    if (!IsOneList(connection.info.type()) || !page.is_modified || is_first) {
      return;
    }
    if (page.size == 0) {
      doubt = {"empty_page", "a page that another led to is empty"};
    } else if (written.seen_before == page.size) {
      doubt = {"repeated_page",
               "a page holds what earlier ones held and nothing else"};
    }
  }

  Listing listing;
  const StoredConnection connection;
  const bool accept_shrink;
  const v1::Refresh before;  // what an earlier one, that this goes on with, did
  // Hashes of the tokens that pages led on to.
  absl::flat_hash_set<size_t> tokens = {};
  bool is_complete = false;
  int64_t total = 0;    // as the forge last said
  int64_t reached = 0;  // repositories of the connection, at the end
  Doubt doubt = {};     // about a page
  absl::Duration saved_at = absl::ZeroDuration();
};

Refresher::Refresher(Options options, RepositoryLister& lister,
                     ListingStore& listings, const Clock& clock,
                     Sleeper& sleeper, Metrics& metrics)
    : options_(std::move(options)),
      lister_(lister),
      listings_(listings),
      clock_(clock),
      sleeper_(sleeper),
      metrics_(metrics) {}

awaitable<absl::StatusOr<Listing>> Refresher::Begin(std::string connection,
                                                    Refresh::Trigger trigger) {
  return listings_.Begin(std::move(connection), trigger, options_.owner,
                         options_.lease, options_.resume_within);
}

awaitable<Refresher::Report> Refresher::Run(Listing listing,
                                            StoredConnection connection,
                                            bool accept_shrink,
                                            Progress progress) {
  const Refresh before = listing.refresh;
  Reading reading = {.listing = std::move(listing),
                     .connection = std::move(connection),
                     .accept_shrink = accept_shrink,
                     .before = before};
  absl::Status status = co_await ReadPages(reading, progress);
  if (status.ok()) status = co_await RemoveMissing(reading);
  co_return co_await End(std::move(reading), std::move(status));
}

awaitable<absl::Status> Refresher::ReadPages(Reading& reading,
                                             const Progress& progress) {
  // It broke off after its last page.
  reading.is_complete =
      reading.listing.next_page > 0 && reading.listing.next_page_token.empty();
  int failures = 0;
  while (!reading.is_complete) {
    const int32_t page = reading.listing.next_page;
    absl::Status status = co_await ReadSome(reading, progress);
    if (status.ok()) continue;
    if (!MayGoOn(status) || stopping_) co_return status;
    failures = reading.listing.next_page > page ? 1 : failures + 1;
    const absl::optional<absl::Duration> asked = RetryAfter(status);
    if (failures >= options_.max_failures ||
        asked.value_or(absl::ZeroDuration()) > options_.max_wait) {
      co_return status;
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Wait(
        reading.listing,
        asked.value_or(options_.backoff.After(failures, random_))));
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Refresher::Wait(const Listing& listing,
                                        absl::Duration left) {
  while (left > absl::ZeroDuration()) {
    const absl::Duration turn = std::min(left, options_.lease / 3);
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await sleeper_.SleepFor(turn));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await listings_.Renew(listing, options_.lease));
    left -= turn;
  }
  co_return absl::OkStatus();
}

awaitable<absl::Status> Refresher::ReadSome(Reading& reading,
                                            const Progress& progress) {
  // Anew each time: what was written since may have made a page unknown.
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<v1::KnownPage> known,
      co_await listings_.KnownPages(reading.connection.info.name()));
  v1::ListRepositoriesRequest request;
  request.set_page_token(reading.listing.next_page_token);
  *request.mutable_known_pages() = {known.begin(), known.end()};
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::unique_ptr<RepositoryPages> pages,
      lister_.List(reading.connection, std::move(request)));
  while (true) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(auto some, co_await pages->Next());
    if (some.empty()) break;
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await TakePages(reading, std::move(some)));
    if (progress) progress(reading.listing.refresh);
    if (reading.is_complete) co_return absl::OkStatus();
  }
  co_return absl::UnavailableError("the listing ended before its last page");
}

Refresher::Wrong Refresher::CheckPage(
    const Reading& reading, const std::vector<PageSaid>& before,
    const v1::ListRepositoriesResponse& page) const {
  const Listing& listing = reading.listing;
  const PageSaid said(page);
  if (page.page_token() !=
      (before.empty() ? listing.next_page_token : before.back().next_token)) {
    return {absl::InternalError(
        "the provider worker listed another page than the next")};
  }
  const bool is_back =
      page.next_page_token() == page.page_token() ||
      reading.tokens.contains(absl::HashOf(said.next_token)) ||
      std::any_of(before.begin(), before.end(), [&](const PageSaid& other) {
        return other.next_token == said.next_token;
      });
  if (!said.is_last() && is_back) {
    return {absl::FailedPreconditionError(
                "the forge's listing goes round in circles: a page leads back "
                "to an earlier one"),
            {"loop", "a page leads back to an earlier one"}};
  }
  if (listing.next_page + std::ssize(before) >= options_.max_pages) {
    return {absl::FailedPreconditionError(absl::StrCat(
        "the listing has more than ", options_.max_pages, " pages"))};
  }
  return {};
}

awaitable<absl::Status> Refresher::TakePages(
    Reading& reading, std::vector<v1::ListRepositoriesResponse> pages) {
  if (stopping_) co_return absl::UnavailableError("this process stops");
  Wrong wrong;
  std::vector<PageSaid> said;
  for (const v1::ListRepositoriesResponse& page : pages) {
    wrong = CheckPage(reading, said, page);
    if (!wrong.status.ok()) break;
    said.emplace_back(page);
    if (said.back().is_last()) break;
  }
  if (!said.empty()) {
    pages.resize(said.size());
    const absl::Duration now = clock_.MonotonicNow();
    const bool save =
        said.back().is_last() || now - reading.saved_at >= kSaveEvery;
    if (save) reading.saved_at = now;
    const int32_t first = reading.listing.next_page;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::vector<PageWritten> written,
        co_await listings_.WritePages(reading.listing, std::move(pages), save,
                                      options_.lease));
    for (size_t i = 0; i < written.size(); ++i) {
      reading.Note(said[i], written[i], /*is_first=*/first + i == 0);
    }
    if (written.size() < said.size()) {
      co_return absl::UnavailableError(
          "a page that is said to be the same has changed here meanwhile: it "
          "has to be read");
    }
  }
  if (wrong.doubt.reason != nullptr) reading.doubt = wrong.doubt;
  co_return wrong.status;
}

Refresher::Doubt Refresher::WhatIsWrong(const Reading& reading,
                                        const Missing& missing) const {
  if (reading.doubt.reason != nullptr) return reading.doubt;
  const int64_t present = missing.reached - missing.missing;
  if (IsOneList(reading.connection.info.type()) && reading.total > present) {
    return {"total", absl::StrCat("the forge counts ", reading.total,
                                  " repositories and listed ", present)};
  }
  if (!missing.lost_groups.empty()) {
    return {"lost_group",
            absl::StrCat("nothing is left of ",
                         absl::StrJoin(missing.lost_groups, ", "))};
  }
  const bool shrunk =
      missing.missing * 100 > missing.reached * options_.max_shrink_percent;
  if ((shrunk && missing.missing > kFew) || present == 0) {
    return {"shrunk", absl::StrCat(missing.missing, " of ", missing.reached,
                                   " repositories are missing")};
  }
  return {};
}

awaitable<absl::Status> Refresher::RemoveMissing(Reading& reading) {
  Refresh& refresh = reading.listing.refresh;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const Missing missing,
      co_await listings_.CountMissing(reading.listing, options_.confirm_after));
  reading.doubt = WhatIsWrong(reading, missing);
  const bool is_held = missing.missing > 0 && reading.doubt.reason != nullptr &&
                       !reading.accept_shrink;
  while (missing.missing > 0) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const int64_t removed,
        co_await listings_.RemoveMissing(reading.listing, is_held,
                                         options_.confirm_after));
    if (removed == 0) break;
  }
  refresh.set_kept(missing.missing - refresh.removed());
  reading.reached = missing.reached - refresh.removed();
  if (!is_held || refresh.kept() == 0) co_return absl::OkStatus();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await listings_.NoteMissing(reading.listing));
  refresh.set_state(Refresh::HELD);
  co_return WithRetryAfter(
      absl::FailedPreconditionError(
          absl::StrCat(reading.doubt.words, ": ", refresh.kept(),
                       " repositories are kept until a listing ",
                       absl::FormatDuration(options_.confirm_after),
                       " later lacks them as well, or the shrink is accepted")),
      options_.confirm_after);
}

awaitable<Refresher::Report> Refresher::End(Reading reading,
                                            absl::Status status) {
  Refresh& refresh = reading.listing.refresh;
  if (status.ok()) {
    refresh.set_state(Refresh::DONE);
  } else {
    if (refresh.state() != Refresh::HELD) refresh.set_state(Refresh::FAILED);
    refresh.set_error(std::string(status.message()));
  }
  *refresh.mutable_finished_at() = ToProto(clock_.Now());
  if (reading.doubt.reason != nullptr && !status.ok()) {
    metrics_.doubts
        .Add({{"connection", refresh.connection()},
              {"reason", reading.doubt.reason}})
        .Increment();
  }
  // Its row says RUNNING until the lease is over, where even this fails.
  status.Update(co_await listings_.End(reading.listing));
  Count(reading);
  co_return Report{.refresh = std::move(refresh), .status = std::move(status)};
}

void Refresher::Count(const Reading& reading) const {
  const Refresh& refresh = reading.listing.refresh;
  const Refresh& before = reading.before;
  const std::string& connection = refresh.connection();
  metrics_.refreshes
      .Add({{"connection", connection}, {"state", NameOf(refresh.state())}})
      .Increment();
  const auto count = [&](Metrics::Counters& counters, const char* label,
                         const char* value, int64_t number) {
    counters.Add({{"connection", connection}, {label, value}})
        .Increment(static_cast<double>(number));
  };
  const int64_t not_modified = refresh.not_modified() - before.not_modified();
  count(metrics_.pages, "result", "not_modified", not_modified);
  count(metrics_.pages, "result", "read",
        refresh.requests() - before.requests() - not_modified);
  count(metrics_.changes, "kind", "added", refresh.added() - before.added());
  count(metrics_.changes, "kind", "changed",
        refresh.changed() - before.changed());
  count(metrics_.changes, "kind", "removed",
        refresh.removed() - before.removed());
  if (refresh.state() == Refresh::FAILED) return;
  metrics_.repositories.Add({{"connection", connection}})
      .Set(static_cast<double>(reading.reached));
  if (refresh.state() == Refresh::DONE) {
    metrics_.refreshed_at.Add({{"connection", connection}})
        .Set(static_cast<double>(refresh.finished_at().seconds()));
  }
}

}  // namespace lamplighter::reposync
