#include "services/reposync/store/testing/test_postgresql.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "soci/postgresql/soci-postgresql.h"
#include "soci/soci.h"
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace lamplighter::reposync {
namespace {

bool WriteTo(const char* file, const std::string& text) {
  const int opened = ::open(file, O_WRONLY);
  if (opened < 0) return false;
  const bool written =
      ::write(opened, text.data(), text.size()) == ssize_t(text.size());
  ::close(opened);
  return written;
}

// PostgreSQL does not run as root; in a user namespace of its own it does not
// know that it does, which works in Bazel's sandbox, too.
bool BecomeOrdinary() {
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (user != 0) return true;
  const passwd* other = ::getpwnam("nobody");
  return other != nullptr && ::unshare(CLONE_NEWUSER) == 0 &&
         WriteTo("/proc/self/setgroups", "deny") &&
         WriteTo("/proc/self/uid_map",
                 absl::StrCat(other->pw_uid, " ", user, " 1")) &&
         WriteTo("/proc/self/gid_map",
                 absl::StrCat(other->pw_gid, " ", group, " 1"));
}

// Ends with this process. -1 where it cannot be started.
pid_t Start(const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int output = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0666);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (!BecomeOrdinary()) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

bool Run(const std::vector<std::string>& arguments, const std::string& log) {
  const pid_t child = Start(arguments, log);
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

std::string FindPrograms() {
  std::error_code ignored;
  std::string found;
  for (const auto& version :
       std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (const auto bin = version.path() / "bin";
        std::filesystem::exists(bin / "initdb", ignored)) {
      found = bin.string();
    }
  }
  return found;
}

void Show(const std::string& log) {
  std::cout << std::ifstream(log).rdbuf() << std::endl;
}

// One that was started: its URL, and what ends it.
class Server {
 public:
  ~Server() {
    if (child_ > 0) {
      ::kill(child_, SIGQUIT);
      ::waitpid(child_, nullptr, 0);
    }
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  // Its URL; empty where it cannot be.
  std::string Start() {
    const std::string programs = FindPrograms();
    if (programs.empty()) return "";
    std::string folder = "/tmp/lamplighter-pg-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return "";
    folder_ = folder;
    const std::string log = folder + "/log";
    const std::string data = folder + "/data";
    if (!Run({programs + "/initdb", "-D", data, "-U", "test", "-A", "trust",
              "-E", "UTF8", "--locale=C.UTF-8", "-N"},
             log)) {
      Show(log);
      return "";
    }
    child_ = reposync::Start(
        {programs + "/postgres", "-D", data, "-k", folder, "-c",
         "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=50"},
        log);
    return AwaitReady(
        absl::StrCat("postgresql:///?host=", folder, "&user=test"));
  }

 private:
  // Half a minute at most.
  std::string AwaitReady(const std::string& url) {
    for (int i = 0; i < 300; ++i) {
      try {
        const soci::session session(soci::postgresql,
                                    absl::StrCat("postgresql:///postgres?host=",
                                                 folder_, "&user=test"));
        return url;
      } catch (const std::exception&) {
        ::poll(nullptr, 0, 100);
      }
    }
    Show(folder_ + "/log");
    return "";
  }

  std::string folder_;
  pid_t child_ = -1;
};

}  // namespace

TestPostgresql* TestPostgresql::Get() {
  static Server server;
  static const std::unique_ptr<TestPostgresql> postgresql = [] {
    const char* named = std::getenv("LAMPLIGHTER_TEST_POSTGRESQL");
    const std::string url =
        named != nullptr && *named != '\0' ? named : server.Start();
    if (url.empty()) {
      std::cout << "no PostgreSQL: neither LAMPLIGHTER_TEST_POSTGRESQL names "
                   "one nor can Debian's be started here"
                << std::endl;
      return std::unique_ptr<TestPostgresql>();
    }
    return std::unique_ptr<TestPostgresql>(new TestPostgresql(url));
  }();
  return postgresql.get();
}

std::string TestPostgresql::UrlOf(const std::string& database) const {
  const std::vector<std::string> parts =
      absl::StrSplit(url_, absl::MaxSplits('?', 1));
  absl::string_view server = parts[0];
  while (!server.empty() && server.back() == '/' && server.size() > 14) {
    server.remove_suffix(1);
  }
  return absl::StrCat(server, server.back() == '/' ? "" : "/", database,
                      parts.size() > 1 ? absl::StrCat("?", parts[1]) : "");
}

void TestPostgresql::Execute(const std::string& sql) {
  soci::session session(soci::postgresql, UrlOf("postgres"));
  session << sql;
}

std::string TestPostgresql::CreateDatabase() {
  const std::string name = absl::StrCat("test_", ::getpid(), "_", ++made_);
  Execute(absl::StrCat("CREATE DATABASE ", name));
  return UrlOf(name);
}

}  // namespace lamplighter::reposync
