#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/app/app.h"

namespace lamplighter {

// All services in one process. Beyond what each of them asks of the
// configuration:
//   kafka.bootstrap_servers  may be `embedded`: a broker within the process,
//                            which forgets everything when that ends;
//   dispatcher.providers     left out means the provider worker beside it;
//   provider.manifests       left out means those of the dispatcher;
//   reposync                 left out means no catalog;
//   reposync.providers       left out means the provider worker beside it.
absl::StatusOr<std::unique_ptr<Service>> MakeLamplighter(AppContext& context);

}  // namespace lamplighter
