#include "services/provider/connections.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter::provider {
namespace {

namespace fs = ::std::filesystem;

using SecretData = std::map<std::string, std::string>;

// What credentials are called in errors, "connection/NAME", and kept apart by:
// names of the configuration's say nothing about those made at run time.
constexpr char kNamespace[] = "connection";
constexpr char kSealedNamespace[] = "sealed-connection";
constexpr size_t kMaxFile = 64 << 10;
constexpr size_t kMaxFiles = 64;

// What other tools call parts of a GitHub App.
struct Alias {
  const char* name;
  const char* key;  // that it stands for
};
constexpr Alias kAliases[] = {{"appId", "githubAppID"},
                              {"installationId", "githubAppInstallationID"},
                              {"privateKey", "githubAppPrivateKey"}};

absl::Status ResolveAliases(SecretData& data) {
  for (const Alias& alias : kAliases) {
    const auto it = data.find(alias.name);
    if (it == data.end()) continue;
    const auto [known, is_new] = data.emplace(alias.key, it->second);
    if (is_new || absl::StripTrailingAsciiWhitespace(known->second) ==
                      absl::StripTrailingAsciiWhitespace(it->second)) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat(alias.name, " and ", alias.key,
                     " mean the same and have different values: take one of "
                     "them off"));
  }
  return absl::OkStatus();
}

// A file a key. Names that begin with a dot are Kubernetes's own.
absl::StatusOr<SecretData> ReadSecretDirectory(const std::string& directory) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat(directory, ": ", error.message()));
  }
  SecretData data;
  for (; entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::StartsWith(name, ".") || entry->is_directory(error)) continue;
    if (data.size() == kMaxFiles) {
      return absl::InvalidArgumentError(
          absl::StrCat(directory, ": has more than ", kMaxFiles, " files"));
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        data[name], ReadSmallFile(entry->path().string(), kMaxFile));
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat(directory, ": ", error.message()));
  }
  LAMPLIGHTER_RETURN_IF_ERROR(Annotate(ResolveAliases(data), directory));
  return data;
}

std::shared_ptr<const Manifests> MakeManifests(const Provider& provider,
                                               SecretData data) {
  auto manifests = std::make_shared<Manifests>();
  manifests->secrets[{provider.namespace_, provider.name}] =
      Secret{provider.namespace_, provider.name, std::move(data)};
  return manifests;
}

const Secret& SecretOf(const Connection& connection) {
  const Provider& provider = connection.provider;
  return *connection.manifests->FindSecret(provider.namespace_, provider.name);
}

bool IsWebUrl(absl::string_view url) {
  return absl::StartsWith(url, "https://") || absl::StartsWith(url, "http://");
}

// How somebody is told that the value at `key` is wrong.
using SayWrong = absl::FunctionRef<absl::Status(absl::string_view key,
                                                absl::string_view problem)>;

// All but its secret. Both messages have these fields.
template <typename Config>
absl::StatusOr<Connection> ReadFields(const Config& config,
                                      const char* name_space, SayWrong error) {
  if (config.name().empty()) return error("name", "must not be empty");
  Connection connection;
  Provider& provider = connection.provider;
  provider.namespace_ = name_space;
  provider.name = config.name();
  provider.type = config.type();
  provider.address = config.address();
  provider.secret_ref = config.name();
  auto location = LocateAccount(config.type(), config.address());
  if (!location.ok()) {
    return error("address", location.status().message());
  }
  connection.location = *std::move(location);
  connection.webhook_url = config.webhook_url();
  connection.former_webhook_urls = {config.former_webhook_urls().begin(),
                                    config.former_webhook_urls().end()};
  if (!connection.webhook_url.empty() && !IsWebUrl(connection.webhook_url)) {
    return error("webhook_url", "must begin with https:// or http://");
  }
  return connection;
}

absl::StatusOr<Connection> Read(const config::v1::Connection& config,
                                const ConfigFile& file,
                                const std::string& field) {
  const auto error = [&](absl::string_view key, absl::string_view problem) {
    return file.Error(absl::StrCat(field, ".", key), problem);
  };
  LAMPLIGHTER_ASSIGN_OR_RETURN(Connection connection,
                               ReadFields(config, kNamespace, error));
  if (config.secret_directory().empty()) {
    return error("secret_directory", "must not be empty");
  }
  auto data = ReadSecretDirectory(config.secret_directory());
  if (!data.ok()) return error("secret_directory", data.status().message());
  connection.manifests = MakeManifests(connection.provider, *std::move(data));
  return connection;
}

// As in GitEvent.instance. There is one Bitbucket Cloud, whatever it is reached
// by.
std::string InstanceOf(const Connection& connection) {
  if (connection.provider.type == "bitbucket") return "bitbucket.org";
  const std::string& site = connection.location.site;
  return absl::AsciiStrToLower(site.substr(site.find("://") + 3));
}

}  // namespace

absl::StatusOr<Connections> Connections::Create(
    const google::protobuf::RepeatedPtrField<config::v1::Connection>& configs,
    const ConfigFile& file) {
  Connections connections;
  for (int i = 0; i < configs.size(); ++i) {
    const std::string field = absl::StrCat("provider.connections[", i, "]");
    LAMPLIGHTER_ASSIGN_OR_RETURN(Connection connection,
                                 Read(configs[i], file, field));
    if (connections.Find(connection.provider.name).ok()) {
      return file.Error(absl::StrCat(field, ".name"), "is used twice");
    }
    connections.entries_.push_back(
        {std::move(connection), configs[i].secret_directory()});
  }
  return connections;
}

absl::Status Connections::Refresh() {
  absl::Status first_error;
  for (Entry& entry : entries_) {
    auto data = ReadSecretDirectory(entry.secret_directory);
    if (!data.ok()) {
      first_error.Update(data.status());
      continue;
    }
    Connection& connection = entry.connection;
    if (SecretOf(connection).data == *data) continue;
    connection.manifests = MakeManifests(connection.provider, *std::move(data));
  }
  return first_error;
}

absl::StatusOr<const Connection*> Connections::Find(
    absl::string_view name) const {
  const auto it = std::find_if(
      entries_.begin(), entries_.end(),
      [&](const Entry& e) { return e.connection.provider.name == name; });
  if (it != entries_.end()) return &it->connection;
  return absl::NotFoundError(absl::StrCat(
      "connection ", name, " does not exist; those there are: ",
      absl::StrJoin(entries_, ", ", [](std::string* out, const Entry& entry) {
        out->append(entry.connection.provider.name);
      })));
}

std::vector<const Connection*> Connections::All() const {
  std::vector<const Connection*> all;
  for (const Entry& entry : entries_) all.push_back(&entry.connection);
  return all;
}

absl::StatusOr<Connection> ReadConnection(const v1::SealedConnection& sealed) {
  const auto error = [&](absl::string_view key, absl::string_view problem) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sealed connection ", sealed.name(), ": ", key, ": ", problem));
  };
  LAMPLIGHTER_ASSIGN_OR_RETURN(Connection connection,
                               ReadFields(sealed, kSealedNamespace, error));
  if (sealed.secret_size() > static_cast<int>(kMaxFiles)) {
    return error("secret",
                 absl::StrCat("must not have more than ", kMaxFiles, " keys"));
  }
  SecretData data;
  for (const auto& [key, value] : sealed.secret()) {
    if (value.size() > kMaxFile) {
      return error("secret",
                   absl::StrCat(key, " is larger than ", kMaxFile, " bytes"));
    }
    data.emplace(key, value);
  }
  if (const absl::Status status = ResolveAliases(data); !status.ok()) {
    return error("secret", status.message());
  }
  connection.manifests = MakeManifests(connection.provider, std::move(data));
  return connection;
}

v1::ConnectionInfo Describe(const Connection& connection, const Forge& forge) {
  v1::ConnectionInfo info;
  info.set_name(connection.provider.name);
  info.set_type(connection.provider.type);
  info.set_address(connection.provider.address);
  info.set_instance(InstanceOf(connection));
  info.set_webhook_url(connection.webhook_url);
  for (std::string& event : forge.WebhookEvents()) {
    info.add_webhook_events(std::move(event));
  }
  return info;
}

absl::StatusOr<WantedWebhook> WantedWebhookOf(const Connection& connection) {
  const std::string& name = connection.provider.name;
  if (connection.webhook_url.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("connection ", name, " has no webhook_url"));
  }
  const Secret& secret = SecretOf(connection);
  const auto get = [&](const char* key) {
    const absl::string_view value = secret.Find(key).value_or("");
    return std::string(absl::StripTrailingAsciiWhitespace(value));
  };
  WantedWebhook wanted;
  wanted.url = connection.webhook_url;
  const char* missing = nullptr;
  if (connection.provider.type == "azuredevops") {
    wanted.username = get("webhookBasicAuthUser");
    wanted.password = get("webhookBasicAuthPass");
    if (wanted.password.empty()) missing = "webhookBasicAuthPass";
    if (wanted.username.empty()) missing = "webhookBasicAuthUser";
  } else {
    wanted.secret = get("webhookSecret");
    if (wanted.secret.empty()) missing = "webhookSecret";
  }
  if (missing == nullptr) return wanted;
  return absl::FailedPreconditionError(
      absl::StrCat("the secret of connection ", name, " has no ", missing,
                   ", which proves deliveries"));
}

}  // namespace lamplighter::provider
