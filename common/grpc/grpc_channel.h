#pragma once

#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace lamplighter {

// A channel to "host:port" or "dns:///name:port"; calls go round all addresses
// of the name. It connects at the first call, and again, at most 5 s apart,
// whenever it must. Plaintext: run it on loopback, or behind a NetworkPolicy or
// a mesh; TLS is still to come.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

}  // namespace lamplighter
