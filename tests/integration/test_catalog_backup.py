"""The catalog is backed up and restored by the commands of docs/catalog.md, as they stand
there, on both databases."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from catalog import Catalog, Postgresql
from harness import Kafka, wait_until
from processes import ROOT
from scripted_forges import ScriptedForge

PAGE = ROOT / "docs/catalog.md"
BACKUP_SQLITE, BACKUP_POSTGRESQL, RESTORE_SQLITE, RESTORE_POSTGRESQL = range(4)
CATALOG_CHANGES = "lamplighter.catalog-changes.v1"
GROUPS = 4
OF_A_GROUP = 50
REPOSITORIES = GROUPS * OF_A_GROUP  # two pages
KEPT, DETACHED, ATTACHED = (f"team-1/repo-{number:06}" for number in (3, 6, 9))


def commands():
    """The page's blocks of commands on backup and restore, in its order."""
    section = PAGE.read_text().partition("\n## Backup and restore\n")[2]
    section = section.partition("\n## ")[0]
    return re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    World.directory = pathlib.Path(tempfile.mkdtemp(prefix="lamplighter-test-"))
    unittest.addModuleCleanup(shutil.rmtree, World.directory, ignore_errors=True)
    World.directory.chmod(0o755)  # PostgreSQL is another user
    World.kafka = Kafka(folder("kafka"))
    unittest.addModuleCleanup(World.kafka.down)
    World.kafka.up()


def folder(name):
    path = World.directory / name
    path.mkdir()
    return path


class BackupCase:
    """The same on both databases."""

    def setUp(self):
        self.folder = folder(self.name)
        self.backup = self.folder / "backup"
        for each in (self.backup, self.folder / "forge"):
            each.mkdir()
        self.env = dict(os.environ)
        database = self.database()
        self.forge = ScriptedForge(self.folder / "forge")
        self.addCleanup(self.forge.down)
        self.forge.up()
        for group in range(GROUPS):
            self.forge.change(owner=f"team-{group}", count=OF_A_GROUP)
        # No refresh but those that are asked for.
        self.catalog = Catalog(self.folder, World.kafka.brokers, {"hub": self.forge},
                               database, refresh_interval="0s")
        self.addCleanup(self.catalog.stop)
        # One that is killed leaves its consumer group waiting for it.
        self.addCleanup(lambda: self.catalog.process and self.catalog.process.terminate())
        self.catalog.lamplighter.start("provider")
        self.catalog.start()
        self.refresh("hub")

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures:
            logs = "\n".join(f"-- {log.name}\n{log.read_text(errors='replace')[-4000:]}"
                             for log in self.folder.glob("*.log"))
            print(f"\n{self.id()} failed:\n{logs}", flush=True)
        return result

    def run_commands(self, number):
        """Runs a block of the page on our files; each of its lines has to go well."""
        found = commands()
        self.assertEqual(len(found), 4, found)
        block = found[number].replace("/var/lib/lamplighter", str(self.folder))
        block = block.replace("/backup/", f"{self.backup}/")
        result = subprocess.run(["bash", "-euc", block], env=self.env, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        self.assertEqual(result.returncode, 0, block + result.stdout)

    def id_of(self, path):
        return f"{self.forge.host}/{path}"

    def refresh(self, connection):
        refresh = self.catalog.refresh(connection)
        self.assertEqual(refresh["state"], "DONE", refresh)
        return refresh

    def attach(self, path):
        hook = self.catalog.ctl("repos", "attach", self.id_of(path), "--connection", "hub",
                                "--attachment", "platform")["hook"]
        self.assertEqual(hook["state"], "PRESENT", hook)

    def detach(self, path):
        self.catalog.ctl("repos", "detach", self.id_of(path), "--attachment", "platform")

    def make_connection(self):
        secrets = []
        for key in ("token", "webhookSecret"):
            file = self.folder / key
            file.write_text(f"lab-{key}")
            secrets += ["--secret", f"{key}={file}"]
        self.catalog.ctl("connections", "create", "lab", "--type", "github", "--forge",
                         self.forge.url, *secrets,
                         "--webhook-url", self.catalog.lamplighter.webhook_url)
        # The first refresh, which nobody asked for, is done.
        wait_until("the connection to be listed", lambda: [
            refresh for refresh in self.catalog.ctl(
                "connections", "refreshes", "lab").get("refreshes", [])
            if refresh["state"] == "DONE"])

    def connections(self):
        listed = self.catalog.ctl("connections", "list")["connections"]
        return sorted(connection["info"]["name"] for connection in listed)

    def state(self):
        """What a platform may know of the catalog."""
        hooks = self.catalog.ctl("hooks", "list").get("hooks", [])
        return {
            "repositories": {
                entry["repository"]["repository_id"]: (entry["id"], entry["reached_by"])
                for entry in self.catalog.ctl("repos", "list", "--archived", "--max",
                                              "1000")["entries"]},
            "connections": self.connections(),
            "hooks": {hook["repository_id"]: (hook["connection"], hook["attachments"],
                                              hook["state"]) for hook in hooks}}

    def test_what_was_there_at_the_backup_is_there_again_and_the_rest_comes_back(self):
        self.make_connection()
        self.attach(KEPT)
        self.attach(DETACHED)
        before = self.state()
        self.assertEqual(before["connections"], ["hub", "lab"])
        self.assertEqual(len(before["repositories"]), REPOSITORIES)

        self.back_up_while_it_is_refreshed()
        token = self.change_all()
        # As a crash leaves it: SQLite with a log beside the file.
        self.catalog.process.kill()
        self.run_commands(self.restore)
        self.catalog.start()

        self.assertEqual(self.state(), before)
        self.a_watcher_is_sent_to_a_snapshot(token)
        self.a_refresh_with_the_sealed_secret_brings_back_the_rest()
        self.webhooks_are_those_of_the_backup()
        # Though its number may be that of another change by now.
        self.a_watcher_is_sent_to_a_snapshot(token)

    def back_up_while_it_is_refreshed(self):
        self.forge.fault(target="&page=2", latency_ms=4000)
        # On that page, so that the backup does not have it.
        self.forge.change(owner="team-3", number=0, name="team-3/renamed")
        number = self.catalog.ctl("connections", "refresh", "hub")["refresh"]["id"]

        def running():
            [newest, *_] = self.catalog.ctl("connections", "refreshes", "hub")["refreshes"]
            self.assertEqual(newest["id"], number)
            return newest["state"] == "RUNNING"
        self.assertTrue(running())
        self.run_commands(self.save)
        self.assertTrue(running(), "the refresh ended before the backup did")
        [saved] = self.backup.iterdir()
        self.assertEqual(saved.stat().st_mode & 0o077, 0, "others may read the backup")
        self.forge.heal()
        wait_until("the refresh to end", lambda: not running())

    def change_all(self):
        """A watcher's token of the newest change."""
        self.forge.change(owner="late", count=5)
        self.assertEqual(self.refresh("hub")["added"], "5")
        self.catalog.ctl("connections", "delete", "lab")
        self.attach(ATTACHED)
        self.detach(DETACHED)
        self.assertEqual(self.connections(), ["hub"])
        self.assertEqual(self.forge.hooks(DETACHED), [])
        [record, *_] = World.kafka.wait_for(
            CATALOG_CHANGES, "what was added",
            lambda record: record.key == self.id_of("late/repo-000004"))
        # A token is the number of the change that it follows, and when that was made.
        number, seconds, nanos = re.search(
            r"^sequence: (\d+)$.*^changed_at \{\n  seconds: (\d+)\n(?:  nanos: (\d+)\n)?",
            record.decode("RepositoryChange"), re.MULTILINE | re.DOTALL).groups("0")
        return f"{number}.{int(seconds) * 1000 + int(nanos) // 1_000_000}"

    def a_watcher_is_sent_to_a_snapshot(self, token):
        refused = self.catalog.run_ctl("repos", "watch", "--resume-token", token)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("begin with a snapshot", refused.stderr)

    def a_refresh_with_the_sealed_secret_brings_back_the_rest(self):
        # hub's credential, which is in no database, lists nothing now.
        self.forge.fault(credential=self.forge.token, status=401)
        self.assertEqual(self.refresh("lab")["added"], "5")
        self.forge.heal()
        ids = self.catalog.ids("--archived", "--max", "1000")
        self.assertEqual(len(ids), REPOSITORIES + 5)
        for path in ("late/repo-000004", "team-3/renamed"):
            self.assertIn(self.id_of(path), ids)

    def webhooks_are_those_of_the_backup(self):
        self.catalog.ctl("hooks", "repair")
        wait_until("what was detached since to be on again",
                   lambda: self.forge.hooks(DETACHED))
        # What was attached since is on, and is taken over.
        for _ in range(2):
            self.assertEqual(len(self.forge.hooks(ATTACHED)), 1)
            self.attach(ATTACHED)
        for path in (KEPT, DETACHED, ATTACHED):
            self.assertEqual(self.forge.urls(path), [self.catalog.lamplighter.webhook_url])
            self.detach(path)
            self.assertEqual(self.forge.hooks(path), [])


class OnSqlite(BackupCase, unittest.TestCase):

    name, save, restore = "sqlite", BACKUP_SQLITE, RESTORE_SQLITE

    def database(self):
        return f"sqlite://{self.folder}/catalog.db"


class OnPostgresql(BackupCase, unittest.TestCase):

    name, save, restore = "postgresql", BACKUP_POSTGRESQL, RESTORE_POSTGRESQL

    def database(self):
        if reason := Postgresql.why_not():
            self.skipTest(reason)
        postgresql = Postgresql(folder("pg"))  # a short name: that of its socket is limited
        self.addCleanup(postgresql.down)
        postgresql.up()
        # As the page has it: reposync's user may do nothing but own its database.
        admin = postgresql.url.removesuffix("catalog") + "postgres"
        subprocess.run(["psql", "--quiet", admin, "--command", "CREATE ROLE lamplighter LOGIN",
                        "--command", "ALTER DATABASE catalog OWNER TO lamplighter"],
                       check=True, stdin=subprocess.DEVNULL)
        url = postgresql.url.replace("test@", "lamplighter@")
        self.env.update(ADMIN_URL=admin, DATABASE_URL=url)
        return url


if __name__ == "__main__":
    unittest.main()
