#include "common/app/app.h"

#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Events = std::vector<std::string>;
using Work = std::function<awaitable<absl::Status>(AppContext*)>;

awaitable<absl::Status> Nothing(AppContext* /*context*/) {
  co_return absl::OkStatus();
}

awaitable<absl::Status> Terminate(AppContext* /*context*/) {
  raise(SIGTERM);
  co_return absl::OkStatus();
}

awaitable<absl::Status> NoBroker(AppContext* /*context*/) {
  co_return absl::UnavailableError("no broker");
}

awaitable<absl::Status> Throw(AppContext* /*context*/) {
  throw std::runtime_error("a bug");
  co_return absl::OkStatus();
}

awaitable<absl::Status> Fail(AppContext* context) {
  context->fail(absl::DataLossError("disk is gone"));
  co_return absl::OkStatus();
}

// Ends only if it is cancelled.
awaitable<absl::Status> WaitForEver(AppContext* /*context*/) {
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return absl::CancelledError("gave up");
}

awaitable<absl::Status> TerminateAndWait(AppContext* context) {
  raise(SIGTERM);
  co_return co_await WaitForEver(context);
}

// Notes what happens to it.
class FakeService final : public Service {
 public:
  FakeService(std::string name, Events& events, AppContext& context, Work start,
              Work stop)
      : name_(std::move(name)),
        events_(events),
        context_(context),
        start_(std::move(start)),
        stop_(std::move(stop)) {}

  awaitable<absl::Status> Start() override {
    events_.push_back("start " + name_);
    co_return co_await start_(&context_);
  }
  awaitable<void> Stop() override {
    events_.push_back("stop " + name_ + ": " +
                      std::string(context_.health.Ready().message()));
    (co_await stop_(&context_)).IgnoreError();  // Stop() has none to tell
  }

 private:
  const std::string name_;
  Events& events_;
  AppContext& context_;
  const Work start_;
  const Work stop_;
};

class AppTest : public ::testing::Test {
 protected:
  ServiceFactory Make(std::string name, Work start = Nothing,
                      Work stop = Nothing) {
    return [this, name, start, stop](AppContext& context)
               -> absl::StatusOr<std::unique_ptr<Service>> {
      return std::make_unique<FakeService>(name, events_, context, start, stop);
    };
  }

  static ServiceFactory Refuse(const absl::Status& status) {
    return [status](AppContext& /*context*/)
               -> absl::StatusOr<std::unique_ptr<Service>> { return status; };
  }

  // Runs with the arguments; what it printed is in `printed_` and `logged_`.
  int Main(std::vector<std::string> arguments,
           const std::vector<ServiceFactory>& services) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int status =
        RunMain(static_cast<int>(argv.size()), argv.data(), services);
    printed_ = ::testing::internal::GetCapturedStdout();
    logged_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  int RunWith(const std::string& config,
              const std::vector<ServiceFactory>& services) {
    return Main({"--config", FileWith(config)}, services);
  }

  static std::string FileWith(const std::string& config) {
    std::string path = ::testing::TempDir() + "app.yaml";
    std::ofstream(path) << config;
    return path;
  }

  Events events_;
  std::string printed_;
  std::string logged_;
};

using AppDeathTest = AppTest;

TEST_F(AppTest, StartsInOrderAndStopsInReverse) {
  EXPECT_EQ(RunWith("", {Make("a"), Make("b"), Make("c", Terminate)}), 0);
  EXPECT_THAT(events_, ElementsAre("start a", "start b", "start c",
                                   HasSubstr("stop c: stopping"),
                                   HasSubstr("stop b: stopping"),
                                   HasSubstr("stop a: stopping")));
}

TEST_F(AppTest, IsReadyOnlyOnceAllHaveStarted) {
  const auto note_ready = [this](AppContext* context) {
    events_.push_back(std::string(context->health.Ready().message()));
    return Nothing(context);
  };
  EXPECT_EQ(RunWith("", {Make("a", note_ready), Make("b", Terminate)}), 0);
  EXPECT_EQ(events_[1], "start: not all services have started");
}

TEST_F(AppTest, AFailureAtStartStopsWhatWasStarted) {
  EXPECT_EQ(RunWith("", {Make("a"), Make("b", NoBroker), Make("c")}), 1);
  EXPECT_THAT(events_, ElementsAre("start a", "start b", HasSubstr("stop b"),
                                   HasSubstr("stop a")));
  EXPECT_THAT(logged_,
              HasSubstr("ERROR fatal error=\"UNAVAILABLE: no broker\""));
}

TEST_F(AppTest, AnExceptionAtStartIsAFailure) {
  EXPECT_EQ(RunWith("", {Make("a", Throw)}), 1);
  EXPECT_THAT(logged_, HasSubstr("fatal error=\"INTERNAL: a bug\""));
}

TEST_F(AppTest, AServiceCanEndTheProcess) {
  EXPECT_EQ(RunWith("", {Make("a"), Make("b", Fail)}), 1);
  EXPECT_THAT(events_, ElementsAre("start a", "start b", HasSubstr("stop b"),
                                   HasSubstr("stop a")));
  EXPECT_THAT(logged_, HasSubstr("DATA_LOSS: disk is gone"));
}

TEST_F(AppTest, AnExceptionAtStopDoesNotKeepOthersFromStopping) {
  EXPECT_EQ(RunWith("", {Make("a", Terminate), Make("b", Nothing, Throw)}), 1);
  EXPECT_THAT(events_.back(), HasSubstr("stop a"));
}

TEST_F(AppTest, ASignalCancelsAStart) {
  EXPECT_EQ(RunWith("", {Make("a", TerminateAndWait), Make("b")}), 0);
  EXPECT_THAT(events_, ElementsAre("start a", HasSubstr("stop a")));
}

TEST_F(AppDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  const std::string path = FileWith("");
  std::string arguments[] = {"program", "--config", path};
  char* argv[] = {arguments[0].data(), arguments[1].data(),
                  arguments[2].data()};
  EXPECT_EXIT(RunMain(3, argv, {Make("a", Terminate, TerminateAndWait)}),
              ::testing::ExitedWithCode(1), "second signal");
}

TEST_F(AppTest, CheckMakesServicesAndStartsNone) {
  const std::string path = FileWith("");
  EXPECT_EQ(Main({"--check", "--config=" + path}, {Make("a")}), 0);
  EXPECT_EQ(printed_, path + ": ok\n");
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(AppTest, PrintsAllMistakesOfTheFilePlainly) {
  const std::string path = FileWith("kafka: {a: 1}\ningest: 3\n");
  EXPECT_EQ(Main({"--config", path}, {Make("a")}), 2);
  EXPECT_EQ(logged_, path + ":1: kafka.a: unknown key\n" + path +
                         ":2: ingest: expected keys and values\n");
  EXPECT_EQ(Main({"--config", "/no/such.yaml"}, {}), 2);
  EXPECT_THAT(logged_, HasSubstr("/no/such.yaml"));
}

TEST_F(AppTest, PrintsWhatEveryServiceFindsWrong) {
  EXPECT_EQ(RunWith("", {Make("a"), Refuse(absl::InvalidArgumentError("x")),
                         Refuse(absl::NotFoundError("y"))}),
            2);
  EXPECT_EQ(logged_, "x\ny\n");
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(AppTest, TellsFailureFromBadConfiguration) {
  EXPECT_EQ(RunWith("", {Refuse(absl::UnavailableError("x")),
                         Refuse(absl::InvalidArgumentError("y"))}),
            1);
}

TEST_F(AppTest, RefusesBadUsage) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"--config"},
                                                    {"--config="},
                                                    {"--check"},
                                                    {"run", "--config", "x"},
                                                    {"--verbose"}}) {
    EXPECT_EQ(Main(arguments, {Make("a")}), 2);
    EXPECT_THAT(logged_, HasSubstr("\n\nusage: "));
    EXPECT_EQ(printed_, "");
  }
}

TEST_F(AppTest, PrintsVersionAndHelp) {
  EXPECT_EQ(Main({"--version"}, {}), 0);
  EXPECT_EQ(printed_, "lamplighter 0.1.0 (unknown)\n");
  EXPECT_EQ(Main({"--help"}, {}), 0);
  EXPECT_THAT(printed_, HasSubstr("--config FILE"));
}

TEST_F(AppTest, ServesEachAdminAddressOnce) {
  EXPECT_EQ(RunWith("ingest: {admin_listen: '127.0.0.1:0'}\n"
                    "dispatcher: {admin_listen: '127.0.0.1:0'}\n",
                    {Make("a", Terminate)}),
            0);
  const std::string line = "admin server listens address=127.0.0.1:0 port=";
  const size_t first = logged_.find(line);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(logged_.find(line, first + 1), std::string::npos);
}

TEST_F(AppTest, AnAdminAddressThatCannotBeBoundIsAFailure) {
  // TEST-NET-1: no machine has it.
  EXPECT_EQ(RunWith("provider: {admin_listen: '192.0.2.1:1'}", {Make("a")}), 1);
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_THAT(logged_, HasSubstr("192.0.2.1:1"));
}

TEST_F(AppTest, LogsAsConfigured) {
  EXPECT_EQ(RunWith("telemetry: {log_format: json, log_level: error}",
                    {Make("a", Fail)}),
            1);
  EXPECT_THAT(logged_,
              AllOf(HasSubstr("\"level\":\"error\""),
                    Not(HasSubstr("\"level\":\"info\"")), EndsWith("}\n")));
}

}  // namespace
}  // namespace lamplighter
