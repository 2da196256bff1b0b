#include "services/ingest/raw_body.h"

#include <zstd.h>

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"

namespace lamplighter::ingest {
namespace {

std::string Unpack(const v1::RawBody& raw) {
  std::string body(raw.size(), '\0');
  const size_t size = ZSTD_decompress(body.data(), body.size(),
                                      raw.data().data(), raw.data().size());
  EXPECT_EQ(size, raw.size());
  return body;
}

std::string Text(size_t size) {
  std::string text;
  while (text.size() < size) text += "{\"id\": " + std::to_string(text.size());
  return text.substr(0, size);
}

TEST(RawBodyPacker, LeavesSmallBodiesAsTheyCame) {
  RawBodyPacker packer;
  const std::string body = Text(RawBodyPacker::kCompressFrom - 1);
  const v1::RawBody raw = packer.Pack(body, "application/json");
  EXPECT_EQ(raw.encoding(), v1::RawBody::IDENTITY);
  EXPECT_EQ(raw.data(), body);
  EXPECT_EQ(raw.size(), body.size());
  EXPECT_EQ(raw.content_type(), "application/json");
}

TEST(RawBodyPacker, CompressesLargeBodiesOneAfterAnother) {
  RawBodyPacker packer;
  for (const size_t size : {RawBodyPacker::kCompressFrom, size_t{300'000}}) {
    const std::string body = Text(size);
    const v1::RawBody raw = packer.Pack(body, "application/json");
    EXPECT_EQ(raw.encoding(), v1::RawBody::ZSTD);
    EXPECT_EQ(raw.size(), size);
    EXPECT_LT(raw.data().size(), size / 2);
    EXPECT_EQ(Unpack(raw), body);
  }
}

TEST(RawBodyPacker, LeavesWhatDoesNotShrinkAsItCame) {
  std::mt19937 random(1);
  std::string body(RawBodyPacker::kCompressFrom, '\0');
  for (char& c : body) c = static_cast<char>(random());
  RawBodyPacker packer;
  const v1::RawBody raw = packer.Pack(body, "");
  EXPECT_EQ(raw.encoding(), v1::RawBody::IDENTITY);
  EXPECT_EQ(raw.data(), body);
}

TEST(OmitBody, KeepsWhatIsKnownOfTheBody) {
  RawBodyPacker packer;
  v1::RawBody raw = packer.Pack("{}", "application/json");
  OmitBody(raw);
  EXPECT_EQ(raw.encoding(), v1::RawBody::OMITTED);
  EXPECT_EQ(raw.data(), "");
  EXPECT_EQ(raw.size(), 2u);
  EXPECT_EQ(raw.content_type(), "application/json");
}

}  // namespace
}  // namespace lamplighter::ingest
