#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {

// What kind of sender a source is.
enum class SourceType : uint8_t { kFlux, kGitHub, kGitea };
inline constexpr SourceType kSourceTypes[] = {
    SourceType::kFlux, SourceType::kGitHub, SourceType::kGitea};

// As in paths, configuration and metrics: flux, github, gitea.
absl::string_view NameOf(SourceType type);

// Somebody who sends events, and how they prove who they are.
struct Source {
  enum class ProofBy : uint8_t { kNothing, kSignature, kBearer, kPathToken };

  std::string name;
  SourceType type = SourceType::kFlux;
  ProofBy proof_by = ProofBy::kNothing;
  std::vector<HmacSecret> secrets;  // with kSignature; each of them is good
  std::string token;                // with kBearer and kPathToken
};

// The sources that requests may come from. Immutable.
class SourceRegistry {
 public:
  // With no `sources`: Flux without proof, as source `default`.
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
