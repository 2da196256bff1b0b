#include "common/grpc/rpc_span.h"

#include <cstdint>
#include <string>

#include "common/tracing/attributes.h"

namespace lamplighter {
namespace {

constexpr char kTraceparent[] = "traceparent";

void Describe(Span& span, absl::string_view method) {
  if (!span.recorded()) return;
  const size_t slash = method.find('/');
  span.Set(attribute::kRpcSystem, "grpc")
      .Set(attribute::kRpcService, method.substr(0, slash))
      .Set(attribute::kRpcMethod, method.substr(slash + 1));
}

// As OpenTelemetry's conventions for gRPC have it.
bool IsServersFault(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

void End(Span& span, const absl::Status& status, bool is_error) {
  if (!span.recorded()) return;
  span.Set(attribute::kRpcGrpcStatusCode, static_cast<int64_t>(status.code()));
  if (is_error) {
    span.SetError(absl::StatusCodeToString(status.code()), status.message());
  }
  span.End();
}

}  // namespace

Span BeginServerSpan(const Tracer& tracer, const grpc::ServerContextBase& call,
                     absl::string_view method) {
  const auto found = call.client_metadata().find(kTraceparent);
  absl::string_view traceparent;
  if (found != call.client_metadata().end()) {
    traceparent = {found->second.data(), found->second.size()};
  }
  Span span = tracer.Begin(method, SpanKind::kServer, traceparent);
  Describe(span, method);
  return span;
}

Span BeginClientSpan(const Tracer& tracer, absl::string_view traceparent,
                     absl::string_view method, grpc::ClientContext& call) {
  Span span = tracer.Begin(method, SpanKind::kClient, traceparent);
  Describe(span, method);
  call.AddMetadata(kTraceparent, span.context().ToTraceparent());
  return span;
}

void EndServerSpan(Span& span, const absl::Status& status) {
  End(span, status, IsServersFault(status.code()));
}

void EndClientSpan(Span& span, const absl::Status& status) {
  End(span, status, !status.ok());
}

}  // namespace lamplighter
