#include "cli/hooks.h"

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/catalog_call.h"
#include "cli/client.h"
#include "cli/client_command.h"

namespace lamplighter::cli {
namespace {

using Stub = v1::CatalogService::Stub;

// What a command line says.
struct Options {
  ClientOptions client = CatalogOptions();
  OutputOptions output;
  std::string connection;
  std::string repository;
  std::vector<std::string> states;
  bool rewrite = false;
  int max = 1'000;
};

int List(const Options& options, std::ostream& out, std::ostream& err) {
  v1::ListHooksRequest request;
  request.set_connection(options.connection);
  request.set_repository_id(options.repository);
  request.set_page_size(options.max);
  for (const std::string& name : options.states) {
    v1::Hook::State state = v1::Hook::STATE_UNSPECIFIED;
    v1::Hook::State_Parse(absl::AsciiStrToUpper(name), &state);
    request.add_states(state);
  }
  auto listed = CallCatalog(options.client, &Stub::ListHooks, request);
  if (!listed.ok()) return Fail(listed.status(), options.client, err);
  const bool more = !listed->next_page_token().empty();
  listed->clear_next_page_token();
  if (!WriteMessage(options.output, *listed, out)) {
    WriteHooks({listed->hooks().begin(), listed->hooks().end()}, options.output,
               out);
  }
  if (more) err << "there are more than " << options.max << '\n';
  return kOk;
}

int Repair(const Options& options, std::ostream& out, std::ostream& err) {
  v1::RepairHooksRequest request;
  request.set_connection(options.connection);
  request.set_repository_id(options.repository);
  request.set_rewrite(options.rewrite);
  const auto repaired =
      CallCatalog(options.client, &Stub::RepairHooks, request);
  if (!repaired.ok()) return Fail(repaired.status(), options.client, err);
  WriteMessage(options.output, *repaired, out);
  err << repaired->hooks()
      << " are looked at and mended now; how they are: lamplighterctl hooks "
         "list\n";
  return kOk;
}

void AddWhich(CLI::App& command, Options& options) {
  command.add_option("--connection", options.connection,
                     "of this connection only");
  command.add_option("--repository", options.repository,
                     "of this repository only, as github.com/acme/fleet");
}

}  // namespace

void WriteHooks(const std::vector<v1::Hook>& hooks,
                const OutputOptions& options, std::ostream& out) {
  Table table({"REPOSITORY", "CONNECTION", "STATE", "ATTACHMENTS", "URL",
               "REPAIRS", "ERROR"});
  for (const v1::Hook& hook : hooks) {
    table.Add({hook.repository_id(), hook.connection(),
               absl::AsciiStrToLower(v1::Hook::State_Name(hook.state())),
               absl::StrJoin(hook.attachments(), ","), hook.url(),
               absl::StrCat(hook.repairs()), Cut(hook.error(), 80)});
  }
  table.Write(options, out);
}

void AddHooksList(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "list", "List webhooks that are wanted, or to be taken off",
      &List, options);
  AddWhich(command, *options);
  command.add_option("--state", options->states, "in these states only")
      ->check(CLI::IsMember({"wanted", "present", "failing", "removing",
                             "orphaned", "unmanaged"}));
  command.add_option("--max", options->max, "how many at most")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

void AddHooksRepair(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "repair",
      "Compare webhooks with what they should be, and mend them", &Repair,
      options);
  AddWhich(command, *options);
  command.add_flag("--rewrite", options->rewrite,
                   "write the secret even where all looks right: after it was "
                   "changed");
}

}  // namespace lamplighter::cli
