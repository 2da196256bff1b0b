#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/cli.h"
#include "common/grpc/grpc_server.h"
#include "common/http/testing/loop_thread.h"
#include "gmock/gmock.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/status_service.grpc.pb.h"

namespace lamplighter::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Remembers what it is asked, and answers what it is told to.
class ScriptedService final : public v1::StatusService::Service {
 public:
  grpc::Status SetCommitStatus(grpc::ServerContext* context,
                               const v1::SetStatusRequest* request,
                               v1::SetStatusResponse* response) override {
    Remember(*context, *request);
    response->set_intent_id("request/ci/1");
    return error;
  }
  grpc::Status GetCommitStatus(grpc::ServerContext* context,
                               const v1::GetCommitStatusRequest* request,
                               v1::GetCommitStatusResponse* response) override {
    Remember(*context, *request);
    response->mutable_status()->set_context(request->context());
    response->mutable_status()->set_state(v1::SUCCESS);
    return error;
  }
  grpc::Status WatchOutcomes(
      grpc::ServerContext* context, const v1::WatchOutcomesRequest* request,
      grpc::ServerWriter<v1::WatchOutcomesResponse>* writer) override {
    Remember(*context, *request);
    v1::WatchOutcomesResponse response;
    response.set_resume_token("1:7");
    writer->Write(response);
    // The first stream breaks off, as when the server is replaced.
    if (++streams == 1) return {grpc::StatusCode::UNAVAILABLE, "stops"};
    response.mutable_outcome()->mutable_intent()->set_context("web");
    response.mutable_outcome()->set_result(v1::StatusOutcome::SET);
    writer->Write(response);
    return grpc::Status::OK;
  }
  grpc::Status ListDeadLetters(grpc::ServerContext* context,
                               const v1::ListDeadLettersRequest* request,
                               v1::ListDeadLettersResponse* response) override {
    Remember(*context, *request);
    const bool first = request->page_token().empty();
    v1::ListedDeadLetter& listed = *response->add_dead_letters();
    listed.set_id(first ? "0/1" : "1/1");
    listed.mutable_dead_letter()->set_reason(v1::DeadLetter::REJECTED);
    listed.mutable_dead_letter()->set_detail("422: no");
    if (first) response->set_next_page_token("1:1/0");
    return error;
  }
  grpc::Status ReplayDeadLetters(
      grpc::ServerContext* context, const v1::ReplayDeadLettersRequest* request,
      v1::ReplayDeadLettersResponse* response) override {
    Remember(*context, *request);
    response->add_replayed("0/1");
    response->add_quarantined("0/2");
    return error;
  }
  grpc::Status DropDeadLetters(grpc::ServerContext* context,
                               const v1::DropDeadLettersRequest* request,
                               v1::DropDeadLettersResponse* response) override {
    Remember(*context, *request);
    response->add_dropped("0/1");
    return error;
  }

  std::string asked;
  std::string authorization;
  grpc::Status error;
  int streams = 0;

 private:
  void Remember(const grpc::ServerContext& context,
                const google::protobuf::Message& request) {
    asked = request.ShortDebugString();
    const auto found = context.client_metadata().find("authorization");
    if (found == context.client_metadata().end()) return;
    authorization = {found->second.data(), found->second.size()};
  }
};

class StatusCommandsTest : public ::testing::Test {
 protected:
  StatusCommandsTest() {
    server_ =
        GrpcServer::Create({.listen = "127.0.0.1:0"}, {&service_}).value();
    address_ = absl::StrCat("127.0.0.1:", server_->port());
  }
  ~StatusCommandsTest() override {
    loop_.Run(server_->Stop(absl::ZeroDuration()));
  }

  int RunWith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "lamplighterctl");
    arguments.insert(arguments.end(), {"--address", address_});
    std::vector<const char*> argv;
    for (const std::string& each : arguments) argv.push_back(each.c_str());
    out_.str("");
    err_.str("");
    return RunCli(static_cast<int>(argv.size()), argv.data(), out_, err_);
  }

  ScriptedService service_;
  LoopThread loop_;
  std::unique_ptr<GrpcServer> server_;
  std::string address_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(StatusCommandsTest, SetsAStatusWithTheTokenOfAFile) {
  const std::string token = absl::StrCat(std::getenv("TEST_TMPDIR"), "/token");
  std::ofstream(token) << "a-secret-token-of-ci\n";
  EXPECT_EQ(
      RunWith({"statuses", "set", "--provider", "apps/fleet", "--sha", "abc",
               "--context", "web", "--state", "failure", "--event-time",
               "2026-01-31T12:00:00Z", "--token-file", token}),
      0);
  EXPECT_EQ(out_.str(), "request/ci/1\n");
  EXPECT_THAT(service_.asked,
              AllOf(HasSubstr("namespace: \"apps\" name: \"fleet\""),
                    HasSubstr("state: FAILURE"),
                    HasSubstr("event_time { seconds: 1769860800 }")));
  EXPECT_EQ(service_.authorization, "Bearer a-secret-token-of-ci");
  EXPECT_THAT(err_.str(), Not(HasSubstr("a-secret-token")));
}

TEST_F(StatusCommandsTest, ShowsAStatusAsAskedFor) {
  const std::vector<std::string> get = {"statuses",   "get",   "--provider",
                                        "apps/fleet", "--sha", "abc",
                                        "--context",  "web"};
  EXPECT_EQ(RunWith(get), 0);
  EXPECT_THAT(out_.str(), HasSubstr("web      success"));
  std::vector<std::string> yaml = get;
  yaml.insert(yaml.end(), {"-o", "yaml"});
  EXPECT_EQ(RunWith(yaml), 0);
  EXPECT_THAT(out_.str(), HasSubstr("state: \"SUCCESS\""));
}

TEST_F(StatusCommandsTest, AWatchGoesOnWhereAServerEndedIt) {
  EXPECT_EQ(RunWith({"statuses", "watch", "--count", "1", "-o", "json"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\"result\":\"SET\""));
  EXPECT_THAT(service_.asked, HasSubstr("resume_token: \"1:7\""));
  EXPECT_EQ(service_.streams, 2);
}

TEST_F(StatusCommandsTest, ListsDeadLettersFromAllPages) {
  EXPECT_EQ(RunWith({"dead-letters", "list", "--since", "2h", "--reason",
                     "rejected", "--reason", "bad-configuration"}),
            0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("0/1"), HasSubstr("1/1"),
                                HasSubstr("rejected"), HasSubstr("422: no")));
  EXPECT_THAT(service_.asked, AllOf(HasSubstr("since { seconds: 7200 }"),
                                    HasSubstr("reasons: BAD_CONFIGURATION")));
}

TEST_F(StatusCommandsTest, ShowsADeadLetter) {
  EXPECT_EQ(RunWith({"dead-letters", "show", "0/1"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("detail: \"422: no\""));
  EXPECT_THAT(service_.asked, HasSubstr("ids: \"0/1\""));
}

TEST_F(StatusCommandsTest, SaysWhatWasReplayedAndWhatWasNot) {
  EXPECT_EQ(RunWith({"dead-letters", "replay", "--id", "0/1"}), 5);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("0/1  replayed"), HasSubstr("0/2  quarantined")));
  EXPECT_THAT(err_.str(), HasSubstr("--include-quarantined"));
  EXPECT_EQ(RunWith({"dead-letters", "replay", "--dry-run"}), 0);
  EXPECT_THAT(service_.asked, HasSubstr("dry_run: true"));
  EXPECT_THAT(out_.str(), HasSubstr("would be replayed"));
}

TEST_F(StatusCommandsTest, DropsDeadLetters) {
  EXPECT_EQ(RunWith({"dead-letters", "drop", "--id", "0/1", "-o", "json"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\"dropped\""));
}

TEST_F(StatusCommandsTest, TellsErrorsApartByTheExitStatus) {
  const auto exit_of = [this](grpc::StatusCode code) {
    service_.error = {code, "why"};
    const int status = RunWith({"dead-letters", "drop", "--id", "0/1"});
    EXPECT_THAT(out_.str(), IsEmpty());
    EXPECT_THAT(err_.str(), HasSubstr("why"));
    return status;
  };
  EXPECT_EQ(exit_of(grpc::StatusCode::INVALID_ARGUMENT), 1);
  EXPECT_EQ(exit_of(grpc::StatusCode::NOT_FOUND), 3);
  EXPECT_EQ(exit_of(grpc::StatusCode::UNAUTHENTICATED), 4);
  EXPECT_THAT(err_.str(), HasSubstr("--token-file"));
  EXPECT_EQ(exit_of(grpc::StatusCode::PERMISSION_DENIED), 4);
  EXPECT_EQ(exit_of(grpc::StatusCode::DEADLINE_EXCEEDED), 6);
  EXPECT_EQ(exit_of(grpc::StatusCode::UNAVAILABLE), 1);
  EXPECT_THAT(err_.str(), HasSubstr("--address"));
}

TEST_F(StatusCommandsTest, RefusesAWrongCommandLineBeforeItAsks) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"dead-letters", "list", "--since", "yesterday"},
           {"dead-letters", "list", "--reason", "bad-luck"},
           {"dead-letters", "show"},
           {"statuses", "get", "--sha", "abc"},
           {"statuses", "set", "--provider", "a/b", "--sha", "abc", "--context",
            "web", "--state", "green"}}) {
    EXPECT_EQ(RunWith(arguments), 2) << arguments[1];
  }
  EXPECT_THAT(service_.asked, IsEmpty());
}

}  // namespace
}  // namespace lamplighter::cli
