// What compiling an expression costs, and running it on an event.

#include "benchmark/benchmark.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/testing/show.h"

namespace lamplighter::dispatcher {
namespace {

constexpr const char* kSources[] = {
    "'' + alert.metadata.labels.env",
    "provider.metadata.name + '@' + alert.metadata.name",
    "(event.involvedObject.kind + '/' + event.involvedObject.name + '/' + "
    "event.metadata.cluster).lowerAscii()",
    "event.?metadata.?tenant.optMap(t, t + '/').orValue('') + "
    "string(provider.metadata.name)",
    "event.severity == 'info' && event.message.matches('^Recon') ? 'ok' : "
    "'%s-%s'.format([event.reason, event.metadata.cluster])",
    "['a', 'b', 'c', 'd'].map(x, x + event.metadata.cluster).join('-')",
};

CelOptions Options() {
  CelOptions options = FluxOptions();
  options.result = CelType(CelType::Kind::kString);
  return options;
}

void BM_Compile(benchmark::State& state) {
  const CelOptions options = Options();
  const char* const source = kSources[state.range(0)];
  for (auto _ : state) {
    benchmark::DoNotOptimize(CelExpression::Compile(source, options));
  }
  state.SetLabel(source);
}
BENCHMARK(BM_Compile)->DenseRange(0, std::size(kSources) - 1);

void BM_Evaluate(benchmark::State& state) {
  const char* const source = kSources[state.range(0)];
  const auto expression = CelExpression::Compile(source, Options());
  const CelBindings bindings = FluxBindings();
  if (!expression.ok() || !(*expression)->Evaluate(bindings).ok()) {
    state.SkipWithError("the expression is wrong");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize((*expression)->Evaluate(bindings));
  }
  state.SetLabel(source);
}
BENCHMARK(BM_Evaluate)->DenseRange(0, std::size(kSources) - 1);

}  // namespace
}  // namespace lamplighter::dispatcher
