#include "services/reposync/store/change_log.h"

#include "absl/strings/escaping.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

namespace lamplighter::reposync {

int64_t LastChangeOf(Transaction& transaction) {
  int64_t last = 0;
  Execute(transaction, "SELECT COALESCE(MAX(sequence), 0) FROM changes",
          soci::into(last));
  return last;
}

void AppendChanges(Transaction& transaction, absl::Time now,
                   const std::vector<Change>& changes) {
  if (changes.empty()) return;
  int64_t sequence = LastChangeOf(transaction);
  RowBatch batch;
  RowBatch::Numbers& sequences = batch.Number("sequence");
  RowBatch::Numbers& ats = batch.Number("at");
  RowBatch::Numbers& kinds = batch.Number("kind");
  RowBatch::Numbers& repositories = batch.Number("repository");
  RowBatch::Texts& ids = batch.Text("repository_id");
  RowBatch::Texts& previous = batch.Text("previous_repository_id");
  RowBatch::Texts& entries = batch.Text("entry");
  for (const Change& change : changes) {
    sequences.push_back(++sequence);
    ats.push_back(ToMillis(now));
    kinds.push_back(change.kind);
    repositories.push_back(change.entry->id());
    ids.push_back(change.entry->repository().repository_id());
    previous.push_back(change.previous_repository_id);
    entries.push_back(absl::Base64Escape(change.entry->SerializeAsString()));
  }
  batch.Insert(transaction, "changes");
}

}  // namespace lamplighter::reposync
