#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"

namespace lamplighter {

// The object that an event is about, as its involvedObject names it.
struct ObjectReference {
  std::string api_version;  // "kustomize.toolkit.fluxcd.io/v1"
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string uid;               // may be empty
  std::string resource_version;  // the same; as of the event
};

// Looks up the labels of objects, which events do not carry and an Alert's
// matchLabels asks for. On the loop only.
class ObjectLabels {
 public:
  using Labels = std::map<std::string, std::string>;

  virtual ~ObjectLabels() = default;

  // Never null. NotFound if there is no such object, or no such kind;
  // PermissionDenied, which says what to grant; InvalidArgument for a reference
  // that can name none; otherwise it may work next time.
  virtual boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>>
  Find(ObjectReference object) = 0;
};

}  // namespace lamplighter
