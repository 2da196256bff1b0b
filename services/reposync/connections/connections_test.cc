#include "services/reposync/connections/connections.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/grpc/grpc_channel.h"
#include "common/seal/seal.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "common/time/testing/fake_clock.h"
#include "services/reposync/connections/testing/scripted_worker.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"
#include "services/reposync/store/hook_store.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using v1::CheckCredentialResponse;

constexpr char kSecret[] = "hunter2-hunter2";

class ConnectionsTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    WriteKeys({'a'});
    auto seal = Seal::Create(keys_, wall_);
    ASSERT_THAT(seal, IsOk());
    seal_ = *std::move(seal);
    scheduler_ = std::make_unique<RefreshScheduler>(
        RefreshScheduler::Options{}, *refresher_, *connections_, *listings_,
        clock_, sleeper_, loop_.get_executor());
    hooks_ = std::make_unique<HookStore>(*database_, clock_);
    subject_ = Make(seal_.get());
    worker_.SayOfCredential(Answer(CheckCredentialResponse::YES));
  }
  void TearDown() override {
    if (scheduler_ != nullptr) Run(Drain());
  }
  boost::asio::awaitable<bool> Drain() {
    co_await scheduler_->Drain(absl::Seconds(10));
    co_return true;
  }

  std::unique_ptr<Connections> Make(Seal* seal) {
    return std::make_unique<Connections>(
        Connections::Options{}, Connections::Parts{.workers = workers_,
                                                   .connections = *connections_,
                                                   .listings = *listings_,
                                                   .scheduler = *scheduler_,
                                                   .seal = seal,
                                                   .clock = wall_});
  }
  // A key a letter; the first seals.
  void WriteKeys(const std::vector<char>& letters) {
    std::vector<std::string> lines;
    for (const char letter : letters) {
      lines.push_back(absl::Base64Escape(std::string(32, letter)));
    }
    std::ofstream(keys_, std::ios::binary) << absl::StrJoin(lines, "\n");
  }

  // What the worker says of a credential.
  static CheckCredentialResponse Answer(CheckCredentialResponse::Verdict list) {
    CheckCredentialResponse answer;
    answer.set_login("bot");
    answer.set_can_list_repositories(list);
    if (list == CheckCredentialResponse::NO) {
      answer.add_problems("Give the token the scope repo.");
    }
    v1::ConnectionInfo& info = *answer.mutable_connection();
    info.set_name("new");
    info.set_type("github");
    info.set_instance("forge.example");
    info.set_webhook_url("https://hooks/a");
    return answer;
  }
  static v1::CreateConnectionRequest Request() {
    v1::CreateConnectionRequest request;
    request.set_name("new");
    request.set_type("github");
    request.set_address("https://forge.example");
    request.set_webhook_url("https://hooks/a");
    (*request.mutable_secret())["token"] = kSecret;
    return request;
  }
  void Create() {
    lister_.Say({Page(0, 1, 3, true)});
    ASSERT_THAT(Run(subject_->Create(Request())), IsOk());
  }
  // Its first refresh goes on by itself.
  void AwaitRefreshed() {
    while (Known().size() < 3 ||
           !Run(listings_->FindNewest("new"))->done.has_value()) {
    }
  }
  auto Update(const std::string& secret, const std::string& url) {
    v1::UpdateConnectionRequest request;
    request.set_name("new");
    if (!secret.empty()) (*request.mutable_secret())["token"] = secret;
    request.set_webhook_url(url);
    return Run(subject_->Update(request));
  }
  auto Check() {
    v1::CheckConnectionRequest request;
    request.set_name("new");
    return Run(subject_->Check(request));
  }
  StoredConnection Stored() { return *Run(connections_->Find("new")); }
  v1::SealedConnection Opened() {
    v1::SealedConnection content;
    EXPECT_TRUE(content.ParseFromString(
        seal_->Open(Stored().sealed).value_or("cannot be opened")));
    return content;
  }

  const std::string keys_ = testing::TempDir() + "/connections-keys";
  FakeClock wall_{Clock::System().Now()};  // of calls' deadlines
  ScriptedWorker worker_;
  Workers workers_{{{"github", MakeChannel(worker_.address())}}};
  std::unique_ptr<Seal> seal_;
  std::unique_ptr<RefreshScheduler> scheduler_;
  std::unique_ptr<HookStore> hooks_;
  std::unique_ptr<Connections> subject_;
};

LAMPLIGHTER_ON_BOTH_DATABASES(ConnectionsTest);

TEST_P(ConnectionsTest, ANewConnectionIsCheckedSealedAndRefreshed) {
  lister_.Say({Page(0, 1, 3, true)});
  const auto created = Run(subject_->Create(Request()));
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->connection().check().login(), "bot");
  EXPECT_EQ(created->connection().last_refresh().trigger(),
            v1::Refresh::REQUEST);
  EXPECT_THAT(created->DebugString(), Not(HasSubstr(kSecret)));
  EXPECT_EQ(Opened().secret().at("token"), kSecret);
  // The worker got it sealed, too.
  ASSERT_THAT(worker_.checked(), SizeIs(1));
  EXPECT_TRUE(seal_->Open(worker_.checked()[0].sealed_connection()).ok());
  AwaitRefreshed();
  EXPECT_THAT(Known(), SizeIs(3));
}

TEST_P(ConnectionsTest, TheDatabaseHoldsNoSecret) {
  Create();
  EXPECT_THAT(Stored().sealed, Not(HasSubstr(kSecret)));
  if (GetParam() != Dialect::kSqlite) return;
  for (const char* part : {"", "-wal"}) {
    std::ifstream file(url_.substr(std::string("sqlite://").size()) + part,
                       std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_THAT(bytes, Not(HasSubstr(kSecret)));
    EXPECT_THAT(bytes, Not(HasSubstr(absl::Base64Escape(kSecret))));
  }
}

TEST_P(ConnectionsTest, ACredentialThatTheForgeRefusesMakesNone) {
  worker_.SayOfCredential(
      {}, {grpc::StatusCode::UNAUTHENTICATED, "401 Bad credentials"});
  EXPECT_THAT(
      Run(subject_->Create(Request())),
      StatusIs(StatusCode::kFailedPrecondition,
               "the forge refuses the credential: 401 Bad credentials"));
  EXPECT_THAT(Run(connections_->Find("new")), StatusIs(StatusCode::kNotFound));
}

TEST_P(ConnectionsTest, ACredentialThatMayNotListMakesNone) {
  worker_.SayOfCredential(Answer(CheckCredentialResponse::NO));
  EXPECT_THAT(Run(subject_->Create(Request())),
              StatusIs(StatusCode::kFailedPrecondition,
                       "the credential may not list repositories: Give the "
                       "token the scope repo."));
  EXPECT_THAT(Run(connections_->Find("new")), StatusIs(StatusCode::kNotFound));
}

TEST_P(ConnectionsTest, ADryRunOnlyChecks) {
  v1::CreateConnectionRequest request = Request();
  request.set_dry_run(true);
  const auto created = Run(subject_->Create(request));
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->connection().check().login(), "bot");
  EXPECT_THAT(Run(connections_->Find("new")), StatusIs(StatusCode::kNotFound));
}

TEST_P(ConnectionsTest, WhatCannotBeANameOrASecretIsRefusedUnasked) {
  for (const std::string& name : {std::string(), std::string("Upper"),
                                  std::string("a b"), std::string(64, 'a')}) {
    v1::CreateConnectionRequest request = Request();
    request.set_name(name);
    EXPECT_THAT(Run(subject_->Create(request)),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("name:")));
  }
  v1::CreateConnectionRequest request = Request();
  (*request.mutable_secret())["token"] = std::string(70'000, 'x');
  EXPECT_THAT(Run(subject_->Create(request)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("secret:")));
  EXPECT_THAT(worker_.checked(), IsEmpty());
}

TEST_P(ConnectionsTest, ANameCountsOnce) {
  Create();
  EXPECT_THAT(Run(subject_->Create(Request())),
              StatusIs(StatusCode::kAlreadyExists));
}

TEST_P(ConnectionsTest, WithoutAKeyNoneIsMadeOrChanged) {
  subject_ = Make(nullptr);
  EXPECT_THAT(Run(subject_->Create(Request())),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("seal_key_file is not configured")));
  EXPECT_THAT(Update("x", ""), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Run(subject_->Reseal()), IsOk());
}

TEST_P(ConnectionsTest, ANewSecretRaisesTheVersionOfTheCredential) {
  Create();
  const int64_t before = Stored().credential_version;
  ASSERT_THAT(Update("better", ""), IsOk());
  EXPECT_GT(Stored().credential_version, before);
  EXPECT_EQ(Opened().secret().at("token"), "better");
  EXPECT_EQ(Opened().webhook_url(), "https://hooks/a");
}

TEST_P(ConnectionsTest, ANewSecretThatTheForgeRefusesChangesNothing) {
  Create();
  const int64_t before = Stored().credential_version;
  worker_.SayOfCredential({}, {grpc::StatusCode::PERMISSION_DENIED, "403"});
  EXPECT_THAT(Update("worse", ""), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(Stored().credential_version, before);
  EXPECT_EQ(Opened().secret().at("token"), kSecret);
}

TEST_P(ConnectionsTest, WhereItsWebhooksLedIsKeptUntilTheyLeadThereAgain) {
  Create();
  ASSERT_THAT(Update("", "https://hooks/b"), IsOk());
  EXPECT_EQ(Opened().webhook_url(), "https://hooks/b");
  EXPECT_EQ(Opened().secret().at("token"), kSecret);
  EXPECT_THAT(Opened().former_webhook_urls(), ElementsAre("https://hooks/a"));
  ASSERT_THAT(Update("", "https://hooks/a"), IsOk());
  EXPECT_THAT(Opened().former_webhook_urls(), ElementsAre("https://hooks/b"));
}

TEST_P(ConnectionsTest, ACheckThatFailsIsToldAndTheLastAnswerStays) {
  Create();
  worker_.SayOfCredential({}, {grpc::StatusCode::UNAUTHENTICATED, "401"});
  const auto checked = Check();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->connection().check_error(), "401");
  EXPECT_EQ(checked->connection().check().login(), "bot");
  EXPECT_EQ(Stored().check_error, "401");
  worker_.SayOfCredential(Answer(CheckCredentialResponse::YES));
  EXPECT_EQ(Check()->connection().check_error(), "");
}

TEST_P(ConnectionsTest, ACheckWithoutAWorkerForItsTypeIsToldAsFailed) {
  StoredConnection lab = connection_;
  lab.info.set_name("new");
  lab.info.set_type("gitlab");
  ASSERT_THAT(Run(connections_->Insert(lab)), IsOk());
  const auto checked = Check();
  ASSERT_THAT(checked, IsOk());
  EXPECT_THAT(checked->connection().check_error(), HasSubstr("gitlab"));
}

TEST_P(ConnectionsTest, DeletionTakesWhatOnlyItReachedAlong) {
  Create();
  AwaitRefreshed();
  v1::DeleteConnectionRequest request;
  request.set_name("new");
  const auto deleted = Run(subject_->Delete(request));
  ASSERT_THAT(deleted, IsOk());
  EXPECT_EQ(deleted->removed(), 3);
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_P(ConnectionsTest, OneWithWebhooksIsDeletedOnlyWhereTheyAreGivenUp) {
  Create();
  AwaitRefreshed();
  const auto entry = Run(catalog_->GetByForgeId("forge.example", "1"));
  ASSERT_THAT(entry, IsOk());
  ASSERT_THAT(
      Run(hooks_->Attach({.connection = "new", .repository = entry->id()},
                         "platform", /*unmanaged=*/false)),
      IsOk());
  v1::DeleteConnectionRequest request;
  request.set_name("new");
  EXPECT_THAT(Run(subject_->Delete(request)),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("detach")));
  request.set_abandon_webhooks(true);
  EXPECT_THAT(Run(subject_->Delete(request)), IsOk());
}

TEST_P(ConnectionsTest, OneOfTheConfigurationIsChangedThere) {
  v1::ConnectionInfo info;
  info.set_name("configured");
  info.set_type("github");
  info.set_instance("forge.example");
  ASSERT_THAT(Run(connections_->SetConfigured({info}, {"github"})), IsOk());
  v1::UpdateConnectionRequest update;
  update.set_name("configured");
  EXPECT_THAT(
      Run(subject_->Update(update)),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("change it there")));
  v1::DeleteConnectionRequest remove;
  remove.set_name("configured");
  EXPECT_THAT(Run(subject_->Delete(remove)),
              StatusIs(StatusCode::kFailedPrecondition));
}

TEST_P(ConnectionsTest, AKeyCanBeReplacedWithoutAGap) {
  Create();
  const std::string before = Stored().sealed;
  WriteKeys({'b', 'a'});
  wall_.Advance(absl::Minutes(1));
  ASSERT_THAT(Run(subject_->Reseal()), IsOk());
  EXPECT_NE(Stored().sealed, before);
  WriteKeys({'b'});
  wall_.Advance(absl::Minutes(1));
  EXPECT_EQ(Opened().secret().at("token"), kSecret);
  const std::string after = Stored().sealed;
  ASSERT_THAT(Run(subject_->Reseal()), IsOk());
  EXPECT_EQ(Stored().sealed, after);
}

TEST_P(ConnectionsTest, OneWhoseKeyIsGoneIsNamedAndStays) {
  Create();
  const std::string before = Stored().sealed;
  WriteKeys({'b'});
  wall_.Advance(absl::Minutes(1));
  EXPECT_THAT(Run(subject_->Reseal()),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("new")));
  EXPECT_EQ(Stored().sealed, before);
}

}  // namespace
}  // namespace lamplighter::reposync
