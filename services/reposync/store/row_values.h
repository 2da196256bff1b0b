#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/time/proto_time.h"
#include "google/protobuf/timestamp.pb.h"

// How values stand in columns.
namespace lamplighter::reposync {

// Times are milliseconds since 1970; 0 is none.
inline int64_t ToMillis(absl::Time time) {
  return time == absl::InfinitePast() ? 0 : absl::ToUnixMillis(time);
}
inline int64_t ToMillis(const google::protobuf::Timestamp& time) {
  return absl::ToUnixMillis(FromProto(time));
}
inline google::protobuf::Timestamp TimestampOf(int64_t millis) {
  return ToProto(absl::FromUnixMillis(millis));
}

// For IN and NOT IN. No id is 0.
inline std::string IdList(const std::vector<int64_t>& ids) {
  return ids.empty() ? "(0)" : absl::StrCat("(", absl::StrJoin(ids, ","), ")");
}

}  // namespace lamplighter::reposync
