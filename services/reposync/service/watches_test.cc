#include "services/reposync/service/watches.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/co_spawn.hpp"
#include "common/async/task_group.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::boost::asio::awaitable;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1::WatchRepositoriesRequest;
using v1::WatchRepositoriesResponse;

// A client: what it knows by what it was told.
struct Client {
  std::map<std::string, std::string> descriptions;  // by forge id
  std::string token;
  bool complete = false;
  int answers = 0;
  absl::optional<absl::Status> ended;
  // Called before an answer counts; an error ends the stream.
  std::function<awaitable<absl::Status>(int answer)> before;

  void Take(const WatchRepositoriesResponse& response) {
    for (const v1::CatalogEntry& entry : response.entries()) {
      descriptions[entry.repository().forge_id()] =
          entry.repository().description();
    }
    for (const v1::RepositoryChange& change : response.changes()) {
      const v1::CatalogRepository& repository = change.entry().repository();
      if (change.kind() == v1::RepositoryChange::REMOVED) {
        descriptions.erase(repository.forge_id());
      } else {
        descriptions[repository.forge_id()] = repository.description();
      }
    }
    complete = complete || response.snapshot_complete();
    token = response.resume_token();
    ++answers;
  }
};

awaitable<absl::Status> Tell(Client& client,
                             WatchRepositoriesResponse response) {
  if (client.before) {
    const absl::Status status = co_await client.before(client.answers);
    if (!status.ok()) co_return status;
  }
  client.Take(response);
  co_return absl::OkStatus();
}

awaitable<absl::Status> Nothing() { co_return absl::OkStatus(); }
awaitable<absl::Status> Gone() {
  co_return absl::CancelledError("the client has gone");
}

class WatchesTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    feed_ = std::make_unique<ChangeFeed>(
        ChangeFeed::Options{.poll = absl::Milliseconds(20)}, *catalog_, loop_);
    tasks_.Spawn(feed_->Run());
    Make({.snapshot_page = 3}, *catalog_, *feed_);
  }
  void TearDown() override {
    if (watches_ == nullptr) return;
    watches_->Stop();
    for (const auto& client : clients_) Until([&] { return !!client->ended; });
    Run(Drain());
  }
  void Make(const Watches::Options& options, CatalogStore& catalog,
            ChangeFeed& feed) {
    watches_ = std::make_unique<Watches>(
        options, catalog, feed, clock_,
        metrics_.AddGauges("streams", "Streams.").Add({}));
  }
  awaitable<bool> Drain() {
    co_await tasks_.Drain(absl::ZeroDuration());
    co_return true;
  }

  template <typename Done>
  void Until(Done done) {
    while (!done()) {
      loop_.restart();
      ASSERT_GT(loop_.run_one_for(std::chrono::seconds(20)), 0U);
    }
  }

  Client& Watch(WatchRepositoriesRequest request, Client begun = {}) {
    clients_.push_back(std::make_unique<Client>(std::move(begun)));
    Client& client = *clients_.back();
    auto write = [&client](WatchRepositoriesResponse response) {
      return Tell(client, std::move(response));
    };
    boost::asio::co_spawn(
        loop_, watches_->Run(std::move(request), std::move(write)),
        [&client](const std::exception_ptr& error, absl::Status status) {
          client.ended = error ? absl::InternalError("threw") : status;
        });
    return client;
  }
  absl::Status EndOf(Client& client) {
    Until([&] { return client.ended.has_value(); });
    return client.ended.value_or(absl::UnknownError("runs"));
  }
  static WatchRepositoriesRequest Snapshot(const std::string& token = "") {
    WatchRepositoriesRequest request;
    request.set_snapshot(true);
    request.set_resume_token(token);
    return request;
  }
  static WatchRepositoriesRequest From(const std::string& token) {
    WatchRepositoriesRequest request;
    request.set_resume_token(token);
    return request;
  }

  static v1::CatalogRepository Described(int number, const std::string& text) {
    v1::CatalogRepository repository = Repository(number);
    repository.set_description(text);
    return repository;
  }
  void Put(int number, const std::string& description = "") {
    ASSERT_THAT(Run(catalog_->Put(kConnection, Described(number, description))),
                IsOk());
  }
  std::map<std::string, std::string> InCatalog() {
    std::map<std::string, std::string> all;
    const auto entries = Run(catalog_->ReadSnapshot({}, 0, 1000));
    for (const v1::CatalogEntry& entry : *entries) {
      all[entry.repository().forge_id()] = entry.repository().description();
    }
    return all;
  }
  // What goes on while a snapshot is read: each kind of change.
  awaitable<absl::Status> Disturb(int answer) {
    (void)co_await catalog_->Put(kConnection, Repository(100 + answer));
    (void)co_await catalog_->Put(kConnection, Described(1, "new"));
    (void)co_await catalog_->Put(kConnection,
                                 Described(9, absl::StrCat(answer)));
    (void)co_await catalog_->Forget(kConnection, "forge.example",
                                    absl::StrCat(answer + 2));
    co_return absl::OkStatus();
  }

  std::unique_ptr<Database> narrow_;
  std::unique_ptr<CatalogStore> narrow_catalog_;
  std::unique_ptr<ChangeFeed> other_feed_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<Watches> watches_;
  std::vector<std::unique_ptr<Client>> clients_;
  TaskGroup tasks_{loop_.get_executor(), "test"};
};

LAMPLIGHTER_ON_BOTH_DATABASES(WatchesTest);

TEST_P(WatchesTest, ASnapshotAndItsChangesHaveNoGapWhileWritesGoOn) {
  for (int i = 1; i <= 10; ++i) Put(i);
  Client begun;
  begun.before = [this](int answer) {
    return Disturb(answer < 5 ? answer : 5);
  };
  Client& client = Watch(Snapshot(), std::move(begun));
  Until([&] { return client.answers >= 7; });
  client.before = nullptr;
  Put(50, "last");
  Until([&] { return client.descriptions.contains("50"); });
  EXPECT_TRUE(client.complete);
  EXPECT_EQ(client.descriptions, InCatalog());
}

TEST_P(WatchesTest, ASnapshotThatBrokeOffIsGoneOnWith) {
  for (int i = 1; i <= 10; ++i) Put(i);
  Client begun;
  begun.before = [this](int answer) {
    return answer < 2 ? Disturb(answer) : Gone();
  };
  Client& broken = Watch(Snapshot(), std::move(begun));
  EXPECT_THAT(EndOf(broken), StatusIs(StatusCode::kCancelled));
  EXPECT_FALSE(broken.complete);
  Put(7, "changed meanwhile");

  Client resumed;
  resumed.descriptions = broken.descriptions;
  Client& client = Watch(Snapshot(broken.token), std::move(resumed));
  Until([&] { return client.complete; });
  Put(50);
  Until([&] { return client.descriptions.contains("50"); });
  EXPECT_EQ(client.descriptions, InCatalog());
}

TEST_P(WatchesTest, ChangesWhileNobodyWatchedAreToldAfterwards) {
  Client begun;
  begun.before = [](int answer) { return answer < 1 ? Nothing() : Gone(); };
  Client& client = Watch({}, std::move(begun));
  Until([&] { return client.answers == 1; });
  const std::string token = client.token;
  Put(1);
  EXPECT_THAT(EndOf(client), StatusIs(StatusCode::kCancelled));
  Put(2);
  Client& resumed = Watch(From(token));
  Until([&] { return resumed.descriptions.contains("2"); });
  EXPECT_EQ(resumed.descriptions, InCatalog());
}

TEST_P(WatchesTest, WithoutATokenItBeginsNow) {
  Put(1);
  Client& client = Watch({});
  Until([&] { return client.answers == 1; });
  EXPECT_THAT(client.descriptions, IsEmpty());
  Put(2);
  Until([&] { return client.descriptions.contains("2"); });
  EXPECT_FALSE(client.descriptions.contains("1"));
}

TEST_P(WatchesTest, TokensThatCannotBeGoneOnWithAreRefused) {
  for (int i = 1; i <= 3; ++i) Put(i);
  ASSERT_THAT(Run(catalog_->DropChanges(absl::InfiniteFuture())), IsOk());
  // One that does not have them in memory.
  other_feed_ =
      std::make_unique<ChangeFeed>(ChangeFeed::Options{}, *catalog_, loop_);
  Make({}, *catalog_, *other_feed_);
  EXPECT_THAT(EndOf(Watch(From("1.0"))), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(EndOf(Watch(From("99.0"))), StatusIs(StatusCode::kOutOfRange));
  for (const char* token : {"x", "1", "1.x", "1.0/x", "-1.0", "1.0/2/3", "/"}) {
    EXPECT_THAT(EndOf(Watch(From(token))),
                StatusIs(StatusCode::kInvalidArgument))
        << token;
  }
}

TEST_P(WatchesTest, ATokenOfATimeAfterTheBackupIsRefusedAfterMoreChanges) {
  for (int i = 1; i <= 3; ++i) Put(i);
  Client& client = Watch({});
  Until([&] { return client.answers == 1; });
  // As if change 3 had been another, made at another time.
  const std::vector<std::string> parts = absl::StrSplit(client.token, '.');
  ASSERT_THAT(parts, ElementsAre("3", _));
  EXPECT_THAT(EndOf(Watch(From(absl::StrCat(parts[0], ".1", parts[1])))),
              StatusIs(StatusCode::kOutOfRange));
}

TEST_P(WatchesTest, TellsOnlyOfTheConnectionsThatAreAskedFor) {
  StoredConnection other = connection_;
  other.info.set_name("other");
  ASSERT_THAT(Run(connections_->Insert(other)), IsOk());
  Put(1);
  ASSERT_THAT(Run(catalog_->Put("other", Repository(2))), IsOk());
  WatchRepositoriesRequest request = Snapshot();
  request.add_connections("other");
  Client& client = Watch(request);
  Until([&] { return client.complete; });
  Put(3);
  ASSERT_THAT(Run(catalog_->Put("other", Repository(4))), IsOk());
  Until([&] { return client.descriptions.contains("4"); });
  EXPECT_FALSE(client.descriptions.contains("1"));
  EXPECT_FALSE(client.descriptions.contains("3"));
}

TEST_P(WatchesTest, AHundredStreamsCostOneReadOfTheDatabase) {
  // It refuses what comes beside two pieces of work, and the stream ends then.
  auto narrow =
      Database::Create({.url = url_, .sessions = 1, .max_waiting = 2}, loop_);
  ASSERT_THAT(narrow, IsOk());
  narrow_ = *std::move(narrow);
  narrow_catalog_ = std::make_unique<CatalogStore>(*narrow_, clock_);
  other_feed_ = std::make_unique<ChangeFeed>(
      ChangeFeed::Options{.poll = absl::Milliseconds(20)}, *narrow_catalog_,
      loop_);
  tasks_.Spawn(other_feed_->Run());
  Make({}, *narrow_catalog_, *other_feed_);
  for (int i = 0; i < 100; ++i) {
    Client& client = Watch({});
    Until([&] { return client.answers == 1; });
  }
  Put(1);
  for (const auto& client : clients_) {
    Until([&] { return !client->descriptions.empty() || client->ended; });
    EXPECT_FALSE(client->ended.has_value());
  }
}

TEST_P(WatchesTest, StreamsBeyondTheMostAreRefused) {
  Make({.max_streams = 2}, *catalog_, *feed_);
  Watch({});
  Watch({});
  Until([&] { return clients_[1]->answers == 1; });
  EXPECT_THAT(EndOf(Watch({})),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("2 streams")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("streams 2"));
}

TEST_P(WatchesTest, StopEndsAllStreamsAndThoseThatComeLater) {
  Client& one = Watch({});
  Client& two = Watch(Snapshot());
  Until([&] { return one.answers == 1 && two.complete; });
  watches_->Stop();
  EXPECT_THAT(EndOf(one), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(EndOf(two), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(EndOf(Watch({})), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(metrics_.Text(), HasSubstr("streams 0"));
}

}  // namespace
}  // namespace lamplighter::reposync
