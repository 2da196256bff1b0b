#pragma once

namespace lamplighter::attribute {

// Names of attributes, from OpenTelemetry's semantic conventions: of HTTP,
// which are stable, and of RPC, messaging and CloudEvents, as of version 1.30.
// They stand here alone, since those that are not stable get renamed.

inline constexpr char kErrorType[] = "error.type";

inline constexpr char kHttpMethod[] = "http.request.method";
inline constexpr char kHttpRoute[] = "http.route";
inline constexpr char kHttpStatusCode[] = "http.response.status_code";
inline constexpr char kServerAddress[] = "server.address";
inline constexpr char kServerPort[] = "server.port";
inline constexpr char kUrlFull[] = "url.full";
inline constexpr char kUrlPath[] = "url.path";
inline constexpr char kUrlScheme[] = "url.scheme";

inline constexpr char kRpcSystem[] = "rpc.system";
inline constexpr char kRpcService[] = "rpc.service";
inline constexpr char kRpcMethod[] = "rpc.method";
inline constexpr char kRpcGrpcStatusCode[] = "rpc.grpc.status_code";

inline constexpr char kMessagingSystem[] = "messaging.system";
inline constexpr char kMessagingOperationName[] = "messaging.operation.name";
inline constexpr char kMessagingOperationType[] = "messaging.operation.type";
inline constexpr char kMessagingDestination[] = "messaging.destination.name";
inline constexpr char kMessagingPartition[] =
    "messaging.destination.partition.id";
inline constexpr char kKafkaOffset[] = "messaging.kafka.offset";

inline constexpr char kEventId[] = "cloudevents.event_id";
inline constexpr char kEventSource[] = "cloudevents.event_source";
inline constexpr char kEventType[] = "cloudevents.event_type";
inline constexpr char kEventSubject[] = "cloudevents.event_subject";

// Ours.
inline constexpr char kProviderType[] = "lamplighter.provider_type";
inline constexpr char kOperation[] = "lamplighter.operation";
inline constexpr char kRepositoryId[] = "lamplighter.repository_id";
inline constexpr char kCommit[] = "lamplighter.commit";

}  // namespace lamplighter::attribute
