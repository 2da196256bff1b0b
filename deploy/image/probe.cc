// probe PORT: asks /readyz on 127.0.0.1:PORT. Exit status 0 for the answer 200,
// 1 for any other, whose words it prints, or none; 2 for a wrong command line.
//
// For container engines whose health checks run a program of the image, which
// has neither a shell nor curl. Kubernetes asks by itself.
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace {

constexpr timeval kTimeout = {.tv_sec = 3, .tv_usec = 0};
constexpr std::string_view kRequest =
    "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
constexpr size_t kMaxAnswer = 64 * 1024;

// The answer to kRequest, or as much of it as came; empty where there is none.
std::string Ask(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 &&
      send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(kRequest.size())) {
    char buffer[4096];
    ssize_t size;
    while (answer.size() < kMaxAnswer &&
           (size = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  uint16_t port = 0;
  const char* end = argc == 2 ? argv[1] + std::strlen(argv[1]) : nullptr;
  if (end == nullptr || std::from_chars(argv[1], end, port).ptr != end ||
      port == 0) {
    std::fputs("usage: probe PORT\n", stderr);
    return 2;
  }
  const std::string answer = Ask(port);
  if (answer.rfind("HTTP/1.1 200 ", 0) == 0) return 0;
  const size_t body = answer.find("\r\n\r\n");
  std::fputs(
      body == std::string::npos ? "no answer\n" : answer.c_str() + body + 4,
      stderr);
  return 1;
}
