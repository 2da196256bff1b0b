#include "services/ingest/form.h"

#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

TEST(FormValue, DecodesWhatFormsEncode) {
  EXPECT_EQ(FormValue("payload=%7B%22a%22%3A+1%7d%0A", "payload"),
            "{\"a\": 1}\n");
}

TEST(FormValue, FindsTheFirstFieldOfThatName) {
  EXPECT_EQ(FormValue("a=1&payload=2&payload=3", "payload"), "2");
  EXPECT_EQ(FormValue("payloads=1", "payload"), absl::nullopt);
  EXPECT_EQ(FormValue("payload", "payload"), absl::nullopt);
  EXPECT_EQ(FormValue("payload=", "payload"), "");
  EXPECT_EQ(FormValue("", "payload"), absl::nullopt);
}

TEST(FormValue, RefusesWhatIsNotWellEncoded) {
  EXPECT_EQ(FormValue("payload=%", "payload"), absl::nullopt);
  EXPECT_EQ(FormValue("payload=%4", "payload"), absl::nullopt);
  EXPECT_EQ(FormValue("payload=%4g", "payload"), absl::nullopt);
}

}  // namespace
}  // namespace lamplighter::ingest
