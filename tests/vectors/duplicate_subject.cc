#include "tests/vectors/duplicate_subject.h"

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"
#include "re2/re2.h"
#include "services/provider/forges/forge.h"
#include "tests/vectors/delivery.h"

namespace lamplighter::vectors {
namespace {

using ::lamplighter::provider::Forge;
using ::lamplighter::provider::ForgeStatus;

// The status of "want=(context,state,description)", or of any where there is
// none; GitLab's begins with the commit.
v1::StatusIntent WantedIn(const std::string& fn, const Forge& forge) {
  std::string context = "c";
  std::string state;
  std::string description = "d";
  RE2::PartialMatch(fn, R"(want=\((?:\w+,)??([^,]*),([^,]*),([^,)]*)\))",
                    &context, &state, &description);
  v1::StatusIntent intent;
  intent.set_context(context);
  intent.set_state(state.empty() ? v1::SUCCESS : forge.StateOf(state));
  intent.set_description(description);
  return intent;
}

// `same` with what `words` say is different; none where it is not there, or of
// another commit, whose statuses are not asked for.
absl::StatusOr<absl::optional<ForgeStatus>> Describe(
    absl::string_view words, const ForgeStatus& same,
    const ForgeStatus& failed) {
  const auto say = [&](const char* pattern) {
    return RE2::PartialMatch({words.data(), words.size()}, pattern);
  };
  ForgeStatus status = same;
  if (say("^empty|^none|^nil$|^nil \\(404\\)|different sha")) {
    return absl::optional<ForgeStatus>();
  }
  const bool is_other_name = say("(other|different) name");
  if (say("(other|different) (ctx|context|key|genre)") ||
      (is_other_name && same.name.empty())) {
    // The genre is what Azure DevOps has before the slash.
    status.context = "other/context";
    status.genre = same.genre.empty() ? "" : "other";
  } else if (is_other_name) {
    status.name += " and more";
  } else if (say("differs by case")) {
    status.context = absl::AsciiStrToUpper(status.context);
  } else if (say("nil description")) {
    status.description.clear();
  } else if (say("different description|other description")) {
    status.description += " and more";
  } else if (say("different state|other state|failed|error|failure|^diff")) {
    status.state = failed.state;
  } else if (!say("same|identical")) {
    return absl::UnimplementedError("nobody has written down what that means");
  }
  return absl::make_optional(status);
}

}  // namespace

std::vector<std::string> StatusesIn(absl::string_view text) {
  const std::string plain = absl::StrReplaceAll(text, {{" then ", ", then "}});
  std::vector<std::string> statuses;
  for (const absl::string_view part : absl::StrSplit(plain, ", ")) {
    const bool begins = RE2::PartialMatch({part.data(), part.size()},
                                          "^(older|oldest|second|third|then)");
    if (begins || statuses.empty()) {
      statuses.emplace_back(part);
    } else {
      absl::StrAppend(&statuses.back(), ", ", part);
    }
  }
  return statuses;
}

absl::StatusOr<Comparison> DuplicateSubject(const Vector& vector) {
  std::string type;
  RE2::PartialMatch(vector.fn, R"(^duplicate(\w+)Status)", &type);
  type = absl::AsciiStrToLower(type);
  const std::unique_ptr<Forge> forge = MakeForge(type);
  if (forge == nullptr) return absl::UnimplementedError("no such forge");

  v1::StatusIntent intent = WantedIn(vector.fn, *forge);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeStatus same, forge->Render(intent));
  v1::StatusIntent failure = intent;
  failure.set_state(v1::FAILURE);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeStatus failed,
                               forge->Render(failure));
  Target target = MakeTarget(type, SomePath(type));
  for (const std::string& words : StatusesIn(Text(vector.in))) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(auto status, Describe(words, same, failed));
    if (status) target.shown.push_back(*std::move(status));
  }
  // Ids grow with time. Azure DevOps lists the oldest first.
  int id = 100;
  for (ForgeStatus& status : target.shown) {
    status.id = absl::StrCat(type == "azuredevops" ? ++id : --id);
  }
  const auto calls = Deliver(target, intent);
  if (!calls.ok()) {
    return Comparison{vector.flux, Refused(calls.status())};
  }
  return Comparison{vector.flux, Answer{.value = calls->empty()}};
}

}  // namespace lamplighter::vectors
