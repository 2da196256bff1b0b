"""The catalog on real forges and databases: listed, searched, kept fresh; webhooks put on
and taken off."""

import subprocess
import unittest

from catalog import Catalog, World
from harness import Gitea, ShowsLogs, wait_until

GIT_EVENTS = "lamplighter.git-events.v1"
CATALOG_CHANGES = "lamplighter.catalog-changes.v1"


def setUpModule():
    World.no_gitea = Gitea.why_not()
    if World.no_gitea:
        return
    World.start()
    World.gitea = unittest.enterModuleContext(Gitea(World.directory / "gitea"))
    for name in ("postgresql", "sqlite"):
        for number in range(30):
            World.gitea.api("POST", "/user/repos", {
                "name": f"{name}-{number}", "description": f"payments {name} {number}"})


class CatalogOnDatabase(ShowsLogs):
    """The same on both databases."""

    @classmethod
    def database(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        if World.no_gitea:
            raise unittest.SkipTest(World.no_gitea)
        cls.gitea = World.gitea
        # What the other class renamed and deleted is the other class's.
        pages = [cls.gitea.api("GET", f"/user/repos?limit=50&page={page}")
                 for page in (1, 2)]
        cls.total = sum(map(len, pages))
        cls.host = cls.gitea.url.removeprefix("http://")
        cls.folder = World.directory / cls.__name__
        cls.catalog = Catalog(cls.folder, World.kafka.brokers,
                              {"gitea": cls.gitea}, cls.database())
        cls.addClassCleanup(cls.catalog.stop)
        cls.catalog.lamplighter.start("ingest", "provider")

    def id_of(self, name):
        return f"{self.host}/forge/{name}"

    def own(self, number):
        """The name of a repository that no other class touches."""
        return f"{self.name}-{number}"

    def hooks(self, name):
        return self.gitea.api("GET", f"/repos/forge/{name}/hooks")

    def attach(self, name, *args):
        return self.catalog.ctl("repos", "attach", self.id_of(name), *args)["hook"]

    # The order is that of a new user's day.

    def test_1_the_cronjobs_command_fills_the_catalog(self):
        first = self.catalog.refresh_once()
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, f"gitea: {self.total} seen, {self.total} added, 0 changed, "
                                       "0 removed")
        again = self.catalog.refresh_once("--connection", "gitea")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertRegex(again.stdout, f"gitea: {self.total} seen, 0 added, 0 changed, "
                                       "0 removed")
        unknown = self.catalog.refresh_once("--connection", "nobody")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("nobody", unknown.stderr)

    def test_2_it_is_listed_searched_and_grouped(self):
        self.catalog.start()
        ids = self.catalog.ids("--max", "1000")
        self.assertEqual(len(ids), self.total)
        self.assertEqual(ids, sorted(ids))
        found = self.catalog.ctl("repos", "search", self.own(17))["entries"]
        self.assertEqual(found[0]["repository"]["repository_id"],
                         self.id_of(self.own(17)))
        found = self.catalog.ctl("repos", "search", "payments", self.name, "22")["entries"]
        self.assertIn(self.id_of(self.own(22)),
                      [entry["repository"]["repository_id"] for entry in found])
        groups = self.catalog.post("ListGroups", {}).json()["groups"]
        self.assertEqual([(g["group"], g["repositories"]) for g in groups],
                         [("forge", str(self.total))])

    def test_3_pages_lead_on_over_json_too(self):
        seen, token = [], ""
        while True:
            answer = self.catalog.post("ListRepositories",
                                       {"pageSize": 25, "pageToken": token})
            self.assertEqual(answer.status, 200, answer.body)
            page = answer.json()
            seen += [entry["repository"]["repositoryId"] for entry in page["entries"]]
            token = page.get("nextPageToken", "")
            if not token:
                break
        self.assertEqual(seen, self.catalog.ids("--max", "1000"))
        wrong = self.catalog.post("ListRepositories", {"pageToken": "nonsense"})
        self.assertEqual(wrong.status, 400)
        self.assertEqual(wrong.json()["code"], "invalid_argument")
        self.assertEqual(self.catalog.post("GetRepository", {"repositoryId": "x/y"}).status,
                         404)

    def test_4_a_connection_is_made_at_run_time_and_its_secret_is_sealed(self):
        token = self.catalog.directory / "token"
        token.write_text(self.gitea.token)
        refused = self.catalog.directory / "refused"
        refused.write_text("0" * 40)
        wrong = self.catalog.run_ctl("connections", "create", "late", "--type", "gitea",
                                     "--forge", self.gitea.url, "--secret",
                                     f"token={refused}")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("the forge refuses the credential", wrong.stderr)
        made = self.catalog.ctl("connections", "create", "late", "--type", "gitea",
                                "--forge", self.gitea.url, "--secret", f"token={token}")
        self.assertEqual(made["connection"]["check"]["login"], "forge")
        wait_until("the connection to be listed", lambda: len(self.catalog.ids(
            "--connection", "late", "--max", "1000")) == self.total)
        self.assertNotIn(self.gitea.token, self.dump())
        self.assertNotIn(self.gitea.token, self.catalog.process.log())
        twice = self.catalog.run_ctl("connections", "create", "late", "--type", "gitea",
                                     "--forge", self.gitea.url, "--secret",
                                     f"token={token}")
        self.assertNotEqual(twice.returncode, 0)
        deleted = self.catalog.ctl("connections", "delete", "late")
        self.assertEqual(deleted.get("removed", "0"), "0")  # gitea reaches them, too
        self.assertEqual(len(self.catalog.ids("--max", "1000")), self.total)

    def test_5_an_attached_repository_delivers_until_it_is_detached(self):
        hook = self.attach("fleet")
        self.assertEqual(hook["state"], "PRESENT")
        self.assertEqual(self.attach("fleet")["state"], "PRESENT")
        self.assertEqual(self.attach("fleet", "--attachment", "second")["attachments"],
                         ["anybody", "second"])
        self.assertEqual([h["config"]["url"] for h in self.hooks("fleet")],
                         [self.catalog.lamplighter.webhook_url])
        sha = self.gitea.push(self.id())
        World.kafka.wait_for(GIT_EVENTS, "the push", lambda r: sha in r.decode("GitEvent"))

        self.catalog.ctl("repos", "detach", self.id_of("fleet"))
        self.assertEqual(len(self.hooks("fleet")), 1)  # "second" still wants it
        self.catalog.ctl("repos", "detach", self.id_of("fleet"), "--attachment", "second")
        self.assertEqual(self.hooks("fleet"), [])
        self.assertEqual(self.catalog.ctl("hooks", "list"), {})

    def test_6_a_webhook_that_was_taken_off_by_hand_is_put_on_again(self):
        self.attach(self.own(1))
        [hook] = self.hooks(self.own(1))
        self.gitea.api("DELETE", f"/repos/forge/{self.own(1)}/hooks/{hook['id']}")
        self.catalog.ctl("hooks", "repair", "--repository", self.id_of(self.own(1)))
        wait_until("the webhook to be back", lambda: self.hooks(self.own(1)))
        wait_until("the repair to be counted", lambda: self.catalog.ctl(
            "hooks", "list")["hooks"][0].get("repairs") == "1")
        self.catalog.ctl("repos", "detach", self.id_of(self.own(1)))

    def test_7_a_renamed_repository_is_the_same_within_a_moment(self):
        renamed = f"renamed-{self.name}"
        self.attach(self.own(2))
        before = self.catalog.ctl("repos", "get", self.id_of(self.own(2)))["id"]
        self.gitea.api("PATCH", f"/repos/forge/{self.own(2)}", {"name": renamed})
        # Gitea says nothing of a rename; what is pushed next has the new name.
        self.gitea.api("POST", f"/repos/forge/{renamed}/contents/readme.md",
                       {"content": "aGVsbG8=", "message": "first", "branch": "main"})
        after = wait_until("the new name", lambda: self.catalog.run_ctl(
            "repos", "get", self.id_of(renamed)).stdout)
        self.assertIn(f'"id": "{before}"', after)
        self.assertEqual(self.catalog.run_ctl(
            "repos", "get", self.id_of(self.own(2))).returncode, 3)
        World.kafka.wait_for(CATALOG_CHANGES, "the rename", lambda r: (
            r.key == self.id_of(renamed)
            and self.id_of(self.own(2)) in r.decode("RepositoryChange")))
        self.catalog.ctl("repos", "detach", self.id_of(renamed))
        self.assertEqual(self.hooks(renamed), [])

    def test_8_what_is_deleted_goes_with_the_next_refresh_and_is_told(self):
        self.gitea.api("DELETE", f"/repos/forge/{self.own(3)}")
        with self.watch() as stream:
            self.catalog.ctl("connections", "refresh", "gitea")
            wait_until("the change to be told",
                       lambda: self.id_of(self.own(3)) in stream.stdout.readline())
            stream.terminate()
        self.assertNotIn(self.id_of(self.own(3)), self.catalog.ids("--max", "1000"))
        self.assertIn(self.id_of(self.own(3)),
                      self.catalog.ids("--max", "1000", "--removed"))

    def watch(self):
        """`repos watch`, which tells changes until it is ended."""
        return subprocess.Popen(
            self.catalog.ctl_command("repos", "watch"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def test_9_it_outlives_a_crash(self):
        self.attach(self.own(4))
        self.catalog.process.kill()
        self.catalog.start()
        [hook] = self.catalog.ctl("hooks", "list")["hooks"]
        self.assertEqual(hook["state"], "PRESENT")
        self.catalog.ctl("repos", "detach", self.id_of(self.own(4)))
        self.assertEqual(self.hooks(self.own(4)), [])


class OnSqlite(CatalogOnDatabase, unittest.TestCase):

    name = "sqlite"

    @classmethod
    def database(cls):
        cls.file = World.directory / "catalog.db"
        return f"sqlite://{cls.file}"

    def dump(self):
        return "".join(path.read_bytes().decode(errors="replace")
                       for path in World.directory.glob("catalog.db*"))


class OnPostgresql(CatalogOnDatabase, unittest.TestCase):

    name = "postgresql"

    @classmethod
    def database(cls):
        cls.postgresql = World.postgresql(cls.enterClassContext)
        return cls.postgresql.url

    def dump(self):
        return subprocess.run(["pg_dump", self.postgresql.url], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True).stdout

    def test_a_database_that_was_away_is_found_again(self):
        self.postgresql.kill()
        self.assertNotEqual(self.catalog.run_ctl("repos", "list").returncode, 0)
        self.postgresql.up()
        wait_until("the catalog", lambda: self.catalog.run_ctl(
            "repos", "list").returncode == 0)
        self.assertTrue(self.catalog.process.running())


if __name__ == "__main__":
    unittest.main()
