#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/forges/forges.h"
#include "services/ingest/json_parser.h"
#include "services/ingest/sources.h"
#include "simdjson.h"

namespace lamplighter::ingest {

// What the normalizer of `type` makes of `json`, where the headers name the
// event `name` and the configuration the `instance`.
inline v1::GitEvent Normalize(SourceType type, absl::string_view name,
                              absl::string_view json,
                              absl::string_view instance = "") {
  JsonParser parser;
  const auto document = parser.Parse(json);
  EXPECT_TRUE(document.ok()) << document.status();
  simdjson::dom::object body;
  v1::GitEvent event;
  event.set_provider_type(std::string(ProviderTypeOf(type)));
  event.set_event(std::string(name));
  event.set_instance(std::string(instance));
  if (document.ok() && document->get(body) == simdjson::SUCCESS) {
    NormalizerOf(type)->Normalize(body, event);
  }
  return event;
}

// `event` is what `text` says, in Protobuf's text format: no more and no less.
inline void ExpectEvent(const v1::GitEvent& event, const std::string& text) {
  v1::GitEvent expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected));
  EXPECT_EQ(event.DebugString(), expected.DebugString());
}

}  // namespace lamplighter::ingest
