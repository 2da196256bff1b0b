#include "common/otlp/otlp_exporter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/config/secret.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/backoff.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

constexpr Backoff kBackoff = {absl::Seconds(1), absl::Seconds(30)};
// However long the collector asks for.
constexpr absl::Duration kLongestWait = absl::Minutes(5);
constexpr size_t kMaxResponse = 64 << 10;

bool IsHeaderName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

// The protocol names these; any other answer is the collector's last word.
bool IsRetryable(int http_status) {
  return http_status == 429 || http_status == 502 || http_status == 503 ||
         http_status == 504;
}

bool IsRetryable(const absl::StatusOr<HttpResult>& answer) {
  if (answer.ok()) return IsRetryable(answer->status);
  // A span that comes twice has the same id, so an unclear outcome is one too.
  return absl::IsUnavailable(answer.status()) ||
         absl::IsDeadlineExceeded(answer.status());
}

prometheus::Counter& Spans(Metrics& metrics, const char* result) {
  return metrics
      .AddCounters("lamplighter_tracing_spans_total",
                   "Recorded spans, by what became of them: exported, rejected "
                   "by the collector, dropped because too many waited, failed "
                   "to reach the collector.")
      .Add({{"result", result}});
}

otlp::KeyValue Attribute(const std::string& key, const std::string& value) {
  otlp::KeyValue attribute;
  attribute.set_key(key);
  attribute.mutable_value()->set_string_value(value);
  return attribute;
}

}  // namespace

absl::StatusOr<HttpHeaders> ReadHeaderFiles(
    const std::map<std::string, std::string>& files) {
  HttpHeaders headers;
  for (const auto& [name, file] : files) {
    if (!IsHeaderName(name)) {
      return absl::InvalidArgumentError("is not the name of a header");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(std::string value, ReadSecret(file, ""));
    if (!std::all_of(value.begin(), value.end(), absl::ascii_isprint)) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": must be one line of printable ASCII"));
    }
    headers.Add(name, std::move(value));
  }
  return headers;
}

OtlpExporter::OtlpExporter(Options options, asio::io_context& loop,
                           HttpClient& http, Sleeper& sleeper, Metrics& metrics)
    : options_(std::move(options)),
      http_(http),
      sleeper_(sleeper),
      exported_(Spans(metrics, "exported")),
      rejected_(Spans(metrics, "rejected")),
      dropped_(Spans(metrics, "dropped")),
      failed_(Spans(metrics, "failed")),
      timer_(loop),
      tasks_(loop.get_executor(), "trace export") {}

void OtlpExporter::Take(const std::string& service,
                        std::unique_ptr<otlp::Span> span) {
  if (stopping_ || waiting_spans_ >= options_.max_waiting) {
    dropped_.Increment();
    return;
  }
  SpansOf(service).mutable_spans()->AddAllocated(span.release());
  ++waiting_spans_;
  if (!exporting_) {
    exporting_ = true;
    tasks_.Spawn(ExportUntilEmpty());
  }
  if (waiting_spans_ == options_.batch) timer_.cancel();
}

otlp::ScopeSpans& OtlpExporter::SpansOf(const std::string& service) {
  const auto found = std::find(services_.begin(), services_.end(), service);
  if (found != services_.end()) {
    const auto index = static_cast<int>(found - services_.begin());
    return *waiting_.mutable_resource_spans(index)->mutable_scope_spans(0);
  }
  services_.push_back(service);
  otlp::ResourceSpans& added = *waiting_.add_resource_spans();
  otlp::Resource& resource = *added.mutable_resource();
  *resource.add_attributes() = Attribute("service.name", service);
  for (const auto& [key, value] : options_.resource) {
    *resource.add_attributes() = Attribute(key, value);
  }
  otlp::ScopeSpans& spans = *added.add_scope_spans();
  spans.mutable_scope()->set_name("lamplighter");
  return spans;
}

asio::awaitable<void> OtlpExporter::ExportUntilEmpty() {
  while (waiting_spans_ > 0) {
    if (waiting_spans_ < options_.batch && !stopping_) {
      timer_.expires_after(absl::ToChronoNanoseconds(options_.interval));
      co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    RefreshHeaders();
    co_await ExportBatch();
  }
  exporting_ = false;
}

asio::awaitable<void> OtlpExporter::ExportBatch() {
  std::string body = std::exchange(waiting_, {}).SerializeAsString();
  services_.clear();
  sending_spans_ = std::exchange(waiting_spans_, 0);
  const absl::StatusOr<HttpResult> answer = co_await Post(std::move(body));
  const auto spans = static_cast<double>(std::exchange(sending_spans_, 0));
  if (!answer.ok()) {
    failed_.Increment(spans);
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "spans not exported")
        .With("spans", spans)
        .With("error", answer.status());
    co_return;
  }
  otlp::ExportTraceServiceResponse response;
  // What cannot be read says nothing: the status alone counts.
  (void)response.ParseFromString(answer->body);
  const otlp::PartialSuccess& partial = response.partial_success();
  const double rejected =
      std::clamp(static_cast<double>(partial.rejected_spans()), 0.0, spans);
  rejected_.Increment(rejected);
  exported_.Increment(spans - rejected);
  if (rejected > 0) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "spans rejected by the collector")
        .With("spans", rejected)
        .With("cause", partial.error_message());
  }
}

asio::awaitable<absl::StatusOr<HttpResult>> OtlpExporter::Post(
    std::string body) {
  HttpCall call;
  call.method = "POST";
  call.url = options_.url;
  call.headers = headers_;
  call.headers.Add("Content-Type", "application/x-protobuf");
  call.body = std::move(body);
  call.timeout = options_.timeout;
  call.max_response = kMaxResponse;
  for (int tries = 1;; ++tries) {
    absl::StatusOr<HttpResult> answer = co_await http_.Send(call);
    if (answer.ok() && answer->status / 100 == 2) co_return answer;
    if (tries < options_.tries && !stopping_ && IsRetryable(answer)) {
      LAMPLIGHTER_CO_RETURN_IF_ERROR(
          co_await sleeper_.SleepFor(WaitAfter(tries, answer)));
      continue;
    }
    if (!answer.ok()) co_return answer.status();
    co_return absl::UnknownError(
        absl::StrCat("the collector answered HTTP ", answer->status));
  }
}

absl::Duration OtlpExporter::WaitAfter(
    int tries, const absl::StatusOr<HttpResult>& answer) {
  if (answer.ok()) {
    int64_t seconds = 0;
    const auto asked = answer->headers.Find("Retry-After");
    if (asked && absl::SimpleAtoi(*asked, &seconds) && seconds >= 0) {
      return std::min(absl::Seconds(seconds), kLongestWait);
    }
  }
  return kBackoff.AtLeastHalfAfter(tries, random_);
}

void OtlpExporter::RefreshHeaders() {
  absl::StatusOr<HttpHeaders> headers = ReadHeaderFiles(options_.header_files);
  if (headers.ok()) {
    headers_ = *std::move(headers);
    return;
  }
  // The former may do.
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "headers for the collector not read")
      .With("error", headers.status());
}

asio::awaitable<void> OtlpExporter::Stop(absl::Duration limit) {
  stopping_ = true;
  timer_.cancel();
  co_await tasks_.Drain(limit);
  const auto lost = static_cast<double>(waiting_spans_ + sending_spans_);
  if (lost == 0) co_return;
  failed_.Increment(lost);
  LAMPLIGHTER_LOG(kWarning, "spans not exported before the stop")
      .With("spans", lost);
}

}  // namespace lamplighter
