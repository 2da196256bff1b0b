#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {

// What a template may name.
struct TemplateFields {
  std::string cluster;
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string reason;
  std::string severity;
  std::string message;  // its first line
  std::string commit;
  std::string provider_uid;  // its first part
  std::map<std::string, std::string> metadata;
};

// A text with names in braces: "flux/{cluster}/{name}", "{metadata.env}"; "{{"
// is a brace. Names are those of TemplateFields (`namespace` without the
// underscore). For any thread.
class StatusTemplate {
 public:
  // InvalidArgument for a brace that does not end or an unknown name, saying
  // which there are.
  static absl::StatusOr<StatusTemplate> Parse(absl::string_view text);

  // Metadata that the event does not have is empty.
  std::string Expand(const TemplateFields& fields) const;

  // The same for a URL: what is put in is percent-encoded.
  std::string ExpandUrl(const TemplateFields& fields) const;

 private:
  using Value = const std::string& (*)(const TemplateFields& fields,
                                       const std::string& key);
  struct Part {
    std::string text;       // as it is, where `value` is null
    Value value = nullptr;  // with `text` as the key of metadata
  };

  static absl::StatusOr<Part> ParseName(absl::string_view name);

  std::vector<Part> parts_;
};

}  // namespace lamplighter::dispatcher
