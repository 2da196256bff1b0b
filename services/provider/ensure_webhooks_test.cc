#include "services/provider/ensure_webhooks.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/async/testing/run_sync.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kUrl[] = "https://hooks.example.com/forge";
constexpr char kFormer[] = "https://old.example.com/forge";
constexpr char kForeign[] = "https://ci.example.com/hook";

// A forge that has webhooks and nothing else.
class WebhookForge final : public Forge {
 public:
  std::vector<std::string> WebhookKinds() const override { return kinds; }

  std::vector<std::string> WebhookEvents() const override { return {"push"}; }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& /*call*/, WantedWebhook /*wanted*/,
      std::vector<std::string> /*former_urls*/) override {
    co_return shown;
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& /*call*/, WantedWebhook wanted, std::string kind,
      std::string id) override {
    writes.push_back(absl::StrCat(kind, id.empty() ? "+" : id));
    if (kind == failing_kind) {
      shown.insert(shown.end(), anothers.begin(), anothers.end());
      co_return failure;
    }
    if (id.empty()) {
      id = absl::StrCat("new", ++created);
      shown.push_back({id, wanted.url, kind, ""});
    }
    co_return id;
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& /*call*/,
                                              std::string id) override {
    deletes.push_back(id);
    shown.erase(
        std::remove_if(shown.begin(), shown.end(),
                       [&](const ForgeWebhook& hook) { return hook.id == id; }),
        shown.end());
    co_return absl::OkStatus();
  }

  absl::StatusOr<ForgeStatus> Render(const v1::StatusIntent&) const override {
    return absl::UnimplementedError("");
  }
  v1::CommitState StateOf(absl::string_view) const override {
    return v1::COMMIT_STATE_UNSPECIFIED;
  }
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall&, std::string, ForgeStatus) override {
    co_return absl::UnimplementedError("");
  }
  asio::awaitable<absl::StatusOr<std::string>> Write(ForgeCall&, std::string,
                                                     ForgeStatus) override {
    co_return absl::UnimplementedError("");
  }
  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall&, std::string) override {
    co_return absl::UnimplementedError("");
  }
  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall&, std::string, std::string) override {
    co_return absl::UnimplementedError("");
  }
  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall&) override {
    co_return absl::UnimplementedError("");
  }
  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall&) override {
    co_return absl::UnimplementedError("");
  }

  std::vector<std::string> kinds = {""};
  std::vector<ForgeWebhook> shown;
  std::string failing_kind = "none";
  absl::Status failure = absl::UnavailableError("trouble");
  std::vector<ForgeWebhook> anothers;  // created while we fail to
  int created = 0;
  std::vector<std::string> writes;   // kind and id, "+" for a new one
  std::vector<std::string> deletes;  // ids
};

class EnsureWebhooksTest : public ForgeFixture {
 protected:
  EnsureWebhooksTest() : ForgeFixture("github") {}

  // "id:ACTION" each.
  std::vector<std::string> Ensure(bool rewrite = false) {
    ForgeCall call = MakeCall("https://github.com/org/repo");
    auto webhooks = RunSync(EnsureWebhooks(
        forge_, call, {kUrl, "s3cret", "", ""}, {kFormer}, rewrite));
    status_ = webhooks.status();
    return Brief(webhooks);
  }
  std::vector<std::string> Remove() {
    ForgeCall call = MakeCall("https://github.com/org/repo");
    auto webhooks = RunSync(
        RemoveWebhooks(forge_, call, {kUrl, "s3cret", "", ""}, {kFormer}));
    status_ = webhooks.status();
    return Brief(webhooks);
  }

  static std::vector<std::string> Brief(
      const absl::StatusOr<std::vector<v1::Webhook>>& webhooks) {
    std::vector<std::string> brief;
    if (!webhooks.ok()) return brief;
    for (const v1::Webhook& webhook : *webhooks) {
      brief.push_back(absl::StrCat(webhook.forge_id(), ":",
                                   v1::Webhook::Action_Name(webhook.action())));
    }
    return brief;
  }

  WebhookForge forge_;
  absl::Status status_;
};

TEST_F(EnsureWebhooksTest, CreatesWhatIsMissingAndThenLeavesItAlone) {
  forge_.shown = {{"7", kForeign, "", ""}};
  EXPECT_THAT(Ensure(), ElementsAre("new1:CREATED"));
  EXPECT_THAT(Ensure(), ElementsAre("new1:UNCHANGED"));
  EXPECT_THAT(forge_.writes, ElementsAre("+"));
  EXPECT_THAT(forge_.deletes, IsEmpty());
}

TEST_F(EnsureWebhooksTest, MendsWhatDiffers) {
  forge_.shown = {{"1", kUrl, "", "is not active"}};
  EXPECT_THAT(Ensure(), ElementsAre("1:REPAIRED"));
  EXPECT_THAT(forge_.writes, ElementsAre("1"));
}

TEST_F(EnsureWebhooksTest, RewritesWhatLooksRightWhereAskedTo) {
  forge_.shown = {{"1", kUrl, "", ""}};
  EXPECT_THAT(Ensure(/*rewrite=*/true), ElementsAre("1:REPAIRED"));
}

TEST_F(EnsureWebhooksTest, TakesOffDoublesAndFormerOnesAndNoOther) {
  forge_.shown = {{"1", kUrl, "", ""},
                  {"2", kUrl, "", ""},
                  {"3", kFormer, "", ""},
                  {"4", kForeign, "", ""}};
  EXPECT_THAT(Ensure(), ElementsAre("1:UNCHANGED", "2:REMOVED", "3:REMOVED"));
  EXPECT_THAT(forge_.deletes, ElementsAre("2", "3"));
}

TEST_F(EnsureWebhooksTest, AFormerOneGoesOnlyOnceTheNewOneIsThere) {
  forge_.shown = {{"3", kFormer, "", ""}};
  forge_.failing_kind = "";
  Ensure();
  EXPECT_THAT(status_, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(forge_.deletes, IsEmpty());
}

TEST_F(EnsureWebhooksTest, KeepsOneOfEachKind) {
  forge_.kinds = {"push", "created", "updated"};
  forge_.shown = {{"1", kUrl, "created", ""}, {"2", kUrl, "unknown", ""}};
  EXPECT_THAT(Ensure(), ElementsAre("new1:CREATED", "1:UNCHANGED",
                                    "new2:CREATED", "2:REMOVED"));
}

TEST_F(EnsureWebhooksTest, TakesBackWhatItCreatedWhereOneFails) {
  forge_.kinds = {"push", "created", "updated"};
  forge_.shown = {{"1", kUrl, "push", ""}};
  forge_.failing_kind = "updated";
  Ensure();
  EXPECT_THAT(status_, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(forge_.deletes, ElementsAre("new1")) << "1 was there before";
}

TEST_F(EnsureWebhooksTest, AdoptsWhatAnotherCreatedAtTheSameTime) {
  forge_.kinds = {"push"};
  forge_.failing_kind = "push";
  forge_.failure = absl::AlreadyExistsError("there is one");
  Ensure();
  EXPECT_THAT(status_, StatusIs(StatusCode::kUnavailable))
      << "none is shown yet";
  EXPECT_THAT(forge_.deletes, IsEmpty());
}

TEST_F(EnsureWebhooksTest, WritesTheSecretToWhatAnotherCreated) {
  forge_.failing_kind = "";
  forge_.failure = absl::AlreadyExistsError("there is one");
  forge_.anothers = {{"9", kUrl, "", ""}};
  Ensure();
  EXPECT_THAT(forge_.writes, ElementsAre("+", "9"));
}

TEST_F(EnsureWebhooksTest, RemovesOursAndNoOther) {
  forge_.shown = {{"1", kUrl, "", ""},
                  {"3", kFormer, "", "is not active"},
                  {"4", kForeign, "", ""},
                  {"5", absl::StrCat(kUrl, "/more"), "", ""}};
  EXPECT_THAT(Remove(), UnorderedElementsAre("1:REMOVED", "3:REMOVED"));
  EXPECT_THAT(forge_.deletes, UnorderedElementsAre("1", "3"));
  EXPECT_THAT(Remove(), IsEmpty());
  EXPECT_THAT(status_, IsOk());
}

}  // namespace
}  // namespace lamplighter::provider
