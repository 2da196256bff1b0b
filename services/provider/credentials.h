#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http/http_client.h"
#include "common/manifests/objects.h"

namespace lamplighter::provider {

// A GitHub App, as Flux's Secrets name its parts; empty where there is none.
struct GitHubApp {
  std::string app_id;  // or client id
  std::string installation_id;
  std::string installation_owner;  // to find the installation by, without an id
  std::string private_key;         // PEM
  std::string base_url;            // of a GitHub Enterprise Server
};

// Whom to be at a forge. Which of them counts is the forge's business; empty
// where the Secret has none. Never logged.
struct Credential {
  std::string token;
  std::string username;
  std::string password;
  GitHubApp app;

  // What forges that know tokens only are given: `token`, else `password`.
  const std::string& TokenOrPassword() const {
    return token.empty() ? password : token;
  }
};

// What must not be seen by anybody, as it is and as requests encode it.
std::vector<std::string> SecretsOf(const Credential& credential);

// All that a Provider and its Secrets say of how to reach its forge.
struct Access {
  std::string address;  // the Secret's goes before the Provider's
  Credential credential;
  std::shared_ptr<const HttpTransport> transport;  // null where nothing special
  // Of the Secret, for people: "namespace/name". The same for as long as the
  // credential is the same account's, whatever its token is.
  std::string credential_name;
  // Tells credentials apart without holding them: a forge counts the requests
  // of one together, whichever Secret it is from.
  size_t fingerprint = 0;

  std::vector<std::string> secrets;  // for masking
};

// Reads them as notification-controller does: the Secret's `address` and
// `proxy` override the Provider's; authorities and a client certificate come
// from certSecretRef, else from secretRef if that has ca.crt; the proxy from
// proxySecretRef, else from the deprecated fields.
//
//   Unauthenticated  a Secret that is referred to does not exist;
//   InvalidArgument  one does, but cannot be used.
absl::StatusOr<Access> ReadAccess(const Manifests& manifests,
                                  const Provider& provider);

}  // namespace lamplighter::provider
