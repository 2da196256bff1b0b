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
  std::string uid = {};               // may be empty
  std::string resource_version = {};  // the same; as of the event
};

// Looks up what events do not tell of their objects. On the loop only.
//
// NotFound says that there is nothing to be known: no such object or kind, or
// one of another uid, which is another cluster's or has come since.
// PermissionDenied says what to grant. Any other error may not come next time.
class ObjectLookup {
 public:
  using Labels = std::map<std::string, std::string>;

  virtual ~ObjectLookup() = default;

  // The object's labels; never null.
  virtual boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>>
  FindLabels(ObjectReference object) = 0;

  // The Git URL of what the object is made from: of the source that it refers
  // to, or, of a source, its own. NotFound, too, where that is no Git
  // repository, or an artifact that does not tell of one.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> FindRepository(
      ObjectReference object) = 0;
};

}  // namespace lamplighter
