#include "common/manifests/manifest_parser.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/manifests/yaml_json.h"
#include "openssl/sha.h"
#include "yaml-cpp/yaml.h"

namespace lamplighter {
namespace {

constexpr absl::string_view kFluxGroup = "notification.toolkit.fluxcd.io/";
constexpr size_t kMaxAddress = 2048;  // as Flux has it

constexpr std::array<absl::string_view, 6> kGitProviderTypes = {
    "github", "gitlab", "bitbucket", "bitbucketserver", "azuredevops", "gitea"};

// Stands in for the uid that the Kubernetes API would have given.
std::string FileUid(const ObjectName& object) {
  const std::string text = absl::StrCat(object.first, "/", object.second);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), 4));
}

// Reads the fields of one object and gathers what is wrong with it.
class ObjectReader {
 public:
  ObjectReader(YAML::Node root, const std::string& file,
               std::vector<ManifestProblem>& problems)
      : root_(std::move(root)), file_(file), problems_(problems) {
    kind_ = Text(root_, "kind");
    api_version_ = Text(root_, "apiVersion");
    metadata_ = Map(root_, "metadata");
    object_ = {Text(metadata_, "namespace"), Text(metadata_, "name")};
    if (object_.first.empty()) object_.first = "default";
  }

  const std::string& kind() const { return kind_; }
  const std::string& api_version() const { return api_version_; }
  const ObjectName& object() const { return object_; }
  const YAML::Node& metadata() const { return metadata_; }
  YAML::Node Spec() { return Map(root_, "spec"); }
  const YAML::Node& root() const { return root_; }
  bool valid() const { return valid_; }

  // Something is wrong that makes the object unusable.
  void Invalid(const YAML::Node& at, absl::string_view what) {
    Add(at, what, /*is_note=*/false);
    valid_ = false;
  }

  // Something that the user should know, though the object can be used.
  void Note(const YAML::Node& at, absl::string_view what) {
    Add(at, what, /*is_note=*/true);
  }

  ManifestOrigin origin() const { return {file_, root_.Mark().line + 1}; }

  std::string Text(const YAML::Node& parent, const char* key) {
    const YAML::Node node = Child(parent, key);
    if (!node.IsDefined() || node.IsNull()) return "";
    if (!node.IsScalar()) {
      Invalid(node, absl::StrCat(key, ": must be a string"));
      return "";
    }
    return node.Scalar();
  }

  bool Flag(const YAML::Node& parent, const char* key) {
    const std::string text = Text(parent, key);
    if (text == "true") return true;
    if (!text.empty() && text != "false") {
      Invalid(Child(parent, key), absl::StrCat(key, ": must be true or false"));
    }
    return false;
  }

  YAML::Node Map(const YAML::Node& parent, const char* key) {
    return Collection(parent, key, YAML::NodeType::Map, "a mapping");
  }

  YAML::Node List(const YAML::Node& parent, const char* key) {
    return Collection(parent, key, YAML::NodeType::Sequence, "a list");
  }

  std::map<std::string, std::string> Texts(const YAML::Node& parent,
                                           const char* key) {
    std::map<std::string, std::string> texts;
    for (const auto& entry : Map(parent, key)) {
      if (!entry.second.IsScalar()) {
        Invalid(entry.second, absl::StrCat(key, ".", entry.first.Scalar(),
                                           ": must be a string"));
        continue;
      }
      texts[entry.first.Scalar()] = entry.second.Scalar();
    }
    return texts;
  }

  std::vector<std::string> TextList(const YAML::Node& parent, const char* key) {
    std::vector<std::string> texts;
    for (const YAML::Node& entry : List(parent, key)) {
      if (!entry.IsScalar()) {
        Invalid(entry, absl::StrCat(key, ": must be a list of strings"));
        continue;
      }
      texts.push_back(entry.Scalar());
    }
    return texts;
  }

  // The name within spec.<key>: {name: ...}.
  std::string Reference(const YAML::Node& spec, const char* key) {
    return Text(Map(spec, key), "name");
  }

 private:
  void Add(const YAML::Node& at, absl::string_view what, bool is_note) {
    const YAML::Node& marked =
        at.IsDefined() && !at.Mark().is_null() ? at : root_;
    problems_.push_back({{file_, marked.Mark().line + 1},
                         kind_,
                         object_,
                         std::string(what),
                         is_note});
  }

  static YAML::Node Child(const YAML::Node& parent, const char* key) {
    // operator[] on a const node does not add the key, and gives an undefined
    // node where there is none.
    if (!parent.IsDefined() || !parent.IsMap())
      return YAML::Node(YAML::NodeType::Undefined);
    return parent[key];
  }

  YAML::Node Collection(const YAML::Node& parent, const char* key,
                        YAML::NodeType::value type, absl::string_view what) {
    YAML::Node node = Child(parent, key);
    if (node.IsDefined() && !node.IsNull() && node.Type() != type) {
      Invalid(node, absl::StrCat(key, ": must be ", what));
    }
    return node.IsDefined() && node.Type() == type ? node : YAML::Node(type);
  }

  YAML::Node root_;
  const std::string& file_;
  std::vector<ManifestProblem>& problems_;
  std::string kind_;
  std::string api_version_;
  YAML::Node metadata_;
  ObjectName object_;
  bool valid_ = true;
};

void ReadProvider(ObjectReader& in, Manifests& manifests) {
  const YAML::Node spec = in.Spec();
  Provider provider;
  std::tie(provider.namespace_, provider.name) = in.object();
  provider.type = in.Text(spec, "type");
  if (provider.type.empty()) in.Invalid(spec, "spec.type: must not be empty");
  if (in.valid() && !IsGitProviderType(provider.type)) {
    manifests.other_providers.insert(in.object());
    in.Note(spec["type"], absl::StrCat("spec.type: ", provider.type,
                                       " sets no commit status: passed over"));
    return;
  }
  provider.uid = in.Text(in.metadata(), "uid");
  if (provider.uid.empty()) provider.uid = FileUid(in.object());
  provider.annotations = in.Texts(in.metadata(), "annotations");
  provider.address = in.Text(spec, "address");
  if (provider.address.size() > kMaxAddress) {
    in.Invalid(spec["address"], "spec.address: longer than 2048 characters");
  }
  provider.username = in.Text(spec, "username");
  provider.proxy = in.Text(spec, "proxy");
  provider.secret_ref = in.Reference(spec, "secretRef");
  provider.cert_secret_ref = in.Reference(spec, "certSecretRef");
  provider.proxy_secret_ref = in.Reference(spec, "proxySecretRef");
  provider.commit_status_expr = in.Text(spec, "commitStatusExpr");
  provider.suspend = in.Flag(spec, "suspend");
  if (const std::string text = in.Text(spec, "timeout"); !text.empty()) {
    absl::Duration timeout;
    if (!absl::ParseDuration(text, &timeout) ||
        timeout <= absl::ZeroDuration()) {
      in.Invalid(spec["timeout"], "spec.timeout: must be a duration like 15s");
    }
    provider.timeout = timeout;
  }
  provider.json = YamlToJson(in.root());
  provider.origin = in.origin();
  if (in.valid()) manifests.providers[in.object()] = std::move(provider);
}

EventSource ReadEventSource(ObjectReader& in, const YAML::Node& node) {
  EventSource source;
  source.kind = in.Text(node, "kind");
  source.name = in.Text(node, "name");
  source.namespace_ = in.Text(node, "namespace");
  if (source.namespace_.empty()) source.namespace_ = in.object().first;
  if (source.kind.empty() || source.name.empty()) {
    in.Invalid(node, "spec.eventSources: kind and name must not be empty");
  }
  if (node.IsMap() && node["matchLabels"].IsDefined() &&
      !node["matchLabels"].IsNull()) {
    source.match_labels = in.Texts(node, "matchLabels");
  }
  return source;
}

void ReadAlert(ObjectReader& in, Manifests& manifests) {
  const YAML::Node spec = in.Spec();
  Alert alert;
  std::tie(alert.namespace_, alert.name) = in.object();
  alert.annotations = in.Texts(in.metadata(), "annotations");
  alert.provider_ref = in.Reference(spec, "providerRef");
  if (alert.provider_ref.empty()) {
    in.Invalid(spec, "spec.providerRef.name: must not be empty");
  }
  if (const std::string severity = in.Text(spec, "eventSeverity");
      !severity.empty()) {
    alert.event_severity = severity;
    if (severity != "info" && severity != "error") {
      in.Invalid(spec["eventSeverity"],
                 "spec.eventSeverity: must be info or error");
    }
  }
  for (const YAML::Node& node : in.List(spec, "eventSources")) {
    alert.event_sources.push_back(ReadEventSource(in, node));
  }
  alert.inclusion_list = in.TextList(spec, "inclusionList");
  alert.exclusion_list = in.TextList(spec, "exclusionList");
  alert.event_metadata = in.Texts(spec, "eventMetadata");
  alert.summary = in.Text(spec, "summary");
  alert.suspend = in.Flag(spec, "suspend");
  alert.json = YamlToJson(in.root());
  alert.origin = in.origin();
  if (in.valid()) manifests.alerts[in.object()] = std::move(alert);
}

void ReadSecret(ObjectReader& in, Manifests& manifests) {
  Secret secret;
  std::tie(secret.namespace_, secret.name) = in.object();
  for (auto& [key, encoded] : in.Texts(in.root(), "data")) {
    std::string value;
    if (!absl::Base64Unescape(encoded, &value)) {
      in.Invalid(in.root()["data"],
                 absl::StrCat("data.", key, ": must be base64"));
    }
    secret.data[key] = std::move(value);
  }
  // As the API server does it: stringData goes over data.
  for (auto& [key, value] : in.Texts(in.root(), "stringData")) {
    secret.data[key] = value;
  }
  secret.origin = in.origin();
  if (in.valid()) manifests.secrets[in.object()] = std::move(secret);
}

// Where an object of that kind and name was read from before; null if nowhere.
const ManifestOrigin* Known(const Manifests& manifests, const std::string& kind,
                            const ObjectName& object) {
  const auto find = [&object](const auto& objects) {
    const auto found = objects.find(object);
    return found == objects.end() ? nullptr : &found->second.origin;
  };
  if (kind == "Secret") return find(manifests.secrets);
  if (kind == "Alert") return find(manifests.alerts);
  return find(manifests.providers);
}

// Whether the text of `node` says that it is an object for us.
bool IsOurs(const YAML::Node& node) {
  const YAML::Node kind = node["kind"];
  const YAML::Node version = node["apiVersion"];
  if (!kind.IsDefined() || !kind.IsScalar()) return false;
  if (kind.Scalar() == "List") return true;
  if (!version.IsDefined() || !version.IsScalar()) return false;
  if (kind.Scalar() == "Secret") return version.Scalar() == "v1";
  return (kind.Scalar() == "Provider" || kind.Scalar() == "Alert") &&
         absl::StartsWith(version.Scalar(), kFluxGroup);
}

void ReadObject(const YAML::Node& root, const std::string& file,
                Manifests& manifests, std::vector<ManifestProblem>& problems) {
  if (!root.IsMap() || !IsOurs(root)) return;
  ObjectReader in(root, file, problems);
  if (in.kind() == "List") {
    for (const YAML::Node& item : in.List(root, "items")) {
      ReadObject(item, file, manifests, problems);
    }
    return;
  }
  absl::string_view version = in.api_version();
  if (absl::ConsumePrefix(&version, kFluxGroup) && version != "v1beta1" &&
      version != "v1beta2" && version != "v1beta3") {
    in.Invalid(root["apiVersion"],
               "apiVersion: must be v1beta1, v1beta2 or v1beta3");
  }
  if (in.object().second.empty()) {
    in.Invalid(root, "metadata.name: must not be empty");
    return;
  }
  if (const ManifestOrigin* known = Known(manifests, in.kind(), in.object())) {
    in.Invalid(root, absl::StrCat("defined twice: the one in ",
                                  known->ToString(), " is used"));
    return;
  }
  if (in.kind() == "Provider" &&
      manifests.other_providers.contains(in.object())) {
    in.Invalid(root, "defined twice: the first is used");
    return;
  }
  if (in.kind() == "Provider") ReadProvider(in, manifests);
  if (in.kind() == "Alert") ReadAlert(in, manifests);
  if (in.kind() == "Secret") ReadSecret(in, manifests);
}

}  // namespace

std::string ManifestProblem::ToString() const {
  return kind.empty()
             ? absl::StrCat(origin.ToString(), ": ", what)
             : absl::StrCat(origin.ToString(), ": ", kind, " ", object.first,
                            "/", object.second, ": ", what);
}

bool IsGitProviderType(absl::string_view type) {
  return std::find(kGitProviderTypes.begin(), kGitProviderTypes.end(), type) !=
         kGitProviderTypes.end();
}

void ParseManifests(const std::string& yaml, const std::string& file,
                    Manifests& manifests,
                    std::vector<ManifestProblem>& problems) {
  try {  // yaml-cpp throws
    for (const YAML::Node& document : YAML::LoadAll(yaml)) {
      ReadObject(document, file, manifests, problems);
    }
  } catch (const YAML::Exception& error) {
    problems.push_back({{file, error.mark.is_null() ? 0 : error.mark.line + 1},
                        "",
                        {},
                        absl::StrCat("not YAML: ", error.msg)});
  }
}

}  // namespace lamplighter
