#include "tests/forges/fault.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"

namespace lamplighter {
namespace {

using ::simdjson::dom::element;

// Sets the field of that name. False if there is none or it is of another type.
bool SetField(std::string_view name, element value, absl::Time now,
              Fault& fault) {
  int64_t number = 0;
  bool flag = false;
  std::string_view text;
  if (!value.get(number) && number >= 0) {
    if (name == "status")
      fault.status = static_cast<int>(number);
    else if (name == "latency_ms")
      fault.latency = absl::Milliseconds(number);
    else if (name == "jitter_ms")
      fault.jitter = absl::Milliseconds(number);
    else if (name == "retry_after_s")
      fault.retry_after = absl::Seconds(number);
    else if (name == "rate_limit_until")
      fault.rate_limit_until = absl::FromUnixSeconds(number);
    else if (name == "for_ms")
      fault.ends_at = now + absl::Milliseconds(number);
    else if (name == "times")
      fault.times = number;
    else
      return false;
    return true;
  }
  if (!value.get(flag)) {
    if (name == "hang")
      fault.hang = flag;
    else if (name == "reset")
      fault.reset = flag;
    else if (name == "html")
      fault.html = flag;
    else if (name == "truncated")
      fault.truncated = flag;
    else if (name == "huge")
      fault.huge = flag;
    else if (name == "after")
      fault.after = flag;
    else
      return false;
    return true;
  }
  if (value.get(text)) return false;
  if (name == "method")
    fault.method = std::string(text);
  else if (name == "target")
    fault.target = std::string(text);
  else if (name == "body")
    fault.body = std::string(text);
  else if (name == "query")
    fault.query = std::string(text);
  else if (name == "credential")
    fault.credential = std::string(text);
  else
    return false;
  return true;
}

}  // namespace

absl::StatusOr<Fault> Fault::Parse(const std::string& json, absl::Time now) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object)) {
    return absl::InvalidArgumentError("must be a JSON object");
  }
  Fault fault;
  for (const auto& field : object) {
    if (!SetField(field.key, field.value, now, fault)) {
      return absl::InvalidArgumentError(
          absl::StrCat("not understood: ",
                       absl::string_view(field.key.data(), field.key.size())));
    }
  }
  if (fault.rate_limit_until && fault.ends_at == absl::InfiniteFuture()) {
    fault.ends_at = *fault.rate_limit_until;
  }
  return fault;
}

absl::optional<Fault> Faults::Hit(absl::string_view method,
                                  absl::string_view target,
                                  absl::string_view credential) {
  if (faults_.empty()) return absl::nullopt;
  const absl::Time now = clock_.Now();
  faults_.remove_if([now](const Fault& fault) { return fault.ends_at <= now; });
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (!it->method.empty() && it->method != method) continue;
    if (!absl::StrContains(target, it->target)) continue;
    if (!absl::StrContains(credential, it->credential)) continue;
    Fault hit = *it;
    std::uniform_real_distribution<double> share(0, 1);
    hit.latency += hit.jitter * share(random_);
    if (it->times > 0 && --it->times == 0) faults_.erase(it);
    return hit;
  }
  return absl::nullopt;
}

}  // namespace lamplighter
