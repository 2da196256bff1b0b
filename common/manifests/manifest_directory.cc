#include "common/manifests/manifest_directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "sys/stat.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;

// Files are small texts; one that is not was put there by mistake.
constexpr off_t kMaxFile = 4 << 20;

// The files to read, in order of their names.
absl::StatusOr<std::vector<fs::path>> Files(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::directory_iterator it(directory, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path path = it->path();
    const std::string extension = path.extension();
    if (path.filename().string().front() == '.') continue;
    if (extension != ".yaml" && extension != ".yml" && extension != ".json") {
      continue;
    }
    files.push_back(path);
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrCat("manifests in ", directory, ": ", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Changes when a file does. The inode tells where a mounted ConfigMap was
// swapped for another whose size and second are the same.
std::string Fingerprint(const std::vector<fs::path>& files) {
  std::string fingerprint;
  for (const fs::path& file : files) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) continue;
    absl::StrAppend(&fingerprint, file.string(), "|", status.st_size, "|",
                    status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, "|",
                    status.st_ino, "\n");
  }
  return fingerprint;
}

void ReadFile(const fs::path& path, Manifests& manifests,
              std::vector<ManifestProblem>& problems) {
  const std::string name = path.filename();
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (status.st_size > kMaxFile) {
    problems.push_back({name, 0, {}, "larger than 4 MiB: not read"});
    return;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)),
                         std::istreambuf_iterator<char>());
  if (!in) {
    problems.push_back({name, 0, {}, "cannot be read"});
    return;
  }
  ParseManifests(text, name, manifests, problems);
}

// Whatever of `old` a problem is about, and that `fresh` lacks, stays.
void KeepLastValid(const Manifests& old,
                   const std::vector<ManifestProblem>& problems,
                   Manifests& fresh) {
  // A file that is no YAML at all hides which objects it held: keep them all.
  const bool all = std::any_of(problems.begin(), problems.end(),
                               [](const ManifestProblem& problem) {
                                 return problem.object.second.empty();
                               });
  const auto keep = [&](const auto& from, auto& to) {
    for (const auto& [name, object] : from) {
      const bool named = std::any_of(problems.begin(), problems.end(),
                                     [&name = name](const ManifestProblem& p) {
                                       return p.object == name;
                                     });
      if (all || named) to.try_emplace(name, object);
    }
  };
  keep(old.providers, fresh.providers);
  keep(old.alerts, fresh.alerts);
  keep(old.secrets, fresh.secrets);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ManifestDirectory>> ManifestDirectory::Create(
    const std::string& directory) {
  auto manifests = absl::WrapUnique(new ManifestDirectory(directory));
  LAMPLIGHTER_RETURN_IF_ERROR(manifests->Refresh());
  return manifests;
}

absl::Status ManifestDirectory::Refresh() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::vector<fs::path> files,
                               Files(directory_));
  std::string fingerprint = Fingerprint(files);
  if (fingerprint_ == fingerprint) return absl::OkStatus();

  auto fresh = std::make_shared<Manifests>();
  std::vector<ManifestProblem> problems;
  for (const fs::path& file : files) ReadFile(file, *fresh, problems);
  for (const ManifestProblem& problem : problems) {
    LAMPLIGHTER_LOG(kWarning, "manifest").With("problem", problem.ToString());
  }
  KeepLastValid(*current_, problems, *fresh);
  LAMPLIGHTER_LOG(kInfo, "manifests read")
      .With("directory", directory_)
      .With("providers", fresh->providers.size())
      .With("alerts", fresh->alerts.size())
      .With("secrets", fresh->secrets.size())
      .With("problems", problems.size());
  current_ = std::move(fresh);
  problems_ = std::move(problems);
  fingerprint_ = std::move(fingerprint);
  return absl::OkStatus();
}

}  // namespace lamplighter
