#include "tests/vectors/address_rules.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "boost/json/array.hpp"
#include "re2/re2.h"

namespace lamplighter::vectors {
namespace {

constexpr char kBitbucketServerFn[] = "parseBitbucketServerGitAddress";

// A base URL and a path, as parseGitAddress answers.
struct Address {
  std::string scheme;
  std::string host;  // with :port
  std::string path;
};

Address ToAddress(const Answer& answer) {
  Address address;
  const boost::json::array* parts = answer.value.if_array();
  if (parts == nullptr || parts->size() != 2) return address;
  RE2::FullMatch(Text((*parts)[0]), "([^:]*)://(.*)", &address.scheme,
                 &address.host);
  address.path = Text((*parts)[1]);
  return address;
}

bool IsHttp(const std::string& scheme) {
  return scheme == "https" || scheme == "http";
}

// Of the input; "ssh" where it is host:path.
std::string SchemeOf(const std::string& input) {
  std::string scheme = "ssh";
  RE2::PartialMatch(input, R"(^\s*([A-Za-z0-9+.-]+)://)", &scheme);
  return absl::AsciiStrToLower(scheme);
}

bool IsOfGit(const std::string& scheme) {
  return scheme == "ssh" || scheme == "git" || scheme == "git+ssh" ||
         scheme == "ssh+git";
}

// What Flux's answer comes to by the rules.
Address Normalize(Address address, const std::string& input_scheme) {
  absl::string_view path = address.path;
  while (absl::ConsumeSuffix(&path, "/")) continue;
  if (path.size() < address.path.size()) absl::ConsumeSuffix(&path, ".git");
  address.path = std::string(path);
  address.host = absl::AsciiStrToLower(address.host);
  if (!IsHttp(input_scheme)) {
    address.scheme = "https";
    RE2::Replace(&address.host, R"(:\d*$)", "");
    RE2::Replace(&address.host, "^(ssh|altssh)\\.(github|gitlab|bitbucket)",
                 "\\2");
  }
  RE2::Replace(&address.host,
               address.scheme == "https" ? ":(443)?$" : ":(80)?$", "");
  return address;
}

// A URL of an API by the rules: without credentials, and as below.
std::string NormalizeUrl(const std::string& url) {
  std::string path;
  Address address;
  if (!RE2::FullMatch(url, "(https?)://(?:[^/@]*@)?([^/]*)(/.*)",
                      &address.scheme, &address.host, &path)) {
    return url;
  }
  const std::string scheme = address.scheme;
  address = Normalize(std::move(address), scheme);
  return absl::StrCat(address.scheme, "://", address.host, path);
}

bool IsNormalized(const Vector& vector, const Comparison& answers) {
  if (vector.fn != "parseGitAddress" || answers.flux.refused() ||
      answers.ours.refused()) {
    return false;
  }
  const Address wanted =
      Normalize(ToAddress(answers.flux), SchemeOf(Text(vector.in)));
  const Address ours = ToAddress(answers.ours);
  return wanted.scheme == ours.scheme && wanted.host == ours.host &&
         wanted.path == ours.path;
}

// Flux finds no repository in the address, and we do.
bool IsOneMoreRepository(const Comparison& answers) {
  return absl::StrContains(answers.flux.error, "invalid repository id") &&
         !answers.ours.refused();
}

}  // namespace

bool AddressOfAServer(const Vector& vector, const Comparison& answers) {
  if (vector.fn != "parseGitAddress" || !answers.ours.refused()) return false;
  const Address flux = ToAddress(answers.flux);
  const bool is_server =
      !flux.host.empty() && (IsHttp(flux.scheme) || IsOfGit(flux.scheme));
  // Paths that mean another one, or none, to whoever normalizes them.
  return !is_server ||
         RE2::PartialMatch(absl::StrCat("/", flux.path, "/"),
                           "/\\.{0,2}/|[[:cntrl:]]") ||
         RE2::PartialMatch(Text(vector.in), "(?i)%2f");
}

bool AddressNormalized(const Vector& vector, const Comparison& answers) {
  if (vector.fn == kBitbucketServerFn) {
    return NormalizeUrl(Text(answers.flux.value)) == Text(answers.ours.value);
  }
  return IsHttp(ToAddress(answers.flux).scheme) &&
         IsHttp(SchemeOf(Text(vector.in))) && IsNormalized(vector, answers);
}

bool ApiOverHttps(const Vector& vector, const Comparison& answers) {
  return IsOfGit(SchemeOf(Text(vector.in))) && IsNormalized(vector, answers);
}

bool NoCredentialsInUrls(const Vector& vector, const Comparison& answers) {
  const std::string flux = Text(answers.flux.value);
  return vector.fn == kBitbucketServerFn &&
         RE2::PartialMatch(flux, "^[^:]*://[^/]*@") &&
         NormalizeUrl(flux) == Text(answers.ours.value);
}

bool BitbucketServerAddresses(const Vector& vector, const Comparison& answers) {
  static const auto* const form =
      new RE2(R"(^(ssh://|git@)[^/:]+(:\d+)?[:/]/?~?[^/]+/[^/]+$)"
              R"(|/(projects|users)/[^/]+/repos/[^/]+)"
              R"(|/scm/[^/]+/[^/]+/+$)");
  return vector.fn == kBitbucketServerFn && answers.flux.refused() &&
         !answers.ours.refused() && RE2::PartialMatch(Text(vector.in), *form);
}

bool AzureDevOpsAddresses(const Vector& vector, const Comparison& answers) {
  static const auto* const ssh_v3 = new RE2(R"(:v3/[^/]+/([^/]+)/([^/]+)$)");
  std::string project;
  std::string repository;
  if (absl::StartsWith(vector.fn, "azure") &&
      RE2::PartialMatch(Text(vector.in), *ssh_v3, &project, &repository)) {
    return answers.ours.value == boost::json::array{project, repository};
  }
  const bool is_azure = vector.fn == "wire azuredevops" ||
                        absl::StartsWith(Text(vector.in), "azuredevops ");
  return is_azure && IsOneMoreRepository(answers) &&
         !RE2::FullMatch(Text(vector.in), "/[^/]+/[^/]+/_git/[^/]+");
}

bool GiteaBelowAPath(const Vector& vector, const Comparison& answers) {
  return vector.fn == "wire gitea" && IsOneMoreRepository(answers) &&
         RE2::FullMatch(Text(vector.in), "(/[^/]+){3,}");
}

}  // namespace lamplighter::vectors
