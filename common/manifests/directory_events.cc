#include "common/manifests/directory_events.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <tuple>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/system/error_code.hpp"
#include "common/log/log.h"
#include "sys/inotify.h"
#include "unistd.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

// A file is of interest once it is written, not while it is.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                             IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                             IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

DirectoryEvents::DirectoryEvents(asio::io_context& loop) : inotify_(loop) {
  const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  boost::system::error_code error;
  if (descriptor >= 0) inotify_.assign(descriptor, error);
  is_working_ = descriptor >= 0 && !error;
  if (!is_working_) {
    LAMPLIGHTER_LOG(kWarning,
                    "no inotify (fs.inotify.max_user_instances): files are "
                    "looked at now and then");
  }
}

void DirectoryEvents::Begin() {
  named_.clear();
  is_working_ = inotify_.is_open();
}

void DirectoryEvents::Watch(const std::string& directory,
                            const std::string& only) {
  if (!inotify_.is_open()) return;
  const int watch =
      inotify_add_watch(inotify_.native_handle(), directory.c_str(), kEvents);
  if (watch >= 0) {
    named_.insert(watch);
    watched_[watch] = only;
  } else if (errno == ENOSPC || errno == ENOMEM) {
    is_working_ = false;
  }
}

void DirectoryEvents::End() {
  absl::erase_if(watched_, [this](const auto& watch) {
    if (named_.contains(watch.first)) return false;
    // It may be gone already.
    std::ignore = inotify_rm_watch(inotify_.native_handle(), watch.first);
    return true;
  });
}

asio::awaitable<absl::Status> DirectoryEvents::Wait() {
  if (!inotify_.is_open())
    co_return absl::FailedPreconditionError("no inotify");
  do {
    const auto [error] =
        co_await inotify_.async_wait(asio::posix::stream_descriptor::wait_read,
                                     asio::as_tuple(asio::use_awaitable));
    if (error) co_return absl::CancelledError("wait cancelled");
  } while (!Drain());
  co_return absl::OkStatus();
}

bool DirectoryEvents::Drain() {
  bool matters = false;
  alignas(inotify_event) std::array<char, 16384> bytes;
  for (;;) {
    const ssize_t size =
        read(inotify_.native_handle(), bytes.data(), bytes.size());
    if (size <= 0) return matters;
    for (ssize_t at = 0; at < size;) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + at, sizeof(event));
      const char* name = bytes.data() + at + sizeof(event);
      at += static_cast<ssize_t>(sizeof(event) + event.len);
      if ((event.mask & IN_IGNORED) != 0) continue;  // watched no longer
      const auto watched = watched_.find(event.wd);
      // Without a name: the directory itself, or that events were lost.
      matters = matters || event.len == 0 || watched == watched_.end() ||
                watched->second.empty() || watched->second == name;
    }
  }
}

}  // namespace lamplighter
