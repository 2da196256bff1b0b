#include "cli/repositories.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/catalog_call.h"
#include "cli/client.h"
#include "cli/client_command.h"
#include "cli/hooks.h"
#include "cli/output.h"
#include "common/grpc/status.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"

namespace lamplighter::cli {
namespace {

using Stub = v1::CatalogService::Stub;

// What a command line says.
struct Options {
  ClientOptions client = CatalogOptions();
  OutputOptions output;
  std::string repository;
  std::vector<std::string> words;
  std::vector<std::string> connections;
  std::vector<std::string> types;
  std::string connection;
  std::string attachment;
  std::string group;
  bool archived = false;
  bool no_forks = false;
  bool removed = false;
  int max = 100;
  bool snapshot = false;
  std::string resume_token;
  int count = 0;
};

void AddFilterOptions(CLI::App& command, Options& options) {
  command.add_option("--connection", options.connections,
                     "that these connections reach");
  command.add_option("--type", options.types, "on forges of these types");
  command.add_option("--group", options.group,
                     "of this owner, workspace or project");
  command.add_flag("--archived", options.archived, "archived ones, too");
  command.add_flag("--no-forks", options.no_forks, "no forks");
  command.add_flag("--removed", options.removed,
                   "removed ones that are still kept, too");
}

v1::RepositoryFilter ReadFilter(const Options& options) {
  v1::RepositoryFilter filter;
  for (const std::string& name : options.connections) {
    filter.add_connections(name);
  }
  for (const std::string& type : options.types) filter.add_types(type);
  filter.set_group(options.group);
  filter.set_include_archived(options.archived);
  filter.set_exclude_forks(options.no_forks);
  filter.set_include_removed(options.removed);
  return filter;
}

std::string StateOf(const v1::CatalogEntry& entry) {
  if (entry.has_removed_at()) return "removed";
  return entry.repository().archived() ? "archived" : "";
}

std::vector<std::string> RowOf(const v1::CatalogEntry& entry) {
  std::vector<std::string> connections;
  for (const v1::ReachedBy& reached : entry.reached_by()) {
    connections.push_back(reached.connection());
  }
  return {entry.repository().repository_id(), absl::StrCat(entry.id()),
          absl::StrJoin(connections, ","), StateOf(entry),
          Cut(entry.repository().description(), 60)};
}

template <typename Entries>
void WriteTable(const Entries& entries, const OutputOptions& options,
                std::ostream& out) {
  Table table({"REPOSITORY", "ID", "CONNECTIONS", "STATE", "DESCRIPTION"});
  for (const v1::CatalogEntry& entry : entries) table.Add(RowOf(entry));
  table.Write(options, out);
}

int List(const Options& options, std::ostream& out, std::ostream& err) {
  v1::ListCatalogRequest request;
  *request.mutable_filter() = ReadFilter(options);
  v1::ListCatalogResponse all;
  do {
    request.set_page_size(std::min(options.max - all.entries_size(), 1'000));
    const auto page =
        CallCatalog(options.client, &Stub::ListRepositories, request);
    if (!page.ok()) return Fail(page.status(), options.client, err);
    all.mutable_entries()->MergeFrom(page->entries());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && all.entries_size() < options.max);
  if (!WriteMessage(options.output, all, out)) {
    WriteTable(all.entries(), options.output, out);
  }
  if (!request.page_token().empty()) {
    err << "there are more than " << options.max << ": see --max\n";
  }
  return kOk;
}

int Search(const Options& options, std::ostream& out, std::ostream& err) {
  v1::SearchRepositoriesRequest request;
  request.set_query(absl::StrJoin(options.words, " "));
  *request.mutable_filter() = ReadFilter(options);
  request.set_limit(options.max);
  const auto found =
      CallCatalog(options.client, &Stub::SearchRepositories, request);
  if (!found.ok()) return Fail(found.status(), options.client, err);
  if (!WriteMessage(options.output, *found, out)) {
    WriteTable(found->entries(), options.output, out);
  }
  return kOk;
}

int Get(const Options& options, std::ostream& out, std::ostream& err) {
  v1::GetCatalogRepositoryRequest request;
  request.set_repository_id(options.repository);
  const auto got = CallCatalog(options.client, &Stub::GetRepository, request);
  if (!got.ok()) return Fail(got.status(), options.client, err);
  out << (options.output.format == "json" ? ToJson(got->entry())
                                          : ToYaml(got->entry()));
  return kOk;
}

int Attach(const Options& options, std::ostream& out, std::ostream& err) {
  v1::AttachRepositoryRequest request;
  request.set_repository_id(options.repository);
  request.set_connection(options.connection);
  request.set_attachment(options.attachment);
  const auto attached =
      CallCatalog(options.client, &Stub::AttachRepository, request);
  if (!attached.ok()) return Fail(attached.status(), options.client, err);
  if (!WriteMessage(options.output, *attached, out)) {
    WriteHooks({attached->hook()}, options.output, out);
  }
  for (const std::string& line : attached->instructions()) err << line << '\n';
  const v1::Hook::State state = attached->hook().state();
  if (state == v1::Hook::PRESENT || state == v1::Hook::UNMANAGED) return kOk;
  err << "the webhook is not on yet; it is tried until it is: "
      << attached->hook().error() << '\n';
  return kPartial;
}

int Detach(const Options& options, std::ostream& out, std::ostream& err) {
  v1::DetachRepositoryRequest request;
  request.set_repository_id(options.repository);
  request.set_connection(options.connection);
  request.set_attachment(options.attachment);
  const auto detached =
      CallCatalog(options.client, &Stub::DetachRepository, request);
  if (!detached.ok()) return Fail(detached.status(), options.client, err);
  WriteMessage(options.output, *detached, out);
  if (!detached->has_hook()) {
    err << "no webhook of ours is left there\n";
    return kOk;
  }
  const v1::Hook& hook = detached->hook();
  if (!hook.attachments().empty()) {
    err << "the webhook stays, for " << absl::StrJoin(hook.attachments(), ", ")
        << '\n';
    return kOk;
  }
  err << "the webhook is not off yet; it is tried until it is: " << hook.error()
      << '\n';
  return kPartial;
}

// One line, but for yaml.
void WriteEntry(const char* what, const v1::CatalogEntry& entry,
                const OutputOptions& options, std::ostream& out) {
  if (options.format == "json") {
    out << ToJsonLine(entry);
  } else if (options.format == "yaml") {
    out << "---\n" << ToYaml(entry);
  } else {
    OutputOptions row = options;
    row.no_headers = true;
    Table table({"", "", "", "", "", ""});
    std::vector<std::string> cells = RowOf(entry);
    cells.insert(cells.begin(), what);
    table.Add(std::move(cells));
    table.Write(row, out);
  }
  out.flush();
}

int Watch(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::WatchRepositoriesRequest request;
  for (const std::string& name : options.connections) {
    request.add_connections(name);
  }
  request.set_snapshot(options.snapshot);
  request.set_resume_token(options.resume_token);
  int told = 0;
  while (true) {
    const auto context = (*client)->NewEndlessContext();
    const auto stream =
        (*client)->catalog().WatchRepositories(context.get(), request);
    v1::WatchRepositoriesResponse response;
    bool heard = false;
    while (stream->Read(&response)) {
      heard = true;
      for (const v1::CatalogEntry& entry : response.entries()) {
        WriteEntry("there", entry, options.output, out);
      }
      for (const v1::RepositoryChange& change : response.changes()) {
        const std::string kind = absl::AsciiStrToLower(
            v1::RepositoryChange::Kind_Name(change.kind()));
        WriteEntry(kind.c_str(), change.entry(), options.output, out);
        if (++told < options.count || options.count == 0) continue;
        // One in the middle of an answer is told of again.
        const bool is_last = &change == &*response.changes().rbegin();
        TellToken(is_last ? response.resume_token() : request.resume_token(),
                  err);
        return kOk;
      }
      request.set_resume_token(response.resume_token());
    }
    const absl::Status status = FromGrpcStatus(stream->Finish());
    // The server renews connections now and then; one that says nothing is
    // away.
    if (!heard || !absl::IsUnavailable(status)) {
      TellToken(request.resume_token(), err);
      return Fail(status, options.client, err);
    }
  }
}

void AddRepository(CLI::App& command, Options& options) {
  command
      .add_option("REPOSITORY", options.repository,
                  "its id, as github.com/acme/fleet")
      ->required();
}

void AddAttachment(CLI::App& command, Options& options) {
  AddRepository(command, options);
  command.add_option("--connection", options.connection,
                     "whose webhook; by default one that can");
  command.add_option("--attachment", options.attachment,
                     "for whom: the webhook goes with the last; by default the "
                     "caller's name");
}

}  // namespace

void AddRepositoriesList(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      AddClientCommand(group, run, "list", "List repositories", &List, options);
  AddFilterOptions(command, *options);
  command.add_option("--max", options->max, "how many at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void AddRepositoriesSearch(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "search", "Search paths and descriptions, best first",
      &Search, options);
  command.add_option("WORDS", options->words, "what to search for")->required();
  AddFilterOptions(command, *options);
  options->max = 20;
  command.add_option("--max", options->max, "how many at most")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
}

void AddRepositoriesGet(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  AddRepository(
      AddClientCommand(group, run, "get",
                       "Show all that is known of a repository", &Get, options),
      *options);
}

void AddRepositoriesAttach(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  AddAttachment(AddClientCommand(group, run, "attach",
                                 "Put Lamplighter's webhook on a repository",
                                 &Attach, options),
                *options);
}

void AddRepositoriesDetach(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  AddAttachment(AddClientCommand(group, run, "detach",
                                 "Take Lamplighter's webhook off a repository",
                                 &Detach, options),
                *options);
}

void AddRepositoriesWatch(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "watch", "Tell what changes in the catalog", &Watch, options);
  command.add_option("--connection", options->connections,
                     "that these connections reach");
  command.add_flag("--snapshot", options->snapshot, "first tell all there is");
  command.add_option("--resume-token", options->resume_token,
                     "go on where an earlier watch ended");
  command
      .add_option("--count", options->count,
                  "end after so many changes; 0 for never")
      ->check(CLI::Range(0, 1'000'000'000));
}

}  // namespace lamplighter::cli
