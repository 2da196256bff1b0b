#include "cli/dead_letters.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "cli/client.h"
#include "cli/client_command.h"
#include "cli/output.h"
#include "common/grpc/status.h"
#include "common/time/clock.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/status_service.pb.h"

namespace lamplighter::cli {
namespace {

// What a command line says.
struct Options {
  ClientOptions client;
  OutputOptions output;
  std::string since;
  std::vector<std::string> reasons;
  std::string repository;
  std::vector<std::string> ids;
  int max = 0;
  bool dry_run = false;
  bool include_quarantined = false;
};

// REJECTED is "rejected", BAD_CONFIGURATION "bad-configuration".
std::string NameOf(v1::DeadLetter::Reason reason) {
  return absl::AsciiStrToLower(
      absl::StrReplaceAll(v1::DeadLetter::Reason_Name(reason), {{"_", "-"}}));
}

bool ParseReason(const std::string& name, v1::DeadLetter::Reason* reason) {
  return v1::DeadLetter::Reason_Parse(
             absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}})),
             reason) &&
         *reason != v1::DeadLetter::REASON_UNSPECIFIED;
}

// What is wrong with a reason, as CLI11 wants it: empty if nothing.
std::string CheckReason(const std::string& name) {
  v1::DeadLetter::Reason reason;
  if (ParseReason(name, &reason)) return "";
  std::string known;
  for (int i = 1; v1::DeadLetter::Reason_IsValid(i); ++i) {
    absl::StrAppend(&known, i == 1 ? "" : ", ",
                    NameOf(static_cast<v1::DeadLetter::Reason>(i)));
  }
  return absl::StrCat(name, " is none of ", known);
}

std::string CheckDuration(const std::string& text) {
  return std::string(ReadDuration(text).status().message());
}

void AddFilterOptions(CLI::App& command, Options& options) {
  command
      .add_option("--since", options.since,
                  "given up no longer ago than this, as 2h or 7d")
      ->check(CheckDuration);
  command
      .add_option("--reason", options.reasons, "why, as rejected or expired")
      ->check(CheckReason);
  command.add_option("--repository", options.repository,
                     "id of the repository, as github.com/acme/fleet");
  command.add_option("--id", options.ids, "id, as 3/1042");
}

v1::DeadLetterFilter ReadFilter(const Options& options) {
  v1::DeadLetterFilter filter;
  if (!options.since.empty()) {
    filter.mutable_since()->set_seconds(
        absl::ToInt64Seconds(*ReadDuration(options.since)));
  }
  for (const std::string& name : options.reasons) {
    v1::DeadLetter::Reason reason;
    if (ParseReason(name, &reason)) filter.add_reasons(reason);
  }
  filter.set_repository_id(options.repository);
  for (const std::string& id : options.ids) filter.add_ids(id);
  return filter;
}

// "2h5m" ago.
std::string Age(const google::protobuf::Timestamp& time) {
  const absl::Duration age = Clock::System().Now() - FromProto(time);
  return absl::FormatDuration(
      absl::Trunc(age, age < absl::Minutes(10) ? absl::Seconds(1)
                       : age < absl::Hours(48) ? absl::Minutes(1)
                                               : absl::Hours(1)));
}

// What could not be done, in few words.
std::string SubjectOf(const v1::DeadLetter& letter) {
  if (letter.has_intent()) {
    const v1::StatusIntent& intent = letter.intent();
    return absl::StrCat(intent.repository_id(), "@", intent.sha().substr(0, 10),
                        " ", intent.context());
  }
  if (letter.has_flux_event()) {
    const v1::ObjectReference& object = letter.flux_event().involved_object();
    return absl::StrCat(letter.flux_event().cluster(), " ", object.kind(), "/",
                        object.namespace_(), "/", object.name());
  }
  return absl::StrCat(letter.original_topic(), "/", letter.original_partition(),
                      "/", letter.original_offset());
}

void WriteTable(const v1::ListDeadLettersResponse& listed,
                const OutputOptions& options, std::ostream& out) {
  Table table({"ID", "AGE", "REASON", "REPLAYS", "WHAT", "WHY"});
  for (const v1::ListedDeadLetter& each : listed.dead_letters()) {
    const v1::DeadLetter& letter = each.dead_letter();
    table.Add({each.id(), Age(letter.given_up_at()), NameOf(letter.reason()),
               absl::StrCat(letter.replays()), Cut(SubjectOf(letter), 80),
               Cut(letter.detail(), 80)});
  }
  table.Write(options, out);
}

// Up to `max`, page by page. What was read before an error is kept.
absl::Status Read(Client& client, const v1::DeadLetterFilter& filter, int max,
                  v1::ListDeadLettersResponse& all) {
  v1::ListDeadLettersRequest request;
  *request.mutable_filter() = filter;
  do {
    request.set_page_size(std::min(max - all.dead_letters_size(), 1'000));
    v1::ListDeadLettersResponse page;
    const absl::Status status = FromGrpcStatus(client.stub().ListDeadLetters(
        client.NewContext().get(), request, &page));
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    all.MergeFrom(page);
    all.set_next_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.dead_letters_size() < max);
  return absl::OkStatus();
}

int List(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::ListDeadLettersResponse listed;
  const absl::Status status =
      Read(**client, ReadFilter(options), options.max, listed);
  if (!status.ok()) return Fail(status, options.client, err);
  const bool more = !listed.next_page_token().empty();
  listed.clear_next_page_token();
  if (!WriteMessage(options.output, listed, out)) {
    WriteTable(listed, options.output, out);
  }
  if (more) {
    err << "there may be more than " << options.max << ": see --max\n";
  }
  return kOk;
}

int Show(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::ListDeadLettersResponse listed;
  const absl::Status status =
      Read(**client, ReadFilter(options), options.max, listed);
  if (!status.ok()) return Fail(status, options.client, err);
  if (listed.dead_letters().empty()) {
    return Fail(absl::NotFoundError(absl::StrCat(
                    options.ids.front(),
                    " was dealt with: it was replayed or dropped")),
                options.client, err);
  }
  const v1::ListedDeadLetter& letter = listed.dead_letters(0);
  out << (options.output.format == "json" ? ToJson(letter) : ToYaml(letter));
  return kOk;
}

template <typename Ids>
void WriteIds(const char* what, const Ids& ids, Table& table) {
  for (const std::string& id : ids) table.Add({id, what});
}

int Replay(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::ReplayDeadLettersRequest request;
  *request.mutable_filter() = ReadFilter(options);
  request.set_dry_run(options.dry_run);
  request.set_max(options.max);
  request.set_include_quarantined(options.include_quarantined);
  v1::ReplayDeadLettersResponse response;
  const absl::Status status =
      FromGrpcStatus((*client)->stub().ReplayDeadLetters(
          (*client)->NewContext().get(), request, &response));
  if (!status.ok()) return Fail(status, options.client, err);
  if (!WriteMessage(options.output, response, out)) {
    Table table({"ID", "RESULT"});
    WriteIds(options.dry_run ? "would be replayed" : "replayed",
             response.replayed(), table);
    WriteIds("quarantined", response.quarantined(), table);
    WriteIds("not replayable", response.not_replayable(), table);
    table.Write(options.output, out);
  }
  err << response.replayed_size()
      << (options.dry_run ? " would be replayed" : " replayed");
  if (response.quarantined_size() > 0) {
    err << ", " << response.quarantined_size()
        << " left alone, as they were replayed too often: mend the cause, then "
           "--include-quarantined, or drop them";
  }
  if (response.not_replayable_size() > 0) {
    err << ", " << response.not_replayable_size()
        << " cannot be replayed, as they were never decoded: drop them";
  }
  if (response.more()) err << "; there are more than --max";
  err << '\n';
  const bool all = response.quarantined().empty() &&
                   response.not_replayable().empty() && !response.more();
  return all || options.dry_run ? kOk : kPartial;
}

int Drop(const Options& options, std::ostream& out, std::ostream& err) {
  const auto client = Client::Create(options.client);
  if (!client.ok()) return Fail(client.status(), options.client, err);
  v1::DropDeadLettersRequest request;
  *request.mutable_filter() = ReadFilter(options);
  request.set_dry_run(options.dry_run);
  request.set_max(options.max);
  v1::DropDeadLettersResponse response;
  const absl::Status status = FromGrpcStatus((*client)->stub().DropDeadLetters(
      (*client)->NewContext().get(), request, &response));
  if (!status.ok()) return Fail(status, options.client, err);
  if (!WriteMessage(options.output, response, out)) {
    Table table({"ID", "RESULT"});
    WriteIds(options.dry_run ? "would be dropped" : "dropped",
             response.dropped(), table);
    table.Write(options.output, out);
  }
  err << response.dropped_size()
      << (options.dry_run ? " would be dropped" : " dropped")
      << (response.more() ? "; there are more than --max\n" : "\n");
  return !response.more() || options.dry_run ? kOk : kPartial;
}

}  // namespace

void AddDeadLettersList(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "list", "List what was given up", &List, options);
  AddFilterOptions(command, *options);
  options->max = 1'000;
  command.add_option("--max", options->max, "how many at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

void AddDeadLettersShow(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "show", "Show all that is known of a dead letter", &Show,
      options);
  options->max = 1;
  command.add_option("ID", options->ids, "its id, as 3/1042")
      ->required()
      ->expected(1);
}

void AddDeadLettersReplay(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "replay", "Try again what was given up", &Replay, options);
  AddFilterOptions(command, *options);
  command.add_option("--max", options->max, "how many at most; 0 for 1000")
      ->check(CLI::Range(0, 100'000));
  command.add_flag("--dry-run", options->dry_run,
                   "only tell what would be replayed");
  command.add_flag("--include-quarantined", options->include_quarantined,
                   "also what was replayed three times already");
}

void AddDeadLettersDrop(CLI::App& group, Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App& command = AddClientCommand(
      group, run, "drop", "Be done with dead letters without a replay", &Drop,
      options);
  AddFilterOptions(command, *options);
  command.add_option("--max", options->max, "how many at most; 0 for 1000")
      ->check(CLI::Range(0, 100'000));
  command.add_flag("--dry-run", options->dry_run,
                   "only tell what would be dropped");
}

}  // namespace lamplighter::cli
