#include "services/provider/forges/github/installation_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include <openssl/sha.h>

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// Of a token's hour.
constexpr absl::Duration kRefreshBefore = absl::Minutes(5);

// With the private key's digest in it: who only knows an App's id, which is
// public, gets nobody else's token. No part has a line break.
std::string KeyOf(const ForgeCall& call, const std::string& installation,
                  const std::string& owner) {
  const GitHubApp& app = call.access().credential.app;
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(app.private_key.data()),
         app.private_key.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return absl::StrCat(AppApi(call), "\n", app.app_id, "\n", installation, "\n",
                      installation.empty() ? absl::AsciiStrToLower(owner) : "",
                      "\n", digest);
}

// How one caller's request ended says nothing to the others.
bool IsOwn(const absl::Status& error) {
  return absl::IsDeadlineExceeded(error) || absl::IsCancelled(error);
}

}  // namespace

const InstallationToken* InstallationTokens::FindFresh(const std::string& key,
                                                       absl::Time now) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return nullptr;
  const InstallationToken& token = it->second.token;
  const bool is_fresh =
      !token.text.empty() && now < token.expires_at - kRefreshBefore;
  return is_fresh ? &token : nullptr;
}

InstallationTokens::Entry& InstallationTokens::EntryOf(const std::string& key) {
  if (entries_.size() >= max_tokens_ && !entries_.contains(key)) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
          return a.second.token.expires_at < b.second.token.expires_at;
        }));
  }
  return entries_[key];
}

asio::awaitable<absl::StatusOr<InstallationToken>> InstallationTokens::Get(
    ForgeCall& call, std::string installation, std::string owner) {
  const std::string key = KeyOf(call, installation, owner);
  const auto is_known = [&] {
    const InstallationToken* token = FindFresh(key, call.Now());
    if (token != nullptr) call.AddSecret(token->text);
    return token != nullptr;
  };
  if (is_known()) co_return entries_[key].token;
  const int64_t requests = EntryOf(key).requests;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Turns::Turn turn,
                                  co_await turns_.Take(key, call.TimeLeft()));
  if (is_known()) co_return entries_[key].token;
  const Entry& entry = EntryOf(key);
  if (entry.requests != requests && !entry.error.ok() && !IsOwn(entry.error)) {
    co_return entry.error;
  }
  co_return co_await Refresh(call, std::move(installation), std::move(owner),
                             key);
}

asio::awaitable<absl::StatusOr<InstallationToken>> InstallationTokens::Refresh(
    ForgeCall& call, std::string installation, std::string owner,
    std::string key) {
  absl::StatusOr<std::string> id = std::move(installation);
  if (id->empty()) id = co_await FindInstallation(call, std::move(owner));
  absl::StatusOr<InstallationToken> token =
      id.ok() ? co_await CreateInstallationToken(call, *std::move(id))
              : id.status();
  Entry& entry = EntryOf(key);
  ++entry.requests;
  entry.error = token.status();
  if (token.ok()) entry.token = *token;
  co_return token;
}

void InstallationTokens::Drop(const std::string& text) {
  for (auto& [key, entry] : entries_) {
    if (entry.token.text == text) entry.token = InstallationToken();
  }
}

}  // namespace lamplighter::provider
