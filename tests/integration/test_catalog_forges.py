"""The catalog on a scripted forge of each type: its repositories listed, and a webhook put
on, mended after what people do to it, and taken off."""

import unittest

from catalog import Catalog, World
from harness import ShowsLogs, wait_until
from scripted_forges import SCRIPTED_FORGES

MANY = 100_000
FEW = 120
WEBHOOK_URL = "https://hooks.example.com/api/events-handler/v1/events/forge"


def setUpModule():
    World.start()
    World.forges = {name: forge(World.directory / name, MANY if name == "github" else FEW)
                    for name, forge in SCRIPTED_FORGES.items()}
    for forge in World.forges.values():
        unittest.enterModuleContext(forge)
    World.catalog = Catalog(World.directory / "catalog", World.kafka.brokers, World.forges,
                            f"sqlite://{World.directory}/catalog.db",
                            refresh_interval="0s")
    unittest.addModuleCleanup(World.catalog.stop)
    for name, forge in World.forges.items():
        for key, value in forge.secrets.items():
            (World.catalog.directory / f"{name}-connection" / key).write_text(value)
    # Some forges refuse webhooks that lead to a loopback address.
    lamplighter = World.catalog.lamplighter
    lamplighter.config.write_text(lamplighter.config.read_text().replace(
        f'"webhook_url": "{lamplighter.webhook_url}"', f'"webhook_url": "{WEBHOOK_URL}"'))
    lamplighter.start("provider")
    World.catalog.start()


class CatalogOnForge(ShowsLogs):
    """The same on each of them."""

    name = ""
    repositories = FEW

    def setUp(self):
        self.forge = World.forges[self.name]
        self.catalog = World.catalog
        self.folder = self.catalog.directory

    def hook(self):
        """The webhook as the catalog shows it."""
        [hook] = self.catalog.ctl("hooks", "list", "--connection", self.name)["hooks"]
        return hook

    def repair(self, path, repairs):
        """Looks at the webhook, and waits until it was mended so many times."""
        self.catalog.ctl("hooks", "repair", "--connection", self.name)
        wait_until(f"repair {repairs}",
                   lambda: self.hook().get("repairs", "0") == str(repairs))
        hooks = self.forge.hooks(path)
        self.assertEqual(len(hooks), self.forge.webhooks)
        self.assertTrue(all(map(self.forge.is_right, hooks)), hooks)

    def test_it_is_listed_and_a_webhook_is_put_on_mended_and_taken_off(self):
        first = self.catalog.refresh(self.name, deadline=600)
        self.assertEqual(first["state"], "DONE", first)
        self.assertEqual(first["added"], str(self.repositories))
        again = self.catalog.refresh(self.name)
        for change in ("added", "changed", "removed", "kept"):
            self.assertEqual(again.get(change, "0"), "0", again)
        self.assertEqual(again["seen"], str(self.repositories))
        ids = self.catalog.ids("--connection", self.name, "--archived", "--max", "1000")
        self.assertEqual(len(ids), min(self.repositories, 1000))
        self.assertEqual(len(set(ids)), len(ids))

        repository = self.one_to_attach()
        path, repository_id = repository["path"], repository["repository_id"]
        hook = self.catalog.ctl("repos", "attach", repository_id)["hook"]
        self.assertEqual(hook["state"], "PRESENT", hook)
        self.assertEqual(self.forge.urls(path), [WEBHOOK_URL] * self.forge.webhooks)

        self.forge.delete(path, self.forge.hooks(path)[0])
        self.repair(path, 1)
        self.forge.switch_off(path, self.forge.hooks(path)[0])
        self.assertFalse(all(map(self.forge.is_right, self.forge.hooks(path))))
        self.repair(path, 2)

        self.assertEqual(self.catalog.ctl("repos", "detach", repository_id), {})
        self.assertEqual(self.forge.hooks(path), [])
        self.assertEqual(self.catalog.ctl("hooks", "list", "--connection", self.name), {})

    def one_to_attach(self):
        """A repository whose webhooks the connection may manage."""
        entries = self.catalog.ctl("repos", "list", "--connection", self.name,
                                   "--max", "100")["entries"]
        return next(entry["repository"] for entry in entries
                    if entry["repository"].get("access", "ADMIN") == "ADMIN")


class OnGitHub(CatalogOnForge, unittest.TestCase):
    name = "github"
    repositories = MANY


class OnGitLab(CatalogOnForge, unittest.TestCase):
    name = "gitlab"


class OnBitbucketCloud(CatalogOnForge, unittest.TestCase):
    name = "bitbucket"


class OnBitbucketDataCenter(CatalogOnForge, unittest.TestCase):
    name = "datacenter"


class OnAzureDevOpsServices(CatalogOnForge, unittest.TestCase):
    name = "azuredevops"


class OnAzureDevOpsServer(CatalogOnForge, unittest.TestCase):
    name = "azureserver"


class OnGitea(CatalogOnForge, unittest.TestCase):
    name = "gitea"


if __name__ == "__main__":
    unittest.main()
