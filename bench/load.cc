// Sends HTTP requests that were made beforehand, so that it costs little beside
// what it loads, and prints one line of JSON about the answers:
//
//   load PORT FILE REQUESTS CONNECTIONS
//
// FILE holds requests one after the other, each behind a line with its length.
// They are sent in that order, from the first again after the last. Each
// connection is kept and waits for an answer before it sends the next request.
// Fails after a minute and wherever an answer is not 202.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/time/clock.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace lamplighter {
namespace {

constexpr absl::Duration kLimit = absl::Minutes(1);

[[noreturn]] void Fail(absl::string_view what) {
  std::cerr << "load: " << what << "\n";
  std::exit(1);
}

struct Arguments {
  int port = 0;
  std::string file;
  int64_t requests = 0;
  int connections = 0;
};

std::vector<std::string> ReadRequests(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> requests;
  std::string line;
  size_t size = 0;
  while (std::getline(file, line)) {
    if (!absl::SimpleAtoi(line, &size)) Fail("a line is not a length");
    requests.emplace_back(size, '\0');
    if (!file.read(requests.back().data(), static_cast<int64_t>(size))) {
      Fail("the last request is not whole");
    }
  }
  if (requests.empty()) Fail(absl::StrCat(path, " holds no request"));
  return requests;
}

int Connect(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address))) {
    Fail(absl::StrCat("connect: ", std::strerror(errno)));
  }
  return fd;
}

// Whether `answer` is a whole 202. Anything else that is whole ends the
// program.
bool Accepted(absl::string_view answer) {
  const size_t head = answer.find("\r\n\r\n");
  if (head == absl::string_view::npos) return false;
  if (!absl::StartsWith(answer, "HTTP/1.1 202 ")) {
    Fail(absl::StrCat("answered ", answer));
  }
  constexpr absl::string_view kLength = "\r\nContent-Length: ";
  const size_t field = answer.find(kLength);
  size_t length = 0;
  if (field < head) {
    const size_t begin = field + kLength.size();
    const size_t end = answer.find('\r', begin);
    if (!absl::SimpleAtoi(answer.substr(begin, end - begin), &length)) {
      Fail(absl::StrCat("answered ", answer));
    }
  }
  return answer.size() >= head + 4 + length;
}

class Load {
 public:
  Load(const Arguments& arguments, std::vector<std::string> requests)
      : limit_(arguments.requests),
        requests_(std::move(requests)),
        connections_(arguments.connections) {
    latencies_.reserve(limit_);
    for (size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].fd = Connect(arguments.port);
      epoll_event event = {.events = EPOLLIN, .data = {.u64 = i}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
    }
  }

  void Run() {
    begin_ = clock_.MonotonicNow();
    for (Connection& connection : connections_) Send(connection);
    epoll_event events[64];
    while (static_cast<int64_t>(latencies_.size()) < limit_) {
      const int count = epoll_wait(epoll_, events, std::size(events), 1000);
      if (clock_.MonotonicNow() - begin_ > kLimit) Fail("took too long");
      for (int i = 0; i < count; ++i) {
        Receive(connections_[events[i].data.u64]);
      }
    }
    end_ = clock_.MonotonicNow();
  }

  void Print() {
    std::sort(latencies_.begin(), latencies_.end());
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    const auto micros = [](const timeval& t) {
      return 1e6 * static_cast<double>(t.tv_sec) +
             static_cast<double>(t.tv_usec);
    };
    std::printf(
        R"({"seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "cpu_us": %.3f})"
        "\n",
        absl::ToDoubleSeconds(end_ - begin_), Quantile(50), Quantile(99),
        (micros(usage.ru_utime) + micros(usage.ru_stime)) /
            static_cast<double>(limit_));
  }

 private:
  struct Connection {
    int fd = -1;
    absl::Duration sent;
    std::string answer;
  };

  void Send(Connection& connection) {
    if (sent_ == limit_) return;
    const std::string& request = requests_[sent_++ % requests_.size()];
    connection.sent = clock_.MonotonicNow();
    // Blocks where the socket's buffer is full, which one request never fills.
    if (send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      Fail(absl::StrCat("send: ", std::strerror(errno)));
    }
  }

  void Receive(Connection& connection) {
    char buffer[4096];
    const ssize_t size = recv(connection.fd, buffer, sizeof(buffer), 0);
    if (size <= 0) Fail("a connection was closed");
    connection.answer.append(buffer, size);
    if (!Accepted(connection.answer)) return;
    connection.answer.clear();
    latencies_.push_back(clock_.MonotonicNow() - connection.sent);
    Send(connection);
  }

  double Quantile(size_t percent) const {
    const size_t i = (latencies_.size() - 1) * percent / 100;
    return absl::ToDoubleMilliseconds(latencies_[i]);
  }

  const Clock& clock_ = Clock::System();
  const int64_t limit_;
  const std::vector<std::string> requests_;
  const int epoll_ = epoll_create1(0);
  std::vector<Connection> connections_;
  std::vector<absl::Duration> latencies_;
  int64_t sent_ = 0;
  absl::Duration begin_;
  absl::Duration end_;
};

}  // namespace
}  // namespace lamplighter

int main(int argc, char** argv) {
  lamplighter::Arguments arguments;
  if (argc != 5 || !absl::SimpleAtoi(argv[1], &arguments.port) ||
      !absl::SimpleAtoi(argv[3], &arguments.requests) ||
      !absl::SimpleAtoi(argv[4], &arguments.connections) ||
      arguments.requests < 1 || arguments.connections < 1) {
    lamplighter::Fail("usage: load PORT FILE REQUESTS CONNECTIONS");
  }
  arguments.file = argv[2];
  lamplighter::Load load(arguments, lamplighter::ReadRequests(arguments.file));
  load.Run();
  load.Print();
  return 0;
}
