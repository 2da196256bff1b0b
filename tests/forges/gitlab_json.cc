#include "tests/forges/gitlab_json.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/json/array.hpp"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// The user's level in an added project; 0 where GitLab does not show it.
int64_t ShownLevel(int64_t id) {
  if (id % 10 == 0) return 30;
  if (id % 10 == 1) return 20;
  return id % 10 == 2 ? 0 : 40;
}

}  // namespace

bool IsUnderWay(absl::string_view state) {
  return state == "pending" || state == "running";
}

json::object StatusJson(const ScriptedGitLab::Job& job, absl::string_view sha) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? json::value() : json::value(text);
  };
  json::object status;
  status["id"] = job.id;
  status["sha"] = std::string(sha);
  status["ref"] = "main";
  status["status"] = job.state;
  status["name"] = job.name;
  status["target_url"] = or_null(job.target_url);
  status["description"] = or_null(job.description);
  status["created_at"] = TimeText(job.changed_at);
  status["started_at"] = nullptr;
  status["finished_at"] = IsUnderWay(job.state)
                              ? json::value()
                              : json::value(TimeText(job.changed_at));
  status["allow_failure"] = false;
  status["pipeline_id"] = 1;
  return status;
}

json::object AccessJson(int64_t level) {
  json::object permissions;
  permissions["project_access"] = nullptr;
  permissions["group_access"] = nullptr;
  if (level > 0) {
    permissions["group_access"] =
        json::object{{"access_level", level}, {"notification_level", 3}};
  }
  return permissions;
}

int64_t LevelIn(int64_t project) {
  return std::max<int64_t>(ShownLevel(project), 10);
}

json::object ProjectJson(int64_t id, bool simple) {
  const std::string group = absl::StrCat("Group-", id / 100);
  const std::string path = absl::StrCat(group, "/sub/project-", id);
  json::object project;
  project["id"] = id;
  project["name"] = absl::StrCat("Project ", id);
  project["path"] = absl::StrCat("project-", id);
  project["path_with_namespace"] = path;
  project["description"] = nullptr;
  project["default_branch"] =
      id % 50 == 0 ? json::value() : json::value("main");
  project["http_url_to_repo"] = absl::StrCat(kGitLabUrl, "/", path, ".git");
  project["web_url"] = absl::StrCat(kGitLabUrl, "/", path);
  project["last_activity_at"] = "2026-11-21T09:00:00.000Z";
  project["namespace"] = json::object{
      {"id", id / 100 + 1}, {"full_path", absl::StrCat(group, "/sub")}};
  if (simple) return project;
  project["visibility"] = id % 2 == 0 ? "private" : "internal";
  project["archived"] = id % 25 == 0;
  project["permissions"] = AccessJson(ShownLevel(id));
  return project;
}

HttpResponse NumberedPage(const HttpRequest& request, size_t size,
                          absl::FunctionRef<json::value(size_t)> entry) {
  const size_t per_page =
      std::min<size_t>(QueryNumber(request.query, "per_page", 20), 100);
  const size_t page = QueryNumber(request.query, "page", 1);
  const size_t begin = std::min((page - 1) * per_page, size);
  const size_t end = std::min(begin + per_page, size);
  json::array list;
  for (size_t i = begin; i < end; ++i) list.push_back(entry(i));
  HttpResponse response = Json(200, list);
  if (end < size) {
    response.headers.Add(
        "Link", absl::StrCat("<", kGitLabUrl, request.path, "?page=", page + 1,
                             "&per_page=", per_page, ">; rel=\"next\""));
  }
  if (size <= 10'000) response.headers.Add("X-Total", absl::StrCat(size));
  return response;
}

}  // namespace lamplighter
