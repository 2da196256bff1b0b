// Bodies of Flux events through their parser.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "services/ingest/event_records.h"
#include "services/ingest/flux/flux_event_parser.h"
#include "services/ingest/fuzz/expect.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

void Run(absl::string_view body) {
  static JsonParser* const parser = new JsonParser();
  auto event = ParseFluxEvent(*parser, body);
  if (!event.ok()) return;
  Expect(!event->involved_object().name().empty());
  event->set_id(FluxEventId(*event));
  Expect(event->id().size() == 32);
  v1::FluxEvent read;
  Expect(read.ParseFromString(MakeFluxRecord(*event, "", 1 << 20).value));
  Expect(FluxEventId(read) == event->id());
}

}  // namespace
}  // namespace lamplighter::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamplighter::ingest::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
