// How fast repositories are written and searched:
// search_benchmark URL [ROWS [WORDS [QUERY...]]]. The database has to be new
// and empty, or one that it wrote before, which it only searches. What QUERY
// says is searched for in place of all else, as often as all else is. Prints
// CPU time and wall time per repository, 1,000 of which are written at once,
// and how long searches take, in milliseconds, by what they look for.
//
// Names are of one to four of 20,000 made-up words, of which some are common
// and most are rare, as in real names (Zipf's law); groups, some large and most
// small, are named alike. With few WORDS, as 24, all searches find very much.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

constexpr int64_t kPage = 1000;
constexpr int64_t kGroups = 5000;
constexpr int kSearches = 300;  // of each kind

// A splitmix64: the same rows on every machine.
uint64_t Mix(uint64_t seed) {
  seed += 0x9e3779b97f4a7c15;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
  return seed ^ (seed >> 31);
}

// Numbers made of a seed, one after another.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(Mix(seed)) {}

  // Below `end`, each as often.
  uint64_t Below(uint64_t end) { return (state_ = Mix(state_)) % end; }

  // From 1 to `last`, n about 1/n as often as 1.
  uint64_t Zipf(uint64_t last) {
    const double part = static_cast<double>(Below(1 << 30)) / (1 << 30);
    return static_cast<uint64_t>(std::exp(part * std::log(last + 1.0)));
  }

 private:
  uint64_t state_;
};

// Two to four syllables.
std::string Word(uint64_t number) {
  constexpr absl::string_view kBegins[] = {
      "b", "c", "d",  "f",  "g",  "h",  "k",  "l",  "m",  "n",
      "p", "r", "s",  "t",  "v",  "w",  "br", "cl", "fl", "gr",
      "j", "",  "st", "pl", "pr", "sh", "th", "tr", "z",  "qu"};
  constexpr absl::string_view kMiddles[] = {"a",  "e",  "i",  "o", "u",
                                            "ai", "ea", "io", "ou"};
  constexpr absl::string_view kEnds[] = {"",  "",  "",  "n",  "r",  "s",
                                         "t", "l", "m", "ck", "ng", "x"};
  Numbers numbers(number);
  std::string word;
  const uint64_t syllables = 2 + numbers.Below(3);
  for (uint64_t i = 0; i < syllables; ++i) {
    absl::StrAppend(&word, kBegins[numbers.Below(std::size(kBegins))],
                    kMiddles[numbers.Below(std::size(kMiddles))],
                    kEnds[numbers.Below(std::size(kEnds))]);
  }
  return word;
}

// So many words, with something between them.
std::string Words(Numbers& numbers, uint64_t count, uint64_t of,
                  absl::string_view between) {
  std::string words;
  for (uint64_t i = 0; i < count; ++i) {
    absl::StrAppend(&words, i == 0 ? "" : between, Word(numbers.Zipf(of)));
  }
  return words;
}

v1::CatalogRepository RepositoryOf(int64_t number, int64_t words) {
  v1::CatalogRepository repository;
  Numbers numbers(number);
  const uint64_t group_number = numbers.Zipf(kGroups);
  Numbers of_group(group_number + (1 << 20));
  const std::string group =
      absl::StrCat(Words(of_group, 1 + of_group.Below(2), words, "-"),
                   group_number % 3 == 0 ? "/" : "",
                   group_number % 3 == 0 ? Word(of_group.Zipf(words)) : "");
  std::string name = Words(numbers, 1 + numbers.Below(4), words, "-");
  if (numbers.Below(4) == 0) absl::StrAppend(&name, "-", numbers.Below(1000));
  repository.set_forge_id(absl::StrCat(number));
  repository.set_group(group);
  repository.set_name(name);
  repository.set_path(absl::StrCat(group, "/", name));
  repository.set_repository_id(absl::StrCat("github.com/", group, "/", name));
  repository.set_description(Words(numbers, numbers.Below(9), words, " "));
  repository.set_web_url(absl::StrCat("https://", repository.repository_id()));
  repository.set_clone_url(absl::StrCat(repository.web_url(), ".git"));
  repository.set_default_branch("main");
  repository.set_access(v1::CatalogRepository::WRITE);
  repository.mutable_updated_at()->set_seconds(1'700'000'000 + number);
  return repository;
}

// What somebody who wants the repository might type.
struct Kind {
  const char* name;
  std::string (*query)(const v1::CatalogRepository& wanted, Numbers& numbers,
                       int64_t words);
};

constexpr Kind kKinds[] = {
    {"a whole name",
     [](const auto& wanted, Numbers&, int64_t) { return wanted.name(); }},
    {"a whole path",
     [](const auto& wanted, Numbers&, int64_t) { return wanted.path(); }},
    {"how a name begins",
     [](const auto& wanted, Numbers& numbers, int64_t) {
       return wanted.name().substr(0, 2 + numbers.Below(8));
     }},
    {"a part of a name",
     [](const auto& wanted, Numbers& numbers, int64_t) {
       const std::string& name = wanted.name();
       const size_t length =
           std::min<size_t>(4 + numbers.Below(5), name.size());
       return name.substr(numbers.Below(name.size() - length + 1), length);
     }},
    {"group and name",
     [](const auto& wanted, Numbers&, int64_t) {
       return absl::StrCat(wanted.group(), " ", wanted.name());
     }},
    {"a common word", [](const auto&, Numbers& numbers,
                         int64_t) { return Word(1 + numbers.Below(20)); }},
    {"a word", [](const auto&, Numbers& numbers,
                  int64_t words) { return Word(numbers.Zipf(words)); }},
    {"two words", [](const auto&, Numbers& numbers,
                     int64_t words) { return Words(numbers, 2, words, " "); }},
    {"a name, misspelt",
     [](const auto& wanted, Numbers& numbers, int64_t) {
       std::string name = wanted.name();
       return name.erase(numbers.Below(name.size()), 1);
     }},
    {"nothing there is",
     [](const auto&, Numbers& numbers, int64_t) {
       return absl::StrCat(absl::Hex(numbers.Below(1U << 31)), "q");
     }},
};

class Bench {
 public:
  Bench(const std::string& url, int64_t words) : words_(words) {
    Database::Options options;
    options.url = url;
    auto database = Database::Create(options, loop_);
    if (database.ok()) database_ = *std::move(database);
    Check(database.status());
    Check(Run(database_->Migrate()));
    catalog_ = std::make_unique<CatalogStore>(*database_, Clock::System());
  }

  bool IsWritten(int64_t rows) {
    return Run(catalog_->GetByForgeId("github.com", absl::StrCat(rows - 1)))
        .ok();
  }

  void Write(const char* what, int64_t rows) {
    const absl::Duration began = Clock::System().MonotonicNow();
    const std::clock_t cpu = std::clock();
    const Reacher reacher{"bench", "github", "github.com"};
    for (int64_t first = 0; first < rows; first += kPage) {
      std::vector<v1::CatalogRepository> page;
      for (int64_t i = first; i < std::min(first + kPage, rows); ++i) {
        page.push_back(RepositoryOf(i, words_));
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

  // What reposync and PostgreSQL do by themselves after a while.
  void KeepUp() {
    while (true) {
      const auto merging = Run(catalog_->MergeSearchIndex());
      Check(merging.status());
      if (!*merging) break;
    }
    Check(Run(catalog_->TakeSample()));
    if (database_->dialect() == Dialect::kSqlite) return;
    Check(Run(database_->Write<bool>([](Transaction& transaction)
                                         -> absl::StatusOr<bool> {
            transaction.sql << "ANALYZE";
            return true;
          })).status());
  }

  // Each search is another one.
  void Search(const Kind& kind, int64_t rows) {
    Numbers numbers(1000 + all_.size());
    std::vector<std::string> queries;
    for (int i = 0; i < kSearches; ++i) {
      queries.push_back(kind.query(RepositoryOf(numbers.Below(rows), words_),
                                   numbers, words_));
    }
    Search(kind.name, queries);
  }

  void Search(const char* what, const std::vector<std::string>& queries) {
    std::vector<double> times;
    std::string worst;
    const std::clock_t cpu = std::clock();
    size_t found = 0;
    for (const std::string& query : queries) {
      v1::SearchRepositoriesRequest request;
      request.set_query(query);
      const absl::Duration began = Clock::System().MonotonicNow();
      auto entries = Run(catalog_->Search(request));
      times.push_back(
          absl::ToDoubleMilliseconds(Clock::System().MonotonicNow() - began));
      Check(entries.status());
      found += entries->size();
      if (times.back() == *std::max_element(times.begin(), times.end())) {
        worst = query;
      }
    }
    const auto count = static_cast<double>(queries.size());
    std::printf(
        "search %-18s %4.1f found, %5.2f ms of our CPU time, ", what,
        found / count,
        1e3 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / count);
    Print(times);
    std::printf("  the worst: %s\n", worst.c_str());
    all_.insert(all_.end(), times.begin(), times.end());
  }

  void SumUp() {
    std::printf("search %-18s                                     ",
                "all of these");
    Print(all_);
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

  static void Print(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    std::printf("p50 %7.2f ms, p99 %7.2f ms, worst %7.2f ms\n",
                times[times.size() / 2], times[times.size() * 99 / 100],
                times.back());
    std::fflush(stdout);
  }

  const int64_t words_;
  std::vector<double> all_;
  boost::asio::io_context loop_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<CatalogStore> catalog_;
};

}  // namespace
}  // namespace lamplighter::reposync

int main(int argc, char** argv) {
  int64_t rows = 1'000'000;
  int64_t words = 20'000;
  if (argc < 2 || (argc > 2 && !absl::SimpleAtoi(argv[2], &rows)) ||
      (argc > 3 && !absl::SimpleAtoi(argv[3], &words))) {
    std::fprintf(stderr,
                 "usage: search_benchmark URL [ROWS [WORDS [QUERY...]]]\n");
    return 2;
  }
  lamplighter::reposync::Bench bench(argv[1], words);
  if (!bench.IsWritten(rows)) {
    bench.Write("new", rows);
    bench.Write("the same", std::min<int64_t>(rows, 100'000));
  }
  bench.KeepUp();
  for (int i = 4; i < argc; ++i) {
    bench.Search(argv[i], std::vector<std::string>(
                              lamplighter::reposync::kSearches, argv[i]));
  }
  if (argc > 4) return 0;
  for (const auto& kind : lamplighter::reposync::kKinds) {
    bench.Search(kind, rows);
  }
  bench.SumUp();
  return 0;
}
