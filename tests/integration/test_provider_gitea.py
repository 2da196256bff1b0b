"""The provider worker's whole service on a real Gitea."""

import base64
import concurrent.futures
import dataclasses
import unittest

from harness import (Gitea, Kafka, Lamplighter, RpcError, ShowsLogs, http,
                     temporary_directory, wait_until)

GIT_EVENTS = "lamplighter.git-events.v1"
INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED = 3, 5, 7, 16
REPOSITORIES = 105  # more than two of Gitea's pages, with the one there is


@dataclasses.dataclass
class Account:
    """Somebody at a forge, and a repository there."""
    type: str
    url: str
    address: str
    token: str


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    world.no_gitea = Gitea.why_not()
    if world.no_gitea:
        return
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kafka = unittest.enterModuleContext(Kafka(world.directory / "kafka"))
    world.gitea = gitea = unittest.enterModuleContext(Gitea(world.directory / "gitea"))
    gitea.api("POST", "/user/repos", {"name": "private", "private": True,
                                      "auto_init": True})
    for number in range(REPOSITORIES - 2):
        gitea.api("POST", "/user/repos", {"name": f"empty-{number}"})
    ada = add_user(gitea, "ada")
    reader = token_of(gitea, "ada", ["read:user", "read:repository"])
    blind = token_of(gitea, "ada", ["write:repository"])

    def account(token, repository="forge/fleet"):
        return Account("gitea", gitea.url, f"{gitea.url}/{repository}", token)

    world.lamplighter = Lamplighter(world.directory / "lamplighter", world.kafka.brokers, {
        "gitea": gitea,
        "ada": account(ada),
        "ada-private": account(ada, "forge/private"),
        "reader": account(reader),
        "blind": account(blind),
        "missing": account(gitea.token, "forge/none"),
        "wrong": account("0" * 40),
    })
    unittest.addModuleCleanup(world.lamplighter.stop)
    world.lamplighter.start("ingest", "provider")


def add_user(gitea, name):
    """Makes a user of all rights of its own; its token."""
    gitea.api("POST", "/admin/users", {
        "username": name, "email": f"{name}@example.test", "password": f"pass-{name}",
        "must_change_password": False})
    return token_of(gitea, name, ["all"])


def token_of(gitea, name, scopes):
    credential = base64.b64encode(f"{name}:pass-{name}".encode()).decode()
    answer = http("POST", f"{gitea.url}/api/v1/users/{name}/tokens",
                  {"name": "-".join(scopes).replace(":", "-"), "scopes": scopes},
                  {"Authorization": f"Basic {credential}"})
    return answer.json()["sha1"]


class Case(ShowsLogs, unittest.TestCase):

    @property
    def folder(self):
        return World.lamplighter.directory

    def setUp(self):
        if World.no_gitea:
            self.skipTest(World.no_gitea)
        self.gitea, self.lamplighter = World.gitea, World.lamplighter
        self.host = self.gitea.url.removeprefix("http://")

    def call(self, method, request):
        """The only answer of a call."""
        [answer] = self.lamplighter.call_provider(method, request)
        return answer

    def assert_fails(self, code, method, request, text=""):
        with self.assertRaises(RpcError) as caught:
            self.lamplighter.call_provider(method, request)
        self.assertEqual(caught.exception.code, code, caught.exception)
        self.assertIn(text, str(caught.exception))


class Statuses(Case):

    def setUp(self):
        super().setUp()
        self.sha = self.gitea.push(self.id())

    def intent(self, state="SUCCESS", context="kustomization/web", account="gitea",
               description="reconciliation succeeded", repository="forge/fleet"):
        return {"intent": {
            "provider": {"namespace": account, "name": "forge"},
            "repositoryId": f"{self.host}/{repository}", "sha": self.sha,
            "context": context, "state": state, "description": description,
            "targetUrl": "https://example.com/web"}}

    def set(self, **intent):
        return self.call("SetCommitStatus", self.intent(**intent))

    def list(self):
        answer = self.call("ListCommitStatuses", {
            "provider": {"namespace": "gitea", "name": "forge"}, "sha": self.sha})
        return {s["context"]: s for s in answer.get("statuses", [])}

    def test_a_status_is_set_once_and_listed(self):
        first = self.set()
        self.assertTrue(first["written"])
        again = self.set()
        self.assertNotIn("written", again)
        self.assertEqual(again["forgeId"], first["forgeId"])
        self.assertEqual(len(self.gitea.statuses(self.sha)), 1)
        status = self.list()["kustomization/web"]
        self.assertEqual(status["forgeId"], first["forgeId"])
        self.assertEqual(status["state"], "SUCCESS")
        self.assertEqual(status["targetUrl"], "https://example.com/web")
        self.assertIn("updatedAt", status)

    def test_the_newest_of_a_second_is_what_counts(self):
        for state in ("PENDING", "FAILURE", "ERROR", "SUCCESS", "FAILURE"):
            self.assertTrue(self.set(state=state)["written"])
            self.assertNotIn("written", self.set(state=state))
        self.assertEqual(self.list()["kustomization/web"]["state"], "FAILURE")
        self.assertEqual([s.state for s in self.gitea.statuses(self.sha)],
                         ["pending", "failure", "error", "success", "failure"])

    def test_more_contexts_than_a_page_has_are_all_found(self):
        for number in range(60):
            self.set(context=f"context-{number}")
        self.assertEqual(len(self.list()), 60)
        for number in (0, 59):
            self.assertNotIn("written", self.set(context=f"context-{number}"))

    def test_contexts_differ_by_case(self):
        self.set(context="Web")
        self.assertTrue(self.set(context="web")["written"])

    def test_a_long_description_is_cut_and_still_the_same(self):
        self.set(description="x" * 70_000)
        self.assertNotIn("written", self.set(description="x" * 70_000))
        self.assertEqual(len(self.list()["kustomization/web"]["description"]), 255)

    def test_an_unknown_commit_is_not_found(self):
        self.sha = "5" * 40
        self.assert_fails(NOT_FOUND, "SetCommitStatus", self.intent())

    def test_a_repository_that_is_not_there_or_hidden_is_not_found(self):
        self.assert_fails(NOT_FOUND, "SetCommitStatus",
                          self.intent(account="missing", repository="forge/none"))
        self.assert_fails(NOT_FOUND, "SetCommitStatus", self.intent(
            account="ada-private", repository="forge/private"))

    def test_whose_right_does_not_suffice_is_told_so(self):
        self.assert_fails(PERMISSION_DENIED, "SetCommitStatus",
                          self.intent(account="ada"))
        self.assert_fails(PERMISSION_DENIED, "SetCommitStatus",
                          self.intent(account="reader"), "write:repository")

    def test_a_token_that_is_none_is_refused(self):
        self.assert_fails(UNAUTHENTICATED, "SetCommitStatus",
                          self.intent(account="wrong"))


class Repositories(Case):

    def list(self, account="gitea", **request):
        return self.lamplighter.call_provider(
            "ListRepositories", {"account": {"connection": account}, **request})

    def test_all_pages_come_with_what_each_repository_is(self):
        pages = self.list()
        self.assertGreaterEqual(len(pages), 3)
        repositories = [r for page in pages for r in page["repositories"]]
        self.assertEqual(len(repositories), REPOSITORIES)
        self.assertEqual(len({r["forgeId"] for r in repositories}), REPOSITORIES)
        for page in pages:
            self.assertEqual(int(page["total"]), REPOSITORIES)
        by_id = {r["repositoryId"]: r for r in repositories}
        fleet = by_id[f"{self.host}/forge/fleet"]
        self.assertEqual(fleet["path"], "forge/fleet")
        self.assertEqual(fleet["name"], "fleet")
        self.assertEqual(fleet["group"], "forge")
        self.assertEqual(fleet["cloneUrl"], f"{self.gitea.url}/forge/fleet.git")
        self.assertEqual(fleet["webUrl"], self.gitea.address)
        self.assertEqual(fleet["defaultBranch"], "main")
        self.assertEqual(fleet["visibility"], "PUBLIC")
        self.assertEqual(fleet["access"], "ADMIN")
        self.assertIn("updatedAt", fleet)
        self.assertEqual(by_id[f"{self.host}/forge/private"]["visibility"], "PRIVATE")
        self.assertNotIn("defaultBranch", by_id[f"{self.host}/forge/empty-0"])

    def test_a_listing_goes_on_where_it_broke_off(self):
        pages = self.list()
        rest = self.list(pageToken=pages[0]["nextPageToken"])
        self.assertEqual([r["forgeId"] for p in rest for r in p["repositories"]],
                         [r["forgeId"] for p in pages[1:] for r in p["repositories"]])

    def test_a_token_of_nobodys_is_refused(self):
        for token in ("x", "0", "2&sudo=ada", "/../../user"):
            self.assert_fails(INVALID_ARGUMENT, "ListRepositories", {
                "account": {"connection": "gitea"}, "pageToken": token}, "page_token")

    def test_who_has_none_gets_one_empty_page(self):
        [page] = self.list("ada")
        self.assertNotIn("repositories", page)
        self.assertNotIn("nextPageToken", page)

    def test_who_may_not_list_is_told_so(self):
        for account, code in (("wrong", UNAUTHENTICATED), ("blind", PERMISSION_DENIED)):
            self.assert_fails(code, "ListRepositories",
                              {"account": {"connection": account}})


class Webhooks(Case):

    FOREIGN = "https://hooks.example.com/not-ours"

    def setUp(self):
        super().setUp()
        self.hooks_path = "/repos/forge/fleet/hooks"
        for hook in self.hooks():
            self.gitea.api("DELETE", f"{self.hooks_path}/{hook['id']}")

    def hooks(self):
        first = self.gitea.api("GET", f"{self.hooks_path}?limit=50&page=1")
        return first + self.gitea.api("GET", f"{self.hooks_path}?limit=50&page=2")

    def urls(self):
        return [h["config"]["url"] for h in self.hooks()]

    def add(self, url):
        return self.gitea.api("POST", self.hooks_path, {
            "type": "gitea", "active": True, "events": ["push"],
            "config": {"url": url, "content_type": "json"}})

    def ensure(self, **request):
        answer = self.call("EnsureWebhooks", {
            "connection": "gitea", "repositoryId": f"{self.host}/forge/fleet", **request})
        return answer["webhooks"]

    def remove(self):
        answer = self.call("RemoveWebhooks", {
            "connection": "gitea", "repositoryId": f"{self.host}/forge/fleet"})
        return answer.get("webhooks", [])

    def assert_a_push_is_delivered_once(self):
        sha = self.gitea.push(self.id())
        records = World.kafka.wait_for(
            GIT_EVENTS, "the push", lambda r: sha in r.decode("GitEvent"))
        self.assertEqual(len(records), 1)
        self.assertIn("type: PUSH", records[0].decode("GitEvent"))

    def test_a_webhook_is_made_once_and_delivers(self):
        [made] = self.ensure()
        self.assertEqual(made["action"], "CREATED")
        [again] = self.ensure()
        self.assertEqual(again["action"], "UNCHANGED")
        self.assertEqual(again["forgeId"], made["forgeId"])
        [hook] = self.hooks()
        self.assertTrue(hook["active"])
        self.assertEqual(hook["config"],
                         {"url": self.lamplighter.webhook_url, "content_type": "json"})
        self.assert_a_push_is_delivered_once()

    def test_a_branch_that_is_deleted_is_told(self):
        self.ensure()
        branch = "of-a-day"
        self.gitea.api("POST", "/repos/forge/fleet/branches", {"new_branch_name": branch})
        self.gitea.api("DELETE", f"/repos/forge/fleet/branches/{branch}")
        World.kafka.wait_for(GIT_EVENTS, "the deletion", lambda r: (
            f'ref: "refs/heads/{branch}"' in r.decode("GitEvent")
            and "action: DELETED" in r.decode("GitEvent")))

    def test_a_webhook_that_was_changed_is_mended_with_its_secret(self):
        self.add(self.lamplighter.webhook_url)  # without the secret, pushes alone
        [mended] = self.ensure()
        self.assertEqual(mended["action"], "REPAIRED")
        self.assertIn("does not send pull_request", mended["difference"])
        self.assert_a_push_is_delivered_once()
        for change, difference in (({"active": False}, "is not active"),
                                   ({"events": ["push"]}, "does not send delete"),
                                   ({"branch_filter": "x"}, "some branches"),
                                   ({"config": {"content_type": "form"}}, "JSON")):
            with self.subTest(difference):
                [hook] = self.hooks()
                self.gitea.api("PATCH", f"{self.hooks_path}/{hook['id']}", change)
                [mended] = self.ensure()
                self.assertEqual(mended["action"], "REPAIRED")
                self.assertIn(difference, mended["difference"])
                [unchanged] = self.ensure()
                self.assertEqual(unchanged["action"], "UNCHANGED")
        self.assert_a_push_is_delivered_once()

    def test_a_webhook_is_rewritten_on_demand(self):
        self.ensure()
        [rewritten] = self.ensure(rewrite=True)
        self.assertEqual(rewritten["action"], "REPAIRED")
        self.assertEqual(self.urls(), [self.lamplighter.webhook_url])
        self.assert_a_push_is_delivered_once()

    def test_doubles_and_former_urls_go_and_others_stay(self):
        for url in (self.FOREIGN, self.lamplighter.webhook_url,
                    self.lamplighter.webhook_url, self.lamplighter.former_webhook_url):
            self.add(url)
        actions = sorted(w["action"] for w in self.ensure())
        self.assertEqual(actions, ["REMOVED", "REMOVED", "REPAIRED"])
        self.assertEqual(sorted(self.urls()),
                         sorted([self.lamplighter.webhook_url, self.FOREIGN]))

    def test_two_at_once_leave_one_after_the_next(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda _: self.ensure(), range(4)))
        self.ensure()
        self.assertEqual(self.urls(), [self.lamplighter.webhook_url])

    def test_a_webhook_beyond_the_first_page_is_found(self):
        for number in range(52):
            self.add(f"{self.FOREIGN}/{number}")
        [made] = self.ensure()
        [again] = self.ensure()
        self.assertEqual(again["action"], "UNCHANGED")
        self.assertEqual(again["forgeId"], made["forgeId"])

    def test_only_what_is_ours_is_removed(self):
        self.add(self.FOREIGN)
        self.add(self.lamplighter.former_webhook_url)
        self.ensure()
        self.add(self.lamplighter.webhook_url)
        removed = self.remove()
        self.assertEqual({w["action"] for w in removed}, {"REMOVED"})
        self.assertEqual(len(removed), 2)
        self.assertEqual(self.urls(), [self.FOREIGN])
        self.assertEqual(self.remove(), [])

    def test_who_may_not_is_told_so(self):
        for account, code in (("wrong", UNAUTHENTICATED), ("ada", PERMISSION_DENIED)):
            self.assert_fails(code, "EnsureWebhooks", {
                "connection": account, "repositoryId": f"{self.host}/forge/fleet"})
        self.assert_fails(NOT_FOUND, "EnsureWebhooks", {
            "connection": "gitea", "repositoryId": f"{self.host}/forge/none"})


class Credentials(Case):

    def check(self, **account):
        return self.call("CheckCredential", {"account": account})

    def of_provider(self, namespace):
        return self.check(provider={"namespace": namespace, "name": "forge"})

    def test_a_good_token_has_no_problems(self):
        said = self.check(connection="gitea")
        self.assertEqual(said["login"], "forge")
        self.assertEqual(said["kind"], "access token")
        self.assertEqual(said["forgeVersion"], self.gitea.api("GET", "/version")["version"])
        self.assertEqual(said["canListRepositories"], "YES")
        self.assertNotIn("problems", said)
        self.assertNotIn("problems", self.of_provider("gitea"))

    def test_what_is_missing_is_said(self):
        said = self.check(connection="blind")
        self.assertEqual(said["canListRepositories"], "NO")
        self.assertTrue(all("read:user" in problem for problem in said["problems"]))
        said = self.of_provider("ada")
        self.assertEqual(said["canSetStatuses"], "NO")
        self.assertEqual(said["canManageWebhooks"], "NO")
        self.assertEqual(len(said["problems"]), 2)
        [problem] = self.of_provider("ada-private")["problems"]
        self.assertIn("sees no repository forge/private", problem)

    def test_a_token_that_is_none_is_refused(self):
        self.assert_fails(UNAUTHENTICATED, "CheckCredential",
                          {"account": {"connection": "wrong"}})

    def test_there_is_no_quota(self):
        self.assertEqual(self.call("GetRateLimits", {"account": {"connection": "gitea"}}),
                         {})


class WorkerAfterwards(Case):  # the last by its name

    def test_the_worker_runs_on_and_never_logged_a_secret(self):
        process = self.lamplighter["provider"]
        wait_until("the worker", process.running)
        for secret in (self.gitea.token, self.lamplighter.webhook_secret):
            self.assertNotIn(secret, process.log())


if __name__ == "__main__":
    unittest.main()
