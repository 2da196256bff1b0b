#pragma once

#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// What a record of the ledger's topic says of its key. The forge shows what was
// SET or UNCHANGED; of any other result it is only known that it was tried.
LedgerEntry MakeRestoredEntry(const v1::StatusOutcome& outcome);

// Puts it into `ledger`, unless that holds a newer one: two processes that both
// took the partition for theirs may have written in any order.
void RestoreEntry(Ledger& ledger, const LedgerKey& key, int32_t partition,
                  const v1::StatusOutcome& outcome);

}  // namespace lamplighter::dispatcher
