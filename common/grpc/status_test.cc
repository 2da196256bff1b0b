#include "common/grpc/status.h"

#include <stdexcept>
#include <string>

#include "absl/strings/cord.h"
#include "boost/asio/error.hpp"
#include "boost/system/system_error.hpp"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;

TEST(GrpcStatusTest, KeepsCodeAndMessageBothWays) {
  const grpc::Status wire = ToGrpcStatus(absl::NotFoundError("no commit"));
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(wire.error_message(), "no commit");
  EXPECT_EQ(wire.error_details(), "");
  EXPECT_THAT(FromGrpcStatus(wire),
              StatusIs(StatusCode::kNotFound, "no commit"));
  EXPECT_THAT(FromGrpcStatus(ToGrpcStatus(absl::OkStatus())), IsOk());
}

TEST(GrpcStatusTest, CarriesRetryInfo) {
  const absl::Status sent = WithRetryAfter(
      absl::ResourceExhaustedError("slow down"), absl::Milliseconds(90'250));
  const absl::Status got = FromGrpcStatus(ToGrpcStatus(sent));
  EXPECT_THAT(got, StatusIs(StatusCode::kResourceExhausted, "slow down"));
  EXPECT_EQ(RetryAfter(got), absl::Milliseconds(90'250));
}

TEST(GrpcStatusTest, SpeaksTheWireFormatOfGoogleRpc) {
  const grpc::Status wire = ToGrpcStatus(
      WithRetryAfter(absl::UnavailableError("x"), absl::Seconds(3)));
  // code 14, message "x", details {type_url, value {retry_delay {seconds 3}}}.
  EXPECT_EQ(wire.error_details(),
            "\x08\x0e\x12\x01x\x1a\x30\x0a\x28"
            "type.googleapis.com/google.rpc.RetryInfo"
            "\x12\x04\x0a\x02\x08\x03");
}

TEST(GrpcStatusTest, KeepsPayloadsOfOthersToItself) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload("our.notes", absl::Cord("private"));
  EXPECT_EQ(ToGrpcStatus(status).error_details(), "");
}

TEST(GrpcStatusTest, DetailsThatCannotBeReadTakeNothingAway) {
  EXPECT_THAT(FromGrpcStatus(
                  grpc::Status(grpc::StatusCode::ABORTED, "again", "\xff\xff")),
              StatusIs(StatusCode::kAborted, "again"));
}

TEST(RetryAfterTest, IsNoneUnlessSomebodySaidSo) {
  EXPECT_EQ(RetryAfter(absl::UnavailableError("")), absl::nullopt);
  EXPECT_EQ(RetryAfter(absl::OkStatus()), absl::nullopt);
  absl::Status broken = absl::UnavailableError("");
  broken.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord("\xff\xff"));
  EXPECT_EQ(RetryAfter(broken), absl::nullopt);
}

TEST(RetryAfterTest, KeepsTheDelayWithinWhatTheWireCanSay) {
  const absl::Status error = absl::UnavailableError("");
  EXPECT_EQ(RetryAfter(WithRetryAfter(error, absl::Seconds(-5))),
            absl::ZeroDuration());
  EXPECT_EQ(RetryAfter(WithRetryAfter(error, absl::InfiniteDuration())),
            absl::Seconds(315'576'000'000));
}

TEST(StatusFromExceptionTest, TellsCancellationFromFaults) {
  namespace asio = boost::asio;
  const auto status = [](auto exception) {
    return StatusFromException(std::make_exception_ptr(exception));
  };
  EXPECT_THAT(
      status(boost::system::system_error(asio::error::operation_aborted)),
      StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(status(boost::system::system_error(asio::error::eof)),
              StatusIs(StatusCode::kInternal, "internal error"));
  EXPECT_THAT(status(std::runtime_error("secret")),
              StatusIs(StatusCode::kInternal, "internal error"));
}

}  // namespace
}  // namespace lamplighter
