#include "services/ingest/source_config.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/secret.h"
#include "services/ingest/verify.h"

namespace lamplighter::ingest {
namespace {

using ProofBy = Source::ProofBy;

constexpr size_t kMinPathToken = 16;

// A secret that is named in the configuration.
struct Named {
  std::string field;  // below the source: "secret_files[0]"
  std::string file;
  std::string env;
  ProofBy proof_by = ProofBy::kSignature;
};

std::vector<Named> NamedSecrets(const config::v1::Source& source) {
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
  return named;
}

std::vector<Named> NamedWebhookSecrets(const config::v1::Source& source) {
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

// Reads one entry of `sources`; collects what is wrong with it.
class SourceReader {
 public:
  SourceReader(const ConfigFile& file, std::string path,
               std::vector<std::string>& mistakes)
      : file_(file), path_(std::move(path)), mistakes_(mistakes) {}

  Source Read(const config::v1::Source& config) {
    Source source;
    source.name = config.name();
    if (!IsSourceName(source.name)) {
      Mistake("name", "must be 1 to 63 of a-z, 0-9 and -");
    }
    ReadType(config, source);
    const bool flux = source.type == SourceType::kFlux;
    const std::vector<Named> own =
        flux ? NamedSecrets(config) : NamedWebhookSecrets(config);
    for (const Named& other :
         flux ? NamedWebhookSecrets(config) : NamedSecrets(config)) {
      Mistake(other.field, absl::StrCat("is not for type ", config.type()));
    }
    if (flux && own.size() > 1) {
      Mistake(own[1].field, "a source has one proof, and another is set");
      return source;
    }
    if (!flux && own.empty()) {
      Mistake("secret_files", "a webhook needs a secret");
    }
    for (const Named& named : own) ReadProof(named, source);
    return source;
  }

  void Mistake(absl::string_view field, absl::string_view problem) {
    const absl::Status error =
        file_.Error(absl::StrCat(path_, ".", field), problem);
    mistakes_.emplace_back(error.message());
  }

 private:
  void ReadType(const config::v1::Source& config, Source& source) {
    for (const SourceType type : kSourceTypes) {
      if (config.type() != NameOf(type)) continue;
      source.type = type;
      return;
    }
    Mistake("type", "must be flux, github or gitea");
  }

  void ReadProof(const Named& named, Source& source) {
    absl::StatusOr<std::string> secret = ReadSecret(named.file, named.env);
    if (!secret.ok()) return Mistake(named.field, secret.status().message());
    source.proof_by = named.proof_by;
    if (named.proof_by == ProofBy::kPathToken && !IsPathToken(*secret)) {
      return Mistake(named.field,
                     absl::StrCat("the token must be ", kMinPathToken,
                                  " or more of A-Z, a-z, 0-9, -, ., _ and ~"));
    }
    if (named.proof_by != ProofBy::kSignature) {
      source.token = *std::move(secret);
      return;
    }
    absl::StatusOr<HmacSecret> hmac = HmacSecret::Create(*secret);
    if (!hmac.ok()) return Mistake(named.field, hmac.status().message());
    source.secrets.push_back(*std::move(hmac));
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
  for (int i = 0; i < config.sources_size(); ++i) {
    SourceReader reader(file, absl::StrCat("ingest.sources[", i, "]"),
                        mistakes);
    sources.push_back(reader.Read(config.sources(i)));
    if (!names.insert(sources.back().name).second) {
      reader.Mistake("name", "another source has this name");
    }
  }
  if (!mistakes.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
  }
  return sources;
}

}  // namespace lamplighter::ingest
