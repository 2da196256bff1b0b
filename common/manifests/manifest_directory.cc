#include "common/manifests/manifest_directory.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/asio/experimental/awaitable_operators.hpp"
#include "common/log/log.h"
#include "common/manifests/manifest_files.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
// NOLINTNEXTLINE(misc-unused-using-decls): it is used in a coroutine
using ::boost::asio::experimental::awaitable_operators::operator||;

// Whether `problem` is the reason that the object is not to be had.
bool Hides(const ManifestProblem& problem, const char* kind,
           const ObjectName& name, const ManifestOrigin& origin) {
  if (problem.is_note) return false;
  if (!problem.object.second.empty()) {
    return problem.kind == kind && problem.object == name;
  }
  // A file, or a directory, of which it is not known what it holds.
  return origin.file == problem.origin.file ||
         absl::StartsWith(origin.file, absl::StrCat(problem.origin.file, "/"));
}

// Whatever of `old` a problem hides, and that `fresh` lacks, stays.
void KeepLastValid(const Manifests& old,
                   const std::vector<ManifestProblem>& problems,
                   Manifests& fresh) {
  const auto keep = [&](const char* kind, const auto& from, auto& to) {
    for (const auto& [name, object] : from) {
      const bool hidden = std::any_of(
          problems.begin(), problems.end(),
          [kind, &name = name, &object = object](const ManifestProblem& p) {
            return Hides(p, kind, name, object.origin);
          });
      if (hidden) to.try_emplace(name, object);
    }
  };
  keep("Provider", old.providers, fresh.providers);
  keep("Alert", old.alerts, fresh.alerts);
  keep("Secret", old.secrets, fresh.secrets);
}

size_t CountInvalid(const std::vector<ManifestProblem>& problems) {
  std::set<std::pair<std::string, ObjectName>> invalid;
  size_t files = 0;
  for (const ManifestProblem& problem : problems) {
    if (problem.is_note) continue;
    if (problem.kind.empty()) {
      ++files;
    } else {
      invalid.emplace(problem.kind, problem.object);
    }
  }
  return invalid.size() + files;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ManifestDirectory>> ManifestDirectory::Create(
    Options options, asio::io_context& loop, const Clock& clock,
    ManifestMetrics metrics) {
  // The name of the directory itself must be the last part of the path.
  options.directory =
      std::string(absl::StripSuffix(absl::string_view(options.directory), "/"));
  auto manifests = absl::WrapUnique(new ManifestDirectory(
      std::move(options), loop, clock, std::move(metrics)));
  LAMPLIGHTER_RETURN_IF_ERROR(manifests->Refresh());
  return manifests;
}

ManifestDirectory::ManifestDirectory(Options options, asio::io_context& loop,
                                     const Clock& clock,
                                     ManifestMetrics metrics)
    : options_(std::move(options)),
      clock_(clock),
      metrics_(std::move(metrics)),
      events_(loop),
      tasks_(loop.get_executor(), "manifests") {}

void ManifestDirectory::Start() { tasks_.Spawn(Follow()); }

asio::awaitable<void> ManifestDirectory::Stop() {
  co_await tasks_.Drain(absl::ZeroDuration());
}

asio::awaitable<absl::Status> ManifestDirectory::UntilReady() {
  co_return absl::OkStatus();
}

asio::awaitable<void> ManifestDirectory::Follow() {
  for (;;) {
    if (events_.is_working()) {
      const auto ended =
          co_await (events_.Wait() || sleeper_.SleepFor(options_.poll));
      if (!std::visit([](const absl::Status& s) { return s.ok(); }, ended)) {
        co_return;  // cancelled
      }
      if (ended.index() == 0 &&
          !(co_await sleeper_.SleepFor(options_.settle)).ok()) {
        co_return;
      }
    } else if (!(co_await sleeper_.SleepFor(options_.poll_alone)).ok()) {
      co_return;
    }
    if (const absl::Status read = Refresh(); !read.ok()) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "manifests cannot be read")
          .With("error", read.message());
    }
  }
}

absl::Status ManifestDirectory::Refresh() {
  const std::filesystem::path path(options_.directory);
  events_.Begin();
  // The directory may be taken away, and put there again.
  events_.Watch(path.has_parent_path() ? path.parent_path().string() : ".",
                path.filename());
  const absl::StatusOr<ManifestFiles> files = FindManifestFiles(
      options_.directory,
      [this](const std::string& directory) { events_.Watch(directory); });
  events_.End();
  LAMPLIGHTER_RETURN_IF_ERROR(files.status());
  metrics_.SetLastSync(clock_.Now());
  std::string fingerprint = files->Fingerprint();
  if (fingerprint_ == fingerprint) return absl::OkStatus();

  auto fresh = std::make_shared<Manifests>();
  std::vector<ManifestProblem> problems;
  files->Read(*fresh, problems);
  LogNew(problems);
  KeepLastValid(*current_, problems, *fresh);
  LAMPLIGHTER_LOG(kInfo, "manifests read")
      .With("directory", options_.directory)
      .With("providers", fresh->providers.size())
      .With("alerts", fresh->alerts.size())
      .With("secrets", fresh->secrets.size())
      .With("problems", problems.size());
  current_ = std::move(fresh);
  problems_ = std::move(problems);
  fingerprint_ = std::move(fingerprint);
  metrics_.Set(*current_, CountInvalid(problems_));
  return absl::OkStatus();
}

void ManifestDirectory::LogNew(
    const std::vector<ManifestProblem>& problems) const {
  std::set<std::string> known;
  for (const ManifestProblem& problem : problems_) {
    known.insert(problem.ToString());
  }
  for (const ManifestProblem& problem : problems) {
    const std::string text = problem.ToString();
    if (known.contains(text)) continue;
    if (problem.is_note) {
      LAMPLIGHTER_LOG(kInfo, "manifest").With("note", text);
    } else {
      LAMPLIGHTER_LOG(kWarning, "manifest").With("problem", text);
    }
  }
}

}  // namespace lamplighter
