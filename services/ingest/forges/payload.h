#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "simdjson.h"

// Parts of webhook bodies that GitHub and Gitea, which models its own on
// GitHub's, write alike. Each reader leaves empty what the body does not have.
namespace lamplighter::ingest {

// Where a repository lies, by the address of its page.
struct RepositoryPlace {
  std::string instance;  // host, with a port that is not the scheme's own, and
                         // the path that the forge is served under
  std::string id;        // instance/owner/name; all of it in lower case
};

// `full_name` is owner/name. Empty if `url` is no URL of it.
RepositoryPlace PlaceOf(absl::string_view url, absl::string_view full_name);

// Sets action, instance, repository and sender.
void ReadCommon(const simdjson::dom::object& body, v1::GitEvent& event);

// Sets type and detail of a push of one ref; OTHER if it names none.
void ReadPush(const simdjson::dom::object& body, v1::GitEvent& event);

// Sets type and detail of a pull request; OTHER if the body has none.
void ReadPullRequest(const simdjson::dom::object& body, v1::GitEvent& event);

// What `action` says of a repository.
v1::GitEvent::Type RepositoryType(absl::string_view action);

}  // namespace lamplighter::ingest
