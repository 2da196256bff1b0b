#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "simdjson.h"

// Parts of webhook bodies that GitHub and Gitea, which models its own on
// GitHub's, write alike. Each reader leaves empty what the body does not have.
namespace lamplighter::ingest {

// Sets action, instance, repository and sender.
void ReadCommon(const simdjson::dom::object& body, v1::GitEvent& event);

// Sets type and detail of a push of one ref; OTHER if it names none.
void ReadPush(const simdjson::dom::object& body, v1::GitEvent& event);

// Sets type, time and detail of a pull request; OTHER if the body has none.
void ReadPullRequest(const simdjson::dom::object& body, v1::GitEvent& event);

// Sets the type by what the event's action says of a repository, and the id
// before it.
void ReadRepositoryEvent(const simdjson::dom::object& body,
                         v1::GitEvent& event);

// The forge's own place, by the `url` of an account's page; empty if that is
// none.
std::string InstanceOf(absl::string_view url, absl::string_view account);

}  // namespace lamplighter::ingest
