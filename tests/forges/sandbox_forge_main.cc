// A scripted forge on its own, for the quickstart, tests and benchmarks:
//
//   sandbox_forge [--listen=127.0.0.1:0] [--port-file=FILE] [--token=TOKEN]
//                 [--type=github] [--rate-limit=N] [--repositories=N]
//
// Runs until SIGTERM or SIGINT. ScriptedGitHub and its like say what they
// answer; --rate-limit is of GitHub's alone.

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/signal_set.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_azuredevops.h"
#include "tests/forges/scripted_bitbucket.h"
#include "tests/forges/scripted_bitbucketserver.h"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/scripted_gitea.h"
#include "tests/forges/scripted_github.h"
#include "tests/forges/scripted_gitlab.h"

namespace lamplighter {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:0";
  std::string port_file;
  std::string type = "github";
  ScriptedGitHub::Options forge;
  size_t repositories = 0;
};

template <typename Forge>
std::unique_ptr<ScriptedForge> Make(const Flags& flags) {
  auto forge = std::make_unique<Forge>(
      typename Forge::Options{.token = flags.forge.token}, Clock::System());
  forge->AddRepositories(flags.repositories);
  return forge;
}

std::unique_ptr<ScriptedForge> MakeGitHub(const Flags& flags) {
  auto forge = std::make_unique<ScriptedGitHub>(flags.forge, Clock::System());
  forge->AddRepositories(flags.repositories);
  return forge;
}

// Null for a type that there is not.
std::unique_ptr<ScriptedForge> MakeForge(const Flags& flags) {
  static constexpr struct {
    absl::string_view type;
    std::unique_ptr<ScriptedForge> (*make)(const Flags&);
  } kForges[] = {
      {"azuredevops", &Make<ScriptedAzureDevOps>},
      {"bitbucket", &Make<ScriptedBitbucket>},
      {"bitbucketserver", &Make<ScriptedBitbucketServer>},
      {"gitea", &Make<ScriptedGitea>},
      {"github", &MakeGitHub},
      {"gitlab", &Make<ScriptedGitLab>},
  };
  for (const auto& forge : kForges) {
    if (forge.type == flags.type) return forge.make(flags);
  }
  return nullptr;
}

bool ParseFlags(int argc, char** argv, Flags& flags) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    const absl::string_view name = arg.substr(0, arg.find('='));
    absl::ConsumePrefix(&arg, name);
    std::string value(arg.substr(arg.empty() ? 0 : 1));
    if (arg.empty() && i + 1 < argc) value = argv[++i];
    if (name == "--listen") {
      flags.listen = value;
    } else if (name == "--port-file") {
      flags.port_file = value;
    } else if (name == "--token") {
      flags.forge.token = value;
    } else if (name == "--type") {
      flags.type = value;
    } else if (!(name == "--rate-limit" &&
                 absl::SimpleAtoi(value, &flags.forge.rate_limit)) &&
               !(name == "--repositories" &&
                 absl::SimpleAtoi(value, &flags.repositories))) {
      std::cerr << "not understood: " << name << "\n";
      return false;
    }
  }
  return true;
}

// Whoever waits for the file shall find the whole number in it.
bool WritePort(const std::string& file, int port) {
  if (file.empty()) return true;
  const std::string temporary = file + ".tmp";
  std::ofstream out(temporary);
  out << port << "\n";
  out.close();
  return out.good() && std::rename(temporary.c_str(), file.c_str()) == 0;
}

int Run(const Flags& flags) {
  boost::asio::io_context loop(1);
  const std::unique_ptr<ScriptedForge> forge = MakeForge(flags);
  if (forge == nullptr) {
    std::cerr << "no type of forge: " << flags.type << "\n";
    return 2;
  }
  HttpServer::Options options;
  options.listen = flags.listen;
  auto server = HttpServer::Create(options, loop, forge->Routes());
  if (!server.ok()) {
    std::cerr << server.status().message() << "\n";
    return 1;
  }
  if (!WritePort(flags.port_file, (*server)->port())) {
    std::cerr << "cannot write " << flags.port_file << "\n";
    return 1;
  }
  std::cerr << "sandbox forge on port " << (*server)->port() << "\n";
  (*server)->Start();
  boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([&loop](const auto& /*error*/, int /*signal*/) {
    loop.stop();  // nothing it holds is worth waiting for
  });
  loop.run();
  return 0;
}

}  // namespace
}  // namespace lamplighter

int main(int argc, char** argv) {
  lamplighter::Flags flags;
  if (!lamplighter::ParseFlags(argc, argv, flags)) return 2;
  return lamplighter::Run(flags);
}
