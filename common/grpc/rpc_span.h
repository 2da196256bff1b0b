#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/tracing/tracer.h"
#include "grpcpp/client_context.h"
#include "grpcpp/server_context.h"

namespace lamplighter {

// The span of a call that is answered; goes on with the caller's journey.
// `method` is its full name, "lamplighter.v1.ProviderService/SetCommitStatus".
Span BeginServerSpan(const Tracer& tracer, const grpc::ServerContextBase& call,
                     absl::string_view method);

// The span of a call that is made as a part of `traceparent`'s journey, which
// `call` is told of.
Span BeginClientSpan(const Tracer& tracer, absl::string_view traceparent,
                     absl::string_view method, grpc::ClientContext& call);

// End the span of a call that came to `status`. What the client did wrong is an
// error of the client's span alone.
void EndServerSpan(Span& span, const absl::Status& status);
void EndClientSpan(Span& span, const absl::Status& status);

}  // namespace lamplighter
