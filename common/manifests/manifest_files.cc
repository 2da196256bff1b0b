#include "common/manifests/manifest_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "sys/stat.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;

// Files are small texts; one that is not was put there by mistake.
constexpr off_t kMaxFile = 4 << 20;
constexpr int kMaxDepth = 5;
constexpr size_t kMaxFiles = 10'000;
constexpr size_t kMaxDirectories = 1'000;

// Goes through directories, each once, whatever links lead to it.
class Walk {
 public:
  Walk(ManifestFiles& found,
       const std::function<void(const std::string& path)>& on_directory)
      : found_(found), on_directory_(on_directory) {}

  absl::Status Visit(const fs::path& directory, int depth) {
    struct stat status{};
    if (stat(directory.c_str(), &status) == 0 &&
        !visited_.insert({status.st_dev, status.st_ino}).second) {
      return absl::OkStatus();
    }
    on_directory_(directory);
    std::error_code error;
    fs::directory_iterator it(directory, error);
    std::vector<fs::path> below;
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      if (it->path().filename().string().front() == '.') continue;
      std::error_code no_matter;  // it may be gone by now
      if (it->is_directory(no_matter)) {
        below.push_back(it->path());
      } else {
        TakeFile(it->path());
      }
    }
    if (error) {
      return absl::NotFoundError(absl::StrCat(
          "manifests in ", directory.string(), ": ", error.message()));
    }
    for (const fs::path& next : below) {
      if (depth == kMaxDepth || visited_.size() == kMaxDirectories) {
        TooMuch(next, "directories are read five deep, and 1000 at most");
        continue;
      }
      // Gone since, or unreadable: the rest counts all the same.
      if (const absl::Status visited = Visit(next, depth + 1); !visited.ok()) {
        TooMuch(next, visited.message());
      }
    }
    return absl::OkStatus();
  }

 private:
  void TakeFile(const fs::path& path) {
    const std::string extension = path.extension();
    if (extension != ".yaml" && extension != ".yml" && extension != ".json") {
      return;
    }
    if (found_.names.size() == kMaxFiles) {
      if (!std::exchange(full_, true)) {
        TooMuch(path, "only 10000 files are read");
      }
      return;
    }
    found_.names.push_back(path.lexically_relative(found_.directory));
  }

  // What is not read. The objects that it held before, if any, stay.
  void TooMuch(const fs::path& path, absl::string_view what) {
    found_.problems.push_back({{path.lexically_relative(found_.directory), 0},
                               "",
                               {},
                               std::string(what),
                               false});
  }

  ManifestFiles& found_;
  const std::function<void(const std::string& path)>& on_directory_;
  std::set<std::pair<dev_t, ino_t>> visited_;
  bool full_ = false;
};

void ReadFile(const std::string& path, const std::string& name,
              Manifests& manifests, std::vector<ManifestProblem>& problems) {
  const auto unread = [&](const char* what) {
    problems.push_back({{name, 0}, "", {}, what, false});
  };
  struct stat status{};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (status.st_size > kMaxFile) return unread("larger than 4 MiB: not read");
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)),
                         std::istreambuf_iterator<char>());
  if (!in) return unread("cannot be read");
  ParseManifests(text, name, manifests, problems);
}

// Files know nothing of the objects that events are about.
void NoteLabels(const Manifests& manifests,
                std::vector<ManifestProblem>& problems) {
  for (const auto& [name, alert] : manifests.alerts) {
    const bool asks_for_labels =
        std::any_of(alert.event_sources.begin(), alert.event_sources.end(),
                    [](const EventSource& source) {
                      return source.match_labels.has_value();
                    });
    if (!asks_for_labels) continue;
    problems.push_back({alert.origin, "Alert", name,
                        "spec.eventSources: matchLabels matches nothing where "
                        "manifests are read from a directory: labels are "
                        "looked up in a cluster (manifests.kubernetes)",
                        /*is_note=*/true});
  }
}

void CheckReferences(const Manifests& manifests,
                     std::vector<ManifestProblem>& problems) {
  const auto missing = [&problems](const auto& object, const char* kind,
                                   const std::string& what) {
    problems.push_back({object.origin,
                        kind,
                        {object.namespace_, object.name},
                        absl::StrCat(what, " in namespace ", object.namespace_),
                        false});
  };
  for (const auto& [name, alert] : manifests.alerts) {
    const ObjectName provider(alert.namespace_, alert.provider_ref);
    if (!manifests.providers.contains(provider) &&
        !manifests.other_providers.contains(provider)) {
      missing(alert, "Alert",
              absl::StrCat("spec.providerRef: there is no Provider ",
                           alert.provider_ref));
    }
  }
  if (manifests.secrets.empty()) return;  // they are kept elsewhere
  for (const auto& [name, provider] : manifests.providers) {
    for (const std::string* secret :
         {&provider.secret_ref, &provider.cert_secret_ref,
          &provider.proxy_secret_ref}) {
      if (secret->empty() ||
          manifests.secrets.contains({provider.namespace_, *secret})) {
        continue;
      }
      missing(provider, "Provider",
              absl::StrCat("there is no Secret ", *secret));
    }
  }
}

}  // namespace

std::string ManifestFiles::Fingerprint() const {
  std::string fingerprint;
  for (const std::string& name : names) {
    // The inode tells where a mounted ConfigMap was swapped for another whose
    // size and second are the same.
    struct stat status{};
    if (stat(absl::StrCat(directory, "/", name).c_str(), &status) != 0)
      continue;
    absl::StrAppend(&fingerprint, name, "|", status.st_size, "|",
                    status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, "|",
                    status.st_ino, "\n");
  }
  return fingerprint;
}

void ManifestFiles::Read(Manifests& manifests,
                         std::vector<ManifestProblem>& found) const {
  found.insert(found.end(), problems.begin(), problems.end());
  for (const std::string& name : names) {
    ReadFile(absl::StrCat(directory, "/", name), name, manifests, found);
  }
  NoteLabels(manifests, found);
}

absl::StatusOr<ManifestFiles> FindManifestFiles(
    const std::string& directory,
    const std::function<void(const std::string& path)>& on_directory) {
  ManifestFiles found;
  found.directory = directory;
  LAMPLIGHTER_RETURN_IF_ERROR(
      Walk(found, on_directory).Visit(directory, /*depth=*/1));
  std::sort(found.names.begin(), found.names.end());
  return found;
}

absl::StatusOr<std::vector<ManifestProblem>> CheckManifests(
    const std::string& directory) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ManifestFiles files,
                               FindManifestFiles(directory));
  Manifests manifests;
  std::vector<ManifestProblem> problems;
  files.Read(manifests, problems);
  CheckReferences(manifests, problems);
  std::sort(problems.begin(), problems.end(),
            [](const ManifestProblem& a, const ManifestProblem& b) {
              return std::tie(a.origin.file, a.origin.line, a.what) <
                     std::tie(b.origin.file, b.origin.line, b.what);
            });
  return problems;
}

}  // namespace lamplighter
