// Calls the provider worker, for tests in other languages:
//
//   provider_call HOST:PORT METHOD REQUEST
//
// REQUEST is the request in Protobuf's JSON. Prints each answer in that form,
// one a line, and ends with 0; or prints CODE: MESSAGE, with the code's number,
// and ends with 1.

#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/time/clock.h"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/grpcpp.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"

namespace lamplighter {
namespace {

using Stub = v1::ProviderService::Stub;

void Print(const google::protobuf::Message& message) {
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json);
  std::cout << (status.ok() ? json : status.ToString()) << std::endl;
}

grpc::Status Parse(const std::string& json,
                   google::protobuf::Message& message) {
  const auto status =
      google::protobuf::util::JsonStringToMessage(json, &message);
  if (status.ok()) return grpc::Status::OK;
  return {grpc::StatusCode::INVALID_ARGUMENT, status.ToString()};
}

template <typename Request, typename Response,
          grpc::Status (Stub::*kMethod)(grpc::ClientContext*, const Request&,
                                        Response*)>
grpc::Status Unary(Stub& stub, grpc::ClientContext& context,
                   const std::string& json) {
  Request request;
  if (grpc::Status bad = Parse(json, request); !bad.ok()) return bad;
  Response response;
  const grpc::Status status = (stub.*kMethod)(&context, request, &response);
  if (status.ok()) Print(response);
  return status;
}

grpc::Status List(Stub& stub, grpc::ClientContext& context,
                  const std::string& json) {
  v1::ListRepositoriesRequest request;
  if (grpc::Status bad = Parse(json, request); !bad.ok()) return bad;
  const auto reader = stub.ListRepositories(&context, request);
  v1::ListRepositoriesResponse page;
  while (reader->Read(&page)) Print(page);
  return reader->Finish();
}

struct Method {
  const char* name;
  grpc::Status (*call)(Stub& stub, grpc::ClientContext& context,
                       const std::string& json);
};

constexpr Method kMethods[] = {
    {"SetCommitStatus",
     &Unary<v1::SetCommitStatusRequest, v1::SetCommitStatusResponse,
            &Stub::SetCommitStatus>},
    {"ListCommitStatuses",
     &Unary<v1::ListCommitStatusesRequest, v1::ListCommitStatusesResponse,
            &Stub::ListCommitStatuses>},
    {"ListRepositories", &List},
    {"EnsureWebhooks",
     &Unary<v1::EnsureWebhooksRequest, v1::EnsureWebhooksResponse,
            &Stub::EnsureWebhooks>},
    {"RemoveWebhooks",
     &Unary<v1::RemoveWebhooksRequest, v1::RemoveWebhooksResponse,
            &Stub::RemoveWebhooks>},
    {"CheckCredential",
     &Unary<v1::CheckCredentialRequest, v1::CheckCredentialResponse,
            &Stub::CheckCredential>},
    {"GetRateLimits", &Unary<v1::GetRateLimitsRequest,
                             v1::GetRateLimitsResponse, &Stub::GetRateLimits>},
};

int Run(const std::string& address, const char* name,
        const std::string& request) {
  const auto stub = v1::ProviderService::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(
      absl::ToChronoTime(Clock::System().Now() + absl::Seconds(30)));
  for (const Method& method : kMethods) {
    if (std::strcmp(method.name, name) != 0) continue;
    const grpc::Status status = method.call(*stub, context, request);
    if (status.ok()) return 0;
    std::cerr << status.error_code() << ": " << status.error_message()
              << std::endl;
    return 1;
  }
  std::cerr << "there is no method " << name << std::endl;
  return 2;
}

}  // namespace
}  // namespace lamplighter

int main(int argc, char** argv) {
  if (argc == 4) return lamplighter::Run(argv[1], argv[2], argv[3]);
  std::cerr << "usage: provider_call HOST:PORT METHOD REQUEST" << std::endl;
  return 2;
}
