#include "cli/statuses.h"

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
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/client_command.h"
#include "cli/output.h"
#include "common/grpc/status.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/status_service.pb.h"

namespace lamplighter::cli {
namespace {

// How often a watch begins anew without being told anything, a second apart.
constexpr int kMaxRestarts = 60;

// What a command line says.
struct Options {
  ClientOptions client;
  OutputOptions output;
  std::string provider;  // NAMESPACE/NAME
  std::string repository;
  std::string sha;
  std::string context;
  std::string state;
  std::string description;
  std::string target_url;
  std::string event_time;
  std::string idempotency_key;
  std::vector<std::string> repositories;
  std::string intent;
  std::vector<std::string> results;
  std::string resume_token;
  int count = 0;
};

void AddCommitOptions(CLI::App& command, Options& options) {
  command
      .add_option("--provider", options.provider,
                  "NAMESPACE/NAME of the Flux Provider whose credential to use")
      ->required();
  command.add_option("--repository", options.repository,
                     "id of the repository, as github.com/acme/fleet; by "
                     "default the Provider's own");
  command.add_option("--sha", options.sha, "id of the commit, in full")
      ->required();
}

v1::ProviderRef ReadProvider(const std::string& name) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(name, absl::MaxSplits('/', 1));
  v1::ProviderRef provider;
  provider.set_namespace_(parts.first);
  provider.set_name(parts.second);
  return provider;
}

std::string NameOf(v1::CommitState state) {
  return absl::AsciiStrToLower(v1::CommitState_Name(state));
}

absl::StatusOr<v1::SetStatusRequest> ReadRequest(const Options& options) {
  v1::SetStatusRequest request;
  *request.mutable_provider() = ReadProvider(options.provider);
  request.set_repository_id(options.repository);
  request.set_sha(options.sha);
  request.set_context(options.context);
  v1::CommitState state = v1::COMMIT_STATE_UNSPECIFIED;
  v1::CommitState_Parse(absl::AsciiStrToUpper(options.state), &state);
  request.set_state(state);
  request.set_description(options.description);
  request.set_target_url(options.target_url);
  request.set_idempotency_key(options.idempotency_key);
  if (!options.event_time.empty()) {
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, options.event_time, &time,
                         &error)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--event-time: must be as 2026-01-31T12:00:00Z: ", error));
    }
    *request.mutable_event_time() = ToProto(time);
  }
  return request;
}

int Set(const Options& options, std::ostream& out, std::ostream& err) {
  const auto request = ReadRequest(options);
  if (!request.ok()) {
    err << request.status().message() << '\n';
    return kUsage;
  }
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::SetStatusResponse response;
  const absl::Status status = FromGrpcStatus((*client)->stub().SetCommitStatus(
      (*client)->NewContext().get(), *request, &response));
  if (!status.ok()) return Fail(status, options.client, err);
  if (!WriteMessage(options.output, response, out)) {
    out << response.intent_id() << '\n';
  }
  err << "taken; what becomes of it is told by: lamplighterctl statuses watch "
         "--intent "
      << response.intent_id() << '\n';
  return kOk;
}

template <typename Statuses>
void WriteTable(const Statuses& statuses, const OutputOptions& options,
                std::ostream& out) {
  Table table({"CONTEXT", "STATE", "DESCRIPTION", "URL"});
  for (const v1::CommitStatus& status : statuses) {
    table.Add({status.context(), NameOf(status.state()),
               Cut(status.description(), 80), status.target_url()});
  }
  table.Write(options, out);
}

int Get(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::GetCommitStatusRequest request;
  *request.mutable_provider() = ReadProvider(options.provider);
  request.set_repository_id(options.repository);
  request.set_sha(options.sha);
  request.set_context(options.context);
  v1::GetCommitStatusResponse response;
  const absl::Status status = FromGrpcStatus((*client)->stub().GetCommitStatus(
      (*client)->NewContext().get(), request, &response));
  if (!status.ok()) return Fail(status, options.client, err);
  if (!WriteMessage(options.output, response, out)) {
    WriteTable(std::vector<v1::CommitStatus>{response.status()}, options.output,
               out);
  }
  return kOk;
}

int List(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::ListStatusesRequest request;
  *request.mutable_provider() = ReadProvider(options.provider);
  request.set_repository_id(options.repository);
  request.set_sha(options.sha);
  v1::ListStatusesResponse response;
  const absl::Status status =
      FromGrpcStatus((*client)->stub().ListCommitStatuses(
          (*client)->NewContext().get(), request, &response));
  if (!status.ok()) return Fail(status, options.client, err);
  if (!WriteMessage(options.output, response, out)) {
    WriteTable(response.statuses(), options.output, out);
  }
  return kOk;
}

// One line, but for yaml.
void WriteOutcome(const v1::StatusOutcome& outcome,
                  const OutputOptions& options, std::ostream& out) {
  if (options.format == "json") {
    out << ToJsonLine(outcome);
  } else if (options.format == "yaml") {
    out << "---\n" << ToYaml(outcome);
  } else {
    const v1::StatusIntent& intent = outcome.intent();
    OutputOptions row = options;
    row.no_headers = true;
    Table table({"", "", "", "", ""});
    table.Add(
        {absl::FormatTime(absl::RFC3339_sec, FromProto(outcome.decided_at()),
                          absl::UTCTimeZone()),
         absl::AsciiStrToLower(
             v1::StatusOutcome::Result_Name(outcome.result())),
         absl::StrCat(intent.repository_id(), "@", intent.sha().substr(0, 10)),
         absl::StrCat(intent.context(), "=", NameOf(intent.state())),
         Cut(outcome.detail(), 80)});
    table.Write(row, out);
  }
  out.flush();
}

// Watches until the stream ends, or `count` outcomes were told. Keeps the last
// token in `request`.
absl::Status WatchOnce(Client& client, const Options& options,
                       v1::WatchOutcomesRequest& request, int& told,
                       bool& heard, std::ostream& out) {
  const auto context = client.NewEndlessContext();
  const auto stream = client.stub().WatchOutcomes(context.get(), request);
  v1::WatchOutcomesResponse response;
  while (stream->Read(&response)) {
    heard = true;
    if (response.has_outcome()) {
      WriteOutcome(response.outcome(), options.output, out);
      ++told;
    }
    request.set_resume_token(response.resume_token());
    if (options.count > 0 && told >= options.count) {
      context->TryCancel();
      static_cast<void>(stream->Finish());  // cancelled, by us
      return absl::OkStatus();
    }
  }
  return FromGrpcStatus(stream->Finish());
}

int Watch(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::WatchOutcomesRequest request;
  for (const std::string& id : options.repositories) {
    request.add_repository_ids(id);
  }
  request.set_sha(options.sha);
  request.set_intent_id(options.intent);
  for (const std::string& name : options.results) {
    v1::StatusOutcome::Result result;
    if (v1::StatusOutcome::Result_Parse(absl::AsciiStrToUpper(name), &result)) {
      request.add_results(result);
    }
  }
  request.set_resume_token(options.resume_token);
  int told = 0;
  bool heard = false;
  for (int restarts = 0; restarts < kMaxRestarts; ++restarts) {
    const bool was_heard = std::exchange(heard, false);
    const absl::Status status =
        WatchOnce(**client, options, request, told, heard, out);
    if (status.ok()) return kOk;
    if (heard) restarts = 0;
    // A server that stops, or renews the connection; not one never reached.
    const bool resumes =
        (heard || was_heard || restarts > 0) &&
        (absl::IsUnavailable(status) || absl::IsCancelled(status));
    if (!resumes) {
      TellToken(request.resume_token(), err);
      return Fail(status, options.client, err);
    }
    err << "goes on after: " << status.message() << '\n';
    // Not at once, as a server may refuse at once.
    absl::Notification never;
    never.WaitForNotificationWithTimeout(absl::Seconds(1));
  }
  TellToken(request.resume_token(), err);
  return kTimedOut;
}

}  // namespace

void AddStatusesSet(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      AddClientCommand(group, run, "set", "Have a status set", &Set, options);
  AddCommitOptions(command, *options);
  command.add_option("--context", options->context, "name of the status")
      ->required();
  command.add_option("--state", options->state, "what to show")
      ->required()
      ->check(
          CLI::IsMember({"pending", "running", "success", "failure", "error"}));
  command.add_option("--description", options->description,
                     "one line for people");
  command.add_option("--target-url", options->target_url, "link for people");
  command.add_option("--event-time", options->event_time,
                     "when it became so, as 2026-01-31T12:00:00Z; now by "
                     "default");
  command.add_option("--idempotency-key", options->idempotency_key,
                     "a request with the same key is the same one; needs "
                     "--event-time");
}

void AddStatusesGet(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "get", "Show a status as the forge has it", &Get, options);
  AddCommitOptions(command, *options);
  command.add_option("--context", options->context, "name of the status")
      ->required();
}

void AddStatusesList(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  AddCommitOptions(
      AddClientCommand(group, run, "list",
                       "Show the statuses of a commit as the forge has them",
                       &List, options),
      *options);
}

void AddStatusesWatch(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "watch", "Tell what becomes of statuses", &Watch, options);
  command.add_option("--repository", options->repositories,
                     "of these repositories only");
  command.add_option("--sha", options->sha, "of this commit only");
  command.add_option("--intent", options->intent, "of this intent only");
  command.add_option("--result", options->results, "with these results only")
      ->check(
          CLI::IsMember({"set", "unchanged", "superseded", "dead_lettered"}));
  command.add_option("--resume-token", options->resume_token,
                     "go on where an earlier watch ended");
  command
      .add_option("--count", options->count, "end after so many; 0 for never")
      ->check(CLI::Range(0, 1'000'000'000));
}

}  // namespace lamplighter::cli
