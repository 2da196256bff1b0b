#include "services/dispatcher/ledger/ledger_entry.h"

#include <algorithm>

namespace lamplighter::dispatcher {

LedgerEntry MakeRestoredEntry(const v1::StatusOutcome& outcome) {
  const v1::StatusIntent& intent = outcome.intent();
  LedgerEntry entry;
  entry.version = VersionOf(intent, outcome.order());
  entry.recorded = static_cast<uint32_t>(
      std::clamp<int64_t>(outcome.decided_at().seconds(), 0, UINT32_MAX));
  entry.restored = true;
  if (outcome.result() == v1::StatusOutcome::SET ||
      outcome.result() == v1::StatusOutcome::UNCHANGED) {
    entry.state = intent.state();
    entry.content = ContentOf(intent);
  }
  if (outcome.result() == v1::StatusOutcome::SET) {
    entry.written = entry.recorded;
  }
  return entry;
}

void RestoreEntry(Ledger& ledger, const LedgerKey& key, int32_t partition,
                  const v1::StatusOutcome& outcome) {
  const LedgerEntry entry = MakeRestoredEntry(outcome);
  const LedgerEntry* const known = ledger.Peek(key);
  if (known != nullptr && entry.version < known->version) return;
  ledger.Put(key, partition, entry);
}

}  // namespace lamplighter::dispatcher
