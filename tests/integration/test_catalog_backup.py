"""The catalog is backed up and restored by the commands of docs/catalog.md, as they stand
there, on both databases."""

import os
import re
import subprocess
import unittest

from catalog import OF_A_GROUP, CatalogCase, World
from harness import wait_until
from processes import ROOT

PAGE = ROOT / "docs/catalog.md"
BACKUP_SQLITE, BACKUP_POSTGRESQL, RESTORE_SQLITE, RESTORE_POSTGRESQL = range(4)
CATALOG_CHANGES = "lamplighter.catalog-changes.v1"
GROUPS = 4
REPOSITORIES = GROUPS * OF_A_GROUP  # two pages
KEPT, DETACHED, ATTACHED = (f"team-1/repo-{number:06}" for number in (3, 6, 9))
PLATFORM = ("--attachment", "platform")


def commands():
    """The page's blocks of commands on backup and restore, in its order."""
    section = PAGE.read_text().partition("\n## Backup and restore\n")[2]
    section = section.partition("\n## ")[0]
    return re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)


def setUpModule():
    World.start()


class BackupCase(CatalogCase):
    """The same on both databases."""

    groups = GROUPS

    def setUp(self):
        self.env = dict(os.environ)
        super().setUp()
        self.backup = self.folder / "backup"
        self.backup.mkdir()

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

    def platform_attaches(self, path):
        hook = self.attach(path, "--connection", "hub", *PLATFORM)
        self.assertEqual(hook["state"], "PRESENT", hook)

    def connections(self):
        listed = self.catalog.ctl("connections", "list")["connections"]
        return sorted(connection["info"]["name"] for connection in listed)

    def state(self):
        """What a platform may know of the catalog."""
        return {
            "repositories": {
                entry["repository"]["repository_id"]: (entry["id"], entry["reached_by"])
                for entry in self.catalog.ctl("repos", "list", "--archived", "--max",
                                              "1000")["entries"]},
            "connections": self.connections(),
            "hooks": {
                hook["repository_id"]: (hook["connection"], hook["attachments"], hook["state"])
                for hook in self.listed_hooks()}}

    def test_what_was_there_at_the_backup_is_there_again_and_the_rest_comes_back(self):
        self.make_lab("lab-token")
        self.platform_attaches(KEPT)
        self.platform_attaches(DETACHED)
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
        self.platform_attaches(ATTACHED)
        self.detach(DETACHED, *PLATFORM)
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
        ids = self.ids()
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
            self.platform_attaches(ATTACHED)
        for path in (KEPT, DETACHED, ATTACHED):
            self.assertEqual(self.forge.urls(path), [self.catalog.lamplighter.webhook_url])
            self.detach(path, *PLATFORM)
            self.assertEqual(self.forge.hooks(path), [])


class OnSqlite(BackupCase, unittest.TestCase):

    save, restore = BACKUP_SQLITE, RESTORE_SQLITE


class OnPostgresql(BackupCase, unittest.TestCase):

    save, restore = BACKUP_POSTGRESQL, RESTORE_POSTGRESQL

    def database(self):
        postgresql = World.postgresql(self.enterContext)
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
