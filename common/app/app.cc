#include "common/app/app.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/error.hpp"
#include "boost/asio/experimental/awaitable_operators.hpp"
#include "boost/asio/signal_set.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/system/system_error.hpp"
#include "common/app/admin_server.h"
#include "common/app/command_line.h"
#include "common/app/process_metrics.h"
#include "common/app/trace_export.h"
#include "common/app/version.h"
#include "common/http/http_server.h"
#include "common/log/log.h"
#include "proto/lamplighter/config/v1/telemetry.pb.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
// NOLINTNEXTLINE(misc-unused-using-decls): it is used in a coroutine
using ::boost::asio::experimental::awaitable_operators::operator||;

constexpr int kSuccess = 0;
constexpr int kFailure = 1;
constexpr int kBadConfig = 2;

constexpr absl::Duration kAdminDrain = absl::Seconds(1);
// For the last spans, wherever the collector is.
constexpr absl::Duration kTraceFlush = absl::Seconds(3);
// How long what services left on the loop may still run.
constexpr absl::Duration kLastTurns = absl::Seconds(1);

// What an exception that escaped a service means; a service has none to throw.
absl::Status Escaped(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      return absl::CancelledError("cancelled");
    }
    return absl::InternalError(e.what());
  } catch (const std::exception& e) {
    return absl::InternalError(e.what());
  } catch (...) {
    return absl::InternalError("unknown exception");
  }
}

asio::awaitable<absl::Status> StartOne(Service& service) {
  try {
    co_return co_await service.Start();
  } catch (...) {
    co_return Escaped(std::current_exception());
  }
}

asio::awaitable<absl::Status> StopOne(Service& service) {
  try {
    co_await service.Stop();
    co_return absl::OkStatus();
  } catch (...) {
    co_return Escaped(std::current_exception());
  }
}

// A process from its configuration on. On the loop, which its Run() turns.
class App {
 public:
  App(const config::v1::Config& config, const ConfigFile& file,
      std::vector<std::string> admin_addresses)
      : admin_addresses_(std::move(admin_addresses)),
        context_{.loop = loop_,
                 .config = config,
                 .config_file = file,
                 .metrics = metrics_,
                 .health = health_,
                 .clock = Clock::System(),
                 .fail = [this](const absl::Status& why) { Fail(why); },
                 .stop = [this] { RequestStop(); }} {}

  // Makes all services, so that all mistakes show at once. An exit status.
  int Make(const std::vector<ServiceFactory>& factories) {
    int result = kSuccess;
    const auto tell = [&result](const absl::Status& status) {
      std::cerr << status.message() << '\n';
      const bool bad_config =
          absl::IsInvalidArgument(status) || absl::IsNotFound(status);
      result = bad_config && result != kFailure ? kBadConfig : kFailure;
    };
    auto traces =
        TraceExport::Create(context_.config.telemetry(), context_.config_file,
                            loop_, metrics_, context_.clock);
    if (!traces.ok()) {
      tell(traces.status());
    } else if (*traces != nullptr) {
      traces_ = *std::move(traces);
      context_.tracer = traces_->tracer();
    }
    for (const ServiceFactory& factory : factories) {
      absl::StatusOr<std::unique_ptr<Service>> service = factory(context_);
      if (service.ok()) {
        services_.push_back(*std::move(service));
      } else {
        tell(service.status());
      }
    }
    return result;
  }

  // Starts, serves until told to stop, and stops. An exit status.
  int Run() {
    AwaitSignal();
    asio::co_spawn(loop_, Live(), [this](const std::exception_ptr& error) {
      if (error) Fail(Escaped(error));
      signals_.cancel();
      loop_.stop();
    });
    loop_.run();
    loop_.restart();
    // What they wait for on the loop ends with them.
    while (!services_.empty()) services_.pop_back();
    admin_servers_.clear();
    loop_.run_for(absl::ToChronoMilliseconds(kLastTurns));
    if (!loop_.stopped()) {
      LAMPLIGHTER_LOG(kWarning, "work was left on the loop");
    }
    LAMPLIGHTER_LOG(kInfo, "stopped").With("status", result_);
    return result_;
  }

 private:
  asio::awaitable<void> Live() {
    health_.AddCheck("start", [] {
      return absl::UnavailableError("not all services have started");
    });
    const absl::Status admin = StartAdminServers();
    if (admin.ok()) {
      co_await (StartServices() || stop_.async_wait(kAsTuple));
    } else {
      Fail(admin);
    }
    co_await stop_.async_wait(kAsTuple);
    health_.SetStopping();
    co_await StopServices();
    if (traces_ != nullptr) co_await traces_->Stop(kTraceFlush);
    for (const auto& server : admin_servers_) {
      co_await server->Stop(kAdminDrain);
    }
  }

  absl::Status StartAdminServers() {
    for (const std::string& address : admin_addresses_) {
      auto server =
          MakeAdminServer(address, loop_, health_, metrics_, process_metrics_);
      if (!server.ok()) return server.status();
      (*server)->Start();
      LAMPLIGHTER_LOG(kInfo, "admin server listens")
          .With("address", address)
          .With("port", (*server)->port());
      admin_servers_.push_back(*std::move(server));
    }
    return absl::OkStatus();
  }

  asio::awaitable<void> StartServices() {
    for (const auto& service : services_) {
      ++started_;
      const absl::Status status = co_await StartOne(*service);
      if (stopping_) co_return;
      if (!status.ok()) {
        Fail(status);
        co_return;
      }
    }
    health_.RemoveCheck("start");
    LAMPLIGHTER_LOG(kInfo, "started")
        .With("version", kVersion)
        .With("revision", kRevision);
  }

  asio::awaitable<void> StopServices() {
    while (started_ > 0) {
      const absl::Status status = co_await StopOne(*services_[--started_]);
      if (status.ok()) continue;
      LAMPLIGHTER_LOG(kError, "service did not stop well")
          .With("error", status);
      result_ = kFailure;
    }
  }

  void AwaitSignal() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      if (stopping_) {
        LAMPLIGHTER_LOG(kError, "second signal: ending at once");
        std::_Exit(kFailure);
      }
      LAMPLIGHTER_LOG(kInfo, "stopping").With("signal", signal);
      RequestStop();
      AwaitSignal();
    });
  }

  void Fail(const absl::Status& why) {
    LAMPLIGHTER_LOG(kError, "fatal").With("error", why);
    result_ = kFailure;
    RequestStop();
  }

  void RequestStop() {
    stopping_ = true;
    // Whoever waits for it goes on, and who comes later does not wait.
    stop_.expires_at(asio::steady_timer::time_point());
  }

  static constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

  // First, so that it is destroyed last.
  asio::io_context loop_{1};
  Metrics metrics_;
  Health health_;
  ProcessMetrics process_metrics_{metrics_, Clock::System().Now()};
  const std::vector<std::string> admin_addresses_;
  std::unique_ptr<TraceExport> traces_;  // null where none are exported
  AppContext context_;
  std::vector<std::unique_ptr<Service>> services_;
  size_t started_ = 0;  // so many of `services_` are to be stopped
  std::vector<std::unique_ptr<HttpServer>> admin_servers_;
  asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  asio::steady_timer stop_{loop_, asio::steady_timer::time_point::max()};
  bool stopping_ = false;
  int result_ = kSuccess;
};

void InitLogFrom(const config::v1::Telemetry& telemetry) {
  using config::v1::Telemetry;
  LogLevel level = LogLevel::kInfo;
  if (telemetry.log_level() == Telemetry::DEBUG) level = LogLevel::kDebug;
  if (telemetry.log_level() == Telemetry::WARNING) level = LogLevel::kWarning;
  if (telemetry.log_level() == Telemetry::ERROR) level = LogLevel::kError;
  InitLog(telemetry.log_format() == Telemetry::JSON ? LogFormat::kJson
                                                    : LogFormat::kText,
          level);
}

// The distinct values of `admin_listen` in the sections.
std::vector<std::string> AdminAddresses(
    const config::v1::Config& config,
    const std::vector<std::string>& sections) {
  const std::map<std::string, std::string> by_section = {
      {"ingest", config.ingest().admin_listen()},
      {"dispatcher", config.dispatcher().admin_listen()},
      {"provider", config.provider().admin_listen()},
      {"reposync", config.reposync().admin_listen()}};
  std::set<std::string> addresses;
  for (const std::string& section : sections) {
    const auto found = by_section.find(section);
    LAMPLIGHTER_CHECK(found != by_section.end(), "no section of that name");
    if (!found->second.empty()) addresses.insert(found->second);
  }
  return {addresses.begin(), addresses.end()};
}

int RunConfigured(const CommandLine& line,
                  const std::vector<ServiceFactory>& services,
                  const std::vector<std::string>& sections) {
  config::v1::Config config;
  const absl::StatusOr<ConfigFile> file = ConfigFile::Load(line.config, config);
  if (!file.ok()) {
    std::cerr << file.status().message() << '\n';
    return kBadConfig;
  }
  InitLogFrom(config.telemetry());
  // A peer that went away is an error of the write to it.
  std::signal(SIGPIPE, SIG_IGN);
  App app(config, *file, AdminAddresses(config, sections));
  const int made = app.Make(services);
  if (made != kSuccess) return made;
  if (line.action == CommandLine::Action::kRun) return app.Run();
  std::cout << line.config << ": ok\n";
  return kSuccess;
}

}  // namespace

int RunMain(int argc, char** argv, const std::vector<ServiceFactory>& services,
            const std::vector<std::string>& sections) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) {
    std::cerr << line.status().message() << "\n\n" << kUsage;
    return kBadConfig;
  }
  switch (line->action) {
    case CommandLine::Action::kHelp:
      std::cout << kUsage;
      return kSuccess;
    case CommandLine::Action::kVersion:
      std::cout << "lamplighter " << kVersion << " (" << kRevision << ")\n";
      return kSuccess;
    case CommandLine::Action::kRun:
    case CommandLine::Action::kCheck:
      return RunConfigured(*line, services, sections);
  }
  return kBadConfig;
}

}  // namespace lamplighter
