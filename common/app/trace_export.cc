#include "common/app/trace_export.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/app/version.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

constexpr char kTracesPath[] = "/v1/traces";

// Where to post to, given what the configuration has.
absl::StatusOr<std::string> TracesUrl(absl::string_view endpoint) {
  absl::string_view rest = endpoint;
  const bool is_http = absl::ConsumePrefix(&rest, "http://") ||
                       absl::ConsumePrefix(&rest, "https://");
  const absl::string_view host = rest.substr(0, rest.find('/'));
  const absl::string_view path = rest.substr(host.size());
  if (!is_http || host.empty() ||
      !std::all_of(rest.begin(), rest.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        "must be a URL, e.g. http://otel-collector:4318");
  }
  // Neither an error nor a log would keep it to itself.
  if (rest.find_first_of("@?#") != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        "must hold neither a password nor a query: use otlp_header_files for "
        "what the collector asks for");
  }
  if (!path.empty() && path != "/") return std::string(endpoint);
  return absl::StrCat(absl::StripSuffix(endpoint, "/"), kTracesPath);
}

// A random (version 4) UUID.
std::string InstanceId() {
  absl::BitGen random;
  const auto bits = [&](uint64_t below) {
    return absl::Uniform<uint64_t>(random, 0, below);
  };
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", bits(uint64_t{1} << 32),
                         bits(1 << 16), bits(1 << 12), 0x8000 + bits(1 << 14),
                         bits(uint64_t{1} << 48));
}

// The name of the machine, which in a pod is the pod's.
std::string HostName() {
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceExport>> TraceExport::Create(
    const config::v1::Telemetry& telemetry, const ConfigFile& file,
    boost::asio::io_context& loop, Metrics& metrics, const Clock& clock) {
  const double ratio =
      telemetry.has_trace_sample_ratio() ? telemetry.trace_sample_ratio() : 1;
  if (!(ratio >= 0 && ratio <= 1)) {
    return file.Error("telemetry.trace_sample_ratio", "must be from 0 to 1");
  }
  if (telemetry.otlp_endpoint().empty()) return nullptr;
  OtlpExporter::Options options;
  absl::StatusOr<std::string> url = TracesUrl(telemetry.otlp_endpoint());
  if (!url.ok()) {
    return file.Error("telemetry.otlp_endpoint", url.status().message());
  }
  options.url = *std::move(url);
  options.header_files = {telemetry.otlp_header_files().begin(),
                          telemetry.otlp_header_files().end()};
  for (const auto& header : options.header_files) {
    const auto read = ReadHeaderFiles({header});
    if (read.ok()) continue;
    return file.Error(
        absl::StrCat("telemetry.otlp_header_files.", header.first),
        read.status().message());
  }
  options.resource = {{"service.version", kVersion},
                      {"service.instance.id", InstanceId()},
                      {"host.name", HostName()}};
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::unique_ptr<HttpClient> http,
      CurlHttpClient::Create({.max_requests = 2, .max_connections_per_host = 1},
                             loop));
  return std::unique_ptr<TraceExport>(new TraceExport(
      std::move(options), ratio, std::move(http), loop, metrics, clock));
}

TraceExport::TraceExport(OtlpExporter::Options options, double ratio,
                         std::unique_ptr<HttpClient> http,
                         boost::asio::io_context& loop, Metrics& metrics,
                         const Clock& clock)
    : http_(std::move(http)),
      exporter_(std::move(options), loop, *http_, sleeper_, metrics),
      tracer_(exporter_, clock, ratio) {}

}  // namespace lamplighter
