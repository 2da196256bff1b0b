// What restoring costs: from the bytes of a ledger record to its entry.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/ledger/ledger.h"
#include "services/dispatcher/ledger/ledger_entry.h"

namespace lamplighter::dispatcher {
namespace {

std::pair<std::string, std::string> MakeRecord(int number) {
  v1::StatusOutcome outcome;
  outcome.set_result(v1::StatusOutcome::SET);
  outcome.set_order(number);
  outcome.mutable_decided_at()->set_seconds(1'700'000'000);
  v1::StatusIntent& intent = *outcome.mutable_intent();
  intent.set_id("04124d7893bcac40771f789a91d551a3/flux-system/forge");
  intent.set_event_id("04124d7893bcac40771f789a91d551a3");
  intent.mutable_provider()->set_namespace_("flux-system");
  intent.mutable_provider()->set_name("github");
  intent.set_repository_id("github.com/acme/fleet");
  intent.set_sha(absl::StrCat(absl::Hex(number, absl::kZeroPad16),
                              "00000000000000000000beef"));
  intent.set_context("kustomization/apps/a4b8413d");
  intent.set_state(v1::SUCCESS);
  intent.set_description("reconciliation succeeded");
  intent.mutable_event_time()->set_seconds(1'700'000'000);
  intent.set_cluster("prod-eu");
  intent.mutable_involved_object()->set_kind("Kustomization");
  intent.mutable_involved_object()->set_namespace_("flux-system");
  intent.mutable_involved_object()->set_name("apps");
  return {LedgerName(intent), outcome.SerializeAsString()};
}

void Restore(benchmark::State& state) {
  const int entries = static_cast<int>(state.range(0));
  std::vector<std::pair<std::string, std::string>> records;
  for (int i = 0; i < entries; ++i) records.push_back(MakeRecord(i));
  for (auto _ : state) {
    Ledger ledger(entries);
    ledger.Open(0);
    v1::StatusOutcome outcome;
    for (const auto& [name, value] : records) {
      if (!outcome.ParseFromString(value)) state.SkipWithError("not decoded");
      RestoreEntry(ledger, MakeLedgerKey(name), 0, outcome);
    }
    benchmark::DoNotOptimize(ledger.size());
  }
  state.SetItemsProcessed(state.iterations() * entries);
}
BENCHMARK(Restore)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lamplighter::dispatcher
