#include "services/reposync/service/json_catalog.h"

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/grpcpp.h"
#include "services/reposync/service/grpc_catalog_service.h"
#include "services/reposync/service/testing/catalog_world.h"

namespace lamplighter::reposync {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kPath[] = "/lamplighter.v1.CatalogService/";

class JsonCatalogTest : public CatalogWorld {
 protected:
  void SetUp() override {
    CatalogWorld::SetUp();
    if (IsSkipped()) return;
    authenticator_ = MakeAuthenticator();
    Serve(*methods_);
  }
  void TearDown() override {
    StopGrpc();
    CatalogWorld::TearDown();
  }

  std::unique_ptr<Authenticator> MakeAuthenticator() {
    const std::string folder = testing::TempDir();
    std::ofstream(folder + "/reader") << "read-it-read-it-read";
    std::ofstream(folder + "/writer") << "write-it-write-it-write";
    Authenticator::Options options;
    options.service = "reposync";
    options.clients = {{.name = "reader",
                        .scopes = {kCatalogRead},
                        .tokens = {{.file = folder + "/reader", .env = ""}}},
                       {.name = "writer",
                        .scopes = {"*"},
                        .tokens = {{.file = folder + "/writer", .env = ""}},
                        .certificate_name = "writer.example"}};
    auto authenticator = Authenticator::Create(options, clock_, metrics_);
    EXPECT_THAT(authenticator, IsOk());
    return *std::move(authenticator);
  }
  void Serve(CatalogMethods& methods) {
    routes_.clear();
    json_ = std::make_unique<JsonCatalog>(
        JsonCatalog::Parts{.authenticator = *authenticator_,
                           .methods = methods,
                           .requests = requests_});
    for (HttpRoute& route : json_->Routes()) {
      EXPECT_EQ(route.method, "POST");
      routes_[route.path] = route.handler;
    }
  }

  static HttpRequest Request(
      const std::string& body,
      const std::string& token = "write-it-write-it-write") {
    HttpRequest request;
    request.method = "POST";
    request.headers.Add("Content-Type", "application/json; charset=utf-8");
    if (!token.empty()) {
      request.headers.Add("Authorization", absl::StrCat("Bearer ", token));
    }
    request.body = body;
    return request;
  }
  HttpResponse Call(const std::string& method, HttpRequest request) {
    const auto route = routes_.find(kPath + method);
    if (route == routes_.end()) return {};
    return Run(route->second(std::move(request)));
  }
  HttpResponse Call(const std::string& method, const std::string& body) {
    return Call(method, Request(body));
  }
  void ExpectError(const HttpResponse& response, int status,
                   const std::string& code) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_THAT(response.body,
                HasSubstr(absl::StrCat("\"code\":\"", code, "\"")));
  }

  void StartGrpc() {
    feed_ =
        std::make_unique<ChangeFeed>(ChangeFeed::Options{}, *catalog_, loop_);
    watches_ = std::make_unique<Watches>(
        Watches::Options{}, *catalog_, *feed_, clock_,
        metrics_.AddGauges("streams", "Streams.").Add({}));
    service_ = std::make_unique<GrpcCatalogService>(
        GrpcCatalogService::Parts{.authenticator = *authenticator_,
                                  .methods = *methods_,
                                  .watches = *watches_,
                                  .requests = requests_},
        loop_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::CatalogService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  void StopGrpc() {
    if (server_ == nullptr) return;
    Beside([this] {
      server_->Shutdown();
      return true;
    });
  }
  // The same by gRPC: "STATUS-CODE" or the answer in JSON.
  template <typename Request, typename Response>
  std::string ByGrpc(grpc::Status (v1::CatalogService::Stub::*method)(
                         grpc::ClientContext*, const Request&, Response*),
                     const std::string& body) {
    Request request;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(body, &request).ok());
    return Beside([&] {
      grpc::ClientContext context;
      context.set_deadline(
          absl::ToChronoTime(Clock::System().Now() + absl::Seconds(30)));
      context.AddMetadata("authorization", "Bearer write-it-write-it-write");
      Response response;
      const grpc::Status status =
          (stub_.get()->*method)(&context, request, &response);
      std::string answer = absl::StrCat("error: ", status.error_message());
      if (status.ok()) {
        answer.clear();
        EXPECT_TRUE(
            google::protobuf::util::MessageToJsonString(response, &answer)
                .ok());
      }
      return answer;
    });
  }
  std::string ByJson(const std::string& method, const std::string& body) {
    const HttpResponse response = Call(method, body);
    if (response.status == 200) return response.body;
    const std::string before = "\"message\":\"";
    const size_t begin = response.body.find(before) + before.size();
    return absl::StrCat(
        "error: ",
        response.body.substr(begin, response.body.rfind('"') - begin));
  }

  Metrics::Counters& requests_ = metrics_.AddCounters("requests", "Requests.");
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<JsonCatalog> json_;
  std::map<std::string, HttpHandler> routes_;
  std::unique_ptr<ChangeFeed> feed_;
  std::unique_ptr<Watches> watches_;
  std::unique_ptr<GrpcCatalogService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::CatalogService::Stub> stub_;
};

LAMPLIGHTER_ON_BOTH_DATABASES(JsonCatalogTest);

TEST_P(JsonCatalogTest, EachMethodButTheStreamHasItsRoute) {
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          v1::CatalogService::service_full_name());
  ASSERT_NE(service, nullptr);
  EXPECT_THAT(routes_, SizeIs(service->method_count() - 1));
  for (int i = 0; i < service->method_count(); ++i) {
    if (service->method(i)->server_streaming()) continue;
    EXPECT_TRUE(routes_.contains(kPath + service->method(i)->name()))
        << service->method(i)->name();
  }
}

TEST_P(JsonCatalogTest, ErrorsHaveConnectsCodes) {
  ExpectError(Call("GetRepository", "{}"), 400, "invalid_argument");
  ExpectError(Call("GetRepository", R"({"id":"99"})"), 404, "not_found");
  ExpectError(Call("CreateConnection", R"({"name":"x"})"), 400,
              "failed_precondition");
  ExpectError(Call("ListRepositories", Request("{}", "")), 401,
              "unauthenticated");
  ExpectError(Call("ListRepositories", Request("{}", "wrong")), 401,
              "unauthenticated");
  ExpectError(Call("RefreshConnection", Request("{}", "read-it-read-it-read")),
              403, "permission_denied");
  EXPECT_EQ(
      Call("ListRepositories", Request("{}", "read-it-read-it-read")).status,
      200);
}

TEST_P(JsonCatalogTest, ADatabaseThatIsOverloadedOrAwayIsToldAsSuch) {
  for (const bool is_away : {false, true}) {
    auto database =
        Database::Create({.url = is_away ? "sqlite:///nowhere/at/all.db" : url_,
                          .sessions = 1,
                          .max_waiting = is_away ? 10U : 0U},
                         loop_);
    ASSERT_THAT(database, IsOk());
    CatalogStore catalog(**database, clock_);
    CatalogMethods methods({.catalog = catalog,
                            .listings = *listings_,
                            .connections = *all_,
                            .scheduler = *scheduler_,
                            .attachments = *attachments_});
    Serve(methods);
    ExpectError(Call("ListRepositories", "{}"), is_away ? 503 : 429,
                is_away ? "unavailable" : "resource_exhausted");
  }
  Serve(*methods_);
}

TEST_P(JsonCatalogTest, WhatIsNotTheRequestInJsonIsRefused) {
  ExpectError(Call("ListRepositories", "{"), 400, "invalid_argument");
  ExpectError(Call("ListRepositories", "[]"), 400, "invalid_argument");
  ExpectError(Call("ListRepositories", R"({"nosuch":1})"), 400,
              "invalid_argument");
}

TEST_P(JsonCatalogTest, WhatIsNotSentAsJsonIsAnUnsupportedMediaType) {
  HttpRequest request = Request("{}");
  std::string& type = request.headers.fields[0].second;
  for (const char* refused :
       {"text/plain", "application/jsonx", "application/json-patch+json",
        "application/json, text/plain", "application/", ";", ""}) {
    type = refused;
    const HttpResponse response = Call("ListRepositories", request);
    ExpectError(response, 415, "invalid_argument");
    EXPECT_THAT(response.body, HasSubstr("must be application/json"));
  }
  for (const char* taken :
       {"application/json", "Application/JSON", "application/json;v=1",
        "application/json ; charset=utf-8"}) {
    type = taken;
    EXPECT_EQ(Call("ListRepositories", request).status, 200) << taken;
  }
  request.headers.fields.erase(request.headers.fields.begin());
  ExpectError(Call("ListRepositories", request), 415, "invalid_argument");
  // Who calls is asked first.
  request.headers.fields.clear();
  ExpectError(Call("ListRepositories", request), 401, "unauthenticated");
}

TEST_P(JsonCatalogTest, ASecretThatCannotBeReadIsNotRepeated) {
  for (const char* body : {R"({"name":"x","secret":{"token":"hunter2!!"}})",
                           R"({"name":"x","secret":{"token":hunter2}})"}) {
    const HttpResponse response = Call("CreateConnection", body);
    ExpectError(response, 400, "invalid_argument");
    EXPECT_THAT(response.body, Not(HasSubstr("hunter2")));
    EXPECT_THAT(response.body, HasSubstr("base64"));
  }
}

TEST_P(JsonCatalogTest, ACertificateIsAProofToo) {
  HttpRequest request = Request("{}", "");
  request.certificate_names = {"writer.example"};
  EXPECT_EQ(Call("ListRepositories", request).status, 200);
  request.certificate_names = {"other.example"};
  ExpectError(Call("ListRepositories", request), 401, "unauthenticated");
}

TEST_P(JsonCatalogTest, AnswersAsGrpcDoes) {
  for (int i = 1; i <= 3; ++i) Have(i);
  StartGrpc();
  using Stub = v1::CatalogService::Stub;
  for (const char* body :
       {"{}", R"({"pageSize":2})", R"({"filter":{"group":"ACME"}})",
        R"({"pageToken":"nonsense"})"}) {
    EXPECT_EQ(ByJson("ListRepositories", body),
              ByGrpc(&Stub::ListRepositories, body));
    EXPECT_EQ(ByJson("ListGroups", body), ByGrpc(&Stub::ListGroups, body));
  }
  for (const char* body : {R"({"id":"1"})", R"({"id":"99"})", "{}",
                           R"({"repositoryId":"forge.example/acme/r1"})"}) {
    EXPECT_EQ(ByJson("GetRepository", body),
              ByGrpc(&Stub::GetRepository, body));
  }
  EXPECT_EQ(ByJson("SearchRepositories", R"({"query":"acme"})"),
            ByGrpc(&Stub::SearchRepositories, R"({"query":"acme"})"));
  EXPECT_EQ(ByJson("ListConnections", "{}"),
            ByGrpc(&Stub::ListConnections, "{}"));
  EXPECT_EQ(ByJson("ListHooks", "{}"), ByGrpc(&Stub::ListHooks, "{}"));
  EXPECT_EQ(ByJson("DeleteConnection", R"({"name":"none"})"),
            ByGrpc(&Stub::DeleteConnection, R"({"name":"none"})"));
  EXPECT_THAT(ByJson("ListRepositories", "{}"), HasSubstr("acme/r3"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("code=\"NOT_FOUND\",method=\"GetRepository\"} 2"));
}

}  // namespace
}  // namespace lamplighter::reposync
