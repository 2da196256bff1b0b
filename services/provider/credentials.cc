#include "services/provider/credentials.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

// The first of `keys` that the Secret has, without the line break that `echo`
// and editors leave at the end.
std::string Get(const Secret& secret, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (const auto value = secret.Find(key)) {
      return std::string(absl::StripTrailingAsciiWhitespace(*value));
    }
  }
  return "";
}

absl::StatusOr<const Secret*> Find(const Manifests& manifests,
                                   const Provider& provider,
                                   const std::string& name) {
  const Secret* secret = manifests.FindSecret(provider.namespace_, name);
  if (secret != nullptr) return secret;
  return absl::UnauthenticatedError(absl::StrCat("secret ", provider.namespace_,
                                                 "/", name, " does not exist"));
}

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), &absl::ascii_iscntrl);
}

absl::Status ReadCredential(const Secret& secret, Access& access) {
  Credential& credential = access.credential;
  credential.token = Get(secret, {"token"});
  if (const std::string name = Get(secret, {"username"}); !name.empty()) {
    credential.username = name;
  }
  credential.password = Get(secret, {"password"});
  GitHubApp& app = credential.app;
  app.app_id = Get(secret, {"githubAppID"});
  app.installation_id = Get(secret, {"githubAppInstallationID"});
  app.installation_owner = Get(secret, {"githubAppInstallationOwner"});
  app.private_key = Get(secret, {"githubAppPrivateKey"});
  app.base_url = Get(secret, {"githubAppBaseURL"});
  for (const std::string* value :
       {&credential.token, &credential.username, &credential.password,
        &app.app_id, &app.installation_id, &app.installation_owner,
        &app.base_url}) {
    if (!HasControlCharacter(*value)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("secret ", access.credential_name,
                     ": the credential has a control character"));
  }
  if (const std::string address = Get(secret, {"address"}); !address.empty()) {
    access.address = address;
  }
  return absl::OkStatus();
}

absl::Status ReadTls(const Secret& secret, HttpTransport& transport) {
  transport.ca_pem = Get(secret, {"ca.crt", "caFile"});
  transport.client_cert_pem = Get(secret, {"tls.crt", "certFile"});
  transport.client_key_pem = Get(secret, {"tls.key", "keyFile"});
  if (transport.client_cert_pem.empty() == transport.client_key_pem.empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("secret ", secret.namespace_, "/", secret.name,
                   ": tls.crt and tls.key go together"));
}

std::string EscapeUserInfo(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// `address` with the user and password, if there is one, put in.
absl::StatusOr<std::string> ProxyUrl(const Secret& secret) {
  const std::string address = Get(secret, {"address"});
  if (address.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret ", secret.namespace_, "/", secret.name,
                     ": a proxy needs an address"));
  }
  const std::string username = Get(secret, {"username"});
  if (username.empty()) return address;
  const size_t scheme_end = address.find("://");
  const size_t host = scheme_end == std::string::npos ? 0 : scheme_end + 3;
  return absl::StrCat(address.substr(0, host), EscapeUserInfo(username), ":",
                      EscapeUserInfo(Get(secret, {"password"})), "@",
                      address.substr(host));
}

// `secret` is that of secretRef; may be null.
absl::StatusOr<HttpTransport> ReadTransport(const Manifests& manifests,
                                            const Provider& provider,
                                            const Secret* secret,
                                            Access& access) {
  HttpTransport transport;
  const Secret* tls = nullptr;
  if (!provider.cert_secret_ref.empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        tls, Find(manifests, provider, provider.cert_secret_ref));
  } else if (secret != nullptr &&
             (secret->Find("ca.crt") || secret->Find("caFile"))) {
    tls = secret;
  }
  if (tls != nullptr) {
    LAMPLIGHTER_RETURN_IF_ERROR(ReadTls(*tls, transport));
  }
  if (!provider.proxy_secret_ref.empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        const Secret* proxy,
        Find(manifests, provider, provider.proxy_secret_ref));
    LAMPLIGHTER_ASSIGN_OR_RETURN(transport.proxy, ProxyUrl(*proxy));
    access.secrets.push_back(Get(*proxy, {"password"}));
  } else {
    transport.proxy = provider.proxy;
    if (secret != nullptr && secret->Find("proxy")) {
      transport.proxy = Get(*secret, {"proxy"});
    }
  }
  return transport;
}

}  // namespace

std::vector<std::string> SecretsOf(const Credential& credential) {
  std::vector<std::string> secrets = {credential.token, credential.password};
  // Line by line: texts are one line when they are masked.
  for (const absl::string_view line :
       absl::StrSplit(credential.app.private_key, absl::ByAnyChar("\r\n"))) {
    if (!absl::StartsWith(line, "-----")) secrets.emplace_back(line);
  }
  // Bitbucket Cloud's may be user:token.
  if (const size_t colon = credential.token.find(':');
      colon != std::string::npos) {
    secrets.push_back(credential.token.substr(colon + 1));
  }
  // As Basic authentication has them: a refusal may quote the header.
  for (const std::string& pair :
       {credential.token, absl::StrCat(":", credential.TokenOrPassword()),
        absl::StrCat(credential.username, ":", credential.password)}) {
    secrets.push_back(absl::Base64Escape(pair));
  }
  return secrets;
}

absl::StatusOr<Access> ReadAccess(const Manifests& manifests,
                                  const Provider& provider) {
  Access access;
  access.address = provider.address;
  access.credential.username = provider.username;
  access.credential_name =
      absl::StrCat(provider.namespace_, "/", provider.secret_ref);
  const Secret* secret = nullptr;
  if (!provider.secret_ref.empty()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        secret, Find(manifests, provider, provider.secret_ref));
    LAMPLIGHTER_RETURN_IF_ERROR(ReadCredential(*secret, access));
  }
  const Credential& credential = access.credential;
  access.secrets = SecretsOf(credential);
  for (const char* key : {"webhookSecret", "webhookBasicAuthPass"}) {
    if (secret != nullptr) access.secrets.push_back(Get(*secret, {key}));
  }
  const GitHubApp& app = credential.app;
  access.fingerprint =
      absl::HashOf(credential.token, credential.username, credential.password,
                   app.app_id, app.installation_id, app.installation_owner);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      HttpTransport transport,
      ReadTransport(manifests, provider, secret, access));
  const bool is_special = !transport.ca_pem.empty() ||
                          !transport.client_cert_pem.empty() ||
                          !transport.proxy.empty();
  if (is_special) {
    access.transport =
        std::make_shared<const HttpTransport>(std::move(transport));
  }
  return access;
}

}  // namespace lamplighter::provider
