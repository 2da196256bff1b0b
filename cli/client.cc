#include "cli/client.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/command.h"
#include "common/config/secret.h"
#include "common/config/small_file.h"
#include "common/grpc/listen_address.h"
#include "common/status/macros.h"
#include "common/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace lamplighter::cli {
namespace {

constexpr size_t kMaxFile = 1 << 20;

// Empty for no file.
absl::StatusOr<std::string> ReadPem(const std::string& file) {
  if (file.empty()) return std::string();
  return ReadSmallFile(file, kMaxFile);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const ClientOptions& options) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool loopback,
                               IsLoopback(options.address));
  const bool wants_tls = !options.ca_file.empty() || !options.cert_file.empty();
  if (!wants_tls && (loopback || options.plaintext)) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions ssl;
  LAMPLIGHTER_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadPem(options.ca_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadPem(options.cert_file));
  LAMPLIGHTER_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadPem(options.key_file));
  return grpc::SslCredentials(ssl);
}

}  // namespace

ClientOptions CatalogOptions() {
  ClientOptions options;
  options.address = "127.0.0.1:50052";
  options.section = "reposync.catalog_service";
  options.address_env = "LAMPLIGHTER_CATALOG_ADDRESS";
  return options;
}

void AddClientOptions(CLI::App& command, ClientOptions& options) {
  command
      .add_option("--address", options.address,
                  absl::StrCat("host:port of ", options.section))
      ->envname(options.address_env)
      ->capture_default_str();
  command
      .add_option("--token-file", options.token_file,
                  "file of the token to be known by")
      ->envname("LAMPLIGHTER_TOKEN_FILE");
  command
      .add_option("--ca-file", options.ca_file,
                  "PEM file of the authorities that the server's certificate "
                  "must come from; by default the system's, and on loopback no "
                  "TLS")
      ->envname("LAMPLIGHTER_CA_FILE");
  auto* const cert =
      command.add_option("--cert-file", options.cert_file,
                         "PEM file of a client certificate to be known by");
  auto* const key =
      command.add_option("--key-file", options.key_file, "PEM file of its key");
  cert->needs(key);
  key->needs(cert);
  command.add_flag("--plaintext", options.plaintext,
                   "no TLS, even beyond loopback");
  command.add_option("--timeout", options.timeout, "how long a call may take")
      ->capture_default_str();
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(
    const ClientOptions& options) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const absl::Duration timeout,
                               ReadDuration(options.timeout));
  std::string token;
  if (!options.token_file.empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(token, ReadSecret(options.token_file, ""));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ChannelCredentials> credentials,
      MakeCredentials(options));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(16 << 20);
  return std::unique_ptr<Client>(new Client(
      grpc::CreateCustomChannel(options.address, credentials, arguments),
      std::move(token), timeout));
}

Client::Client(std::shared_ptr<grpc::Channel> channel, std::string token,
               absl::Duration timeout)
    : stub_(v1::StatusService::NewStub(channel)),
      catalog_(v1::CatalogService::NewStub(channel)),
      token_(std::move(token)),
      timeout_(timeout) {}

std::unique_ptr<grpc::ClientContext> Client::NewContext() const {
  auto context = NewEndlessContext();
  context->set_deadline(absl::ToChronoTime(Clock::System().Now() + timeout_));
  return context;
}

std::unique_ptr<grpc::ClientContext> Client::NewEndlessContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!token_.empty()) {
    context->AddMetadata("authorization", absl::StrCat("Bearer ", token_));
  }
  return context;
}

void TellToken(const std::string& resume_token, std::ostream& err) {
  if (resume_token.empty()) return;
  err << "to go on: --resume-token " << resume_token << '\n';
}

int Fail(const absl::Status& error, const ClientOptions& options,
         std::ostream& err) {
  err << "lamplighterctl: " << absl::StatusCodeToString(error.code()) << ": "
      << error.message() << '\n';
  switch (error.code()) {
    case absl::StatusCode::kUnauthenticated:
      err << "name the file of a token with --token-file, or a certificate "
             "with --cert-file and --key-file\n";
      return kAuth;
    case absl::StatusCode::kPermissionDenied:
      return kAuth;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kDeadlineExceeded:
      err << "no answer from " << options.address << " within "
          << options.timeout << ": give it longer with --timeout\n";
      return kTimedOut;
    case absl::StatusCode::kUnavailable:
      err << "asked " << options.address << ": is that " << options.section
          << ".listen (--address), and does "
             "it use TLS (--ca-file) or not (--plaintext)?\n";
      return kFailure;
    default:
      return kFailure;
  }
}

absl::StatusOr<absl::Duration> ReadDuration(const std::string& text) {
  absl::Duration duration;
  absl::string_view days = text;
  const bool is_read =
      absl::ConsumeSuffix(&days, "d")
          ? absl::ParseDuration(absl::StrCat(days, "h"), &duration)
          : absl::ParseDuration(text, &duration);
  if (days.size() != text.size()) duration *= 24;
  if (is_read && duration > absl::ZeroDuration() &&
      duration < absl::InfiniteDuration()) {
    return duration;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(text, ": must be a duration, as 90s, 2h or 7d"));
}

}  // namespace lamplighter::cli
