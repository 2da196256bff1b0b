"""What goes wrong between the catalog, a forge and the database: nothing that exists is
removed, no webhook is left behind or put on twice, and it is counted and said."""

import concurrent.futures
import pathlib
import subprocess
import unittest

from catalog import OF_A_GROUP, CatalogCase, World
from harness import http, wait_until
from scripted_forges import ScriptedGitLab

GROUPS = 10
REPOSITORIES = GROUPS * OF_A_GROUP  # five pages
GOOD, OTHER = "t0ken", "an0ther"
LEASE = 150  # seconds; what a process that died had in hand is free again before that


def setUpModule():
    World.start()


class FaultCase(CatalogCase, unittest.TestCase):

    groups = GROUPS

    def get(self, path):
        """The catalog's entry of a path; None where there is none."""
        result = self.catalog.run_ctl("repos", "get", self.id_of(path))
        if result.returncode == 3:
            return None
        return self.catalog.ctl("repos", "get", self.id_of(path))

    def hook(self):
        [hook] = self.listed_hooks()
        return hook

    def doubts(self, reason):
        return self.catalog.metric(
            f'lamplighter_reposync_doubts_total{{connection="hub",reason="{reason}"}}')

    def refreshes(self, state):
        return self.catalog.metric("lamplighter_reposync_refreshes_total"
                                   f'{{connection="hub",state="{state}"}}')

    def refreshed_wrongly(self, state, words):
        """A refresh that ends so, and removes nothing."""
        before = self.refreshes(state.lower())
        refresh = self.catalog.refresh("hub", deadline=120)
        self.assertEqual(refresh["state"], state, refresh)
        self.assertRegex(refresh["error"], words)
        self.assertEqual(refresh.get("removed", "0"), "0", refresh)
        self.assertEqual(len(self.ids()), REPOSITORIES)
        self.assertEqual(self.refreshes(state.lower()), before + 1)


class Listings(FaultCase):
    """A forge that lists wrongly."""

    def change_page_2(self):
        """So that the forge does not say that it has not changed."""
        self.forge.change(owner="team-2", number=0, name="team-2/renamed")

    def refreshed_well(self):
        """The forge is well again, and so is the next refresh."""
        self.forge.heal()
        refresh = self.refresh()
        self.assertEqual(refresh.get("removed", "0"), "0", refresh)
        self.assertEqual(len(self.ids()), REPOSITORIES)
        self.assertIsNotNone(self.get("team-2/renamed"))

    def test_a_second_page_of_errors(self):
        self.change_page_2()
        self.forge.fault(target="&page=2", status=502, html=True)
        self.refreshed_wrongly("FAILED", "502")
        self.refreshed_well()

    def test_a_second_page_of_html(self):
        self.change_page_2()
        self.forge.fault(target="&page=2", status=200, html=True)
        self.refreshed_wrongly("FAILED", "(?i)json|answer|html")
        self.refreshed_well()

    def test_a_second_page_that_breaks_off(self):
        self.change_page_2()
        self.forge.fault(target="&page=2", truncated=True)
        self.refreshed_wrongly("FAILED", "(?i)json|answer")
        self.refreshed_well()

    def test_a_second_page_that_is_empty(self):
        self.change_page_2()
        self.forge.fault(target="&page=2", body="[]")
        self.refreshed_wrongly("HELD", "empty.*400 repositories are kept")
        self.assertEqual(self.doubts("empty_page"), 1)
        self.refreshed_well()

    def test_a_second_page_that_is_the_first_again(self):
        self.change_page_2()
        first = http("GET", f"{self.forge.root}/api/v3/user/repos?per_page=100").body
        self.forge.fault(target="&page=2", after=True, body=first.decode())
        self.refreshed_wrongly("HELD", "earlier ones held.* 100 repositories are kept")
        self.assertEqual(self.doubts("repeated_page"), 1)
        self.refreshed_well()

    def test_a_token_that_is_revoked_in_the_middle(self):
        self.change_page_2()
        self.forge.fault(target="&page=3", credential=GOOD, status=401)
        self.refreshed_wrongly("FAILED", "(?i)credential|401")
        self.refreshed_well()

    def test_one_of_ten_groups_that_is_lost(self):
        self.forge.change(owner="team-4", count=0)
        self.refreshed_wrongly("HELD", "nothing is left of team-4: 50 repositories")
        self.assertEqual(self.doubts("lost_group"), 1)
        # Somebody who knows better says so.
        accepted = self.catalog.refresh("hub", "--accept-shrink")
        self.assertEqual((accepted["state"], accepted["removed"]), ("DONE", "50"))
        self.assertEqual(len(self.ids()), REPOSITORIES - 50)

    def test_what_was_refused_to_the_cronjob_fails_it(self):
        self.forge.fault(credential=GOOD, status=401)
        result = self.catalog.refresh_once()
        self.assertEqual(result.returncode, 1, result.stdout)
        self.forge.heal()
        self.assertEqual(self.catalog.refresh_once().returncode, 0)


class Circles(FaultCase):
    """GitLab says itself where its next page begins; of GitHub we count them."""

    def start_forge(self, directory):
        forge = self.enterContext(ScriptedGitLab(directory, REPOSITORIES))
        return forge

    def test_pages_that_go_round_in_circles(self):
        queries = [call["query"] for call in self.forge.calls("GET", "/api/v4/projects")]
        self.forge.fault(target=queries[2], query=queries[0])
        self.refreshed_wrongly("FAILED", "circles")
        self.assertEqual(self.doubts("loop"), 1)
        self.forge.heal()
        self.refresh()
        self.assertEqual(len(self.ids()), REPOSITORIES)


class Repositories(FaultCase):
    """What people do to repositories."""

    def test_renamed_and_transferred_ones_stay_the_same_with_their_webhook(self):
        self.attach("team-1/repo-000003")
        before = self.get("team-1/repo-000003")["id"]
        for name in ("team-1/renamed", "elsewhere/renamed"):
            self.forge.change(owner="team-1", number=3, name=name)
            refresh = self.refresh()
            self.assertEqual(refresh["changed"], "1", refresh)
            self.assertEqual(refresh.get("added", "0"), "0")
            self.assertEqual(self.get(name)["id"], before)
        self.assertIsNone(self.get("team-1/repo-000003"))
        self.assertEqual(self.hook()["repository_id"], self.id_of("elsewhere/renamed"))
        self.assertIsNone(self.detach("elsewhere/renamed"))
        self.assertEqual(self.forge.hooks("elsewhere/renamed"), [])
        self.assertEqual(self.listed_hooks(), [])

    def test_a_deleted_one_goes_and_what_comes_under_its_name_is_another(self):
        before = self.get("team-1/repo-000003")["id"]
        self.forge.change(owner="team-1", number=3, deleted=True)
        self.assertEqual(self.refresh()["removed"], "1")
        self.assertNotIn(self.id_of("team-1/repo-000003"), self.ids())
        self.forge.change(owner="team-1", number=3, recreated=True)
        self.assertEqual(self.refresh()["added"], "1")
        self.assertNotEqual(self.get("team-1/repo-000003")["id"], before)
        # Before anybody saw that the other was gone.
        before = self.get("team-2/repo-000003")["id"]
        self.forge.change(owner="team-2", number=3, recreated=True)
        refresh = self.refresh()
        self.assertEqual((refresh["added"], refresh["removed"]), ("1", "1"), refresh)
        self.assertNotEqual(self.get("team-2/repo-000003")["id"], before)
        self.assertEqual(len(self.ids()), REPOSITORIES)


class Webhooks(FaultCase):
    """Webhooks that cannot be put on or taken off."""

    REPOSITORY = "team-1/repo-000003"

    def test_the_21st_of_an_event_fails_until_there_is_room(self):
        for i in range(20):
            self.forge.api("POST", self.forge.hooks_path(self.REPOSITORY), {
                "config": {"url": f"https://ci-{i}.example.com"}, "events": ["push"]})
        hook = self.attach(self.REPOSITORY, status=5)
        self.assertEqual(hook["state"], "FAILING")
        self.assertIn("20 hooks", hook["error"])
        self.assertEqual(self.catalog.metric("lamplighter_reposync_hook_errors_total"
                                             '{code="failed_precondition"}'), 1)
        self.forge.delete(self.REPOSITORY, self.forge.hooks(self.REPOSITORY)[0])
        self.catalog.ctl("hooks", "repair")
        wait_until("room for it", lambda: self.hook()["state"] == "PRESENT")
        self.assertEqual(len(self.forge.hooks(self.REPOSITORY)), 20)

    def test_one_deleted_by_hand_is_back_and_counted(self):
        self.attach(self.REPOSITORY)
        self.forge.delete(self.REPOSITORY, self.forge.hooks(self.REPOSITORY)[0])
        self.catalog.ctl("hooks", "repair", "--repository", self.id_of(self.REPOSITORY))
        wait_until("the repair", lambda: self.hook().get("repairs") == "1")
        self.assertEqual(len(self.forge.hooks(self.REPOSITORY)), 1)
        self.assertEqual(self.catalog.metric("lamplighter_reposync_hook_repairs_total"
                                             '{kind="deleted"}'), 1)

    def test_a_crash_while_it_is_put_on_leaves_one(self):
        self.forge.fault(method="POST", target="/hooks", hang=True, after=True, times=1)
        attaching = subprocess.Popen(
            self.catalog.ctl_command("repos", "attach", self.id_of(self.REPOSITORY)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(attaching.wait)
        self.addCleanup(attaching.kill)
        wait_until("the forge to have it", lambda: self.forge.urls(self.REPOSITORY))
        self.catalog.process.kill()
        self.catalog.start()
        self.assertEqual(self.hook()["state"], "WANTED")  # as it was written first
        wait_until("the webhook to be known", lambda: self.hook()["state"] == "PRESENT",
                   LEASE)
        self.assertEqual(self.forge.urls(self.REPOSITORY),
                         [self.catalog.lamplighter.webhook_url])
        self.assertIsNone(self.detach(self.REPOSITORY))
        self.assertEqual(self.forge.hooks(self.REPOSITORY), [])

    def test_one_that_a_revoked_token_cannot_take_off_is_shown_until_it_goes(self):
        self.make_lab(f"lab-{GOOD}")
        self.assertEqual(len(self.ids("--connection", "lab")), REPOSITORIES)
        self.assertEqual(
            self.attach(self.REPOSITORY, "--connection", "lab")["state"], "PRESENT")
        self.forge.fault(credential=f"lab-{GOOD}", status=401)
        self.assertEqual(self.detach(self.REPOSITORY, status=5)["state"], "ORPHANED")
        hook = self.hook()
        self.assertEqual(hook["state"], "ORPHANED")
        self.assertTrue(hook["error"])
        self.assertEqual(len(self.forge.hooks(self.REPOSITORY)), 1)
        # Nor is the connection deleted as long as the webhook is there.
        refused = self.catalog.run_ctl("connections", "delete", "lab")
        self.assertNotEqual(refused.returncode, 0, refused.stdout)

        self.write_lab("update", f"lab-{OTHER}")
        wait_until("the webhook to be off", lambda: not self.listed_hooks())
        self.assertEqual(self.forge.hooks(self.REPOSITORY), [])


class FullDisk(FaultCase):
    """SQLite on a disk that is full for a while."""

    def database(self):
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        return f"sqlite://{self.disk}/catalog.db"

    def prepare(self):
        alone = ["unshare", "--mount", "--map-root-user"]
        if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
            self.skipTest("mounting a small disk needs user namespaces or root")
        self.catalog.within = [
            *alone, "sh", "-c", 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"',
            str(self.disk)]

    def test_what_cannot_be_written_is_unavailable_and_reading_goes_on(self):
        # A mount of its own is seen through the process alone.
        filler = pathlib.Path(
            f"/proc/{self.catalog.process.pid}/root{self.disk}/filler")
        with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
        refused = None
        for number in range(OF_A_GROUP):  # until what SQLite has in hand is used up
            refused = self.catalog.run_ctl(
                "repos", "attach", self.id_of(f"team-2/repo-{number:06}"))
            if refused.returncode != 0 and "webhooks there" not in refused.stderr:
                break
        self.assertRegex(refused.stderr, "(?i)unavailable")
        self.assertRegex(refused.stderr, "(?i)full")
        self.assertEqual(len(self.ids()), REPOSITORIES)

        filler.unlink()
        self.assertEqual(self.attach("team-3/repo-000003")["state"], "PRESENT")
        self.refresh()
        for hook in self.listed_hooks():
            path = hook["repository_id"].partition("/")[2]
            wait_until(f"the webhook of {path}",
                       lambda path=path: len(self.forge.hooks(path)) == 1)


class Replicas(FaultCase):
    """Two reposync processes on one PostgreSQL."""

    def database(self):
        return World.postgresql(self.enterContext).url

    def test_they_attach_at_once_and_each_repository_has_one_webhook(self):
        other = self.catalog.replica("other")
        self.addCleanup(lambda: other.process and other.process.kill())
        other.start()
        self.forge.fault(latency_ms=100, target="/hooks")
        paths = [f"team-1/repo-{number:06}" for number in range(0, OF_A_GROUP, 3)]

        def attach(catalog, path):
            return catalog.ctl("repos", "attach", self.id_of(path))["hook"]["state"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            attached = [pool.submit(attach, catalog, path)
                        for path in paths for catalog in (self.catalog, other)]
            self.assertEqual({each.result() for each in attached}, {"PRESENT"})
        for path in paths:
            self.assertEqual(len(self.forge.hooks(path)), 1, path)
        # Nor was another made and taken off again.
        self.assertEqual(len(self.forge.calls("POST", "/hooks")), len(paths))

        def detach(catalog, path):
            catalog.ctl("repos", "detach", self.id_of(path))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(detach, [self.catalog, other] * len(paths),
                          [path for path in paths for _ in range(2)]))
        wait_until("all webhooks to be off", lambda: not self.listed_hooks())
        for path in paths:
            self.assertEqual(self.forge.hooks(path), [], path)

    def test_one_refreshes_and_the_other_says_that_it_runs(self):
        other = self.catalog.replica("other")
        self.addCleanup(lambda: other.process and other.process.kill())
        other.start()
        self.forge.fault(latency_ms=300, target="/user/repos")
        first = self.catalog.ctl("connections", "refresh", "hub")
        second = other.ctl("connections", "refresh", "hub")
        self.assertTrue(second.get("already_running"), second)
        self.assertEqual(first["refresh"]["id"], second["refresh"]["id"])


if __name__ == "__main__":
    unittest.main()
