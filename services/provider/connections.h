#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/config/config_file.h"
#include "common/forge/forge_location.h"
#include "common/manifests/objects.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "proto/lamplighter/config/v1/provider.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// An account on a forge, of the configuration or made at run time.
struct Connection {
  // Its type, address and credential, as a Provider has them: `provider` of
  // these manifests, whose only Secret is the directory's.
  std::shared_ptr<const Manifests> manifests;
  Provider provider;
  ForgeLocation location;  // of the account
  std::string webhook_url;
  std::vector<std::string> former_webhook_urls;
};

// The connections of the configuration, with what their directories hold. On
// the loop only.
class Connections {
 public:
  // Reads all directories. InvalidArgument as of ConfigFile::Error() for what
  // the configuration has wrong; a directory that is not there is that, too.
  static absl::StatusOr<Connections> Create(
      const google::protobuf::RepeatedPtrField<config::v1::Connection>& configs,
      const ConfigFile& file);

  Connections() = default;

  // Reads the directories again. One that cannot be read leaves what it held
  // before in force, and is in the error.
  absl::Status Refresh();

  // NotFound, naming those there are. Valid until the next Refresh().
  absl::StatusOr<const Connection*> Find(absl::string_view name) const;

  // In the configuration's order. Valid as long.
  std::vector<const Connection*> All() const;

 private:
  struct Entry {
    Connection connection;
    std::string secret_directory;
  };

  std::vector<Entry> entries_;
};

// The connection that was sealed: like those of the configuration, its secret
// in place of a directory's files. InvalidArgument saying what is wrong with
// it.
absl::StatusOr<Connection> ReadConnection(const v1::SealedConnection& sealed);

// What may be known of a connection to a forge of that kind.
v1::ConnectionInfo Describe(const Connection& connection, const Forge& forge);

// What the connection's webhooks shall be like. FailedPrecondition where it has
// no URL for them, or its Secret nothing that proves deliveries: a `secret`
// (webhookSecret), or a user and password (webhookBasicAuthUser and
// webhookBasicAuthPass) on forges that do not sign.
absl::StatusOr<WantedWebhook> WantedWebhookOf(const Connection& connection);

}  // namespace lamplighter::provider
