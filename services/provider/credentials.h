#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/http/http_client.h"
#include "common/manifests/objects.h"

namespace lamplighter::provider {

// Whom to be at a forge. Which of them counts is the forge's business; empty
// where the Secret has none. Never logged.
struct Credential {
  std::string token;
  std::string username;
  std::string password;

  // What forges that know tokens only are given: `token`, else `password`.
  const std::string& TokenOrPassword() const {
    return token.empty() ? password : token;
  }
};

// All that a Provider and its Secrets say of how to reach its forge.
struct Access {
  std::string address;  // the Secret's goes before the Provider's
  Credential credential;
  std::shared_ptr<const HttpTransport> transport;  // null where nothing special
  // Of the Secret, for people: "namespace/name".
  std::string credential_name;
  // Tells credentials apart without holding them.
  size_t fingerprint = 0;

  // What must not be seen by anybody, for masking.
  std::vector<std::string> secrets;
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
