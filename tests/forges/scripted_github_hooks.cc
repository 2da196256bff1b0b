#include "tests/forges/scripted_github_hooks.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "boost/json/array.hpp"
#include "boost/json/serialize.hpp"
#include "tests/forges/github_json.h"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxOfAnEvent = 20;
constexpr size_t kMaxHooks = 100'000;

// Puts what the body says into the hook; false where it is none.
bool Change(const HttpRequest& request, ScriptedHook& hook) {
  const auto body = ReadBody(request);
  if (!body) return false;
  if (const json::value* active = body->if_contains("active");
      active != nullptr && active->is_bool()) {
    hook.active = active->get_bool();
  }
  if (const json::value* events = body->if_contains("events");
      events != nullptr && events->is_array()) {
    hook.events.clear();
    for (const json::value& event : events->get_array()) {
      if (event.is_string()) hook.events.emplace_back(event.get_string());
    }
  }
  const json::value* config = body->if_contains("config");
  if (config == nullptr || !config->is_object()) return true;
  const json::object& fields = config->get_object();
  const auto text = [&](const char* key, const std::string& fallback) {
    return fields.contains(key) ? TextAt(fields, key) : fallback;
  };
  const ScriptedHook defaults;
  hook.url = text("url", hook.url);
  hook.content_type = text("content_type", defaults.content_type);
  hook.insecure_ssl = text("insecure_ssl", defaults.insecure_ssl);
  hook.secret = text("secret", "");
  return true;
}

std::string HookJson(const ScriptedHook& hook) {
  json::object object;
  object["type"] = "Repository";
  object["id"] = hook.id;
  object["name"] = "web";
  object["active"] = hook.active;
  json::array& events = object["events"].emplace_array();
  for (const std::string& event : hook.events) events.emplace_back(event);
  json::object& config = object["config"].emplace_object();
  config["content_type"] = hook.content_type;
  config["insecure_ssl"] = hook.insecure_ssl;
  config["url"] = hook.url;
  if (!hook.secret.empty()) config["secret"] = "********";
  object["updated_at"] = "2026-11-21T09:00:00Z";
  object["created_at"] = "2026-11-21T09:00:00Z";
  return json::serialize(object);
}

HttpResponse NotFound() {
  return JsonResponse(404, ErrorJson(404, "Not Found"));
}

bool Overlap(const ScriptedHook& a, const ScriptedHook& b) {
  return absl::c_any_of(a.events, [&](const std::string& event) {
    return absl::c_linear_search(b.events, event);
  });
}

}  // namespace

void ScriptedGitHubHooks::Move(const std::string& from, const std::string& to) {
  auto node = hooks_.extract(absl::AsciiStrToLower(from));
  if (node.empty()) return;
  hooks_[absl::AsciiStrToLower(to)] = std::move(node.mapped());
}

void ScriptedGitHubHooks::Drop(const std::string& repository) {
  hooks_.erase(absl::AsciiStrToLower(repository));
}

size_t ScriptedGitHubHooks::size() const {
  size_t size = 0;
  for (const auto& [repository, hooks] : hooks_) size += hooks.size();
  return size;
}

std::string ScriptedGitHubHooks::WhatIsWrong(const std::string& repository,
                                             const ScriptedHook& hook) {
  if (hook.url.empty())
    return ValidationJson("Config must contain URL", "Hook");
  const std::vector<ScriptedHook>& others = hooks_[repository];
  const bool is_double = absl::c_any_of(others, [&](const ScriptedHook& other) {
    return other.id != hook.id && other.url == hook.url && Overlap(other, hook);
  });
  if (is_double) {
    return ValidationJson("Hook already exists on this repository", "Hook");
  }
  for (const std::string& event : hook.events) {
    const auto count = absl::c_count_if(others, [&](const ScriptedHook& other) {
      return other.id != hook.id && absl::c_linear_search(other.events, event);
    });
    if (static_cast<size_t>(count) < kMaxOfAnEvent) continue;
    return ValidationJson(
        absl::StrCat("The \"", event,
                     "\" event cannot have more than 20 hooks"),
        "Hook");
  }
  return "";
}

HttpResponse ScriptedGitHubHooks::List(const HttpRequest& request,
                                       const std::string& repository) {
  const std::vector<ScriptedHook>& hooks = hooks_[repository];
  return PageOf(request, hooks.size(), [&](size_t begin, size_t end) {
    std::string list = "[";
    for (size_t i = begin; i < end; ++i) {
      absl::StrAppend(&list, i == begin ? "" : ",", HookJson(hooks[i]));
    }
    return list + "]";
  });
}

HttpResponse ScriptedGitHubHooks::Create(const HttpRequest& request,
                                         const std::string& repository) {
  ScriptedHook hook;
  if (!Change(request, hook)) {
    return JsonResponse(400, ErrorJson(400, "Problems parsing JSON"));
  }
  if (std::exchange(races_, false)) {
    ScriptedHook anothers = hook;
    anothers.id = ++last_id_;
    hooks_[repository].push_back(std::move(anothers));
  }
  if (std::string wrong = WhatIsWrong(repository, hook); !wrong.empty()) {
    return JsonResponse(422, std::move(wrong));
  }
  if (size() >= kMaxHooks) {
    return JsonResponse(503, ErrorJson(503, "too many webhooks for a script"));
  }
  hook.id = ++last_id_;
  hooks_[repository].push_back(hook);
  return JsonResponse(201, HookJson(hook));
}

HttpResponse ScriptedGitHubHooks::Edit(const HttpRequest& request,
                                       const std::string& repository,
                                       int64_t id) {
  for (ScriptedHook& hook : hooks_[repository]) {
    if (hook.id != id) continue;
    ScriptedHook changed = hook;
    if (!Change(request, changed)) {
      return JsonResponse(400, ErrorJson(400, "Problems parsing JSON"));
    }
    if (std::string wrong = WhatIsWrong(repository, changed); !wrong.empty()) {
      return JsonResponse(422, std::move(wrong));
    }
    hook = std::move(changed);
    return JsonResponse(200, HookJson(hook));
  }
  return NotFound();
}

HttpResponse ScriptedGitHubHooks::Delete(const std::string& repository,
                                         int64_t id) {
  std::vector<ScriptedHook>& hooks = hooks_[repository];
  const auto it = absl::c_find_if(
      hooks, [&](const ScriptedHook& hook) { return hook.id == id; });
  if (it == hooks.end()) return NotFound();
  hooks.erase(it);
  return NoContent();
}

}  // namespace lamplighter
