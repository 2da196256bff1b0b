// Bytes of a connection through the HTTP request parser. However they are cut
// on their way, the request is the same.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "boost/asio/buffer.hpp"
#include "common/http/body_memory.h"
#include "common/http/request_parser.h"
#include "services/ingest/fuzz/expect.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxHeader = 4 << 10;
constexpr size_t kMaxBody = 1 << 10;
constexpr size_t kMaxMemory = 512;

// What became of some bytes: a status to refuse with, or a request.
struct Outcome {
  int status = 0;
  bool done = false;
  HttpRequest request;
};

// Feeds `bytes` to a parser as a connection does, `step` more of them at a
// time.
Outcome Parse(absl::string_view bytes, size_t step) {
  BodyMemory memory{.limit = kMaxMemory};
  Outcome outcome;
  {
    BodyReservation reservation(memory);
    RequestParser parser(kMaxHeader, kMaxBody, reservation);
    parser.eager(true);
    size_t from = 0;
    for (size_t to = 0; to < bytes.size() && !parser.is_done();) {
      to = std::min(to + step, bytes.size());
      bool moved = true;
      while (moved && from < to && !parser.is_done()) {
        boost::system::error_code error;
        const size_t used = parser.put(
            boost::asio::const_buffer(bytes.data() + from, to - from), error);
        Expect(used <= to - from);
        from += used;
        moved = used > 0;
        if (error == boost::beast::http::error::need_more) break;
        if (error) {
          outcome.status = parser.StatusFor(error);
          return outcome;
        }
      }
      if (parser.is_header_done()) {
        outcome.status = parser.CheckHeader();
        if (outcome.status != 0) return outcome;
      }
    }
    outcome.done = parser.is_done();
    outcome.request = std::move(parser.request());
    Expect(memory.used <= kMaxMemory);
    Expect(outcome.request.body.size() <= kMaxBody);
    Expect(outcome.request.headers.fields.size() <= 1000);
  }
  Expect(memory.used == 0);
  return outcome;
}

void Run(const uint8_t* data, size_t size) {
  if (size == 0) return;
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1),
                                size - 1);
  const Outcome whole = Parse(bytes, bytes.size() + 1);
  const Outcome cut = Parse(bytes, data[0] % 64 + 1);
  if (!whole.done || !cut.done) return;
  Expect(whole.request.method == cut.request.method);
  Expect(whole.request.path == cut.request.path);
  Expect(whole.request.query == cut.request.query);
  Expect(whole.request.headers.fields == cut.request.headers.fields);
  Expect(whole.request.body == cut.request.body);
}

}  // namespace
}  // namespace lamplighter

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamplighter::Run(data, size);
  return 0;
}
