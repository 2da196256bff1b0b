#include "services/provider/forges/forges.h"

#include "services/provider/forges/gitea/gitea.h"
#include "services/provider/forges/github/github.h"

namespace lamplighter::provider {
namespace {

constexpr ForgeFactory kForges[] = {
    {"github", &MakeGitHub},
    {"gitea", &MakeGitea},
};

}  // namespace

absl::Span<const ForgeFactory> AllForges() { return kForges; }

}  // namespace lamplighter::provider
