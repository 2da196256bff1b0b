#include "services/provider/connections.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

namespace fs = ::std::filesystem;

// What credentials are called in errors: "connection/NAME".
constexpr char kNamespace[] = "connection";
constexpr size_t kMaxFile = 64 << 10;
constexpr size_t kMaxFiles = 64;

// A file a key. Names that begin with a dot are Kubernetes's own.
absl::StatusOr<std::map<std::string, std::string>> ReadSecretDirectory(
    const std::string& directory) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat(directory, ": ", error.message()));
  }
  std::map<std::string, std::string> data;
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
  return data;
}

std::shared_ptr<const Manifests> MakeManifests(
    const Provider& provider, std::map<std::string, std::string> data) {
  auto manifests = std::make_shared<Manifests>();
  manifests->secrets[{kNamespace, provider.name}] =
      Secret{kNamespace, provider.name, std::move(data)};
  return manifests;
}

bool IsWebUrl(absl::string_view url) {
  return absl::StartsWith(url, "https://") || absl::StartsWith(url, "http://");
}

absl::StatusOr<Connection> Read(const config::v1::Connection& config,
                                const ConfigFile& file,
                                const std::string& field) {
  const auto error = [&](absl::string_view key, absl::string_view problem) {
    return file.Error(absl::StrCat(field, ".", key), problem);
  };
  if (config.name().empty()) return error("name", "must not be empty");
  if (config.secret_directory().empty()) {
    return error("secret_directory", "must not be empty");
  }
  Connection connection;
  Provider& provider = connection.provider;
  provider.namespace_ = kNamespace;
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
  auto data = ReadSecretDirectory(config.secret_directory());
  if (!data.ok()) return error("secret_directory", data.status().message());
  connection.manifests = MakeManifests(provider, *std::move(data));
  return connection;
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
    const Secret* known =
        connection.manifests->FindSecret(kNamespace, connection.provider.name);
    if (known->data == *data) continue;
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

absl::StatusOr<WantedWebhook> WantedWebhookOf(const Connection& connection) {
  const std::string& name = connection.provider.name;
  if (connection.webhook_url.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("connection ", name, " has no webhook_url"));
  }
  const Secret& secret = *connection.manifests->FindSecret(kNamespace, name);
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
      absl::StrCat("the secret directory of connection ", name, " has no ",
                   missing, ", which proves deliveries"));
}

}  // namespace lamplighter::provider
