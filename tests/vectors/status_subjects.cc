#include "tests/vectors/status_subjects.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/array.hpp"
#include "boost/json/parse.hpp"
#include "common/http/http_client.h"
#include "common/status/macros.h"
#include "re2/re2.h"
#include "tests/vectors/delivery.h"

namespace lamplighter::vectors {
namespace {

namespace json = ::boost::json;

using Calls = absl::StatusOr<std::vector<HttpCall>>;

// The type of "wire bitbucketserver-basic", "gitlab state".
absl::StatusOr<std::string> TypeIn(const std::string& text) {
  static const auto* const types = new RE2(
      R"(\b(github|gitlab|gitea|bitbucketserver|bitbucket|azuredevops)\b)");
  std::string type;
  if (RE2::PartialMatch(text, *types, &type)) return type;
  return absl::UnimplementedError("names no type of Provider");
}

v1::FluxEvent SomeEvent(const std::string& severity,
                        const std::string& reason) {
  return MakeEvent("app", severity, reason,
                   {{"revision", absl::StrCat("main@sha1:", kSha)}});
}

// Forges of the vectors listened on a port of the moment. The base of Bitbucket
// Cloud's API is a setting.
json::value ToWrite(const std::string& method, std::string uri,
                    std::string body) {
  static const auto* const base = new RE2(R"(http://127\.0\.0\.1(:\d+)?)");
  RE2::GlobalReplace(&uri, *base, "");
  RE2::GlobalReplace(&body, *base, kForge);
  absl::string_view path = absl::string_view(uri).substr(0, uri.find('?'));
  if (absl::StartsWith(path, "/2.0/")) path.remove_prefix(4);
  json::error_code error;
  json::value parsed = json::parse(body, error);
  if (error) parsed = json::string(body);
  return json::array{method, json::string(path.data(), path.size()), parsed};
}

Answer ToAnswer(const Calls& calls) {
  if (!calls.ok()) return Refused(calls.status());
  json::array writes;
  for (const HttpCall& call : *calls) {
    writes.push_back(ToWrite(call.method, call.url, call.body));
  }
  return {.value = std::move(writes)};
}

Answer WritesOf(const Answer& flux) {
  json::array writes;
  const json::array* requests = flux.value.if_array();
  for (const json::value& request : requests ? *requests : json::array()) {
    const std::string method = Text(request, "Method");
    if (method == "GET" || method == "OPTIONS" || method == "HEAD") continue;
    writes.push_back(
        ToWrite(method, Text(request, "URI"), Text(request, "Body")));
  }
  return {.value = std::move(writes), .error = flux.error};
}

// The body of the one request, or a refusal.
absl::StatusOr<json::value> BodyOf(const Calls& calls) {
  LAMPLIGHTER_RETURN_IF_ERROR(calls.status());
  if (calls->empty()) return absl::NotFoundError("no status is set");
  json::error_code error;
  json::value body = json::parse(calls->back().body, error);
  if (error) return absl::InternalError("the body is not JSON");
  return body;
}

// What a description says of a Provider.
struct Trait {
  const char* words;  // a regular expression
  void (*apply)(Target& target);
};

constexpr Trait kTraits[] = {
    {"empty token", [](Target& t) { t.secret = {{"token", ""}}; }},
    {"no (creds|credentials|token)$", [](Target& t) { t.secret.clear(); }},
    {"two colons", [](Target& t) { t.secret = {{"token", "u:p:q"}}; }},
    {"(no|without a?) ?colon", [](Target& t) { t.secret = {{"token", "t"}}; }},
    {"user(name)? (only|without)",
     [](Target& t) { t.secret = {{"username", "u"}}; }},
    {"password (only|without)",
     [](Target& t) { t.secret = {{"password", "p"}}; }},
    {"empty (commit ?)?(status|context)",
     [](Target& t) { t.commit_status_expr = "''"; }},
    {"tfs path",
     [](Target& t) {
       t.address = absl::StrCat(kForge, "/tfs/Coll/proj/_git/repo");
     }},
    {"visualstudio",
     [](Target& t) {
       t.address = "https://org.visualstudio.com/proj/_git/repo";
     }},
    {"ssh v3",
     [](Target& t) { t.address = "git@ssh.dev.azure.com:v3/org/proj/repo"; }},
};

}  // namespace

absl::StatusOr<Comparison> WireSubject(const Vector& vector) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string type, TypeIn(vector.fn));
  // What is no more than an address did not get any further.
  const bool is_address = vector.in.is_string();
  Target target = MakeTarget(
      type, is_address ? Text(vector.in) : Text(vector.in, "address"));
  if (absl::EndsWith(vector.fn, "-basic")) {
    target.secret = {{"username", "u"}, {"password", "p"}};
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : Object(vector.in, "metadata")) {
    metadata[std::string(key)] = Text(value);
  }
  const v1::FluxEvent event =
      is_address ? SomeEvent("info", "ReconciliationSucceeded")
                 : MakeEvent("app", Text(vector.in, "severity"),
                             Text(vector.in, "reason"), metadata);
  return Comparison{WritesOf(vector.flux), ToAnswer(Deliver(target, event))};
}

absl::StatusOr<Comparison> StateSubject(const Vector& vector) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string type, TypeIn(vector.fn));
  std::string reason = "ReconciliationSucceeded";
  RE2::PartialMatch(vector.fn, R"(reason=(\S*))", &reason);
  const auto body = BodyOf(Deliver(MakeTarget(type, SomePath(type)),
                                   SomeEvent(Text(vector.in), reason)));
  if (!body.ok()) {
    return Comparison{vector.flux, Refused(body.status())};
  }
  return Comparison{vector.flux,
                    Answer{.value = json::string(Text(*body, "state"))}};
}

// Of Bitbucket, which shows both, with progress shown as well.
absl::StatusOr<Comparison> NameAndDescriptionSubject(const Vector& vector) {
  Target target = MakeTarget("bitbucket", SomePath("bitbucket"));
  target.annotations["lamplighter.dev/pending"] = "true";
  v1::FluxEvent event = SomeEvent("info", Text(vector.in));
  event.mutable_involved_object()->set_name("my-app");
  const auto body = BodyOf(Deliver(target, event));
  if (!body.ok()) {
    return Comparison{vector.flux, Refused(body.status())};
  }
  return Comparison{vector.flux,
                    Answer{.value = json::array{Text(*body, "name"),
                                                Text(*body, "description")}}};
}

absl::StatusOr<Comparison> Sha1Subject(const Vector& vector) {
  v1::StatusIntent intent;
  intent.set_context(Text(vector.in));
  intent.set_state(v1::SUCCESS);
  const auto body =
      BodyOf(Deliver(MakeTarget("bitbucket", SomePath("bitbucket")), intent));
  if (!body.ok()) {
    return Comparison{vector.flux, Refused(body.status())};
  }
  return Comparison{vector.flux,
                    Answer{.value = json::string(Text(*body, "key"))}};
}

absl::StatusOr<Comparison> BitbucketServerAddressSubject(const Vector& vector) {
  const Calls calls = Deliver(MakeTarget("bitbucketserver", Text(vector.in)),
                              SomeEvent("info", "ReconciliationSucceeded"));
  if (!calls.ok() || calls->empty()) {
    return Comparison{vector.flux, Refused(calls.status())};
  }
  const std::string& url = calls->back().url;
  return Comparison{vector.flux,
                    Answer{.value = json::string(url.substr(
                               0, url.rfind(absl::StrCat("/", kSha))))}};
}

absl::StatusOr<Comparison> ConstructorSubject(const Vector& vector) {
  const std::string text = Text(vector.in);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string type, TypeIn(text));
  const auto* trait = std::find_if(
      std::begin(kTraits), std::end(kTraits), [&](const Trait& candidate) {
        return RE2::PartialMatch(text, candidate.words);
      });
  if (trait == std::end(kTraits)) {
    return absl::UnimplementedError("a Provider that nobody has described");
  }
  Target target = MakeTarget(type, SomePath(type));
  trait->apply(target);
  const Calls calls =
      Deliver(target, SomeEvent("info", "ReconciliationSucceeded"));
  if (!calls.ok()) {
    return Comparison{vector.flux, Refused(calls.status())};
  }
  return Comparison{vector.flux, {}};
}

}  // namespace lamplighter::vectors
