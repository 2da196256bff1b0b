// What the provider worker costs by itself, without gRPC:
//
//   provider_load statuses FORGE_URL COUNT CREDENTIALS
//   provider_load repositories FORGE_URL
//
// The first sets COUNT statuses of as many contexts, 64 at once, with so many
// credentials in turn (each a read and a write). The second lists all
// repositories of the forge. The forge is a sandbox_forge that takes any token.
// Prints a JSON object: seconds, CPU of this process, which has one loop, and
// its peak RSS.

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "common/config/config_file.h"
#include "common/forge/forge_location.h"
#include "common/http/http_client.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "proto/lamplighter/config/v1/provider.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/account_worker.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/status_worker.h"
#include "services/provider/testing/fake_manifests.h"
#include <sys/resource.h>

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr int kAtOnce = 64;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// The worker with Providers p0, p1 ... of a credential each, and a connection.
class Worker {
 public:
  Worker(const std::string& url, int credentials) {
    for (int i = 0; i < credentials; ++i) {
      const std::string name = absl::StrCat("p", i);
      manifests_.Add(Secret{"bench", name, {{"token", "token-" + name}}});
      Provider provider;
      provider.namespace_ = "bench";
      provider.name = name;
      provider.type = "github";
      provider.address = absl::StrCat(url, "/org/", name);
      provider.secret_ref = name;
      manifests_.Add(std::move(provider));
    }
    connections_ = MakeConnection(url);
    http_ = CurlHttpClient::Create({}, loop_).value();
    jobs_ = ForgeJobs::Create({}, {manifests_, connections_}, *http_,
                              Clock::System(), metrics_)
                .value();
    statuses_ = std::make_unique<StatusWorker>(*jobs_);
    accounts_ = std::make_unique<AccountWorker>(*jobs_);
  }

  // How many failed.
  int SetStatuses(int count, int credentials) {
    int next = 0;
    int failed = 0;
    for (int i = 0; i < kAtOnce; ++i) {
      asio::co_spawn(loop_, SetSome(count, credentials, next, failed),
                     asio::detached);
    }
    loop_.run();
    return failed;
  }

  // How many there are; -1 where the listing failed.
  int64_t ListRepositories() {
    int64_t count = 0;
    auto write = [&count](v1::ListRepositoriesResponse page) {
      return Count(count, std::move(page));
    };
    v1::ListRepositoriesRequest request;
    request.mutable_account()->set_connection("account");
    asio::co_spawn(loop_,
                   accounts_->ListRepositories(std::move(request), write,
                                               absl::InfiniteFuture()),
                   [&count](const std::exception_ptr&, absl::Status status) {
                     if (!status.ok()) std::cerr << status << "\n";
                     if (!status.ok()) count = -1;
                   });
    loop_.run();
    return count;
  }

 private:
  asio::awaitable<void> SetSome(int count, int credentials, int& next,
                                int& failed) {
    while (next < count) {
      const int i = next++;
      const std::string name = absl::StrCat("p", i % credentials);
      v1::SetCommitStatusRequest request;
      v1::StatusIntent& intent = *request.mutable_intent();
      intent.mutable_provider()->set_namespace_("bench");
      intent.mutable_provider()->set_name(name);
      intent.set_repository_id(
          RepositoryId(
              "github",
              manifests_.Current()->FindProvider("bench", name)->address)
              .value());
      // A commit each: the lists that are read stay short.
      intent.set_sha(absl::StrFormat("%040x", i + 1));
      intent.set_context("kustomization/apps/0c9c2e41");
      intent.set_state(v1::SUCCESS);
      intent.set_description("reconciliation succeeded");
      const auto result =
          co_await statuses_->Set(std::move(request), absl::InfiniteFuture());
      if (!result.ok()) ++failed;
    }
  }

  static asio::awaitable<absl::Status> Count(
      int64_t& count, v1::ListRepositoriesResponse page) {
    count += page.repositories_size();
    co_return absl::OkStatus();
  }

  static Connections MakeConnection(const std::string& url) {
    std::string directory =
        (std::filesystem::temp_directory_path() / "bench-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) std::abort();
    std::ofstream(directory + "/token") << "token-of-the-account";
    config::v1::Provider config;
    config::v1::Connection& connection = *config.add_connections();
    connection.set_name("account");
    connection.set_type("github");
    connection.set_address(url);
    connection.set_secret_directory(directory);
    Connections connections =
        Connections::Create(config.connections(), {}).value();
    std::filesystem::remove_all(directory);
    return connections;
  }

  asio::io_context loop_{1};
  FakeManifests manifests_;
  Connections connections_;
  Metrics metrics_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> statuses_;
  std::unique_ptr<AccountWorker> accounts_;
};

int Run(const std::string& what, const std::string& url, int count,
        int credentials) {
  Worker worker(url, credentials);
  const absl::Time begin = Clock::System().Now();
  const double cpu = CpuSeconds();
  int64_t done = count;
  if (what == "statuses") {
    if (worker.SetStatuses(count, credentials) > 0) return 1;
  } else {
    done = worker.ListRepositories();
    if (done < 0) return 1;
  }
  std::cout << absl::StrFormat(
      R"({"done":%d,"seconds":%.3f,"cpu_us":%.2f,"peak_rss_mb":%.1f})"
      "\n",
      done, absl::ToDoubleSeconds(Clock::System().Now() - begin),
      (CpuSeconds() - cpu) * 1e6 / static_cast<double>(done), PeakMegabytes());
  return 0;
}

}  // namespace
}  // namespace lamplighter::provider

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  int count = 0;
  int credentials = 1;
  const bool is_usable =
      (what == "repositories" && argc == 3) ||
      (what == "statuses" && argc == 5 && absl::SimpleAtoi(argv[3], &count) &&
       absl::SimpleAtoi(argv[4], &credentials) && count > 0 && credentials > 0);
  if (!is_usable) {
    std::cerr << "provider_load statuses URL COUNT CREDENTIALS\n"
                 "provider_load repositories URL\n";
    return 2;
  }
  return lamplighter::provider::Run(what, argv[2], count, credentials);
}
