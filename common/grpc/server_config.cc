#include "common/grpc/server_config.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/secret.h"
#include "common/grpc/grpc_server_tls_config.h"
#include "common/grpc/listen_address.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

absl::Status CheckScopes(const config::v1::GrpcClient& client,
                         const ConfigFile& file, const std::string& field,
                         absl::Span<const absl::string_view> scopes) {
  if (client.scopes().empty()) {
    return file.Error(absl::StrCat(field, ".scopes"),
                      absl::StrCat("must name what the client may do, of ",
                                   absl::StrJoin(scopes, ", "), ", *"));
  }
  for (int i = 0; i < client.scopes_size(); ++i) {
    const std::string& scope = client.scopes(i);
    if (scope != "*" &&
        std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) {
      return file.Error(
          absl::StrCat(field, ".scopes[", i, "]"),
          absl::StrCat("must be one of ", absl::StrJoin(scopes, ", "), ", *"));
    }
  }
  return absl::OkStatus();
}

// The tokens are read here too, so that a mistake names its line.
absl::StatusOr<std::vector<Authenticator::Token>> ReadTokens(
    const config::v1::GrpcClient& client, const ConfigFile& file,
    const std::string& field) {
  std::vector<Authenticator::Token> tokens;
  for (int i = 0; i < client.token_files_size(); ++i) {
    tokens.push_back({client.token_files(i), ""});
    const auto secret = ReadSecret(client.token_files(i), "");
    if (!secret.ok()) {
      return file.Error(absl::StrCat(field, ".token_files[", i, "]"),
                        secret.status().message());
    }
  }
  for (int i = 0; i < client.token_envs_size(); ++i) {
    tokens.push_back({"", client.token_envs(i)});
    const auto secret = ReadSecret("", client.token_envs(i));
    if (!secret.ok()) {
      return file.Error(absl::StrCat(field, ".token_envs[", i, "]"),
                        secret.status().message());
    }
  }
  return tokens;
}

absl::StatusOr<Authenticator::Client> ReadClient(
    const config::v1::GrpcClient& client, const ConfigFile& file,
    const std::string& field, absl::Span<const absl::string_view> scopes) {
  if (client.name().empty()) {
    return file.Error(absl::StrCat(field, ".name"), "must not be empty");
  }
  LAMPLIGHTER_RETURN_IF_ERROR(CheckScopes(client, file, field, scopes));
  Authenticator::Client read;
  read.name = client.name();
  read.scopes = {client.scopes().begin(), client.scopes().end()};
  read.certificate_name = client.certificate_name();
  LAMPLIGHTER_ASSIGN_OR_RETURN(read.tokens, ReadTokens(client, file, field));
  if (read.tokens.empty() == read.certificate_name.empty()) {
    return file.Error(field,
                      "needs one proof of who calls: token_files (or "
                      "token_envs), or certificate_name");
  }
  return read;
}

absl::StatusOr<std::vector<Authenticator::Client>> ReadClients(
    const config::v1::GrpcServer& config, const ConfigFile& file,
    const std::string& server, absl::Span<const absl::string_view> scopes) {
  std::vector<Authenticator::Client> clients;
  absl::flat_hash_set<std::string> names;
  for (int i = 0; i < config.clients_size(); ++i) {
    const std::string field = absl::StrCat(server, ".clients[", i, "]");
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        Authenticator::Client client,
        ReadClient(config.clients(i), file, field, scopes));
    if (!names.insert(client.name).second) {
      return file.Error(absl::StrCat(field, ".name"),
                        "is the name of another client too");
    }
    if (!client.certificate_name.empty() &&
        config.tls().client_ca_file().empty()) {
      return file.Error(absl::StrCat(field, ".certificate_name"),
                        absl::StrCat("needs ", server, ".tls.client_ca_file"));
    }
    clients.push_back(std::move(client));
  }
  return clients;
}

}  // namespace

absl::StatusOr<ServerConfig> ReadServerConfig(
    const config::v1::GrpcServer& config, const ConfigFile& file,
    const std::string& field, absl::Span<const absl::string_view> scopes) {
  ServerConfig read;
  if (config.listen().empty()) {
    return file.Error(absl::StrCat(field, ".listen"),
                      "must be set, as 0.0.0.0:50053");
  }
  const absl::StatusOr<bool> loopback = IsLoopback(config.listen());
  if (!loopback.ok()) {
    return file.Error(absl::StrCat(field, ".listen"),
                      loopback.status().message());
  }
  read.server.listen = config.listen();
  read.server.allow_plaintext = config.allow_plaintext();
  read.server.reflection = config.reflection();
  if (config.has_tls()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        read.server.tls,
        ReadGrpcServerTls(config.tls(), file, absl::StrCat(field, ".tls")));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(read.clients.clients,
                               ReadClients(config, file, field, scopes));
  if (!*loopback && read.clients.clients.empty()) {
    return file.Error(absl::StrCat(field, ".clients"),
                      "must name who may call, as the address is not loopback");
  }
  if (!*loopback && !config.has_tls() && !config.allow_plaintext()) {
    return file.Error(
        absl::StrCat(field, ".tls"),
        "must be set, as the address is not loopback; or "
        "allow_plaintext: true, behind a NetworkPolicy or a mesh");
  }
  return read;
}

}  // namespace lamplighter
