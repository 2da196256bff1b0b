#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/protobuf/repeated_field.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/hook_store.h"

// Rows of hooks, within a transaction.
//
// Whether a hook is wanted is whether it has attachments; its state says how
// far that is.
namespace lamplighter::reposync {

struct HookRow {
  LeasedHook leased;
  int64_t lease_until = 0;  // milliseconds since 1970
};

// Which rows; what is unset matches all.
struct HookQuery {
  std::string connection = {};
  int64_t repository = 0;
  std::string repository_id = {};  // canonical id, now
  std::string attached_as = {};    // canonical id when it was attached
  std::vector<v1::Hook::State> states = {};
  // Come after this one.
  absl::optional<HookKey> after = {};
  int64_t limit = 1'000'000;
};

// In order of repository and connection.
std::vector<HookRow> LoadHooks(Transaction& transaction,
                               const HookQuery& query);
absl::optional<HookRow> LoadHook(Transaction& transaction, const HookKey& key);
// NotFound.
absl::StatusOr<HookRow> FindHook(Transaction& transaction, const HookKey& key);
void DeleteHook(Transaction& transaction, const HookKey& key);

// The connection's credential is another: what is orphaned or fails is due.
// Returns how many.
int64_t ReviveHooks(Transaction& transaction, const std::string& connection,
                    absl::Time now);
// The connection is no longer configured. Attachments stay: it may come back.
void OrphanHooks(Transaction& transaction, const std::string& connection,
                 absl::Time next_at);
int64_t CountHooks(Transaction& transaction, const std::string& connection);
void DeleteHooks(Transaction& transaction, const std::string& connection);

// Lists of words that have no line breaks.
std::string JoinLines(
    const google::protobuf::RepeatedPtrField<std::string>& lines);

}  // namespace lamplighter::reposync
