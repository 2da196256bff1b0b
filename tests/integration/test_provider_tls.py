"""Provider workers behind mutual TLS: dispatcher and reposync call them, and nobody else."""

import shutil
import unittest

from catalog import Catalog, World
from harness import RpcError, ShowsLogs, flux_event, wait_until
from scripted_forges import ScriptedForge
from secure_kafka import Authority

REPOSITORIES = 3
UNAVAILABLE = 14


def setUpModule():
    World.start()


class MutualTls(ShowsLogs, unittest.TestCase):

    def setUp(self):
        self.folder = World.directory / self._testMethodName
        self.folder.mkdir()
        self.authority = Authority(self.folder)
        self.forge = self.enterContext(ScriptedForge(self.folder / "forge", REPOSITORIES))
        self.catalog = Catalog(
            self.folder, World.kafka.brokers, {"hub": self.forge},
            f"sqlite://{self.folder}/catalog.db", refresh_interval="0s",
            providers_tls=self.files("reposync", "ca_file"))
        self.addCleanup(self.catalog.stop)

    def start(self, dispatcher):
        """Starts all but reposync; the dispatcher shows a certificate of that name."""
        config = self.catalog.config
        config.write_text(config.read_text().replace(
            "\nprovider:\n", f"\nprovider:\n  tls: {self.files('worker', 'client_ca_file')}\n"
            "  client_names: [dispatcher, reposync]\n").replace(
                "\ndispatcher:\n",
                f"\ndispatcher:\n  providers_tls: {self.files(dispatcher, 'ca_file')}\n"))
        self.catalog.lamplighter.start()

    def files(self, name, authority):
        """A section of the configuration that names a certificate's files."""
        certificate, key = self.authority.issue(name)
        return {"cert_file": str(certificate), "key_file": str(key),
                authority: str(self.authority.ca)}

    def post(self, sha):
        answer = self.catalog.lamplighter.post(flux_event("hub", "web", sha))
        self.assertEqual(answer.status, 202, answer.body)

    def wait_for_status(self, sha):
        wait_until("the status", lambda: self.forge.calls("POST", f"/statuses/{sha}"))

    def test_statuses_are_set_and_repositories_listed(self):
        self.start("dispatcher")
        self.catalog.start()
        self.post("1" * 40)
        self.wait_for_status("1" * 40)
        self.assertEqual(self.catalog.refresh("hub")["seen"], str(REPOSITORIES))
        with self.assertRaises(RpcError) as refused:
            self.catalog.lamplighter.call_provider("GetRateLimits", {})
        self.assertEqual(refused.exception.code, UNAVAILABLE, "without TLS")

    def test_one_by_another_name_is_refused_until_its_certificate_is_renewed(self):
        self.start("stranger")
        lamplighter = self.catalog.lamplighter
        self.post("2" * 40)
        wait_until("a word about it", lambda: "connection refused: its certificate has no name"
                   in lamplighter["provider"].log())
        self.assertIn("common_name=stranger", lamplighter["provider"].log())
        self.assertEqual(self.forge.calls("POST", "/statuses/"), [])
        self.authority.issue("dispatcher")
        for suffix in ("pem", "key"):
            shutil.copy(self.folder / f"dispatcher.{suffix}", self.folder / f"stranger.{suffix}")
        self.wait_for_status("2" * 40)


if __name__ == "__main__":
    unittest.main()
