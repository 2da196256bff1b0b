#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// Which hook: a connection's on a repository.
struct HookKey {
  std::string connection;
  int64_t repository;  // the catalog's id

  friend bool operator==(const HookKey&, const HookKey&) = default;
};

// A hook that this process works on, leased to it.
struct LeasedHook {
  v1::Hook hook;  // repository_id as the catalog has it now
  // Write the secret even where it looks right.
  bool rewrite = false;
  // Raised by everything that asks for something else; Settle() heeds it.
  int64_t version = 0;
  std::string owner;
};

// The webhooks that are wanted or to be taken off: desired state, with what is
// known of how they are. One is wanted while it has attachments. The row is the
// durable outbox of their making and removal: it is there before the forge is
// asked, and gone only once the forge said that the webhook is. On the loop
// only.
class HookStore {
 public:
  // Both must outlive the store.
  HookStore(Database& database, const Clock& clock);

  // Adds an attachment, and the hook where there is none: WANTED, due now (or
  // UNMANAGED). One that is REMOVING or ORPHANED is WANTED again. NotFound
  // where there is no such repository.
  boost::asio::awaitable<absl::StatusOr<v1::Hook>> Attach(
      HookKey key, std::string attachment, bool unmanaged);
  // Takes an attachment off. With the last one the hook becomes REMOVING, due
  // now; an UNMANAGED one is gone. Nothing where there is no such hook, or none
  // any more.
  boost::asio::awaitable<absl::StatusOr<absl::optional<v1::Hook>>> Detach(
      HookKey key, std::string attachment);

  // NotFound.
  boost::asio::awaitable<absl::StatusOr<v1::Hook>> Get(HookKey key);
  // Hooks of the repository that has this canonical id; where that has none, of
  // those that had it when they were attached.
  boost::asio::awaitable<absl::StatusOr<std::vector<v1::Hook>>> OfRepository(
      std::string repository_id);
  boost::asio::awaitable<absl::StatusOr<v1::ListHooksResponse>> List(
      v1::ListHooksRequest request);
  // How many are in each state.
  boost::asio::awaitable<
      absl::StatusOr<std::vector<std::pair<v1::Hook::State, int64_t>>>>
  CountStates();

  // Makes hooks due now, all but UNMANAGED ones; of all connections or
  // repositories where the name is empty. Returns how many.
  boost::asio::awaitable<absl::StatusOr<int64_t>> MakeDue(
      std::string connection, std::string repository_id, bool rewrite);
  // ORPHANED ones of a connection become REMOVING (or WANTED, where they still
  // have attachments), and those that fail are due: its credential was changed.
  // Returns how many.
  boost::asio::awaitable<absl::StatusOr<int64_t>> Revive(
      std::string connection);

  // Leases up to `limit` due hooks to `owner` until now + `lease`, longest due
  // first; `busy` connections are left out.
  boost::asio::awaitable<absl::StatusOr<std::vector<LeasedHook>>> TakeDue(
      std::string owner, absl::Duration lease, int32_t limit,
      std::vector<std::string> busy);
  // The same for one. Aborted where somebody else works on it, or it is not
  // due.
  boost::asio::awaitable<absl::StatusOr<LeasedHook>> Take(HookKey key,
                                                          std::string owner,
                                                          absl::Duration lease);
  // When the next one is due that TakeDue() would give; InfiniteFuture where
  // none is.
  boost::asio::awaitable<absl::StatusOr<absl::Time>> NextDue(
      std::vector<std::string> busy);

  // Writes what became of it (state, forge_ids, events, url, error, failures,
  // checked_at, next_at, repairs of `hook`) and ends the lease; `rewrite` is
  // done with where it is PRESENT. Where something else was asked for meanwhile
  // (`version`), only forge_ids are written and it is due at once. Aborted
  // where the lease was lost.
  boost::asio::awaitable<absl::Status> Settle(LeasedHook hook);
  // It is off the forge: the row is deleted, or WANTED again where it was
  // attached meanwhile. Aborted where the lease was lost.
  boost::asio::awaitable<absl::Status> SettleRemoved(LeasedHook hook);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
