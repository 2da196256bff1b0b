"""What the chart would have pods run, run here: the nightly CronJob fills the catalog from a
sandbox forge, and `helm test` tells whether the services are ready."""

import shutil
import sys
import unittest

from chart import ROOT, render, why_not
from pods import Cluster, http, token_of, wait_until

sys.path.append(str(ROOT / "tests/integration"))
# pylint: disable=wrong-import-position
from catalog import Postgresql
from kafka import Kafka
from processes import temporary_directory
from scripted_forges import ScriptedForge

SERVICES = ("provider", "ingest", "dispatcher", "reposync")
JSON = 8081
FIRST, LATER = 130, 17  # repositories of the forge


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


class Release(unittest.TestCase):
    """A release whose pods reach a sandbox forge."""

    def setUp(self):
        self.directory = self.enterContext(temporary_directory())
        self.forge = self.enterContext(ScriptedForge(self.directory / "forge", FIRST))

    def cluster(self, name="cluster", token=ScriptedForge.token, **values):
        """A release with that token in the forge's Secret, on this machine."""
        cluster = Cluster(render({
            "gitProviders": {"github": {"enabled": True, "address": self.forge.url,
                                        "token": token, "webhookSecret": "hook"}},
            "api": {"json": True, "clients": [
                {"name": "portal", "scopes": ["catalog:read"], "existingSecret": "portal"}]},
            **values}), self.directory / name)
        self.addCleanup(cluster.stop)
        return cluster

    def refresh(self, cluster, added, seen, not_modified):
        """Runs the CronJob's pod, which has to say that and to succeed."""
        result = cluster.pod("refresh").run()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, (
            rf"^github: {seen} seen, {added} added, 0 changed, 0 removed, 0 kept, "
            rf"[1-9]\d* requests, {not_modified} not modified, [\d.]+ m?s\n$"))

    def found(self, pod, query):
        """Ids of repositories, as a platform searches the catalog."""
        entries = self.call(pod, "SearchRepositories", {"query": query}).get("entries", [])
        return [entry["repository"]["repositoryId"] for entry in entries]

    def counted(self, pod):
        """How many repositories the catalog has."""
        groups = self.call(pod, "ListGroups", {"filter": {"include_archived": True}})
        return sum(int(group["repositories"]) for group in groups.get("groups", []))

    def call(self, pod, method, request):
        answer = http("POST", f"{pod.url(JSON)}/lamplighter.v1.CatalogService/{method}", request,
                      {"Authorization": f"Bearer {token_of('portal')}"})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def assert_helm_test(self, cluster, ready, *services):
        """Runs what the pod of `helm test` does, a container a service."""
        with self.subTest("helm test"):
            if not shutil.which("wget"):
                self.skipTest("wget is not installed")
            pod = cluster.pod("test")
            ended = {c["name"]: pod.run(of=c) for c in pod.template["spec"]["containers"]}
            self.assertEqual({name: result.returncode == 0 for name, result in ended.items()},
                             {name: ready for name in services}, ended)


class Production(Release):
    """Each service a pod of its own, with Kafka and PostgreSQL beside them, and TLS between."""

    def setUp(self):
        if Postgresql.why_not():
            self.skipTest(Postgresql.why_not())
        super().setUp()
        postgresql = self.enterContext(Postgresql(self.directory / "postgresql"))
        kafka = self.enterContext(Kafka(self.directory / "kafka"))
        self.values = {"kafka": {"bootstrapServers": kafka.brokers,
                                 "topics": {"partitions": 2, "replicationFactor": 1}},
                       "database": {"url": postgresql.url},
                       "provider": {"tls": {"existingSecret": "provider-tls"}}}

    def test_the_cronjob_fills_the_catalog_and_says_what_is_wrong(self):
        cluster = self.cluster(**self.values)
        cluster.start("provider")
        self.refresh(cluster, added=FIRST, seen=FIRST, not_modified=0)
        self.refresh(cluster, added=0, seen=FIRST, not_modified="[1-9]")

        for name in SERVICES[1:]:
            pod = cluster.start(name)
        self.assertEqual(self.counted(pod), FIRST)
        self.assertEqual(self.found(pod, "repo-000042")[0],
                         f"{self.forge.host}/org/repo-000042")
        self.assert_helm_test(cluster, True, *SERVICES)

        self.forge.fault(status=401, credential="revoked")
        wrong = self.cluster("wrong", token="revoked", **self.values)
        wrong.start("provider")
        result = wrong.pod("refresh").run()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn("UNAUTHENTICATED: refresh github: HTTP 401", result.stderr)
        self.assertNotIn("revoked", result.stdout + result.stderr)
        self.assertEqual(self.counted(pod), FIRST)


class Trial(Release):
    """One pod with all services, and the CronJob on its volume."""

    def test_the_cronjob_adds_to_the_catalog_of_the_pod_beside_it(self):
        cluster = self.cluster()
        trial = cluster.start("trial")
        wait_until("the trial to have listed by itself", lambda: any(
            refresh["state"] == "DONE" for refresh in
            self.call(trial, "ListRefreshes", {"connection": "github"}).get("refreshes", [])))
        self.assertEqual(self.counted(trial), FIRST)
        self.assert_helm_test(cluster, True, "trial")
        self.forge.change(owner="org", count=FIRST + LATER)
        self.refresh(cluster, added=LATER, seen=FIRST + LATER, not_modified="[0-9]")
        last = f"repo-{FIRST + LATER - 1:06}"
        self.assertEqual(self.found(trial, last)[0], f"{self.forge.host}/org/{last}")
        cluster.stop()
        self.assert_helm_test(cluster, False, "trial")


if __name__ == "__main__":
    unittest.main()
