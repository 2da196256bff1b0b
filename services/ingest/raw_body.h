#pragma once

#include <zstd.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/events.pb.h"

namespace lamplighter::ingest {

// Packs request bodies to travel with their events. Reuses one compression
// context; not thread-safe.
class RawBodyPacker {
 public:
  // Smaller bodies travel as received: see README.md for the measurement.
  static constexpr size_t kCompressFrom = 16 << 10;

  RawBodyPacker();

  // `body` as it travels. `content_type` is the request's own.
  v1::RawBody Pack(std::string body, absl::string_view content_type);

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
};

// Takes the body itself out of `raw` and marks it as left out.
void OmitBody(v1::RawBody& raw);

}  // namespace lamplighter::ingest
