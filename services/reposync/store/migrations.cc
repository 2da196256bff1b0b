#include "services/reposync/store/migrations.h"

#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

// Statements of a version, each ended by a semicolon. $ID is a key that counts
// up and is never used again; $NUMBER one that the code numbers; $TEXT compares
// byte by byte on both. Times are milliseconds since 1970, 0 for none; protos
// are serialized, in base64.
struct Step {
  absl::string_view both;
  absl::string_view sqlite;
  absl::string_view postgresql;
};

constexpr Step kSteps[] = {
    // 1: group_key is group_name folded (fold.h). Numbers of changes have no
    // gaps: the newest one is never deleted, and the next is one more.
    {
        R"(
CREATE TABLE repositories(
  id $ID,
  instance $TEXT NOT NULL,
  forge_id $TEXT NOT NULL,
  type $TEXT NOT NULL,
  repository_id $TEXT NOT NULL,
  path $TEXT NOT NULL,
  name $TEXT NOT NULL,
  group_name $TEXT NOT NULL,
  group_key $TEXT NOT NULL,
  group_forge_id $TEXT NOT NULL,
  description $TEXT NOT NULL,
  web_url $TEXT NOT NULL,
  clone_url $TEXT NOT NULL,
  default_branch $TEXT NOT NULL,
  visibility BIGINT NOT NULL,
  archived BIGINT NOT NULL,
  fork BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  access BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  removed_at BIGINT NOT NULL);
CREATE UNIQUE INDEX repositories_by_forge_id
  ON repositories(instance, forge_id);
CREATE INDEX repositories_by_repository_id ON repositories(repository_id);
CREATE INDEX repositories_by_path
  ON repositories(instance, group_key, path, id);
CREATE INDEX repositories_by_removal
  ON repositories(removed_at) WHERE removed_at > 0;

CREATE TABLE reaches(
  connection $TEXT NOT NULL,
  repository BIGINT NOT NULL,
  access BIGINT NOT NULL,
  page BIGINT,
  confirmed_at BIGINT NOT NULL,
  missing_since BIGINT,
  PRIMARY KEY(connection, repository))$CLUSTERED;
CREATE INDEX reaches_by_repository ON reaches(repository);
CREATE INDEX reaches_by_page ON reaches(connection, page);

CREATE TABLE changes(
  sequence $NUMBER,
  at BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  repository BIGINT NOT NULL,
  repository_id $TEXT NOT NULL,
  previous_repository_id $TEXT NOT NULL,
  entry $TEXT NOT NULL);

CREATE TABLE pages(
  connection $TEXT NOT NULL,
  number BIGINT NOT NULL,
  token $TEXT NOT NULL,
  etag $TEXT NOT NULL,
  next_token $TEXT NOT NULL,
  PRIMARY KEY(connection, number))$CLUSTERED;

CREATE TABLE refreshes(
  id $ID,
  connection $TEXT NOT NULL,
  trigger BIGINT NOT NULL,
  state BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  error $TEXT NOT NULL,
  seen BIGINT NOT NULL,
  added BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  kept BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  not_modified BIGINT NOT NULL,
  owner $TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  next_page BIGINT NOT NULL,
  next_page_token $TEXT NOT NULL);
CREATE INDEX refreshes_by_connection ON refreshes(connection, id);

CREATE TABLE connections(
  name $TEXT NOT NULL PRIMARY KEY,
  origin BIGINT NOT NULL,
  info $TEXT NOT NULL,
  sealed $TEXT NOT NULL,
  credential_version BIGINT NOT NULL,
  check_answer $TEXT NOT NULL,
  checked_at BIGINT NOT NULL,
  check_error $TEXT NOT NULL,
  created_at BIGINT NOT NULL);

CREATE TABLE hooks(
  connection $TEXT NOT NULL,
  repository BIGINT NOT NULL,
  state BIGINT NOT NULL,
  url $TEXT NOT NULL,
  forge_ids $TEXT NOT NULL,
  events $TEXT NOT NULL,
  error $TEXT NOT NULL,
  failures BIGINT NOT NULL,
  attached_at BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  repairs BIGINT NOT NULL,
  rewrite BIGINT NOT NULL,
  version BIGINT NOT NULL,
  owner $TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  repository_id $TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(connection, repository));
CREATE INDEX hooks_by_repository ON hooks(repository);
CREATE INDEX hooks_by_state ON hooks(state, next_at);
CREATE INDEX hooks_by_next ON hooks(next_at);
CREATE INDEX hooks_by_repository_id ON hooks(repository_id);

CREATE TABLE attachments(
  connection $TEXT NOT NULL,
  repository BIGINT NOT NULL,
  name $TEXT NOT NULL,
  PRIMARY KEY(connection, repository, name))$CLUSTERED;

CREATE TABLE leases(
  name $TEXT NOT NULL PRIMARY KEY,
  owner $TEXT NOT NULL,
  until BIGINT NOT NULL,
  position BIGINT NOT NULL);
)",
        // Of search: search_index.h and search_words.h say what there is.
        R"(
CREATE TABLE search_words(
  id INTEGER NOT NULL PRIMARY KEY,
  word $TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE search_trigrams USING fts5(
  word, content = '', columnsize = 0, detail = none,
  tokenize = 'trigram case_sensitive 1');
CREATE VIRTUAL TABLE repository_words USING fts5(
  lists, content = '', columnsize = 0, detail = none,
  tokenize = 'ascii tokenchars ''+#''');
)",
        R"(
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE search_words(
  id $ID,
  word $TEXT NOT NULL UNIQUE);
CREATE INDEX search_words_by_trigram ON search_words
  USING gin(word gin_trgm_ops) WITH (fastupdate = off);
ALTER TABLE repositories
  ADD search_shelf BIGINT NOT NULL,
  ADD search_rank BIGINT NOT NULL,
  ADD search_lists $TEXT NOT NULL;
CREATE INDEX repositories_on_shelf_1 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 1;
CREATE INDEX repositories_on_shelf_2 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 2;
CREATE INDEX repositories_on_shelf_3 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 3;
CREATE INDEX repositories_on_shelf_4 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 4;
CREATE INDEX repositories_on_shelf_5 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 5;
CREATE INDEX repositories_on_shelf_6 ON repositories
  USING gin(array_to_tsvector(string_to_array(search_lists, ' ')))
  WHERE search_shelf = 6;
)"},
};

void Execute(Transaction& transaction, absl::string_view statements) {
  const bool sqlite = transaction.dialect == Dialect::kSqlite;
  const std::string sql = absl::StrReplaceAll(
      statements,
      {{"$ID", sqlite ? "INTEGER PRIMARY KEY AUTOINCREMENT"
                      : "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
       {"$NUMBER", sqlite ? "INTEGER PRIMARY KEY" : "BIGINT PRIMARY KEY"},
       {"$TEXT", sqlite ? "TEXT" : "TEXT COLLATE \"C\""},
       // A row is kept with its key alone, and not twice.
       {"$CLUSTERED", sqlite ? " WITHOUT ROWID" : ""}});
  for (absl::string_view statement :
       absl::StrSplit(sql, ';', absl::SkipWhitespace())) {
    transaction.sql << std::string(statement);
  }
}

int Version(Transaction& transaction) {
  transaction.sql << "CREATE TABLE IF NOT EXISTS schema_version("
                     "version BIGINT NOT NULL)";
  int version = 0;
  transaction.sql << "SELECT COALESCE(MAX(version), 0) FROM schema_version",
      soci::into(version);
  return version;
}

}  // namespace

int SchemaVersion() { return std::size(kSteps); }

absl::Status MigrateFrom(int from, Transaction& transaction) {
  if (Version(transaction) != from) return absl::OkStatus();
  const Step& step = kSteps[from];
  Execute(transaction, step.both);
  Execute(transaction, transaction.dialect == Dialect::kSqlite
                           ? step.sqlite
                           : step.postgresql);
  transaction.sql << "DELETE FROM schema_version";
  transaction.sql << "INSERT INTO schema_version(version) VALUES (:version)",
      soci::use(from + 1);
  return absl::OkStatus();
}

absl::Status CheckSchemaVersion(Transaction& transaction) {
  const int version = Version(transaction);
  if (version <= SchemaVersion()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "database: its schema is of version ", version,
      ", and this program knows ", SchemaVersion(),
      ": run the newer program, or restore the backup made before it"));
}

}  // namespace lamplighter::reposync
