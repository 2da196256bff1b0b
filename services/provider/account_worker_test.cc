#include "services/provider/account_worker.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/metrics/metrics.h"
#include "common/seal/seal.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/provider.pb.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/sealed_connections.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// On GitHub, which has all there is: pages, ETags and a quota.
class AccountWorkerTest : public ::testing::Test {
 protected:
  AccountWorkerTest() {
    const std::filesystem::path directory =
        std::filesystem::path(::testing::TempDir()) / "account-worker";
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "token") << "t0ken-of-the-account";
    config::v1::Provider config;
    config::v1::Connection& connection = *config.add_connections();
    connection.set_name("main");
    connection.set_type("github");
    connection.set_address("https://github.com");
    connection.set_secret_directory(directory);
    config::v1::Connection& other = *config.add_connections();
    other = connection;
    other.set_name("unserved");
    other.set_type("gitea");
    other.set_address("https://gitea.example.com");
    connections_ = Connections::Create(config.connections(), {}).value();
    std::ofstream(directory.string() + "-keys")
        << absl::Base64Escape(std::string(32, 'k'));
    catalog_ = Seal::Create(directory.string() + "-keys", clock_).value();
    sealed_ = std::make_unique<SealedConnections>(
        Seal::Create(directory.string() + "-keys", clock_).value());
    ForgeJobs::Options options;
    options.types = {"github"};
    jobs_ =
        ForgeJobs::Create(options, {manifests_, connections_, sealed_.get()},
                          http_, clock_, metrics_)
            .value();
    worker_ = std::make_unique<AccountWorker>(*jobs_);
  }

  // A page of one repository, with a link to the next if there is one.
  HttpResult Page(int number, int next, int remaining = 4000) {
    std::vector<std::pair<std::string, std::string>> headers = {
        {"ETag", absl::StrCat("\"page-", number, "\"")},
        {"X-RateLimit-Limit", "5000"},
        {"X-RateLimit-Remaining", absl::StrCat(remaining)},
        {"X-RateLimit-Reset",
         absl::StrCat(absl::ToUnixSeconds(clock_.Now()) + 600)}};
    if (next > 0) {
      headers.emplace_back(
          "Link", absl::StrCat("<https://api.github.com/user/repos?page=", next,
                               ">; rel=\"next\""));
    }
    return Reply(200,
                 absl::StrCat(R"([{"id":)", number, R"(,"name":"r)", number,
                              R"(","full_name":"o/r)", number,
                              R"(","owner":{"login":"o","id":1}}])"),
                 headers);
  }

  absl::Status List(v1::ListRepositoriesRequest request = {}) {
    request.mutable_account()->set_connection("main");
    pages_.clear();
    auto write = [this](v1::ListRepositoriesResponse page) {
      return Keep(pages_, std::move(page));
    };
    return RunSync(worker_->ListRepositories(std::move(request), write,
                                             absl::InfiniteFuture()));
  }

  // Of the same account on another name, with another token.
  std::string MadeAtRunTime(const std::string& webhook_url = "") {
    v1::SealedConnection made;
    made.set_name("made");
    made.set_type("github");
    made.set_address("https://github.com/o");
    made.set_webhook_url(webhook_url);
    (*made.mutable_secret())["token"] = "t0ken-made-at-run-time";
    (*made.mutable_secret())["webhookSecret"] = "webhook-s3cret";
    return catalog_->Close(made.SerializeAsString());
  }

  // One repository, as GitHub shows it.
  HttpResult Shown(const std::string& path, int remaining = 4000) {
    HttpResult list = Page(1, 0, remaining);
    list.body = absl::StrCat(
        R"({"id":1,"name":"r","full_name":")", path,
        R"(","owner":{"login":"o","id":1},"permissions":{"admin":true}})");
    return list;
  }

  absl::StatusOr<v1::GetRepositoryResponse> Get(const v1::Account& account,
                                                const std::string& id) {
    v1::GetRepositoryRequest request;
    *request.mutable_account() = account;
    request.set_repository_id(id);
    return RunSync(worker_->GetRepository(request, absl::InfiniteFuture()));
  }
  absl::StatusOr<v1::GetRepositoryResponse> Get(const std::string& id) {
    v1::Account account;
    account.set_connection("main");
    return Get(account, id);
  }
  v1::Account Sealed() {
    v1::Account account;
    account.set_sealed_connection(MadeAtRunTime());
    return account;
  }

  static asio::awaitable<absl::Status> Keep(
      std::vector<v1::ListRepositoriesResponse>& pages,
      v1::ListRepositoriesResponse page) {
    pages.push_back(std::move(page));
    co_return absl::OkStatus();
  }

  FakeManifests manifests_;
  FakeHttpClient http_;
  FakeClock clock_;
  Metrics metrics_;
  Connections connections_;
  std::unique_ptr<Seal> catalog_;
  std::unique_ptr<SealedConnections> sealed_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<AccountWorker> worker_;
  std::vector<v1::ListRepositoriesResponse> pages_;
};

TEST_F(AccountWorkerTest, ListsPageByPageAndResumesAfterAny) {
  http_.When("GET", HasSubstr("&page=1")).Return(Page(1, 2));
  http_.When("GET", HasSubstr("&page=2")).Return(Page(2, 3));
  http_.When("GET", HasSubstr("&page=3")).Return(Page(3, 0));
  ASSERT_THAT(List(), IsOk());
  ASSERT_THAT(pages_, SizeIs(3));
  EXPECT_EQ(pages_[0].page_token(), "");
  EXPECT_EQ(pages_[1].page_token(), pages_[0].next_page_token());
  EXPECT_EQ(pages_[2].next_page_token(), "");
  EXPECT_EQ(pages_[2].repositories(0).repository_id(), "github.com/o/r3");
  EXPECT_EQ(pages_[2].rate_limit().remaining(), 4000);

  v1::ListRepositoriesRequest resumed;
  resumed.set_page_token(pages_[1].page_token());
  ASSERT_THAT(List(resumed), IsOk());
  ASSERT_THAT(pages_, SizeIs(2));
  EXPECT_EQ(pages_[0].repositories(0).forge_id(), "2");
}

TEST_F(AccountWorkerTest, APageThatIsKnownIsNotToldAgain) {
  http_.When("GET", HasSubstr("&page=1")).Return(Page(1, 2));
  http_.When("GET", HasSubstr("&page=2")).Return(Page(2, 0));
  ASSERT_THAT(List(), IsOk());
  v1::ListRepositoriesRequest again;
  for (const auto& page : pages_) {
    v1::KnownPage& known = *again.add_known_pages();
    known.set_page_token(page.page_token());
    known.set_etag(page.etag());
    known.set_next_page_token(page.next_page_token());
  }
  http_.When("GET", HasSubstr("&page=1")).Return(Reply(304));
  http_.When("GET", HasSubstr("&page=2")).Return(Page(2, 0));
  ASSERT_THAT(List(again), IsOk());
  ASSERT_THAT(pages_, SizeIs(2));
  EXPECT_TRUE(pages_[0].not_modified());
  EXPECT_EQ(pages_[0].etag(), again.known_pages(0).etag());
  EXPECT_THAT(pages_[0].repositories(), IsEmpty());
  EXPECT_FALSE(pages_[1].not_modified());
}

TEST_F(AccountWorkerTest, AListThatLeadsInCirclesEnds) {
  http_.When("GET", HasSubstr("&page=1")).Return(Page(1, 2));
  http_.When("GET", HasSubstr("&page=2")).Return(Page(2, 1));
  EXPECT_FALSE(List().ok());
}

TEST_F(AccountWorkerTest, LeavesTheRestOfTheQuotaToStatuses) {
  http_.When("GET", HasSubstr("&page=1")).Return(Page(1, 2, 1000));
  http_.When("GET", HasSubstr("&page=2")).Return(Page(2, 0, 999));
  const absl::Status status = List();
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted,
                               HasSubstr("reserved for statuses")));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(600));
  ASSERT_THAT(pages_, SizeIs(1)) << "what was read is told";

  v1::ListRepositoriesRequest resumed;
  resumed.set_page_token(pages_[0].next_page_token());
  resumed.set_use_reserve(true);
  EXPECT_THAT(List(resumed), IsOk());

  resumed.set_use_reserve(false);
  clock_.Advance(absl::Seconds(601));
  EXPECT_THAT(List(resumed), IsOk()) << "a new window";
}

TEST_F(AccountWorkerTest, AnAnswerThatIsNoListIsNoEmptyList) {
  for (const char* body : {"", "{}", "<html></html>", R"([{"id":1)", "null"}) {
    http_.When("GET", _).Return(Reply(200, body));
    EXPECT_THAT(List(), StatusIs(StatusCode::kUnavailable)) << body;
    EXPECT_THAT(pages_, IsEmpty());
  }
  http_.When("GET", _).Return(Reply(401, "{}"));
  EXPECT_THAT(List(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(AccountWorkerTest, RefusesWhatItCannotKeep) {
  v1::ListRepositoriesRequest request;
  request.set_page_token(std::string(5000, 'x'));
  EXPECT_THAT(List(request), StatusIs(StatusCode::kInvalidArgument));
  request.clear_page_token();
  for (int i = 0; i <= 20'000; ++i) request.add_known_pages();
  EXPECT_THAT(List(request), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(http_.calls(), IsEmpty());
}

TEST_F(AccountWorkerTest, TellsTheQuotaOfALimitedCredentialWithoutACall) {
  http_.When("GET", _).Return(Reply(429, "{}", {{"Retry-After", "70"}}));
  EXPECT_THAT(List(), StatusIs(StatusCode::kResourceExhausted));
  const size_t calls = http_.calls().size();
  v1::GetRateLimitsRequest request;
  request.mutable_account()->set_connection("main");
  const auto limits =
      RunSync(worker_->GetRateLimits(request, absl::InfiniteFuture()));
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->limited_until().seconds(),
            absl::ToUnixSeconds(clock_.Now()) + 70);
  EXPECT_EQ(http_.calls().size(), calls);
}

TEST_F(AccountWorkerTest, NamesTheConnectionsThereAre) {
  v1::CheckCredentialRequest request;
  request.mutable_account()->set_connection("other");
  EXPECT_THAT(
      RunSync(worker_->CheckCredential(request, absl::InfiniteFuture())),
      StatusIs(StatusCode::kNotFound, HasSubstr("main")));
  request.clear_account();
  EXPECT_THAT(
      RunSync(worker_->CheckCredential(request, absl::InfiniteFuture())),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("account")));
}

TEST_F(AccountWorkerTest, PutsNoWebhookWhereTheConnectionHasNoUrl) {
  v1::EnsureWebhooksRequest request;
  request.set_connection("main");
  request.set_repository_id("github.com/o/r");
  EXPECT_THAT(
      RunSync(worker_->EnsureWebhooks(request, absl::InfiniteFuture())),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("webhook_url")));
}

TEST_F(AccountWorkerTest, GetsARepositoryWithItsQuota) {
  http_.When("GET", "https://api.github.com/repos/o/r").Return(Shown("o/r"));
  const auto got = Get("github.com/o/r");
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->repository().repository_id(), "github.com/o/r");
  EXPECT_EQ(got->repository().access(), v1::CatalogRepository::ADMIN);
  EXPECT_EQ(got->rate_limit().remaining(), 4000);
  EXPECT_THAT(Get("gitlab.com/o/r"), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(AccountWorkerTest, LeavesTheReserveWhenItGetsOne) {
  http_.When("GET", _).Return(Shown("o/r", /*remaining=*/1000));
  EXPECT_THAT(Get("github.com/o/r"), IsOk());
  EXPECT_THAT(Get("github.com/o/r"),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("reserved")));
  EXPECT_THAT(http_.calls(), SizeIs(1));
}

TEST_F(AccountWorkerTest, ARenamedRepositoryHasItsNewName) {
  http_.When("GET", _).Return(Shown("o/renamed"));
  EXPECT_EQ(Get("github.com/o/r")->repository().repository_id(),
            "github.com/o/renamed");
}

TEST_F(AccountWorkerTest, OneThatMovedToAnotherAccountIsGone) {
  http_.When("GET", _).Return(Shown("others/r"));
  EXPECT_THAT(Get(Sealed(), "github.com/o/r"),
              StatusIs(StatusCode::kNotFound, HasSubstr("others/r")));
  EXPECT_THAT(Get("github.com/o/r"), IsOk()) << "the account has no owner";
}

TEST_F(AccountWorkerTest, WorksAsAConnectionMadeAtRunTime) {
  http_.When("GET", _).Return(Shown("o/r"));
  ASSERT_THAT(Get(Sealed(), "github.com/o/r"), IsOk());
  EXPECT_EQ(http_.calls().back().headers.Find("Authorization"),
            "Bearer t0ken-made-at-run-time");
  v1::Account damaged;
  damaged.set_sealed_connection("xx");
  EXPECT_THAT(Get(damaged, "github.com/o/r"),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(AccountWorkerTest, OneMadeAtRunTimeHasALimitOfItsOwn) {
  http_.When("GET", _).Return(Reply(429, "{}", {{"Retry-After", "70"}}));
  EXPECT_THAT(Get(Sealed(), "github.com/o/r"),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Get(Sealed(), "github.com/o/r"),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(http_.calls(), SizeIs(1)) << "sealed anew, it is the same";
  http_.When("GET", _).Return(Shown("o/r"));
  EXPECT_THAT(Get("github.com/o/r"), IsOk());
}

TEST_F(AccountWorkerTest, NoErrorShowsASecretMadeAtRunTime) {
  http_.When("GET", _).Return(Reply(
      400, R"({"message":"bad t0ken-made-at-run-time and webhook-s3cret"})"));
  EXPECT_THAT(
      Get(Sealed(), "github.com/o/r"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("bad *** and ***")));
}

TEST_F(AccountWorkerTest, KeepsWebhooksOfAConnectionMadeAtRunTime) {
  http_.When("GET", HasSubstr("/repos/o/r/hooks")).Return(Reply(200, "[]"));
  http_.When("POST", HasSubstr("/repos/o/r/hooks"))
      .Return(Reply(201, R"({"id":7})"));
  v1::EnsureWebhooksRequest request;
  request.set_repository_id("github.com/o/r");
  request.set_sealed_connection(MadeAtRunTime("https://hooks.example.com/x"));
  const auto ensured =
      RunSync(worker_->EnsureWebhooks(request, absl::InfiniteFuture()));
  ASSERT_THAT(ensured, IsOk());
  EXPECT_EQ(ensured->webhooks(0).action(), v1::Webhook::CREATED);
  EXPECT_THAT(http_.calls().back().body, HasSubstr("webhook-s3cret"));
  v1::RemoveWebhooksRequest removal;
  removal.set_repository_id("github.com/o/r");
  removal.set_sealed_connection(request.sealed_connection());
  EXPECT_THAT(RunSync(worker_->RemoveWebhooks(removal, absl::InfiniteFuture())),
              IsOk());
}

TEST_F(AccountWorkerTest, WebhooksAreOfOneConnectionAndNotOfTwo) {
  v1::EnsureWebhooksRequest request;
  request.set_repository_id("github.com/o/r");
  const auto ensure = [&] {
    return RunSync(worker_->EnsureWebhooks(request, absl::InfiniteFuture()));
  };
  EXPECT_THAT(ensure(), StatusIs(StatusCode::kInvalidArgument,
                                 HasSubstr("sealed_connection")));
  request.set_connection("main");
  request.set_sealed_connection(MadeAtRunTime());
  EXPECT_THAT(ensure(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not both")));
}

TEST_F(AccountWorkerTest, ListsTheConnectionsThatItServes) {
  const auto list =
      RunSync(worker_->ListConnections({}, absl::InfiniteFuture()));
  ASSERT_THAT(list, IsOk());
  ASSERT_THAT(list->connections(), SizeIs(1));
  const v1::ConnectionInfo& info = list->connections(0);
  EXPECT_EQ(info.name(), "main");
  EXPECT_EQ(info.instance(), "github.com");
  EXPECT_EQ(info.webhook_url(), "");
  EXPECT_THAT(info.webhook_events(),
              ElementsAre("push", "pull_request", "repository"));
  EXPECT_THAT(http_.calls(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::provider
