#include "services/dispatcher/status_service/requests.h"

#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/manifests/objects.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kSha[] = "0123456789ABCDEF0123456789abcdef01234567";

class RequestsTest : public ::testing::Test {
 protected:
  RequestsTest() {
    Add("fleet", "https://GitHub.com/Acme/Fleet");
    Add("suspended", "https://github.com/acme/fleet").suspend = true;
    Add("acme", "https://github.com/acme")
        .annotations["lamplighter.dev/account"] = "true";
    manifests_.other_providers.insert({"apps", "slack"});
    request_.mutable_provider()->set_namespace_("apps");
    request_.mutable_provider()->set_name("fleet");
    request_.set_sha(kSha);
    request_.set_context("release/web");
    request_.set_state(v1::SUCCESS);
  }

  Provider& Add(const std::string& name, const std::string& address) {
    Provider& provider = manifests_.providers[{"apps", name}];
    provider.namespace_ = "apps";
    provider.name = name;
    provider.type = "github";
    provider.address = address;
    return provider;
  }

  absl::StatusOr<v1::StatusIntent> Make(const std::string& client = "ci") {
    return MakeIntent(request_, manifests_, client, now_, random_);
  }

  // What is wrong with the request.
  absl::Status Problem() { return Make().status(); }

  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  absl::BitGen random_;
  Manifests manifests_;
  v1::SetStatusRequest request_;
};

auto IsWrong(const std::string& what) {
  return StatusIs(StatusCode::kInvalidArgument, HasSubstr(what));
}

TEST_F(RequestsTest, MakesAnIntentForTheProvidersOwnRepository) {
  request_.set_description("3 of 3 pods ready");
  request_.set_target_url("https://ci.example.org/1");
  const auto intent = Make();
  ASSERT_THAT(intent, IsOk());
  EXPECT_EQ(intent->repository_id(), "github.com/acme/fleet");
  EXPECT_EQ(intent->sha(), "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(intent->context(), "release/web");
  EXPECT_EQ(intent->state(), v1::SUCCESS);
  EXPECT_EQ(intent->description(), "3 of 3 pods ready");
  EXPECT_EQ(intent->target_url(), "https://ci.example.org/1");
  EXPECT_EQ(FromProto(intent->event_time()), now_);
  EXPECT_EQ(intent->client(), "ci");
  EXPECT_THAT(intent->id(), StartsWith("request/ci/"));
}

TEST_F(RequestsTest, EachRequestWithoutAKeyIsItsOwn) {
  EXPECT_NE(Make()->id(), Make()->id());
}

TEST_F(RequestsTest, TheSameRequestMakesTheSameIntentWhenever) {
  request_.set_idempotency_key("build 42\nweb");
  *request_.mutable_event_time() = ToProto(now_ - absl::Hours(1));
  const auto first = Make();
  const auto second =
      MakeIntent(request_, manifests_, "ci", now_ + absl::Minutes(5), random_);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
  EXPECT_THAT(first->id(), Not(HasSubstr("build 42")));
  EXPECT_NE(first->id(), Make("another client")->id());
}

TEST_F(RequestsTest, AKeyNeedsATimeAsTheRequestMustNotBecomeNewer) {
  request_.set_idempotency_key("build-42");
  EXPECT_THAT(Problem(), IsWrong("event_time: must be set"));
}

TEST_F(RequestsTest, TakesNoTimeFromTheFuture) {
  *request_.mutable_event_time() = ToProto(now_ + absl::Minutes(4));
  EXPECT_THAT(Make(), IsOk());
  *request_.mutable_event_time() = ToProto(now_ + absl::Minutes(6));
  EXPECT_THAT(Problem(), IsWrong("in the future"));
  request_.mutable_event_time()->set_seconds(-1);
  EXPECT_THAT(Problem(), IsWrong("event_time"));
  request_.mutable_event_time()->set_seconds(1);
  request_.mutable_event_time()->set_nanos(2'000'000'000);
  EXPECT_THAT(Problem(), IsWrong("event_time"));
}

TEST_F(RequestsTest, SaysThatThereIsNoSuchProvider) {
  request_.mutable_provider()->set_name("other");
  EXPECT_THAT(Problem(),
              StatusIs(StatusCode::kNotFound, HasSubstr("apps/other")));
  request_.mutable_provider()->set_name("slack");
  EXPECT_THAT(Problem(), IsWrong("sets no statuses"));
  request_.mutable_provider()->set_name("suspended");
  EXPECT_THAT(Problem(), StatusIs(StatusCode::kFailedPrecondition,
                                  HasSubstr("suspended")));
  request_.clear_provider();
  EXPECT_THAT(Problem(), IsWrong("provider"));
}

TEST_F(RequestsTest, TakesNoRepositoryThatIsNotTheProviders) {
  request_.set_repository_id("GitHub.com/acme/FLEET");
  ASSERT_THAT(Make(), IsOk());
  EXPECT_EQ(Make()->repository_id(), "github.com/acme/fleet");
  request_.set_repository_id("github.com/acme/other");
  EXPECT_THAT(Problem(), IsWrong("is for github.com/acme/fleet"));
}

TEST_F(RequestsTest, AnAccountsProviderIsForAllRepositoriesOfItAndNoOther) {
  request_.mutable_provider()->set_name("acme");
  EXPECT_THAT(Problem(), IsWrong("repository_id: must be set"));
  request_.set_repository_id("github.com/Acme/Web");
  ASSERT_THAT(Make(), IsOk());
  EXPECT_EQ(Make()->repository_id(), "github.com/acme/web");
  request_.set_repository_id("github.com/evil/web");
  EXPECT_THAT(Problem(), IsWrong("repository_id"));
  request_.set_repository_id("gitlab.com/acme/web");
  EXPECT_THAT(Problem(), IsWrong("repository_id"));
  request_.set_repository_id("github.com/acme/../evil/web");
  EXPECT_THAT(Problem(), IsWrong("repository_id"));
}

TEST_F(RequestsTest, SaysWhichFieldIsWrong) {
  const auto with = [this](auto change) {
    const v1::SetStatusRequest good = request_;
    change(request_);
    const absl::Status problem = Problem();
    request_ = good;
    return problem;
  };
  EXPECT_THAT(with([](auto& r) { r.set_sha("abc123"); }), IsWrong("sha: "));
  EXPECT_THAT(with([](auto& r) { r.set_sha(std::string(40, 'g')); }),
              IsWrong("sha: "));
  EXPECT_THAT(with([](auto& r) { r.clear_context(); }), IsWrong("context: "));
  EXPECT_THAT(with([](auto& r) { r.set_context(std::string(256, 'c')); }),
              IsWrong("context: "));
  EXPECT_THAT(with([](auto& r) { r.set_context("a\nb"); }),
              IsWrong("context: "));
  EXPECT_THAT(with([](auto& r) { r.clear_state(); }), IsWrong("state: "));
  EXPECT_THAT(with([](auto& r) { r.set_state(v1::CommitState(99)); }),
              IsWrong("state: "));
  EXPECT_THAT(
      with([](auto& r) { r.set_description(std::string(10'001, 'd')); }),
      IsWrong("description: "));
  EXPECT_THAT(with([](auto& r) { r.set_target_url("javascript:alert(1)"); }),
              IsWrong("target_url: "));
  EXPECT_THAT(
      with([](auto& r) { r.set_idempotency_key(std::string(129, 'k')); }),
      IsWrong("idempotency_key: "));
}

}  // namespace
}  // namespace lamplighter::dispatcher
