#include "services/reposync/service/catalog_server.h"

#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/testing/test_certificate.h"
#include "common/http/testing/test_client.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/lamplighter/v1/catalog_service.grpc.pb.h"
#include "services/reposync/service/scopes.h"
#include "services/reposync/service/testing/catalog_world.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using ::grpc::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Stub = v1::CatalogService::Stub;

// A client's token, from its name.
std::string TokenOf(const std::string& client) {
  return absl::StrCat("token-of-the-client-", client);
}
// There is a client for each scope, which has its name, and one for all.
constexpr char kAll[] = "all";

// A method with an empty request, as a client calls it.
struct Method {
  std::string name;
  std::string scope;
  std::function<grpc::Status(Stub&, grpc::ClientContext*)> call;
};
template <typename Request, typename Response>
Method MethodOf(std::string name, std::string scope,
                grpc::Status (Stub::*method)(grpc::ClientContext*,
                                             const Request&, Response*)) {
  return {std::move(name), std::move(scope),
          [method](Stub& stub, grpc::ClientContext* context) {
            Response response;
            return (stub.*method)(context, {}, &response);
          }};
}

// All but the stream, with the scopes that catalog_service.proto promises.
std::vector<Method> Methods() {
  return {
      MethodOf("ListRepositories", "catalog:read", &Stub::ListRepositories),
      MethodOf("ListGroups", "catalog:read", &Stub::ListGroups),
      MethodOf("SearchRepositories", "catalog:read", &Stub::SearchRepositories),
      MethodOf("GetRepository", "catalog:read", &Stub::GetRepository),
      MethodOf("ListConnections", "catalog:read", &Stub::ListConnections),
      MethodOf("ListRefreshes", "catalog:read", &Stub::ListRefreshes),
      MethodOf("ListHooks", "catalog:read", &Stub::ListHooks),
      MethodOf("RefreshConnection", "catalog:write", &Stub::RefreshConnection),
      MethodOf("CreateConnection", "connections:write",
               &Stub::CreateConnection),
      MethodOf("UpdateConnection", "connections:write",
               &Stub::UpdateConnection),
      MethodOf("CheckConnection", "connections:write", &Stub::CheckConnection),
      MethodOf("DeleteConnection", "connections:write",
               &Stub::DeleteConnection),
      MethodOf("AttachRepository", "hooks:write", &Stub::AttachRepository),
      MethodOf("DetachRepository", "hooks:write", &Stub::DetachRepository),
      MethodOf("RepairHooks", "hooks:write", &Stub::RepairHooks)};
}

class CatalogServerTest : public CatalogWorld {
 protected:
  void SetUp() override {
    CatalogWorld::SetUp();
    feed_ = std::make_unique<ChangeFeed>(
        ChangeFeed::Options{.poll = absl::Milliseconds(20)}, *catalog_, loop_);
    tasks_.Spawn(feed_->Run());
    auto server = CatalogServer::Create(
        Options(),
        CatalogMethods::Parts{.catalog = *catalog_,
                              .listings = *listings_,
                              .connections = *all_,
                              .scheduler = *scheduler_,
                              .attachments = *attachments_},
        *feed_, loop_, clock_, metrics_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    ASSERT_THAT(server_->Start(), IsOk());
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = certificate_.certificate_pem;
    stub_ = v1::CatalogService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->grpc_port()),
                            grpc::SslCredentials(ssl)));
  }
  void TearDown() override {
    StopServer(absl::ZeroDuration());
    CatalogWorld::TearDown();
  }
  void StopServer(absl::Duration drain) {
    if (server_ == nullptr) return;
    const auto stop = [](CatalogServer& server,
                         absl::Duration limit) -> awaitable<bool> {
      co_await server.Stop(limit);
      co_return true;
    };
    Run(stop(*server_, drain));
    server_.reset();
  }

  static std::string Write(const std::string& name, const std::string& text) {
    const std::string path =
        absl::StrCat(testing::TempDir(), "/catalog-server-", name);
    std::ofstream(path) << text;
    return path;
  }
  CatalogServer::Options Options() {
    CatalogServer::Options options;
    options.grpc.emplace();
    options.grpc->listen = "127.0.0.1:0";
    options.grpc->tls = {{Write("cert", certificate_.certificate_pem),
                          Write("key", certificate_.key_pem), ""}};
    options.json.emplace();
    options.json->listen = "127.0.0.1:0";
    std::vector<std::string> names(std::begin(kScopes), std::end(kScopes));
    names.emplace_back(kAll);
    for (const std::string& name : names) {
      options.clients.clients.push_back(
          {.name = name,
           .scopes = {name == kAll ? "*" : name},
           .tokens = {
               {Write(absl::StrReplaceAll(name, {{":", "-"}}), TokenOf(name)),
                ""}}});
    }
    return options;
  }

  // For a call with a token, or without.
  static std::unique_ptr<grpc::ClientContext> With(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(
        absl::ToChronoTime(Clock::System().Now() + absl::Seconds(30)));
    if (!token.empty()) {
      context->AddMetadata("authorization", absl::StrCat("Bearer ", token));
    }
    return context;
  }
  StatusCode CodeOf(const Method& method, const std::string& token) {
    return Beside(
        [&] { return method.call(*stub_, With(token).get()).error_code(); });
  }
  // Of a client that may do everything; the answer, or the error's code.
  template <typename Request, typename Response>
  Response Call(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                             const Request&, Response*),
                const Request& request, StatusCode code = StatusCode::OK) {
    Response response;
    const grpc::Status status = Beside([&] {
      return (*stub_.*method)(With(TokenOf(kAll)).get(), request, &response);
    });
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    return response;
  }

  // A stream, whose blocking calls are made beside the loop.
  struct Stream {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<v1::WatchRepositoriesResponse>> reader;
  };
  Stream Watch(const v1::WatchRepositoriesRequest& request,
               const std::string& token = TokenOf(kCatalogRead)) {
    Stream stream{With(token), nullptr};
    stream.reader = stub_->WatchRepositories(stream.context.get(), request);
    return stream;
  }
  v1::WatchRepositoriesResponse Read(Stream& stream) {
    v1::WatchRepositoriesResponse response;
    EXPECT_TRUE(Beside([&] { return stream.reader->Read(&response); }));
    return response;
  }
  StatusCode End(Stream& stream) {
    return Beside([&] {
      v1::WatchRepositoriesResponse response;
      while (stream.reader->Read(&response)) {
      }
      return stream.reader->Finish().error_code();
    });
  }
  StatusCode Cancel(Stream& stream) {
    stream.context->TryCancel();
    return End(stream);
  }

  // The status of an answer by JSON.
  int Post(const std::string& method, const std::string& headers) {
    const auto response = Beside([&] {
      TestClient client(static_cast<uint16_t>(server_->json_port()));
      client.Post(absl::StrCat("/lamplighter.v1.CatalogService/", method), "{}",
                  headers);
      return client.Read();
    });
    return response.has_value() ? response->status : 0;
  }

  const TestCertificate certificate_ = MakeTestCertificate();
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<CatalogServer> server_;
  std::unique_ptr<Stub> stub_;
};

// What the server does is the same on both databases.
INSTANTIATE_TEST_SUITE_P(, CatalogServerTest, testing::Values(Dialect::kSqlite),
                         NameOfDialect);

TEST_P(CatalogServerTest, EachMethodWantsATokenWithItsScope) {
  const std::vector<Method> methods = Methods();
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          v1::CatalogService::service_full_name());
  ASSERT_NE(service, nullptr);
  ASSERT_THAT(methods, SizeIs(service->method_count() - 1));
  for (const Method& method : methods) {
    EXPECT_EQ(CodeOf(method, ""), StatusCode::UNAUTHENTICATED) << method.name;
    EXPECT_EQ(CodeOf(method, "not-a-token-at-all"), StatusCode::UNAUTHENTICATED)
        << method.name;
    for (const auto scope : kScopes) {
      const StatusCode code = CodeOf(method, TokenOf(std::string(scope)));
      EXPECT_NE(code, StatusCode::UNAUTHENTICATED) << method.name;
      EXPECT_EQ(code != StatusCode::PERMISSION_DENIED, scope == method.scope)
          << method.name << " with " << scope;
    }
  }
  for (const std::string& token : {std::string(), TokenOf(kCatalogWrite)}) {
    Stream stream = Watch({}, token);
    EXPECT_EQ(End(stream), token.empty() ? StatusCode::UNAUTHENTICATED
                                         : StatusCode::PERMISSION_DENIED);
  }
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("code=\"UNAUTHENTICATED\",method=\"RepairHooks\"} 2"));
}

TEST_P(CatalogServerTest, ReadsTheCatalog) {
  for (int i = 1; i <= 3; ++i) Have(i);
  v1::ListCatalogRequest list;
  list.set_page_size(2);
  const auto first = Call(&Stub::ListRepositories, list);
  EXPECT_THAT(first.entries(), SizeIs(2));
  list.set_page_token(first.next_page_token());
  const auto second = Call(&Stub::ListRepositories, list);
  ASSERT_THAT(second.entries(), SizeIs(1));
  EXPECT_EQ(second.entries(0).repository().path(), "acme/r3");

  const auto groups = Call(&Stub::ListGroups, v1::ListGroupsRequest());
  ASSERT_THAT(groups.groups(), SizeIs(1));
  v1::SearchRepositoriesRequest search;
  search.set_query("r2");
  const auto found = Call(&Stub::SearchRepositories, search);
  ASSERT_GE(found.entries_size(), 1);
  EXPECT_EQ(found.entries(0).repository().path(), "acme/r2");
  v1::GetCatalogRepositoryRequest get;
  get.set_repository_id(Repository(1).repository_id());
  EXPECT_EQ(Call(&Stub::GetRepository, get).entry().repository().path(),
            "acme/r1");
  EXPECT_THAT(Call(&Stub::ListConnections, v1::ListCatalogConnectionsRequest())
                  .connections(),
              SizeIs(4));
}

TEST_P(CatalogServerTest, AttachesRepairsAndDetaches) {
  Have(1);
  v1::AttachRepositoryRequest attach;
  attach.set_repository_id(Repository(1).repository_id());
  const auto attached = Call(&Stub::AttachRepository, attach);
  EXPECT_EQ(attached.hook().state(), v1::Hook::PRESENT);
  // The attachment has the name of the client.
  EXPECT_THAT(attached.hook().attachments(), ElementsAre(kAll));
  EXPECT_THAT(Call(&Stub::ListHooks, v1::ListHooksRequest()).hooks(),
              SizeIs(1));
  EXPECT_EQ(Call(&Stub::RepairHooks, v1::RepairHooksRequest()).hooks(), 1);
  v1::DetachRepositoryRequest detach;
  detach.set_repository_id(Repository(1).repository_id());
  Call(&Stub::DetachRepository, detach);
  v1::DeleteConnectionRequest remove;
  remove.set_name("bare");
  Call(&Stub::DeleteConnection, remove);
  EXPECT_THAT(Call(&Stub::ListConnections, v1::ListCatalogConnectionsRequest())
                  .connections(),
              SizeIs(3));
}

TEST_P(CatalogServerTest, RefreshesAConnection) {
  lister_.Say({Page(0, 1, 3, true)});
  v1::RefreshConnectionRequest refresh;
  refresh.set_name("main");
  const auto begun = Call(&Stub::RefreshConnection, refresh);
  EXPECT_EQ(begun.refresh().trigger(), v1::Refresh::REQUEST);
  v1::ListRefreshesRequest list;
  list.set_connection("main");
  auto state = v1::Refresh::RUNNING;
  for (int i = 0; i < 10'000 && state == v1::Refresh::RUNNING; ++i) {
    state = Call(&Stub::ListRefreshes, list).refreshes(0).state();
  }
  EXPECT_EQ(state, v1::Refresh::DONE);
  EXPECT_THAT(Known(), SizeIs(3));
}

TEST_P(CatalogServerTest, ErrorsKeepTheirCodes) {
  Call(&Stub::GetRepository, v1::GetCatalogRepositoryRequest(),
       StatusCode::INVALID_ARGUMENT);
  v1::GetCatalogRepositoryRequest get;
  get.set_id(99);
  Call(&Stub::GetRepository, get, StatusCode::NOT_FOUND);
  Have(1, "bare");
  v1::AttachRepositoryRequest attach;
  attach.set_repository_id(Repository(1).repository_id());
  Call(&Stub::AttachRepository, attach, StatusCode::FAILED_PRECONDITION);
  v1::WatchRepositoriesRequest watch;
  watch.set_resume_token("nonsense");
  Stream refused = Watch(watch);
  EXPECT_EQ(End(refused), StatusCode::INVALID_ARGUMENT);
  watch.set_resume_token("99.0");
  refused = Watch(watch);
  EXPECT_EQ(End(refused), StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("code=\"NOT_FOUND\",method=\"GetRepository\"} 1"));
}

TEST_P(CatalogServerTest, TellsChangesAndGoesOnWhereAClientWas) {
  Have(1);
  v1::WatchRepositoriesRequest request;
  request.set_snapshot(true);
  Stream stream = Watch(request);
  const auto snapshot = Read(stream);
  EXPECT_TRUE(snapshot.snapshot_complete());
  EXPECT_THAT(snapshot.entries(), SizeIs(1));
  Have(2);
  const auto change = Read(stream);
  ASSERT_THAT(change.changes(), SizeIs(1));
  EXPECT_EQ(change.changes(0).entry().repository().path(), "acme/r2");
  EXPECT_EQ(Cancel(stream), StatusCode::CANCELLED);

  Have(3);
  request.Clear();
  request.set_resume_token(change.resume_token());
  Stream resumed = Watch(request);
  auto answer = Read(resumed);
  EXPECT_THAT(answer.entries(), IsEmpty());
  if (answer.changes().empty()) answer = Read(resumed);
  ASSERT_THAT(answer.changes(), SizeIs(1));
  EXPECT_EQ(answer.changes(0).entry().repository().path(), "acme/r3");
  Cancel(resumed);
}

TEST_P(CatalogServerTest, AStopEndsStreamsSoThatTheyResume) {
  Stream stream = Watch({});
  Read(stream);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_reposync_catalog_service_streams 1"));
  auto end = std::async(std::launch::async, [&] {
    v1::WatchRepositoriesResponse response;
    while (stream.reader->Read(&response)) {
    }
    return stream.reader->Finish().error_code();
  });
  StopServer(absl::Seconds(15));
  EXPECT_EQ(Await(std::move(end)), StatusCode::UNAVAILABLE);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_reposync_catalog_service_streams 0"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("code=\"UNAVAILABLE\",method=\"WatchRepositories\"} "
                        "1"));
}

TEST_P(CatalogServerTest, AnswersJsonByTheSameTokens) {
  const std::string json = "Content-Type: application/json\r\n";
  const auto with = [](const std::string& client) {
    return absl::StrCat("Authorization: Bearer ", TokenOf(client), "\r\n");
  };
  EXPECT_EQ(Post("ListRepositories", json + with(kCatalogRead)), 200);
  EXPECT_EQ(Post("ListRepositories", json), 401);
  EXPECT_EQ(Post("ListRepositories", json + with(kHooksWrite)), 403);
  EXPECT_EQ(Post("ListRepositories", with(kCatalogRead)), 415);
  EXPECT_EQ(Post("NoSuchMethod", json + with(kCatalogRead)), 404);
}

}  // namespace
}  // namespace lamplighter::reposync
