// How fast repositories are written and searched: search_benchmark URL [ROWS].
// The database has to be new and empty. Prints CPU time and wall time per
// repository of pages of 100, and how long searches take, in milliseconds.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/catalog_store.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/repository_rows.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

constexpr int64_t kPage = 100;
constexpr int kSearches = 200;  // of each query

// A splitmix64: the same rows on every machine.
uint64_t Mix(uint64_t seed) {
  seed += 0x9e3779b97f4a7c15;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
  return seed ^ (seed >> 31);
}

constexpr const char* kWords[] = {
    "service", "api",    "web",      "infra",   "deploy",     "terraform",
    "gateway", "worker", "console",  "billing", "auth",       "metrics",
    "storage", "search", "mobile",   "library", "kubernetes", "operator",
    "docs",    "tools",  "pipeline", "events",  "catalog",    "notifier"};

std::string WordOf(uint64_t seed) { return kWords[Mix(seed) % 24]; }

v1::CatalogRepository RepositoryOf(int64_t number) {
  v1::CatalogRepository repository;
  const std::string group =
      absl::StrCat("team-", WordOf(number / 500), "-", number / 500);
  const std::string name =
      absl::StrCat(WordOf(number * 3), "-", WordOf(number * 3 + 1), "-",
                   absl::Hex(Mix(number) % 0xfffff));
  repository.set_forge_id(absl::StrCat(number));
  repository.set_group(group);
  repository.set_name(name);
  repository.set_path(absl::StrCat(group, "/", name));
  repository.set_repository_id(absl::StrCat("github.com/", group, "/", name));
  repository.set_description(absl::StrCat("The ", WordOf(number * 5), " of ",
                                          WordOf(number * 5 + 1), " for ",
                                          WordOf(number * 5 + 2)));
  repository.set_web_url(absl::StrCat("https://", repository.repository_id()));
  repository.set_clone_url(absl::StrCat(repository.web_url(), ".git"));
  repository.set_default_branch("main");
  repository.set_access(v1::CatalogRepository::WRITE);
  repository.mutable_updated_at()->set_seconds(1'700'000'000 + number);
  return repository;
}

class Bench {
 public:
  explicit Bench(const std::string& url) {
    Database::Options options;
    options.url = url;
    auto database = Database::Create(options, loop_);
    if (database.ok()) database_ = *std::move(database);
    Check(database.status());
    Check(Run(database_->Migrate()));
    catalog_ = std::make_unique<CatalogStore>(*database_, Clock::System());
  }

  void Write(const char* what, int64_t rows) {
    const absl::Duration began = Clock::System().MonotonicNow();
    const std::clock_t cpu = std::clock();
    const Reacher reacher{"bench", "github", "github.com"};
    for (int64_t first = 0; first < rows; first += kPage) {
      std::vector<v1::CatalogRepository> page;
      for (int64_t i = first; i < std::min(first + kPage, rows); ++i) {
        page.push_back(RepositoryOf(i));
      }
      Check(Run(database_->Write<WrittenRows>([&](Transaction& transaction) {
              return WriteRepositories(transaction, reacher, first / kPage,
                                       Clock::System().Now(), page);
            })).status());
    }
    const double wall =
        absl::ToDoubleSeconds(Clock::System().MonotonicNow() - began);
    const double used =
        static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    std::printf("%s: %.0f repositories/s, %.1f us of our CPU time each\n", what,
                rows / wall, used * 1e6 / rows);
  }

  // What PostgreSQL does by itself after a while.
  void Analyze() {
    if (database_->dialect() == Dialect::kSqlite) return;
    Check(Run(database_->Write<bool>([](Transaction& transaction)
                                         -> absl::StatusOr<bool> {
            transaction.sql << "ANALYZE";
            return true;
          })).status());
  }

  void Search(const std::string& query) {
    std::vector<double> times;
    size_t found = 0;
    for (int i = 0; i < kSearches; ++i) {
      v1::SearchRepositoriesRequest request;
      request.set_query(query);
      const absl::Duration began = Clock::System().MonotonicNow();
      auto entries = Run(catalog_->Search(request));
      times.push_back(
          absl::ToDoubleMilliseconds(Clock::System().MonotonicNow() - began));
      Check(entries.status());
      found = entries->size();
    }
    std::sort(times.begin(), times.end());
    std::printf("search %-28s %3zu found, p50 %7.2f ms, p99 %7.2f ms\n",
                query.c_str(), found, times[kSearches / 2],
                times[kSearches * 99 / 100]);
    std::fflush(stdout);
  }

 private:
  template <typename T>
  T Run(boost::asio::awaitable<T> coroutine) {
    absl::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(coroutine),
                          [&result](const std::exception_ptr&, T value) {
                            result = std::move(value);
                          });
    loop_.restart();
    loop_.run();
    return *std::move(result);
  }

  static void Check(const absl::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::exit(1);
  }

  boost::asio::io_context loop_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<CatalogStore> catalog_;
};

}  // namespace
}  // namespace lamplighter::reposync

int main(int argc, char** argv) {
  int64_t rows = 1'000'000;
  if (argc < 2 || (argc > 2 && !absl::SimpleAtoi(argv[2], &rows))) {
    std::fprintf(stderr, "usage: search_benchmark URL [ROWS]\n");
    return 2;
  }
  lamplighter::reposync::Bench bench(argv[1]);
  bench.Write("new", rows);
  bench.Write("the same", std::min<int64_t>(rows, 100'000));
  bench.Analyze();
  const std::string exact =
      lamplighter::reposync::RepositoryOf(rows / 2).name();
  for (const std::string& query :
       {exact, exact.substr(0, 12), std::string("service"),
        std::string("service gateway"), std::string("kubernetes operator auth"),
        std::string("team-billing"), std::string("of web for"),
        std::string("api"), std::string("a"), std::string("we"),
        std::string("team-web-20"), std::string("kuberntes operatr"),
        std::string("nothing-like-it")}) {
    bench.Search(query);
  }
  return 0;
}
