#include "tests/vectors/rules.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/vectors/subjects.h"
#include "tests/vectors/vector.h"

namespace lamplighter::vectors {
namespace {

// "agree", "wrong", "unsupported", or the name of the rule that explains.
std::string Judge(const std::string& line) {
  const auto vector = ParseVector(line);
  if (!vector.ok()) return vector.status().ToString();
  const auto answers = Compare(*vector);
  if (absl::IsNotFound(answers.status())) return "without an input";
  if (!answers.ok()) return "unsupported";
  if (Agree(answers->flux, answers->ours)) return "agree";
  const Rule* rule = FindRule(*vector, *answers);
  return rule == nullptr ? "wrong" : rule->name;
}

std::string Of(const std::string& fn, const std::string& in,
               const std::string& out) {
  return absl::StrCat(R"({"fn":")", fn, R"(","in":)", in, R"(,"out":)", out,
                      "}");
}

std::string Refusal(const std::string& fn, const std::string& in,
                    const std::string& err) {
  return absl::StrCat(R"({"fn":")", fn, R"(","in":)", in, R"(,"err":")", err,
                      R"("})");
}

// An event of a revision on a GitHub of somebody's own, and a status.
std::string Wire(const std::string& revision, const std::string& reason,
                 const std::string& sha, const std::string& description) {
  return Of(
      "wire github",
      absl::StrCat(R"({"address":"/o/r","severity":"info","reason":")", reason,
                   R"(","metadata":{"revision":")", revision, R"("}})"),
      absl::StrCat(R"([{"Method":"GET","URI":"/x","Body":""},)"
                   R"({"Method":"POST","URI":"/api/v3/repos/o/r/statuses/)",
                   sha, R"(","Body":"{\"state\":\"success\",\"context\":)",
                   R"(\"kustomization/app/0c9c2e41\",\"description\":\")",
                   description, R"(\"}"}])"));
}

const std::string kId(40, 'a');
const std::string kUpperId(40, 'A');

TEST(RulesTest, EachExplainsItsOwnDifference) {
  const std::string long_id(64, 'a');
  const std::string quoted = absl::StrCat("\"", std::string(40, 'z'), "\"");
  const std::string words = " reason reason reason reason reason reason";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"commit-is-hex", Of("parseRevision", quoted, quoted)},
      {"commit-in-lower-case",
       Wire("main@sha1:" + kUpperId, "Done", kUpperId, "done")},
      {"sha256-commits",
       Refusal("parseRevision", "\"" + long_id + "\"", "no hash")},
      {"forwarded-metadata",
       Of("metadata", R"({"alert":{},"event.metadata":{"a":"b"}})", "{}")},
      {"default-severity",
       Of("alertMatch",
          R"j({"alert(ns=flux-system)":{"eventSources":[)j"
          R"j({"kind":"Kustomization","name":"*"}]},)j"
          R"j("event":"Kustomization/flux-system/a sev=info msg=\"\""})j",
          "false")},
      {"newest-status-counts",
       Of("duplicateGitlabStatus", "\"newest failed, older same\"", "true")},
      {"github-contexts-ignore-case",
       Of("duplicateGithubStatus", "\"context differs by case\"", "false")},
      {"address-of-a-server",
       Of("parseGitAddress", "\"a/b\"", R"(["file://","a/b"])")},
      {"address-normalized",
       Of("parseGitAddress", "\"https://Host.org:443/a/b.git/\"",
          R"(["https://Host.org:443","a/b.git/"])")},
      {"api-over-https",
       Of("parseGitAddress", "\"ssh://git@host.org:2222/a/b\"",
          R"(["https://host.org:2222","a/b"])")},
      {"no-credentials-in-urls",
       Of("parseBitbucketServerGitAddress", "\"https://me:pw@h.org/scm/a/b\"",
          R"("https://me:pw@h.org/rest/api/latest/projects/a/repos/b/commits")")},
      {"bitbucket-server-addresses",
       Refusal("parseBitbucketServerGitAddress", "\"git@h.org:a/b.git\"",
               "unsupported scheme")},
      {"azure-devops-addresses",
       Of("azure ssh v3 parsed as", "\"git@ssh.dev.azure.com:v3/a/b/c\"",
          R"(["a","c"])")},
      {"gitea-below-a-path",
       Refusal("wire gitea", "\"/below/o/r\"", "invalid repository id")},
      {"bitbucket-access-tokens",
       Refusal("ctor", "\"bitbucket token without colon\"",
               "invalid token format")},
      {"no-empty-link",
       Of("wire gitea",
          R"({"address":"/o/r","severity":"info","reason":"Done",)"
          R"("metadata":{"commit":")" +
              kId + R"("}})",
          R"([{"Method":"POST","URI":"/api/v1/repos/o/r/statuses/)" + kId +
              R"(","Body":"{\"state\":\"success\",\"target_url\":\"\",)"
              R"(\"context\":\"kustomization/app/0c9c2e41\",)"
              R"(\"description\":\"done\"}"}])")},
      {"cut-to-the-limit",
       Wire(kId,
            "ReasonReasonReasonReasonReasonReasonReasonReasonReasonReason"
            "ReasonReasonReasonReasonReasonReasonReasonReasonReasonReason"
            "ReasonReasonReasonReasonReasonReasonReasonReasonReasonReason",
            kId,
            "reason reason reason reason reason reason" + words + words +
                words + words)},
      {"one-clean-line", Wire(kId, " Done", kId, "  done")},
      {"reasons-in-ascii", Of("formatNameAndDescription", "\"\u00e9tatDone\"",
                              "[\"kustomization/my-app\",\"\u00e9tat done\"]")},
      {"no-empty-context", Of("sha1String", "\"\"",
                              "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"")},
  };
  std::set<std::string> tried;
  for (const auto& [rule, line] : cases) {
    EXPECT_EQ(Judge(line), rule) << line;
    tried.insert(rule);
  }
  for (const Rule& rule : DeliberateDifferences()) {
    EXPECT_EQ(tried.count(rule.name), 1) << rule.name;
  }
}

TEST(RulesTest, ExplainNothingElse) {
  for (
      const std::string& line : {
          Of("parseRevision", "\"" + kId + "\"", "\"" + kUpperId + "\""),
          Refusal("parseRevision", "\"" + kId + "\"", "no hash"),
          Wire("main@sha1:" + kId, "Done", kUpperId, "done"),
          Wire(kId, "Done", kId, "another"),
          Wire(kId, "Done", kId, "done and much that is not cut at all"),
          Of("parseGitAddress", "\"https://h.org/a/b\"",
             R"(["https://h.org","a/c"])"),
          Of("parseGitAddress", "\"ssh://git@h.org:22/a/b\"",
             R"(["https://other.org:22","a/b"])"),
          Of("parseBitbucketServerGitAddress", "\"https://m:p@h.org/scm/a/b\"",
             R"("https://m:p@h.org/rest/api/latest/projects/a/repos/c/commits")"),
          Of("azure ssh v3 parsed as", "\"https://dev.azure.com/a/b/_git/c\"",
             R"(["a","c"])"),
          Refusal("wire gitea", "\"/o/r\"", "invalid repository id"),
          Refusal("wire azuredevops", "\"/org/proj/_git/repo\"",
                  "invalid repository id"),
          Of("github state", "\"info\"", "\"failure\""),
          Of("github state", "\"trace\"", "\"success\""),
          Of("duplicateBitbucketStatus", "\"same\"", "false"),
          Of("metadata", R"({"alert":{},"event.metadata":{"x/a":"b"}})",
             R"({"a":"b"})"),
          Of("formatNameAndDescription", "\"Done\"",
             R"(["kustomization/my-app","other"])"),
          Of("sha1String", "\"x\"", "\"0\""),
      }) {
    EXPECT_EQ(Judge(line), "wrong") << line;
  }
}

TEST(RulesTest, WhatIsNotUnderstoodIsNotPassedOver) {
  EXPECT_EQ(Judge(Of("newFunction", "1", "1")), "unsupported");
  EXPECT_EQ(Judge(Of("ctor", "\"github with wings\"", "null")), "unsupported");
  EXPECT_EQ(Judge(Of("duplicateGithubStatus", "\"blue\"", "true")),
            "unsupported");
  EXPECT_EQ(Judge(Of("gating", "{}", "\"dispatch\"")), "without an input");
  EXPECT_EQ(Judge(Of("gating", R"({"a":1})", "\"dispatch\"")), "unsupported");
}

}  // namespace
}  // namespace lamplighter::vectors
