#include "services/ingest/raw_body.h"

#include <utility>

namespace lamplighter::ingest {
namespace {

constexpr int kLevel = 1;

}  // namespace

RawBodyPacker::RawBodyPacker() : context_(ZSTD_createCCtx()) {}

v1::RawBody RawBodyPacker::Pack(std::string body,
                                absl::string_view content_type) {
  v1::RawBody raw;
  raw.set_size(body.size());
  raw.set_content_type(std::string(content_type));
  if (body.size() >= kCompressFrom && context_ != nullptr) {
    std::string packed;
    packed.resize(ZSTD_compressBound(body.size()));
    const size_t size =
        ZSTD_compressCCtx(context_.get(), packed.data(), packed.size(),
                          body.data(), body.size(), kLevel);
    if (!ZSTD_isError(size) && size < body.size()) {
      packed.resize(size);
      packed.shrink_to_fit();
      raw.set_encoding(v1::RawBody::ZSTD);
      raw.set_data(std::move(packed));
      return raw;
    }
  }
  raw.set_encoding(v1::RawBody::IDENTITY);
  raw.set_data(std::move(body));
  return raw;
}

void OmitBody(v1::RawBody& raw) {
  raw.set_encoding(v1::RawBody::OMITTED);
  raw.clear_data();
}

}  // namespace lamplighter::ingest
