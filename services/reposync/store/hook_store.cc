#include "services/reposync/store/hook_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status/macros.h"
#include "services/reposync/store/hook_rows.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using absl::StatusOr;
using boost::asio::awaitable;
using soci::into;
using soci::use;
using v1::Hook;

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kMaxPageSize = 1000;

// The canonical id that it has now.
StatusOr<std::string> FindRepositoryId(Transaction& transaction,
                                       int64_t repository) {
  std::string repository_id;
  transaction.sql << "SELECT repository_id FROM repositories WHERE id = :id",
      use(repository, "id"), into(repository_id);
  if (transaction.sql.got_data()) return repository_id;
  return absl::NotFoundError(
      absl::StrCat("the catalog has no repository ", repository));
}

void InsertHook(Transaction& transaction, const HookKey& key,
                const std::string& repository_id, int64_t now) {
  transaction.sql
      << "INSERT INTO hooks (connection, repository, state, url, forge_ids,"
         " events, error, failures, attached_at, checked_at, next_at, repairs,"
         " rewrite, version, owner, lease_until, repository_id) VALUES"
         " (:connection, :repository, 0, '', '', '', '', 0, :now, 0, 0, 0, 0, "
         "0,"
         " '', 0, :repository_id)",
      use(key.connection, "connection"), use(key.repository, "repository"),
      use(now, "now"), use(repository_id, "repository_id");
}

// Something else is asked for: whoever works on it has to look again.
void Ask(Transaction& transaction, const HookKey& key, Hook::State state,
         int64_t next_at) {
  transaction.sql << "UPDATE hooks SET state = " << state
                  << ", error = '', failures = 0, next_at = :next_at,"
                     " version = version + 1 WHERE connection = :connection"
                     " AND repository = :repository",
      use(next_at, "next_at"), use(key.connection, "connection"),
      use(key.repository, "repository");
}

// Whether it is as far as it was asked for, or on the way.
bool IsAsAsked(Hook::State state, bool unmanaged) {
  if (unmanaged) return state == Hook::UNMANAGED;
  return state == Hook::WANTED || state == Hook::PRESENT ||
         state == Hook::FAILING;
}

// Of this form: 17:main.
StatusOr<absl::optional<HookKey>> ParsePageToken(const std::string& token) {
  if (token.empty()) return absl::nullopt;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(token, absl::MaxSplits(':', 1));
  HookKey key = {.connection = std::string(parts.second), .repository = 0};
  if (!absl::SimpleAtoi(parts.first, &key.repository) || key.repository <= 0) {
    return absl::InvalidArgumentError(
        "page_token: must be the next_page_token of a page before");
  }
  return key;
}

}  // namespace

HookStore::HookStore(Database& database, const Clock& clock)
    : database_(database), clock_(clock) {}

awaitable<StatusOr<Hook>> HookStore::Attach(HookKey key, std::string attachment,
                                            bool unmanaged) {
  const int64_t now = ToMillis(clock_.Now());
  co_return co_await database_.Write<Hook>([=](Transaction& transaction)
                                               -> StatusOr<Hook> {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string repository_id,
                                 FindRepositoryId(transaction, key.repository));
    const absl::optional<HookRow> row = LoadHook(transaction, key);
    if (!row.has_value()) {
      InsertHook(transaction, key, repository_id, now);
    }
    if (!row.has_value() || !IsAsAsked(row->leased.hook.state(), unmanaged)) {
      Ask(transaction, key, unmanaged ? Hook::UNMANAGED : Hook::WANTED, now);
    }
    transaction.sql
        << "INSERT INTO attachments (connection, repository, name) VALUES"
           " (:connection, :repository, :name) ON CONFLICT DO NOTHING",
        use(key.connection, "connection"), use(key.repository, "repository"),
        use(attachment, "name");
    LAMPLIGHTER_ASSIGN_OR_RETURN(HookRow after, FindHook(transaction, key));
    return std::move(after.leased.hook);
  });
}

awaitable<StatusOr<absl::optional<Hook>>> HookStore::Detach(
    HookKey key, std::string attachment) {
  using Left = absl::optional<Hook>;
  const int64_t now = ToMillis(clock_.Now());
  co_return co_await database_.Write<Left>(
      [=](Transaction& transaction) -> StatusOr<Left> {
        soci::statement statement =
            (transaction.sql.prepare
                 << "DELETE FROM attachments WHERE connection = :connection"
                    " AND repository = :repository AND name = :name",
             use(key.connection, "connection"),
             use(key.repository, "repository"), use(attachment, "name"));
        statement.execute(true);
        const bool detached = statement.get_affected_rows() > 0;
        absl::optional<HookRow> row = LoadHook(transaction, key);
        if (!row.has_value()) return Left();
        const Hook& hook = row->leased.hook;
        if (!detached || hook.attachments_size() > 0) return hook;
        if (hook.state() == Hook::UNMANAGED) {
          DeleteHook(transaction, key);
          return Left();
        }
        Ask(transaction, key, Hook::REMOVING, now);
        LAMPLIGHTER_ASSIGN_OR_RETURN(HookRow after, FindHook(transaction, key));
        return std::move(after.leased.hook);
      });
}

awaitable<StatusOr<Hook>> HookStore::Get(HookKey key) {
  co_return co_await database_.Read<Hook>(
      [key](Transaction& transaction) -> StatusOr<Hook> {
        LAMPLIGHTER_ASSIGN_OR_RETURN(HookRow row, FindHook(transaction, key));
        return std::move(row.leased.hook);
      });
}

awaitable<StatusOr<std::vector<Hook>>> HookStore::OfRepository(
    std::string repository_id) {
  using Hooks = std::vector<Hook>;
  co_return co_await database_.Read<Hooks>(
      [repository_id](Transaction& transaction) -> StatusOr<Hooks> {
        Hooks hooks;
        if (repository_id.empty()) return hooks;
        std::vector<HookRow> rows =
            LoadHooks(transaction, {.repository_id = repository_id});
        if (rows.empty()) {
          rows = LoadHooks(transaction, {.attached_as = repository_id});
        }
        for (HookRow& row : rows) hooks.push_back(std::move(row.leased.hook));
        return hooks;
      });
}

awaitable<StatusOr<v1::ListHooksResponse>> HookStore::List(
    v1::ListHooksRequest request) {
  const int32_t size = request.page_size() <= 0
                           ? kDefaultPageSize
                           : std::min(request.page_size(), kMaxPageSize);
  HookQuery query = {.connection = request.connection(),
                     .repository_id = request.repository_id(),
                     .limit = size + 1};
  for (const int state : request.states()) {
    query.states.push_back(static_cast<Hook::State>(state));
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(query.after,
                                  ParsePageToken(request.page_token()));
  const auto rows = co_await database_.Read<std::vector<HookRow>>(
      [query](Transaction& transaction) -> StatusOr<std::vector<HookRow>> {
        return LoadHooks(transaction, query);
      });
  if (!rows.ok()) co_return rows.status();
  v1::ListHooksResponse response;
  for (const HookRow& row : *rows) {
    if (response.hooks_size() == size) {
      const Hook& last = *response.hooks().rbegin();
      response.set_next_page_token(
          absl::StrCat(last.repository(), ":", last.connection()));
      break;
    }
    *response.add_hooks() = row.leased.hook;
  }
  co_return response;
}

awaitable<StatusOr<std::vector<std::pair<Hook::State, int64_t>>>>
HookStore::CountStates() {
  using Counts = std::vector<std::pair<Hook::State, int64_t>>;
  co_return co_await database_.Read<Counts>(
      [](Transaction& transaction) -> StatusOr<Counts> {
        int state = 0;
        int64_t count = 0;
        soci::statement statement =
            (transaction.sql.prepare << "SELECT state, COUNT(*) FROM hooks"
                                        " GROUP BY state ORDER BY state",
             into(state), into(count));
        statement.execute();
        Counts counts;
        while (statement.fetch()) {
          counts.emplace_back(static_cast<Hook::State>(state), count);
        }
        return counts;
      });
}

awaitable<StatusOr<int64_t>> HookStore::MakeDue(std::string connection,
                                                std::string repository_id,
                                                bool rewrite) {
  const int64_t now = ToMillis(clock_.Now());
  co_return co_await database_.Write<int64_t>(
      [=](Transaction& transaction) -> StatusOr<int64_t> {
        soci::statement statement =
            (transaction.sql.prepare
                 << "UPDATE hooks SET next_at = :now, version = version + 1"
                 << (rewrite ? ", rewrite = 1" : "") << " WHERE state <> "
                 << Hook::UNMANAGED
                 << " AND (CAST(:connection AS TEXT) = ''"
                    " OR connection = :connection)"
                    " AND (CAST(:repository_id AS TEXT) = ''"
                    " OR repository IN (SELECT id FROM repositories"
                    " WHERE repository_id = :repository_id))",
             use(now, "now"), use(connection, "connection"),
             use(repository_id, "repository_id"));
        statement.execute(true);
        return statement.get_affected_rows();
      });
}

awaitable<StatusOr<int64_t>> HookStore::Revive(std::string connection) {
  const absl::Time now = clock_.Now();
  co_return co_await database_.Write<int64_t>(
      [=](Transaction& transaction) -> StatusOr<int64_t> {
        return ReviveHooks(transaction, connection, now);
      });
}

}  // namespace lamplighter::reposync
