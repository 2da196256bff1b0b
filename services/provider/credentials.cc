#include "services/provider/credentials.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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
  for (const std::string* value :
       {&credential.token, &credential.username, &credential.password}) {
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
  access.secrets = {credential.token, credential.password};
  // Bitbucket Cloud's may be user:token.
  if (const size_t colon = credential.token.find(':');
      colon != std::string::npos) {
    access.secrets.push_back(credential.token.substr(colon + 1));
  }
  access.fingerprint =
      absl::HashOf(credential.token, credential.username, credential.password);
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
