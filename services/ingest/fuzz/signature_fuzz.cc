// Headers by which requests prove themselves, and forms, which are decoded
// before anything is proved. Nothing may be believed here: nobody who makes
// these inputs has the secret.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/ingest/form.h"
#include "services/ingest/fuzz/expect.h"
#include "services/ingest/intake.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {
namespace {

// Not to be found by trying.
const std::vector<std::string>& Tokens() {
  static const auto* const tokens = new std::vector<std::string>(
      {"user:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"});
  return *tokens;
}

const std::vector<HmacSecret>& Secrets() {
  static const auto* const secrets = [] {
    auto* const made = new std::vector<HmacSecret>();
    for (const char* key : {"one secret", "another secret"}) {
      made->push_back(*HmacSecret::Create(key));
    }
    return made;
  }();
  return *secrets;
}

void Run(absl::string_view input) {
  // Header, timestamp, id and body, each ended by a line break.
  absl::string_view parts[4];
  for (absl::string_view& part : parts) {
    const size_t end = input.find('\n');
    part = input.substr(0, end);
    input.remove_prefix(end == absl::string_view::npos ? input.size()
                                                       : end + 1);
  }
  const auto& [header, timestamp, id, body] = parts;
  for (const absl::string_view prefix : {"", "sha256="}) {
    Expect(VerifyWebhook(Secrets(), header, prefix, body) != Proof::kValid);
  }
  Expect(VerifyFluxHmac(Secrets(), header, body) != Proof::kValid);
  const Proof standard = VerifyStandardWebhook(
      Secrets(), {.id = id, .timestamp = timestamp, .signature = header}, body,
      absl::FromUnixSeconds(1'700'000'000));
  Expect(standard == Proof::kWrong || standard == Proof::kMissing);
  for (const Proof proof :
       {VerifyToken(Tokens(), header), VerifyBearer(Tokens(), header),
        VerifyBasic(Tokens(), header),
        VerifyBasic(Tokens(), absl::StrCat("Basic ", header))}) {
    Expect(proof == Proof::kWrong || proof == Proof::kMissing);
  }
  Expect(PlainHeader(header).size() <= 128);
  const BodyKind kind = BodyKindOf(header);
  Expect(kind <= BodyKind::kOther);
  const auto payload = FormValue(absl::StrCat("payload=", body), "payload");
  Expect(!payload.has_value() || payload->size() <= body.size());
}

}  // namespace
}  // namespace lamplighter::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamplighter::ingest::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
