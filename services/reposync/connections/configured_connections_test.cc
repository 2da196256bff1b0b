#include "services/reposync/connections/configured_connections.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/grpc/grpc_channel.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "common/time/testing/fake_clock.h"
#include "services/reposync/connections/testing/scripted_worker.h"
#include "services/reposync/refresh/testing/refresh_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

class ConfiguredConnectionsTest : public RefreshTest {
 protected:
  void SetUp() override {
    RefreshTest::SetUp();
    if (IsSkipped()) return;
    workers_ = std::make_unique<Workers>(
        ProviderChannels{{"github", MakeChannel(hub_.address())},
                         {"default", MakeChannel(rest_.address())}});
    subject_ = std::make_unique<ConfiguredConnections>(
        ConfiguredConnections::Options{}, *workers_, *connections_, wall_,
        naps_);
  }

  static v1::ListConnectionsResponse Those(
      const std::vector<std::pair<std::string, std::string>>& connections) {
    v1::ListConnectionsResponse response;
    for (const auto& [name, type] : connections) {
      v1::ConnectionInfo& info = *response.add_connections();
      info.set_name(name);
      info.set_type(type);
      info.set_instance("forge.example");
    }
    return response;
  }
  // Of the catalog, beside the fixture's own.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto connections = Run(connections_->List());
    for (const StoredConnection& connection : *connections) {
      if (connection.info.name() != kConnection) {
        names.push_back(connection.info.name());
      }
    }
    return names;
  }

  // Runs until it has waited so often; how long, each time.
  std::vector<absl::Duration> WaitsOf(int naps) {
    const size_t before = naps_.Slept().size();
    naps_.Allow(naps);
    Run(RunAll());
    return {naps_.Slept().begin() + before, naps_.Slept().end()};
  }

  boost::asio::awaitable<bool> RunAll() {
    co_await subject_->Run();
    co_return true;
  }

  FakeSleeper naps_;
  FakeClock wall_{Clock::System().Now()};  // of calls' deadlines
  ScriptedWorker hub_;
  ScriptedWorker rest_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<ConfiguredConnections> subject_;
};

LAMPLIGHTER_ON_BOTH_DATABASES(ConfiguredConnectionsTest);

TEST_P(ConfiguredConnectionsTest, TakesOverWhatEachWorkerServes) {
  // Each knows the whole configuration, and answers for what is sent to it.
  hub_.SayOfConnections(Those({{"hub", "github"}, {"lab", "gitlab"}}));
  rest_.SayOfConnections(Those({{"hub2", "github"}, {"tea", "gitea"}}));
  ASSERT_THAT(Run(subject_->Update()), IsOk());
  EXPECT_THAT(Names(), ElementsAre("hub", "tea"));
  hub_.SayOfConnections({});
  ASSERT_THAT(Run(subject_->Update()), IsOk());
  EXPECT_THAT(Names(), ElementsAre("tea"));
}

TEST_P(ConfiguredConnectionsTest, OfAWorkerThatDoesNotAnswerEverythingStays) {
  hub_.SayOfConnections(Those({{"hub", "github"}}));
  rest_.SayOfConnections(Those({{"tea", "gitea"}}));
  ASSERT_THAT(Run(subject_->Update()), IsOk());
  hub_.SayOfConnections({}, {grpc::StatusCode::UNAVAILABLE, "starting"});
  rest_.SayOfConnections(Those({{"tea", "gitea"}, {"tea2", "gitea"}}));
  EXPECT_THAT(Run(subject_->Update()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("github")));
  EXPECT_THAT(Names(), ElementsAre("hub", "tea", "tea2"));
}

TEST_P(ConfiguredConnectionsTest, ANameThatWasTakenAtRunTimeStaysThatOnes) {
  hub_.SayOfConnections(Those({{kConnection, "github"}, {"hub", "github"}}));
  EXPECT_THAT(Run(subject_->Update()),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(kConnection)));
  EXPECT_THAT(Names(), ElementsAre("hub"));
  EXPECT_EQ(Run(connections_->Find(kConnection))->origin,
            v1::CatalogConnection::SERVICE);
}

TEST_P(ConfiguredConnectionsTest, AsksSoonAgainUntilAllWorkersHaveAnswered) {
  const auto about = [](absl::Duration most) {
    return AllOf(Ge(most / 2), Le(most));
  };
  hub_.SayOfConnections({}, {grpc::StatusCode::UNAVAILABLE, "starting"});
  EXPECT_THAT(WaitsOf(3),
              ElementsAre(about(absl::Seconds(1)), about(absl::Seconds(2)),
                          about(absl::Seconds(4))));
  hub_.SayOfConnections(Those({{"hub", "github"}}));
  EXPECT_THAT(WaitsOf(2), ElementsAre(absl::Minutes(1), absl::Minutes(1)));
  EXPECT_THAT(Names(), ElementsAre("hub"));
  hub_.SayOfConnections({}, {grpc::StatusCode::UNAVAILABLE, "starting"});
  EXPECT_THAT(WaitsOf(1), ElementsAre(about(absl::Seconds(1))));
}

}  // namespace
}  // namespace lamplighter::reposync
