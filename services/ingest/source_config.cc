#include "services/ingest/source_config.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/config/secret.h"
#include "common/forge/forge_location.h"
#include "common/http/http_server.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {
namespace {

using ProofBy = Source::ProofBy;

constexpr size_t kMinPathToken = 16;
constexpr double kSecondsInBurst = 10;
constexpr double kMaxRate = 1e6;
// What GitLab's signing tokens begin with, as those of all Standard Webhooks.
constexpr absl::string_view kSigningToken = "whsec_";

// A secret that is named in the configuration.
struct Named {
  std::string field;  // below the source: "secret_files[0]"
  std::string file;
  std::string env;
  ProofBy proof_by = ProofBy::kNothing;  // nothing of its own: the source's
};

// Those that say by themselves what is proved with them.
std::vector<Named> NamedProofs(const config::v1::Source& source) {
  std::vector<Named> named;
  const auto add = [&named](const char* field, const std::string& file,
                            const std::string& env, ProofBy proof_by) {
    if (!file.empty()) {
      named.push_back({absl::StrCat(field, "_file"), file, "", proof_by});
    }
    if (!env.empty()) {
      named.push_back({absl::StrCat(field, "_env"), "", env, proof_by});
    }
  };
  add("hmac_secret", source.hmac_secret_file(), source.hmac_secret_env(),
      ProofBy::kSignature);
  add("bearer_token", source.bearer_token_file(), source.bearer_token_env(),
      ProofBy::kBearer);
  add("path_token", source.path_token_file(), source.path_token_env(),
      ProofBy::kPathToken);
  add("basic_auth", source.basic_auth_file(), source.basic_auth_env(),
      ProofBy::kBasic);
  return named;
}

std::vector<Named> NamedSecrets(const config::v1::Source& source) {
  std::vector<Named> named;
  for (int i = 0; i < source.secret_files_size(); ++i) {
    named.push_back(
        {absl::StrCat("secret_files[", i, "]"), source.secret_files(i), ""});
  }
  for (int i = 0; i < source.secret_envs_size(); ++i) {
    named.push_back(
        {absl::StrCat("secret_envs[", i, "]"), "", source.secret_envs(i)});
  }
  return named;
}

// How deliveries of a forge prove themselves; nothing for Flux, where the
// configuration says it.
ProofBy ProofOfForge(SourceType type) {
  switch (type) {
    case SourceType::kFlux:
      return ProofBy::kNothing;
    case SourceType::kGitLab:
      return ProofBy::kGitLab;
    case SourceType::kAzureDevOps:
      return ProofBy::kBasic;
    default:
      return ProofBy::kSignature;
  }
}

bool IsFor(ProofBy proof, SourceType type) {
  const bool of_azure = proof == ProofBy::kBasic;
  return type == (of_azure ? SourceType::kAzureDevOps : SourceType::kFlux);
}

bool IsSourceName(absl::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') {
      return false;
    }
  }
  return true;
}

// What stands in a path as it is, without percent signs.
bool IsPathToken(absl::string_view token) {
  if (token.size() < kMinPathToken) return false;
  for (const char c : token) {
    if (!absl::ascii_isalnum(c) &&
        absl::string_view("-._~").find(c) == absl::string_view::npos) {
      return false;
    }
  }
  return true;
}

// What `own` sets, else what `general` does, else the default.
SourceLimits MergeLimits(const config::v1::SourceLimits& own,
                         const config::v1::SourceLimits& general) {
  config::v1::SourceLimits merged = general;
  merged.MergeFrom(own);
  SourceLimits limits;
  if (merged.requests_per_second() > 0) {
    limits.requests_per_second = merged.requests_per_second();
    limits.burst =
        merged.burst() > 0
            ? merged.burst()
            : std::max(1.0, limits.requests_per_second * kSecondsInBurst);
  }
  if (merged.max_concurrent() > 0) {
    limits.max_concurrent = merged.max_concurrent();
  }
  if (merged.max_body() > 0) limits.max_body = merged.max_body();
  return limits;
}

bool IsUserAndPassword(absl::string_view secret) {
  const size_t colon = secret.find(':');
  return colon != absl::string_view::npos && colon > 0 &&
         colon + 1 < secret.size();
}

// Reads one entry of `sources`; collects what is wrong with it.
class SourceReader {
 public:
  SourceReader(const ConfigFile& file, std::string path,
               std::vector<std::string>& mistakes)
      : file_(file), path_(std::move(path)), mistakes_(mistakes) {}

  Source Read(const config::v1::Source& config,
              const config::v1::Ingest& ingest) {
    Source source;
    source.name = config.name();
    source.certificate_name = config.certificate_name();
    if (!source.certificate_name.empty() &&
        ingest.tls().client_ca_file().empty()) {
      Mistake("certificate_name", "needs ingest.tls.client_ca_file");
    }
    CheckLimits(config.limits(), ingest);
    source.limits = MergeLimits(config.limits(), ingest.limits());
    if (!IsSourceName(source.name)) {
      Mistake("name", "must be 1 to 63 of a-z, 0-9 and -");
    }
    if (!ReadType(config, source)) return source;
    ReadAddress(config, source);
    source.proof_by = ProofOfForge(source.type);
    bool has_proof = false;
    for (const Named& named : NamedProofs(config)) {
      if (!IsFor(named.proof_by, source.type)) {
        Mistake(named.field, absl::StrCat("is not for type ", config.type()));
        continue;
      }
      if (has_proof) Mistake(named.field, "a source has one proof of its own");
      has_proof = true;
      source.proof_by = named.proof_by;
      ReadProof(named, source);
    }
    const std::vector<Named> secrets = NamedSecrets(config);
    if (source.proof_by == ProofBy::kNothing && !secrets.empty()) {
      Mistake(secrets[0].field,
              "are further secrets: say what they prove with "
              "hmac_secret_file, bearer_token_file or path_token_file");
      return source;
    }
    if (source.type != SourceType::kFlux && !has_proof && secrets.empty()) {
      Mistake("secret_files", "a webhook needs a secret");
    }
    for (const Named& named : secrets) ReadProof(named, source);
    return source;
  }

  // What is wrong with the limits below this path.
  void CheckLimits(const config::v1::SourceLimits& limits,
                   const config::v1::Ingest& ingest) {
    const double rate = limits.requests_per_second();
    if (!(rate >= 0 && rate <= kMaxRate)) {
      Mistake("limits.requests_per_second", "must be from 0 to 1000000");
    }
    if (limits.burst() > 0 && rate == 0 &&
        ingest.limits().requests_per_second() == 0) {
      Mistake("limits.burst", "needs requests_per_second");
    }
    const uint64_t most = ingest.max_body() > 0
                              ? ingest.max_body()
                              : HttpServer::Options().max_body;
    if (limits.max_body() > most) {
      Mistake("limits.max_body", "is more than ingest.max_body");
    }
  }

  void Mistake(absl::string_view field, absl::string_view problem) {
    const absl::Status error =
        file_.Error(absl::StrCat(path_, ".", field), problem);
    mistakes_.emplace_back(error.message());
  }

 private:
  bool ReadType(const config::v1::Source& config, Source& source) {
    std::vector<absl::string_view> names;
    for (const SourceType type : kSourceTypes) {
      source.type = type;
      if (config.type() == NameOf(type)) return true;
      names.push_back(NameOf(type));
    }
    Mistake("type",
            absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
    return false;
  }

  void ReadAddress(const config::v1::Source& config, Source& source) {
    if (config.address().empty()) return;
    if (source.type == SourceType::kFlux) {
      return Mistake("address", "is not for type flux");
    }
    const absl::StatusOr<ForgeLocation> location =
        LocateAccount(ProviderTypeOf(source.type), config.address());
    if (!location.ok()) return Mistake("address", location.status().message());
    source.instance = absl::AsciiStrToLower(
        location->site.substr(location->site.find("://") + 3));
  }

  void ReadProof(const Named& named, Source& source) {
    absl::StatusOr<std::string> secret = ReadSecret(named.file, named.env);
    if (!secret.ok()) return Mistake(named.field, secret.status().message());
    switch (source.proof_by) {
      case ProofBy::kPathToken:
        if (!IsPathToken(*secret)) {
          return Mistake(
              named.field,
              absl::StrCat("the token must be ", kMinPathToken,
                           " or more of A-Z, a-z, 0-9, -, ., _ and ~"));
        }
        break;
      case ProofBy::kBasic:
        if (!IsUserAndPassword(*secret)) {
          return Mistake(named.field, "must be user:password");
        }
        break;
      case ProofBy::kSignature:
        return AddSecret(named, *secret, source);
      case ProofBy::kGitLab:
        if (absl::StartsWith(*secret, kSigningToken)) {
          return AddSigningToken(named, *secret, source);
        }
        break;
      default:
        break;
    }
    source.tokens.push_back(*std::move(secret));
  }

  void AddSecret(const Named& named, absl::string_view secret, Source& source) {
    absl::StatusOr<HmacSecret> hmac = HmacSecret::Create(secret);
    if (!hmac.ok()) return Mistake(named.field, hmac.status().message());
    source.secrets.push_back(*std::move(hmac));
  }

  void AddSigningToken(const Named& named, absl::string_view token,
                       Source& source) {
    absl::ConsumePrefix(&token, kSigningToken);
    std::string key;
    if (!absl::Base64Unescape(token, &key) || key.empty()) {
      return Mistake(named.field,
                     "a signing token must be Base64 after whsec_");
    }
    AddSecret(named, key, source);
  }

  const ConfigFile& file_;
  const std::string path_;
  std::vector<std::string>& mistakes_;
};

}  // namespace

absl::StatusOr<std::vector<Source>> ReadSources(
    const config::v1::Ingest& config, const ConfigFile& file) {
  std::vector<Source> sources;
  std::vector<std::string> mistakes;
  absl::flat_hash_set<std::string> names;
  SourceReader(file, "ingest", mistakes).CheckLimits(config.limits(), config);
  for (int i = 0; i < config.sources_size(); ++i) {
    SourceReader reader(file, absl::StrCat("ingest.sources[", i, "]"),
                        mistakes);
    sources.push_back(reader.Read(config.sources(i), config));
    if (!names.insert(sources.back().name).second) {
      reader.Mistake("name", "another source has this name");
    }
  }
  if (sources.empty()) {
    sources.push_back(OpenFluxSource());
    sources.back().limits = MergeLimits({}, config.limits());
  }
  if (!mistakes.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
  }
  return sources;
}

}  // namespace lamplighter::ingest
