#include "services/ingest/forges/event_parts.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/forge/forge_location.h"
#include "common/time/proto_time.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

absl::StatusOr<ForgeLocation> Locate(absl::string_view address,
                                     const v1::GitEvent& event) {
  const std::string site = event.instance().empty()
                               ? ""
                               : absl::StrCat("https://", event.instance());
  absl::StatusOr<ForgeLocation> location =
      LocateRepository(event.provider_type(), address, site);
  // A path may have any bytes behind its percent signs, and nobody could read
  // an event that has them.
  if (location.ok() && !simdjson::validate_utf8(location->repository.data(),
                                                location->repository.size())) {
    return absl::InvalidArgumentError("the path is not UTF-8");
  }
  return location;
}

bool IsNone(absl::string_view object_id) {
  return object_id.find_first_not_of('0') == absl::string_view::npos;
}

// The bounds of google.protobuf.Timestamp.
const absl::Time kFirstTime = absl::FromUnixSeconds(-62135596800);
const absl::Time kLastTime = absl::FromUnixSeconds(253402300799);

absl::optional<absl::Time> ParseTime(absl::string_view text) {
  // absl::ParseTime() alone would also take "infinite-future".
  if (text.size() < 20 || !absl::ascii_isdigit(text[0])) return absl::nullopt;
  absl::Time time;
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d %H:%M:%E*S UTC"}) {
    if (absl::ParseTime(format, text, &time, nullptr)) return time;
  }
  return absl::nullopt;
}

absl::optional<absl::Time> TimeAt(const simdjson::dom::object& body,
                                  absl::string_view path) {
  constexpr int64_t kFirstMillis = 100'000'000'000;  // in seconds: year 5138
  const auto number = JsonInteger(body, path);
  if (!number.has_value()) return ParseTime(JsonText(body, path));
  return *number < kFirstMillis ? absl::FromUnixSeconds(*number)
                                : absl::FromUnixMillis(*number);
}

}  // namespace

void SetPlace(absl::string_view address, v1::GitEvent& event,
              v1::Repository& repository) {
  const absl::StatusOr<ForgeLocation> location = Locate(address, event);
  if (!location.ok()) return;
  if (repository.full_name().empty()) {
    repository.set_full_name(location->repository);
  }
  std::string id = RepositoryId(*location);
  absl::string_view instance = id;
  if (!absl::ConsumeSuffix(&instance,
                           absl::AsciiStrToLower(repository.full_name())) ||
      !absl::ConsumeSuffix(&instance, "/")) {
    return;
  }
  if (event.instance().empty()) event.set_instance(std::string(instance));
  repository.set_id(std::move(id));
}

std::string IdAt(absl::string_view address, const v1::GitEvent& event) {
  const absl::StatusOr<ForgeLocation> location = Locate(address, event);
  return location.ok() ? RepositoryId(*location) : "";
}

std::string PreviousId(const v1::GitEvent& event, absl::string_view owner,
                       absl::string_view name) {
  const std::string& id = event.repository().id();
  const std::string& full_name = event.repository().full_name();
  const size_t slash = full_name.rfind('/');
  if (id.empty() || slash == std::string::npos) return "";
  if (owner.empty()) owner = absl::string_view(full_name).substr(0, slash);
  if (name.empty()) name = absl::string_view(full_name).substr(slash + 1);
  return absl::AsciiStrToLower(absl::StrCat(
      id.substr(0, id.size() - full_name.size()), owner, "/", name));
}

v1::RefUpdate* AddRef(absl::string_view ref, absl::string_view before,
                      absl::string_view after, v1::GitEvent& event) {
  const bool is_new = IsNone(before);
  const bool is_gone = IsNone(after);
  if (ref.empty() || (is_new && is_gone)) return nullptr;
  event.set_type(v1::GitEvent::PUSH);
  v1::RefUpdate& update = *event.mutable_push()->add_refs();
  update.set_ref(std::string(ref));
  update.set_action(is_gone  ? v1::RefUpdate::DELETED
                    : is_new ? v1::RefUpdate::CREATED
                             : v1::RefUpdate::UPDATED);
  if (!is_new) update.set_before(std::string(before));
  if (!is_gone) update.set_after(std::string(after));
  return &update;
}

std::string Branch(absl::string_view ref) {
  return std::string(absl::StripPrefix(ref, "refs/heads/"));
}

void SetOccurred(const simdjson::dom::object& body, absl::string_view path,
                 v1::GitEvent& event) {
  const absl::optional<absl::Time> time = TimeAt(body, path);
  if (!time.has_value() || *time < kFirstTime || *time > kLastTime) return;
  *event.mutable_occurred_at() = ToProto(*time);
}

}  // namespace lamplighter::ingest
