#include "common/grpc/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "boost/asio/error.hpp"
#include "boost/system/system_error.hpp"
#include "third_party/googleapis/google/rpc/status.pb.h"

namespace lamplighter {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rpc;
  status.ForEachPayload(
      [&rpc](absl::string_view type, const absl::Cord& bytes) {
        if (!absl::StartsWith(type, kTypePrefix)) return;
        auto& detail = *rpc.add_details();
        detail.set_type_url(std::string(type));
        detail.set_value(std::string(bytes));
      });
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (rpc.details().empty()) return {code, std::string(status.message())};
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(status.message()));
  return {code, std::string(status.message()), rpc.SerializeAsString()};
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
  google::rpc::Status rpc;
  // Details that cannot be read take nothing from the code and the message.
  if (!rpc.ParseFromString(status.error_details())) return result;
  for (const auto& detail : rpc.details()) {
    result.SetPayload(detail.type_url(),
                      absl::Cord(absl::string_view(detail.value())));
  }
  return result;
}

absl::Status StatusFromException(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::asio::error::operation_aborted
               ? absl::CancelledError("cancelled")
               : absl::InternalError("internal error");
  } catch (...) {
    return absl::InternalError("internal error");
  }
}

}  // namespace lamplighter
