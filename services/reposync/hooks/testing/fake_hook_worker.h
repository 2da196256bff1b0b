#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "services/reposync/hooks/hook_worker.h"

namespace lamplighter::reposync {

// A forge with its provider worker: keeps webhooks as the real one does, adopts
// what is there, and refuses the 21st.
class FakeHookWorker final : public HookWorker {
 public:
  struct Webhook {
    std::string id;
    std::string connection;  // empty where it is somebody else's
    std::string difference;  // what is wrong with it
  };

  // By canonical id, those that the forge has.
  std::map<std::string, std::vector<Webhook>> repositories;
  // What calls for a connection are answered with in place of being done.
  std::map<std::string, absl::Status> errors;
  // What calls for one repository are.
  std::map<std::string, absl::Status> repository_errors;
  int calls = 0;  // Ensure and Remove
  int rewritten = 0;
  int running = 0;
  int most_running = 0;  // at once

  static constexpr size_t kMaxWebhooks = 20;

  boost::asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>> Ensure(
      std::string /*type*/, v1::EnsureWebhooksRequest request) override {
    const absl::Status status =
        co_await Begin(request.connection(), request.repository_id());
    if (!status.ok()) co_return status;
    if (request.rewrite()) ++rewritten;
    std::vector<Webhook>& webhooks = repositories[request.repository_id()];
    v1::EnsureWebhooksResponse response;
    v1::Webhook& answer = *response.add_webhooks();
    answer.set_action(v1::Webhook::UNCHANGED);
    auto ours = Find(webhooks, request.connection());
    if (ours == webhooks.end()) {
      if (webhooks.size() >= kMaxWebhooks) {
        co_return absl::FailedPreconditionError(
            "the repository has as many webhooks as it may");
      }
      webhooks.push_back({absl::StrCat(++last_id_), request.connection(), ""});
      ours = webhooks.end() - 1;
      answer.set_action(v1::Webhook::CREATED);
    } else if (!ours->difference.empty() || request.rewrite()) {
      answer.set_action(v1::Webhook::REPAIRED);
      answer.set_difference(std::exchange(ours->difference, ""));
    }
    answer.set_forge_id(ours->id);
    co_return response;
  }

  boost::asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>> Remove(
      std::string /*type*/, v1::RemoveWebhooksRequest request) override {
    const absl::Status status =
        co_await Begin(request.connection(), request.repository_id());
    if (!status.ok()) co_return status;
    std::vector<Webhook>& webhooks = repositories[request.repository_id()];
    const auto ours = Find(webhooks, request.connection());
    if (ours != webhooks.end()) webhooks.erase(ours);
    co_return v1::RemoveWebhooksResponse();
  }

  boost::asio::awaitable<absl::Status> CheckCredential(
      std::string /*type*/, v1::Account account) override {
    const auto error = errors.find(account.connection());
    co_return error == errors.end() ? absl::OkStatus() : error->second;
  }

 private:
  static std::vector<Webhook>::iterator Find(std::vector<Webhook>& webhooks,
                                             const std::string& connection) {
    return std::find_if(webhooks.begin(), webhooks.end(),
                        [&](const Webhook& webhook) {
                          return webhook.connection == connection;
                        });
  }

  // A call takes some turns of the loop.
  boost::asio::awaitable<absl::Status> Begin(std::string connection,
                                             std::string repository_id) {
    ++calls;
    most_running = std::max(most_running, ++running);
    for (int i = 0; i < 3; ++i) {
      co_await boost::asio::post(boost::asio::use_awaitable);
    }
    --running;
    const auto error = errors.find(connection);
    if (error != errors.end()) co_return error->second;
    const auto of_repository = repository_errors.find(repository_id);
    if (of_repository != repository_errors.end()) {
      co_return of_repository->second;
    }
    co_return repositories.contains(repository_id)
        ? absl::OkStatus()
        : absl::NotFoundError("404 Not Found");
  }

  int last_id_ = 0;
};

}  // namespace lamplighter::reposync
