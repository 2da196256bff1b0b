#include "cli/connections.h"

#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "cli/catalog_call.h"
#include "cli/client.h"
#include "cli/client_command.h"
#include "cli/output.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"

namespace lamplighter::cli {
namespace {

using Stub = v1::CatalogService::Stub;

constexpr size_t kMaxSecretFile = 64 << 10;

// What a command line says.
struct Options {
  ClientOptions client = CatalogOptions();
  OutputOptions output;
  std::string name;
  std::string type;
  std::string address;
  std::string webhook_url;
  std::vector<std::string> secrets;  // KEY=FILE
  bool dry_run = false;
  bool accept_shrink = false;
  bool abandon_webhooks = false;
  int max = 20;
};

std::string TimeOf(bool is_set, const google::protobuf::Timestamp& time) {
  if (!is_set) return "-";
  return absl::FormatTime(absl::RFC3339_sec, FromProto(time),
                          absl::UTCTimeZone());
}

std::string StateOf(const v1::Refresh& refresh) {
  return absl::AsciiStrToLower(v1::Refresh::State_Name(refresh.state()));
}

// Reads the files; what is in them is on no command line and in no history.
template <typename Secret>
absl::Status ReadSecrets(const std::vector<std::string>& arguments,
                         Secret& secret) {
  for (const std::string& argument : arguments) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(argument, absl::MaxSplits('=', 1));
    if (parts.first.empty() || parts.second.empty()) {
      return absl::InvalidArgumentError(
          "--secret: must be KEY=FILE, as token=/run/secrets/token");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(std::string content,
                                 ReadSmallFile(parts.second, kMaxSecretFile));
    secret[parts.first] =
        std::string(absl::StripTrailingAsciiWhitespace(content));
  }
  return absl::OkStatus();
}

void WriteTable(const std::vector<v1::CatalogConnection>& connections,
                const OutputOptions& options, std::ostream& out) {
  Table table({"NAME", "TYPE", "ADDRESS", "REPOSITORIES", "REFRESHED", "STATE",
               "LOGIN", "EXPIRES", "PROBLEM"});
  for (const v1::CatalogConnection& connection : connections) {
    const v1::CheckCredentialResponse& check = connection.check();
    std::string problem = connection.check_error();
    if (problem.empty() && check.problems_size() > 0) {
      problem = check.problems(0);
    }
    if (problem.empty()) problem = connection.last_refresh().error();
    table.Add(
        {connection.info().name(), connection.info().type(),
         connection.info().address(), absl::StrCat(connection.repositories()),
         TimeOf(connection.has_refreshed_at(), connection.refreshed_at()),
         connection.has_last_refresh() ? StateOf(connection.last_refresh())
                                       : "-",
         check.login(), TimeOf(check.has_expires_at(), check.expires_at()),
         Cut(problem, 80)});
  }
  table.Write(options, out);
}

void WriteTable(const std::vector<v1::Refresh>& refreshes,
                const OutputOptions& options, std::ostream& out) {
  Table table({"ID", "CONNECTION", "STARTED", "STATE", "SEEN", "ADDED",
               "CHANGED", "REMOVED", "KEPT", "REQUESTS", "SAME", "ERROR"});
  for (const v1::Refresh& refresh : refreshes) {
    table.Add({absl::StrCat(refresh.id()), refresh.connection(),
               TimeOf(true, refresh.started_at()), StateOf(refresh),
               absl::StrCat(refresh.seen()), absl::StrCat(refresh.added()),
               absl::StrCat(refresh.changed()), absl::StrCat(refresh.removed()),
               absl::StrCat(refresh.kept()), absl::StrCat(refresh.requests()),
               absl::StrCat(refresh.not_modified()), Cut(refresh.error(), 80)});
  }
  table.Write(options, out);
}

// Writes what came of a call that tells of one connection.
template <typename Response>
int Tell(const absl::StatusOr<Response>& response, const Options& options,
         std::ostream& out, std::ostream& err) {
  if (!response.ok()) return Fail(response.status(), options.client, err);
  if (!WriteMessage(options.output, *response, out)) {
    WriteTable(std::vector<v1::CatalogConnection>{response->connection()},
               options.output, out);
  }
  for (const std::string& problem : response->connection().check().problems()) {
    err << problem << '\n';
  }
  return kOk;
}

int List(const Options& options, std::ostream& out, std::ostream& err) {
  const auto listed = CallCatalog(options.client, &Stub::ListConnections,
                                  v1::ListCatalogConnectionsRequest());
  if (!listed.ok()) return Fail(listed.status(), options.client, err);
  if (!WriteMessage(options.output, *listed, out)) {
    WriteTable(std::vector<v1::CatalogConnection>(listed->connections().begin(),
                                                  listed->connections().end()),
               options.output, out);
  }
  return kOk;
}

int Create(const Options& options, std::ostream& out, std::ostream& err) {
  v1::CreateConnectionRequest request;
  request.set_name(options.name);
  request.set_type(options.type);
  request.set_address(options.address);
  request.set_webhook_url(options.webhook_url);
  request.set_dry_run(options.dry_run);
  const absl::Status read =
      ReadSecrets(options.secrets, *request.mutable_secret());
  if (!read.ok()) return Fail(read, options.client, err);
  return Tell(CallCatalog(options.client, &Stub::CreateConnection, request),
              options, out, err);
}

int Update(const Options& options, std::ostream& out, std::ostream& err) {
  v1::UpdateConnectionRequest request;
  request.set_name(options.name);
  request.set_webhook_url(options.webhook_url);
  const absl::Status read =
      ReadSecrets(options.secrets, *request.mutable_secret());
  if (!read.ok()) return Fail(read, options.client, err);
  return Tell(CallCatalog(options.client, &Stub::UpdateConnection, request),
              options, out, err);
}

int Check(const Options& options, std::ostream& out, std::ostream& err) {
  v1::CheckConnectionRequest request;
  request.set_name(options.name);
  const auto checked =
      CallCatalog(options.client, &Stub::CheckConnection, request);
  const int told = Tell(checked, options, out, err);
  if (told != kOk || checked->connection().check_error().empty()) return told;
  err << checked->connection().check_error() << '\n';
  return kFailure;
}

int Delete(const Options& options, std::ostream& out, std::ostream& err) {
  v1::DeleteConnectionRequest request;
  request.set_name(options.name);
  request.set_abandon_webhooks(options.abandon_webhooks);
  const auto deleted =
      CallCatalog(options.client, &Stub::DeleteConnection, request);
  if (!deleted.ok()) return Fail(deleted.status(), options.client, err);
  WriteMessage(options.output, *deleted, out);
  err << "deleted; " << deleted->removed()
      << " repositories are no longer reached\n";
  return kOk;
}

int Refresh(const Options& options, std::ostream& out, std::ostream& err) {
  v1::RefreshConnectionRequest request;
  request.set_name(options.name);
  request.set_accept_shrink(options.accept_shrink);
  const auto begun =
      CallCatalog(options.client, &Stub::RefreshConnection, request);
  if (!begun.ok()) return Fail(begun.status(), options.client, err);
  if (!WriteMessage(options.output, *begun, out)) {
    out << begun->refresh().id() << '\n';
  }
  err << (begun->already_running() ? "it runs already" : "it has begun")
      << "; how it goes: lamplighterctl connections refreshes " << options.name
      << '\n';
  return kOk;
}

int Refreshes(const Options& options, std::ostream& out, std::ostream& err) {
  v1::ListRefreshesRequest request;
  request.set_connection(options.name);
  request.set_page_size(options.max);
  auto listed = CallCatalog(options.client, &Stub::ListRefreshes, request);
  if (!listed.ok()) return Fail(listed.status(), options.client, err);
  listed->clear_next_page_token();
  if (!WriteMessage(options.output, *listed, out)) {
    WriteTable(std::vector<v1::Refresh>(listed->refreshes().begin(),
                                        listed->refreshes().end()),
               options.output, out);
  }
  return kOk;
}

void AddName(CLI::App& command, Options& options) {
  command.add_option("NAME", options.name, "name of the connection")
      ->required();
}

void AddSecrets(CLI::App& command, Options& options) {
  command.add_option(
      "--secret", options.secrets,
      "KEY=FILE, several times: token; appId, privateKey; webhookSecret; "
      "webhookBasicAuthUser, webhookBasicAuthPass; ca.crt");
  command.add_option("--webhook-url", options.webhook_url,
                     "where webhooks lead to: the public URL of ingest's "
                     "source");
}

}  // namespace

void AddConnectionsList(CLI::App& group, Run& run) {
  AddClientCommand(group, run, "list", "List the connections", &List,
                   std::make_shared<Options>());
}

void AddConnectionsCreate(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "create", "Check a credential and make a connection with it",
      &Create, options);
  AddName(command, *options);
  command
      .add_option("--type", options->type,
                  "github, gitlab, bitbucket, bitbucketserver, azuredevops or "
                  "gitea")
      ->required();
  command
      .add_option("--forge", options->address,
                  "URL of the forge, as https://github.com/acme")
      ->required();
  AddSecrets(command, *options);
  command.add_flag("--dry-run", options->dry_run, "only check the credential");
}

void AddConnectionsUpdate(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "update", "Give a connection another secret or webhook URL",
      &Update, options);
  AddName(command, *options);
  AddSecrets(command, *options);
}

void AddConnectionsCheck(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  AddName(AddClientCommand(group, run, "check", "Check a credential again",
                           &Check, options),
          *options);
}

void AddConnectionsDelete(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "delete", "Delete a connection that was made at run time",
      &Delete, options);
  AddName(command, *options);
  command.add_flag("--abandon-webhooks", options->abandon_webhooks,
                   "leave its webhooks where they are");
}

void AddConnectionsRefresh(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(group, run, "refresh",
                                       "List anew what a connection reaches",
                                       &Refresh, options);
  AddName(command, *options);
  command.add_flag("--accept-shrink", options->accept_shrink,
                   "what is missing may be removed, however much that is");
}

void AddConnectionsRefreshes(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      AddClientCommand(group, run, "refreshes",
                       "List refreshes, the newest first", &Refreshes, options);
  command.add_option("NAME", options->name,
                     "name of the connection; all by default");
  command.add_option("--max", options->max, "how many at most")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

}  // namespace lamplighter::cli
