#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "services/reposync/events/repository_source.h"

namespace lamplighter::reposync {

// A forge that every connection reaches all of.
class FakeRepositorySource final : public RepositorySource {
 public:
  explicit FakeRepositorySource(boost::asio::io_context& loop)
      : gate_(loop, boost::asio::steady_timer::time_point::min()) {}

  // By the canonical id that is asked for.
  std::map<std::string, v1::CatalogRepository> repositories;
  // What the next calls are answered with in place of it.
  std::deque<absl::Status> errors;
  // "connection canonical-id", in order.
  std::vector<std::string> asked;

  // Keeps calls back until Release().
  void Hold() {
    gate_.expires_at(boost::asio::steady_timer::time_point::max());
  }
  void Release() {
    gate_.expires_at(boost::asio::steady_timer::time_point::min());
  }

  boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> Get(
      StoredConnection connection, std::string repository_id) override {
    asked.push_back(absl::StrCat(connection.info.name(), " ", repository_id));
    co_await gate_.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!errors.empty()) {
      absl::Status error = std::move(errors.front());
      errors.pop_front();
      co_return error;
    }
    const auto found = repositories.find(repository_id);
    if (found == repositories.end()) co_return absl::NotFoundError("404");
    co_return found->second;
  }

 private:
  boost::asio::steady_timer gate_;
};

}  // namespace lamplighter::reposync
