// CPU time of what ingest does with an 8 KB GitHub push, beside HTTP and Kafka.

#include <zstd.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "openssl/hmac.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/event_records.h"
#include "services/ingest/flux/flux_event_parser.h"
#include "services/ingest/forges/github.h"
#include "services/ingest/json_parser.h"
#include "services/ingest/raw_body.h"
#include "services/ingest/verify.h"
#include "simdjson.h"
#include <openssl/evp.h>

namespace lamplighter::ingest {
namespace {

constexpr char kSecret[] = "not a secret at all";
constexpr char kTrace[] =
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// A user as GitHub writes them into each event.
std::string User(absl::string_view login) {
  const std::string api = absl::StrCat("https://api.github.com/users/", login);
  std::string user = absl::StrCat(R"({"login":")", login,
                                  R"(","id":583231,"node_id":"MDQ6VXNlcjU4Mz",)"
                                  R"("html_url":"https://github.com/)",
                                  login, "\"");
  for (const char* what : {"followers", "following{/other_user}", "gists",
                           "orgs", "starred{/owner}{/repo}", "repos", "events",
                           "received_events", "subscriptions"}) {
    absl::StrAppend(&user, ",\"", what, "_url\":\"", api, "/", what, "\"");
  }
  return absl::StrCat(user, R"(,"type":"User","site_admin":false})");
}

std::string Repository() {
  const std::string api = "https://api.github.com/repos/octo-org/octo-repo";
  std::string repository = absl::StrCat(
      R"({"id":186853002,"node_id":"MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",)"
      R"("name":"octo-repo","full_name":"octo-org/octo-repo","private":false,)"
      R"("owner":)",
      User("octo-org"),
      R"(,"html_url":"https://github.com/octo-org/octo-repo","description":)"
      R"("A repository to measure with","fork":false)");
  for (const char* what : {"forks",
                           "keys{/key_id}",
                           "collaborators{/collaborator}",
                           "teams",
                           "hooks",
                           "issues/events{/number}",
                           "events",
                           "assignees{/user}",
                           "branches{/branch}",
                           "tags",
                           "git/blobs{/sha}",
                           "git/tags{/sha}",
                           "git/refs{/sha}",
                           "git/trees{/sha}",
                           "statuses/{sha}",
                           "languages",
                           "stargazers",
                           "contributors",
                           "subscribers",
                           "subscription",
                           "commits{/sha}",
                           "git/commits{/sha}",
                           "comments{/number}",
                           "issues/comments{/number}",
                           "contents/{+path}",
                           "merges",
                           "compare/{base}...{head}",
                           "{archive_format}{/ref}",
                           "downloads",
                           "issues{/number}",
                           "pulls{/number}",
                           "milestones{/number}",
                           "notifications{?since,all,participating}",
                           "labels{/name}",
                           "releases{/id}",
                           "deployments"}) {
    absl::StrAppend(&repository, ",\"", what, "_url\":\"", api, "/", what,
                    "\"");
  }
  return absl::StrCat(
      repository,
      R"(,"clone_url":"https://github.com/octo-org/octo-repo.git","size":4711,)"
      R"("stargazers_count":12,"watchers_count":12,"language":"C++",)"
      R"("archived":false,"disabled":false,"open_issues_count":2,)"
      R"("default_branch":"main"})");
}

std::string Commit(int i) {
  const std::string id = absl::StrCat(absl::Hex(0x1234567890abcdef + i),
                                      "fedcba0987654321deadbeef");
  return absl::StrCat(
      R"({"id":")", id, R"(","tree_id":")", id,
      R"(","distinct":true,"message":"Change number )", i,
      R"( of the things that are measured\n\nAnd why it was made.",)"
      R"("timestamp":"2026-03-04T05:06:07+01:00","url":)"
      R"("https://github.com/octo-org/octo-repo/commit/)",
      id, R"(","author":{"name":"Ada L","email":"ada@example.com",)",
      R"("username":"ada"},"committer":{"name":"Ada L","email":)"
      R"("ada@example.com","username":"ada"},"added":["src/file)",
      i, R"(.cc"],"removed":[],"modified":["README.md","src/main.cc"]})");
}

std::string PushBody(size_t size) {
  const std::string head = absl::StrCat(
      R"({"ref":"refs/heads/main","before":)"
      R"("1111111111111111111111111111111111111111","after":)"
      R"("2222222222222222222222222222222222222222","repository":)",
      Repository(), R"(,"pusher":{"name":"ada"},"sender":)", User("ada"),
      R"(,"created":false,"deleted":false,"forced":false,"base_ref":null,)"
      R"("compare":"https://github.com/octo-org/octo-repo/compare/1...2",)"
      R"("commits":[)");
  std::string body = head + Commit(0);
  for (int i = 1; body.size() + 3 < size; ++i) {
    absl::StrAppend(&body, ",", Commit(i));
  }
  return body + "]}";
}

constexpr char kFluxBody[] =
    R"({"involvedObject":{"kind":"Kustomization","namespace":"shop",)"
    R"("name":"web","uid":"2f7f5a5c-8b6a-4c0d-9f57-5d2f6f0e3a11",)"
    R"("apiVersion":"kustomize.toolkit.fluxcd.io/v1","resourceVersion":)"
    R"("123456"},"severity":"info","timestamp":"2026-03-04T05:06:07Z",)"
    R"("message":"Reconciliation finished in 1.2s, next run in 10m0s",)"
    R"("reason":"ReconciliationSucceeded","metadata":{)"
    R"("kustomize.toolkit.fluxcd.io/commit_status":"update",)"
    R"("kustomize.toolkit.fluxcd.io/revision":)"
    R"("main@sha1:2222222222222222222222222222222222222222"},)"
    R"("reportingController":"kustomize-controller","reportingInstance":)"
    R"("kustomize-controller-5f8b9"})";

void CountBytes(benchmark::State& state, size_t size) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}

void BM_Verify(benchmark::State& state) {
  const std::string body = PushBody(8 << 10);
  unsigned char hmac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), kSecret, sizeof(kSecret) - 1,
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), hmac,
       &size);
  const std::string hex = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hmac), size));
  const HmacSecret secret = *HmacSecret::Create(kSecret);
  for (auto _ : state) {
    if (!secret.Signed(HashAlgorithm::kSha256, body, hex)) {
      state.SkipWithError("wrong signature");
    }
  }
  CountBytes(state, body.size());
}
BENCHMARK(BM_Verify);

v1::GitEvent Normalized(JsonParser& parser, absl::string_view body) {
  v1::GitEvent event;
  event.set_provider_type("github");
  event.set_event("push");
  simdjson::dom::object object;
  if (parser.Parse(body)->get(object) == simdjson::SUCCESS) {
    GitHubNormalizer().Normalize(object, event);
  }
  return event;
}

void BM_Parse(benchmark::State& state) {
  const std::string body = PushBody(8 << 10);
  JsonParser parser;
  for (auto _ : state) benchmark::DoNotOptimize(parser.Parse(body));
  CountBytes(state, body.size());
}
BENCHMARK(BM_Parse);

void BM_ParseAndNormalize(benchmark::State& state) {
  const std::string body = PushBody(8 << 10);
  JsonParser parser;
  for (auto _ : state) benchmark::DoNotOptimize(Normalized(parser, body));
  CountBytes(state, body.size());
}
BENCHMARK(BM_ParseAndNormalize);

void BM_MakeRecord(benchmark::State& state) {
  const std::string body = PushBody(8 << 10);
  JsonParser parser;
  const v1::GitEvent event = Normalized(parser, body);
  RawBodyPacker packer;
  for (auto _ : state) {
    v1::GitEvent copy = event;
    *copy.mutable_raw() = packer.Pack(body, "application/json");
    benchmark::DoNotOptimize(MakeGitRecord(std::move(copy), kTrace, 1 << 20));
  }
  CountBytes(state, body.size());
}
BENCHMARK(BM_MakeRecord);

void BM_Flux(benchmark::State& state) {
  JsonParser parser;
  RawBodyPacker packer;
  for (auto _ : state) {
    auto event = ParseFluxEvent(parser, kFluxBody);
    event->set_id(FluxEventId(*event));
    *event->mutable_raw() = packer.Pack(kFluxBody, "application/json");
    benchmark::DoNotOptimize(
        MakeFluxRecord(*std::move(event), kTrace, 1 << 20));
  }
  CountBytes(state, sizeof(kFluxBody));
}
BENCHMARK(BM_Flux);

// Arguments: bytes of body, level.
void BM_Compress(benchmark::State& state) {
  const std::string body = PushBody(state.range(0));
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  std::string packed(ZSTD_compressBound(body.size()), '\0');
  size_t size = 0;
  for (auto _ : state) {
    size = ZSTD_compressCCtx(context, packed.data(), packed.size(), body.data(),
                             body.size(), static_cast<int>(state.range(1)));
    benchmark::DoNotOptimize(size);
  }
  ZSTD_freeCCtx(context);
  CountBytes(state, body.size());
  state.counters["body"] = static_cast<double>(body.size());
  state.counters["packed"] = static_cast<double>(size);
}
BENCHMARK(BM_Compress)
    ->ArgsProduct({{8 << 10, 16 << 10, 32 << 10, 64 << 10}, {1, -1, -5, -20}});

}  // namespace
}  // namespace lamplighter::ingest
