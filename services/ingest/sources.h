#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {

// What kind of sender a source is.
enum class SourceType : uint8_t {
  kFlux,
  kGitHub,
  kGitLab,
  kBitbucket,
  kBitbucketServer,
  kAzureDevOps,
  kGitea,
  kForgejo
};
inline constexpr SourceType kSourceTypes[] = {SourceType::kFlux,
                                              SourceType::kGitHub,
                                              SourceType::kGitLab,
                                              SourceType::kBitbucket,
                                              SourceType::kBitbucketServer,
                                              SourceType::kAzureDevOps,
                                              SourceType::kGitea,
                                              SourceType::kForgejo};

// As in paths, configuration and metrics: flux, github, azure-devops, ...
absl::string_view NameOf(SourceType type);

// The type of a Flux Provider for the same forge; empty for Flux itself.
absl::string_view ProviderTypeOf(SourceType type);

// What a source may take.
struct SourceLimits {
  double requests_per_second = std::numeric_limits<double>::infinity();
  double burst = std::numeric_limits<double>::infinity();
  size_t max_concurrent = 256;
  size_t max_body = std::numeric_limits<size_t>::max();  // the server's own
};

// Somebody who sends events, and how they prove who they are.
struct Source {
  enum class ProofBy : uint8_t {
    kNothing,
    kSignature,  // HMAC of the body
    kGitLab,     // GitLab's signature or, where there is none, its token
    kBasic,      // user and password
    kBearer,
    kPathToken
  };

  std::string name;
  SourceType type = SourceType::kFlux;
  ProofBy proof_by = ProofBy::kNothing;
  // Each of them is good, so that one can be replaced without a gap.
  std::vector<HmacSecret> secrets;  // with kSignature and kGitLab
  std::vector<std::string> tokens;  // with the others; "user:password"
  // Where the forge is, as an event's instance; empty where it says itself.
  std::string instance;
  // What a verified client certificate must hold; empty where none is needed.
  std::string certificate_name;
  SourceLimits limits = {};
};

// Flux without proof, as source `default`.
Source OpenFluxSource();

// The sources that requests may come from. Immutable.
class SourceRegistry {
 public:
  // With no `sources`: OpenFluxSource().
  explicit SourceRegistry(std::vector<Source> sources);

  // The source `name` of `type`. With an empty name, because the path names
  // none: the only one of the type, else the one called `default`. NotFound
  // tells the sender what to put into the path. The pointer lives as long as
  // the registry.
  absl::StatusOr<const Source*> Find(SourceType type,
                                     absl::string_view name) const;

  const std::vector<Source>& sources() const { return sources_; }

 private:
  std::vector<Source> sources_;
};

}  // namespace lamplighter::ingest
