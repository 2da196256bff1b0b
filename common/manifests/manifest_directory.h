#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/task_group.h"
#include "common/async/timer_sleeper.h"
#include "common/manifests/directory_events.h"
#include "common/manifests/manifest_feed.h"
#include "common/manifests/manifest_metrics.h"
#include "common/manifests/manifest_parser.h"
#include "common/manifests/objects.h"
#include "common/time/clock.h"

namespace lamplighter {

// The objects in the files below a directory (see FindManifestFiles), read
// again when one changes: at once where there is inotify, and now and then in
// any case. A mounted ConfigMap or Secret that is swapped, new directories, and
// the directory itself being replaced all count as changes.
class ManifestDirectory final : public ManifestFeed {
 public:
  struct Options {
    std::string directory;
    // After an event, so that what is done in one go is read in one go.
    absl::Duration settle = absl::Milliseconds(100);
    absl::Duration poll = absl::Seconds(30);       // beside inotify
    absl::Duration poll_alone = absl::Seconds(2);  // without it
  };

  // Reads the directory. NotFound if it is not there. Problems in files are
  // logged, kept in problems(), and fail nothing. `loop` and `clock` must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<ManifestDirectory>> Create(
      Options options, boost::asio::io_context& loop, const Clock& clock,
      ManifestMetrics metrics);

  std::shared_ptr<const Manifests> Current() const override { return current_; }
  void Start() override;
  boost::asio::awaitable<void> Stop() override;
  absl::Status Ready() const override { return absl::OkStatus(); }
  boost::asio::awaitable<absl::Status> UntilReady() override;

  // Looks whether a file has changed since, and if so reads all again. An
  // object that was valid and no longer is stays in force as it was. NotFound,
  // with everything left in force, if the directory is not there. It blocks for
  // as long as reading small files takes.
  absl::Status Refresh();

  // What was wrong the last time the files were read.
  const std::vector<ManifestProblem>& problems() const { return problems_; }

 private:
  ManifestDirectory(Options options, boost::asio::io_context& loop,
                    const Clock& clock, ManifestMetrics metrics);

  boost::asio::awaitable<void> Follow();
  // Logs what was not wrong before.
  void LogNew(const std::vector<ManifestProblem>& problems) const;

  const Options options_;
  TimerSleeper sleeper_;
  const Clock& clock_;
  ManifestMetrics metrics_;
  DirectoryEvents events_;
  absl::optional<std::string> fingerprint_;
  std::shared_ptr<const Manifests> current_ =
      std::make_shared<const Manifests>();
  std::vector<ManifestProblem> problems_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter
