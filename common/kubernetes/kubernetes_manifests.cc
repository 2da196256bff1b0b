#include "common/kubernetes/kubernetes_manifests.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kubernetes/json.h"
#include "common/log/log.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::awaitable;

constexpr char kFluxGroup[] = "notification.toolkit.fluxcd.io";

// Helm keeps a megabyte of history in each of these, and nobody's credentials.
constexpr char kSecretSelector[] = "type!=helm.sh/release.v1";
constexpr int kSecretPage = 50;

ObjectWatch::Options FluxResource(const char* resource) {
  ObjectWatch::Options options;
  options.group = kFluxGroup;
  options.resource = resource;
  options.versions = {"v1beta3", "v1beta2", "v1beta1"};
  return options;
}

ObjectWatch::Options SecretResource() {
  ObjectWatch::Options options;
  options.resource = "secrets";
  options.versions = {"v1"};
  options.field_selector = kSecretSelector;
  options.page = kSecretPage;
  return options;
}

}  // namespace

class KubernetesManifests::Part final : public ObjectListener {
 public:
  Part(KubernetesManifests& whole, std::string kind,
       const ObjectWatch::Options& options, KubernetesClient& client,
       WatchRestarts restarts)
      : whole_(whole),
        kind_(std::move(kind)),
        // What the fields mean is the same in all versions that are read.
        api_version_(
            options.group.empty()
                ? options.versions.front()
                : absl::StrCat(options.group, "/", options.versions.front())),
        namespace_(options.namespace_),
        watch_(options, client, whole.sleeper_, restarts, *this),
        state_(absl::UnavailableError(
            absl::StrCat("list ", watch_.Description(), ": not yet"))) {}

  awaitable<void> Run() { return watch_.Run(); }

  // OK once it has been listed.
  const absl::Status& state() const { return state_; }
  absl::Time last_sync() const { return last_sync_; }

  void OnListBegin() override { seen_.emplace(); }
  void OnListed() override {
    if (!seen_.has_value()) return;
    whole_.store_.KeepOnly(kind_, namespace_, *seen_);
    seen_.reset();
    state_ = absl::OkStatus();
    OnInTouch();
    whole_.OnChange();
  }
  void OnObject(boost::json::object object) override {
    ObjectName name = whole_.store_.Put(kind_, api_version_, std::move(object));
    if (seen_.has_value()) seen_->insert(std::move(name));
    whole_.OnChange();
  }
  void OnDeleted(const boost::json::object& object) override {
    whole_.store_.Remove(kind_, {TextAt(object, {"metadata", "namespace"}),
                                 TextAt(object, {"metadata", "name"})});
    whole_.OnChange();
  }
  void OnInTouch() override {
    last_sync_ = whole_.clock_.Now();
    whole_.OnInTouch();
  }
  void OnError(const absl::Status& why) override {
    LAMPLIGHTER_LOG(kWarning, "kubernetes: what is in force may be old")
        .With("error", why);
    if (!state_.ok()) {
      state_ = absl::UnavailableError(why.message());
    }
  }

 private:
  KubernetesManifests& whole_;
  const std::string kind_;
  const std::string api_version_;
  const std::string namespace_;
  ObjectWatch watch_;
  absl::Status state_;
  absl::Time last_sync_ = absl::UnixEpoch();
  // In the list under way; none while watching.
  absl::optional<absl::flat_hash_set<ObjectName>> seen_;
};

KubernetesManifests::KubernetesManifests(const Options& options,
                                         asio::io_context& loop,
                                         KubernetesClient& client,
                                         Sleeper& sleeper, const Clock& clock,
                                         ManifestMetrics metrics,
                                         WatchRestarts restarts)
    : options_(options),
      sleeper_(sleeper),
      clock_(clock),
      metrics_(std::move(metrics)),
      until_ready_(loop, asio::steady_timer::time_point::max()),
      tasks_(loop.get_executor(), "kubernetes manifests") {
  AddParts(FluxResource("providers"), "Provider", client, restarts);
  if (options.alerts) {
    AddParts(FluxResource("alerts"), "Alert", client, restarts);
  }
  if (options.secrets) {
    AddParts(SecretResource(), "Secret", client, restarts);
  }
}

KubernetesManifests::~KubernetesManifests() = default;

void KubernetesManifests::AddParts(const ObjectWatch::Options& options,
                                   const std::string& kind,
                                   KubernetesClient& client,
                                   WatchRestarts restarts) {
  std::vector<std::string> namespaces = options_.namespaces;
  if (namespaces.empty()) namespaces = {""};
  for (const std::string& name : namespaces) {
    ObjectWatch::Options in_namespace = options;
    in_namespace.namespace_ = name;
    parts_.push_back(
        std::make_unique<Part>(*this, kind, in_namespace, client, restarts));
  }
}

void KubernetesManifests::Start() {
  for (const auto& part : parts_) tasks_.Spawn(part->Run());
}

awaitable<void> KubernetesManifests::Stop() {
  co_await tasks_.Drain(absl::ZeroDuration());
}

absl::Status KubernetesManifests::Ready() const {
  if (ready_) return absl::OkStatus();
  for (const auto& part : parts_) {
    if (!part->state().ok()) return part->state();
  }
  return absl::OkStatus();
}

awaitable<absl::Status> KubernetesManifests::UntilReady() {
  if (!ready_) {
    co_await until_ready_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return ready_ ? absl::OkStatus() : absl::CancelledError("wait cancelled");
}

void KubernetesManifests::OnChange() {
  if (!ready_) {
    if (!Ready().ok()) return;
    ready_ = true;
    // Whoever waits for it goes on, and who comes later does not wait.
    until_ready_.expires_at(asio::steady_timer::time_point());
    Publish();
    LAMPLIGHTER_LOG(kInfo, "manifests listed")
        .With("providers", current_->providers.size())
        .With("alerts", current_->alerts.size())
        .With("secrets", current_->secrets.size())
        .With("invalid", store_.invalid());
  } else if (!std::exchange(publishing_, true)) {
    tasks_.Spawn(PublishSoon());
  }
}

awaitable<void> KubernetesManifests::PublishSoon() {
  const absl::Status slept = co_await sleeper_.SleepFor(options_.settle);
  publishing_ = false;
  if (slept.ok()) Publish();
}

void KubernetesManifests::Publish() {
  current_ = store_.Snapshot();
  metrics_.Set(*current_, store_.invalid());
}

void KubernetesManifests::OnInTouch() {
  absl::Time oldest = absl::InfiniteFuture();
  for (const auto& part : parts_) {
    oldest = std::min(oldest, part->last_sync());
  }
  metrics_.SetLastSync(oldest);
}

}  // namespace lamplighter
