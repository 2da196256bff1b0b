#pragma once

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"

namespace lamplighter {

// A channel to "host:port" or "dns:///name:port"; calls go round all addresses
// of the name. It connects at the first call, and again, at most 5 s apart,
// whenever it must. Plaintext where no other `credentials` are given: on
// loopback, or behind a NetworkPolicy or a mesh.
std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials =
        grpc::InsecureChannelCredentials());

}  // namespace lamplighter
