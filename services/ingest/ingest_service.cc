#include "services/ingest/ingest_service.h"

#include <utility>

#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;

constexpr char kHealthCheck[] = "ingest-producer";

}  // namespace

IngestService::IngestService(Options options, SourceRegistry sources,
                             Producer& producer, AppContext& context)
    : options_(std::move(options)),
      sources_(std::move(sources)),
      loop_(context.loop),
      health_(context.health),
      producer_(producer),
      metrics_(context.metrics),
      handler_(sources_, producer, metrics_, context.clock,
               context.tracer.For("lamplighter-ingest")) {}

IngestService::~IngestService() { health_.RemoveCheck(kHealthCheck); }

asio::awaitable<absl::Status> IngestService::Start() {
  auto on_refused = [this](int status) { metrics_.RejectedByServer(status); };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      server_, HttpServer::Create(options_.http, loop_, handler_.Routes(),
                                  std::move(on_refused)));
  health_.AddCheck(kHealthCheck, [this] { return producer_.Ready(); });
  server_->Start();
  LAMPLIGHTER_LOG(kInfo, "ingest takes events")
      .With("listen", options_.http.listen)
      .With("port", server_->port())
      .With("tls", options_.http.tls != nullptr);
  for (const Source& source : sources_.sources()) {
    if (source.proof_by != Source::ProofBy::kNothing ||
        !source.certificate_name.empty()) {
      continue;
    }
    LAMPLIGHTER_LOG(kWarning,
                    "a source needs no proof: whoever reaches the port can "
                    "send its events")
        .With("source", source.name);
  }
  co_return absl::OkStatus();
}

asio::awaitable<void> IngestService::Stop() {
  if (server_ != nullptr) co_await server_->Stop(options_.drain_timeout);
}

}  // namespace lamplighter::ingest
