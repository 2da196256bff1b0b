#include "common/kubernetes/credentials.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/config/small_file.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "sys/stat.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxFile = 1 << 20;

// Changes when the file does; empty where there is none.
std::string Stamp(const std::string& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return "";
  return absl::StrCat(status.st_ino, "|", status.st_size, "|",
                      status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec);
}

}  // namespace

ClusterCredentials::ClusterCredentials(const ClusterConfig& config)
    : ca_{.file = config.ca.file, .stamp = {}, .value = config.ca.text},
      client_cert_{.file = config.client_cert.file,
                   .stamp = {},
                   .value = config.client_cert.text},
      client_key_{.file = config.client_key.file,
                  .stamp = {},
                  .value = config.client_key.text},
      token_{
          .file = config.token.file, .stamp = {}, .value = config.token.text},
      base_{.ca_pem = {},
            .client_cert_pem = {},
            .client_key_pem = {},
            .proxy = config.proxy,
            .skip_verification = config.skip_verification} {}

absl::StatusOr<ClusterCredentials> ClusterCredentials::Create(
    const ClusterConfig& config) {
  ClusterCredentials credentials(config);
  LAMPLIGHTER_RETURN_IF_ERROR(credentials.ReadAll());
  return credentials;
}

void ClusterCredentials::Refresh() {
  if (const absl::Status read = ReadAll(); !read.ok()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "credentials not read again")
        .With("error", read);
  }
}

absl::Status ClusterCredentials::Read(Value& value, bool& changed) {
  if (value.file.empty()) return absl::OkStatus();
  std::string stamp = Stamp(value.file);
  if (!value.stamp.empty() && stamp == value.stamp) return absl::OkStatus();
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string text,
                               ReadSmallFile(value.file, kMaxFile));
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  if (trimmed.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(value.file, ": is empty"));
  }
  changed = changed || value.value != trimmed;
  value.value = std::string(trimmed);
  value.stamp = std::move(stamp);
  return absl::OkStatus();
}

absl::Status ClusterCredentials::ReadAll() {
  absl::Status result;
  bool new_transport = transport_ == nullptr;
  bool unused = false;
  result.Update(Read(ca_, new_transport));
  result.Update(Read(client_cert_, new_transport));
  result.Update(Read(client_key_, new_transport));
  result.Update(Read(token_, unused));
  if (new_transport) {
    HttpTransport transport = base_;
    transport.ca_pem = ca_.value;
    transport.client_cert_pem = client_cert_.value;
    transport.client_key_pem = client_key_.value;
    transport_ = std::make_shared<const HttpTransport>(std::move(transport));
  }
  return result;
}

}  // namespace lamplighter
