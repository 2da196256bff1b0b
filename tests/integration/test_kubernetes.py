"""Flux objects out of a real Kubernetes API, by list and watch."""

import concurrent.futures
import re
import signal
import unittest

from harness import (Process, SandboxForge, ShowsLogs, binary, flux_event, free_ports, http,
                     temporary_directory, wait_until)
from kubernetes import OBJECTS, Kubernetes, looking_up, reading

ALERTS = 5000


class World:
    """What the tests of this file share, since it takes a while to start."""

    no_kubernetes = None


class Whole:
    """Lamplighter in one process, with a broker within, on objects of the cluster."""

    def __init__(self, name, kubeconfig, namespaces=()):
        self.directory = World.directory / name
        self.directory.mkdir()
        port = free_ports(3)
        self.url = f"http://127.0.0.1:{port}"
        self._admin = f"http://127.0.0.1:{port + 1}"
        config = self.directory / "lamplighter.yaml"
        manifests = f"{{kubernetes: {{kubeconfig: {kubeconfig}, " \
                    f"namespaces: [{', '.join(namespaces)}]}}}}"
        config.write_text(f"""\
kafka: {{bootstrap_servers: embedded}}
ingest:
  listen: 127.0.0.1:{port}
  sources: [{{name: default, type: flux}}]
dispatcher:
  admin_listen: 127.0.0.1:{port + 1}
  manifests: {manifests}
provider:
  listen: 127.0.0.1:{port + 2}
  manifests: {manifests}
""")
        self.process = Process("lamplighter", [
            binary("//lamplighter:lamplighter"), "--config", str(config)],
            self.directory)

    def readiness(self):
        """Status and text of /readyz; (None, "") while nobody listens."""
        if not self.process.running():
            raise AssertionError(self.process.log()[-3000:])
        try:
            answer = http("GET", f"{self._admin}/readyz")
        except OSError:
            return None, ""
        return answer.status, answer.body.decode()

    def until_ready(self):
        wait_until("lamplighter to be ready", lambda: self.readiness()[0] == 200)
        return self

    def metric(self, name):
        """The value of a metric, as "name" or "name{label=...}"; 0 where there is none."""
        text = http("GET", f"{self._admin}/metrics").body.decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def objects(self, service, kind):
        return self.metric(f'lamplighter_{service}_manifest_objects{{kind="{kind}"}}')

    def restarts(self, reason):
        return self.metric("lamplighter_dispatcher_manifest_watch_restarts_total"
                           f'{{reason="{reason}"}}')

    def post(self, event):
        return http("POST", f"{self.url}/", event)


def setUpModule():
    world = World
    world.no_kubernetes = Kubernetes.why_not()
    if world.no_kubernetes:
        return
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kubernetes = unittest.enterModuleContext(Kubernetes(world.directory / "kubernetes"))
    world.kubernetes.install_crds(["v1beta1", "v1beta2", "v1beta3"])
    wait_until("the CRDs to be served", lambda: all(
        world.kubernetes.is_served("v1beta3", p) for p in ("providers", "alerts")) and all(
            world.kubernetes.is_served("v1", p, OBJECTS[p][0]) for p in OBJECTS))
    # What docs/operations.md says to grant, and no more.
    world.kubernetes.grant("lamplighter", "reader",
                           reading("providers", "alerts", "secrets") + looking_up())
    world.reader = world.kubernetes.kubeconfig("reader", {"token": "reader"})
    world.forge = unittest.enterModuleContext(SandboxForge(world.directory / "sandbox"))


class Case(ShowsLogs, unittest.TestCase):
    """A test with a namespace of its own."""

    def setUp(self):
        if World.no_kubernetes:
            self.skipTest(World.no_kubernetes)
        self.kubernetes = World.kubernetes
        self.namespace = re.sub(r"[^a-z]", "-", self._testMethodName.lower())[-50:].strip("-")
        self.kubernetes.namespace(self.namespace)

    def start(self, kubeconfig=None):
        """Lamplighter on our namespace alone; not ready yet."""
        whole = Whole(self.namespace, kubeconfig or World.reader, [self.namespace])
        self.addCleanup(whole.process.kill)
        self.folder = whole.directory
        return whole

    def put_forge(self):
        self.kubernetes.secret(self.namespace, "forge-token", World.forge.token)
        self.kubernetes.provider(self.namespace, "forge", World.forge.address)


class Watching(Case):

    def test_an_event_becomes_a_status_by_objects_of_the_cluster(self):
        self.put_forge()
        self.kubernetes.alert(self.namespace, "fleet", "forge")
        whole = self.start().until_ready()
        sha = World.forge.push("a change")
        self.assertEqual(whole.post(flux_event(self.namespace, "web", sha)).status, 202)
        [status] = wait_until("the status", lambda: World.forge.statuses(sha))
        # The uid is the cluster's, as Flux itself would have it.
        uid = self.kubernetes.must(
            "GET", "/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/"
                   f"{self.namespace}/providers/forge")["metadata"]["uid"]
        self.assertEqual(status.context, f"kustomization/web/{uid.split('-')[0]}")
        self.assertNotIn(World.forge.token, whole.process.log())

    def test_changes_are_seen_while_they_happen(self):
        whole = self.start().until_ready()
        self.put_forge()
        self.kubernetes.alert(self.namespace, "fleet", "forge")
        wait_until("the objects", lambda: (
            whole.objects("dispatcher", "provider") == 1
            and whole.objects("dispatcher", "alert") == 1
            and whole.objects("provider", "secret") == 1))
        self.kubernetes.patch(self.namespace, "providers", "forge", {"timeout": "soon"})
        wait_until("the invalid object", lambda: whole.metric(
            "lamplighter_dispatcher_manifest_invalid_objects") == 1)
        self.assertEqual(whole.objects("dispatcher", "provider"), 1)
        self.assertIn(f"Provider {self.namespace}/forge: spec.timeout",
                      whole.process.log())
        self.kubernetes.delete(self.namespace, "alerts", "fleet")
        wait_until("the alert to go", lambda: whole.objects("dispatcher", "alert") == 0)

    def test_a_client_certificate_does_as_well_as_a_token(self):
        kubeconfig = self.kubernetes.kubeconfig("certified", {
            "client-certificate": "pki/client.crt", "client-key": "pki/client.key"})
        self.put_forge()
        whole = self.start(kubeconfig).until_ready()
        self.assertEqual(whole.objects("provider", "secret"), 1)

    def test_a_rotated_token_is_taken_up(self):
        token = self.kubernetes.directory / "rotated-token"
        token.write_text("not-valid-yet")
        whole = self.start(self.kubernetes.kubeconfig("rotated",
                                                      {"tokenFile": str(token)}))
        wait_until("the refusal", lambda: "401" in whole.readiness()[1])
        token.write_text("reader\n")
        whole.until_ready()

    def test_five_thousand_alerts_are_listed_page_by_page(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: self.kubernetes.alert(
                self.namespace, f"alert-{i}", "forge", f"app-{i}"), range(ALERTS)))
        whole = self.start().until_ready()
        self.assertEqual(whole.objects("dispatcher", "alert"), ALERTS)
        self.assertLess(whole.metric("process_resident_memory_bytes"), 256 << 20)


class LookingUp(Case):

    def event(self, name, uid, sha):
        """A success of the Kustomization `name` with that uid."""
        event = flux_event(self.namespace, name, sha)
        event["involvedObject"]["uid"] = uid
        return event

    def test_labels_decide_where_an_alert_asks_for_them(self):
        self.put_forge()
        self.kubernetes.alert(self.namespace, "team-a", "forge", labels={"team": "a"})
        spec = {"sourceRef": {"kind": "GitRepository", "name": "fleet"}}
        uids = {name: self.kubernetes.put(self.namespace, "kustomizations", name, spec,
                                          {"team": team, "tier": "x"})
                for name, team in (("web", "a"), ("db", "b"), ("late", "a"))}
        whole = self.start().until_ready()
        shas = {name: World.forge.push(name) for name in ("web", "db", "late", "gone")}
        for name in ("db", "gone", "web"):
            uid = uids.get(name, "0c9c2e41-d2f9-4f9b-9c41-bebc1984d67a")
            self.assertEqual(whole.post(self.event(name, uid, shas[name])).status, 202)
        wait_until("the status", lambda: World.forge.statuses(shas["web"]))
        wait_until("the others", lambda: whole.metric(
            'lamplighter_dispatcher_events_total{result="ignored"}') == 2)
        # While the server is away, an event waits and is not lost.
        self.kubernetes.stop_api()
        try:
            self.assertEqual(
                whole.post(self.event("late", uids["late"], shas["late"])).status, 202)
            wait_until("the look-up to fail",
                       lambda: "its partition waits" in whole.process.log())
            self.assertEqual(World.forge.statuses(shas["late"]), [])
        finally:
            self.kubernetes.start_api()
        wait_until("the late status", lambda: World.forge.statuses(shas["late"]))
        for name in ("db", "gone"):
            self.assertEqual(World.forge.statuses(shas[name]), [])

    def test_the_repository_of_an_account_is_that_of_the_source(self):
        self.kubernetes.secret(self.namespace, "forge-token", World.forge.token)
        self.kubernetes.provider(self.namespace, "forge", f"{World.forge.url}/acme",
                                 annotations={"lamplighter.dev/account": "true"})
        self.kubernetes.alert(self.namespace, "fleet", "forge")
        self.kubernetes.put(self.namespace, "gitrepositories", "fleet",
                            {"url": World.forge.address})
        uid = self.kubernetes.put(
            self.namespace, "kustomizations", "web",
            {"sourceRef": {"kind": "GitRepository", "name": "fleet"}})
        whole = self.start().until_ready()
        sha = World.forge.push("a change")
        self.assertEqual(whole.post(self.event("web", uid, sha)).status, 202)
        wait_until("the status", lambda: World.forge.statuses(sha))


class Failing(Case):

    def test_what_happens_while_the_server_is_away_is_seen_after_it(self):
        self.put_forge()
        self.kubernetes.provider(self.namespace, "old", World.forge.address)
        whole = self.start().until_ready()
        self.assertEqual(whole.objects("dispatcher", "provider"), 2)
        self.kubernetes.stop_api()
        wait_until("the watches to break", lambda: whole.restarts("failed") >= 2)
        self.assertEqual(whole.readiness()[0], 200)
        self.assertEqual(whole.objects("dispatcher", "provider"), 2)
        self.kubernetes.start_api()
        self.kubernetes.delete(self.namespace, "providers", "old")
        self.kubernetes.alert(self.namespace, "fleet", "forge")
        wait_until("the changes", lambda: (
            whole.objects("dispatcher", "provider") == 1
            and whole.objects("dispatcher", "alert") == 1))

    def test_what_the_server_no_longer_remembers_is_listed_again(self):
        self.put_forge()
        self.kubernetes.provider(self.namespace, "old", World.forge.address)
        whole = self.start().until_ready()
        self.kubernetes.stop_api()
        wait_until("the watches to break", lambda: whole.restarts("failed") >= 2)
        # Nobody who watches may come back before the place is gone.
        whole.process.send(signal.SIGSTOP)
        try:
            self.kubernetes.start_api()
            self.kubernetes.delete(self.namespace, "providers", "old")
            self.kubernetes.compact()
            # With a cache that begins after it.
            self.kubernetes.stop_api()
            self.kubernetes.start_api()
        finally:
            whole.process.send(signal.SIGCONT)
        wait_until("the object to go",
                   lambda: whole.objects("dispatcher", "provider") == 1)
        self.assertGreaterEqual(whole.restarts("gone"), 1)

    def test_rights_that_are_missing_are_named_and_their_coming_noticed(self):
        self.kubernetes.grant("half", "nobody", reading("providers", "secrets"))
        kubeconfig = self.kubernetes.kubeconfig("half", {"token": "nobody"})
        whole = self.start(kubeconfig)
        wait_until("the refusal", lambda: "403" in whole.readiness()[1])
        said = whole.readiness()[1]
        self.assertIn(f"alerts.notification.toolkit.fluxcd.io in namespace "
                      f"{self.namespace}", said)
        self.assertIn("grant list and watch of alerts", said)
        self.assertNotIn("providers", said)
        self.kubernetes.grant("rest", "nobody", reading("alerts"))
        whole.until_ready()
        # Taken away again, what is in force stays.
        self.put_forge()
        wait_until("the provider", lambda: whole.objects("dispatcher", "provider") == 1)
        self.kubernetes.revoke("half")
        self.kubernetes.revoke("rest")
        self.kubernetes.stop_api()
        self.kubernetes.start_api()
        wait_until("the refusal", lambda: "403" in whole.process.log()[-3000:])
        self.assertEqual(whole.readiness()[0], 200)
        self.assertEqual(whole.objects("dispatcher", "provider"), 1)

    def test_an_older_version_is_read_where_the_newest_is_not_served(self):
        self.put_forge()
        self.kubernetes.serve("providers", ["v1beta2"])
        self.addCleanup(self.kubernetes.serve, "providers",
                        ["v1beta1", "v1beta2", "v1beta3"])
        wait_until("the newest to go",
                   lambda: not self.kubernetes.is_served("v1beta3", "providers"))
        whole = self.start().until_ready()
        self.assertEqual(whole.objects("dispatcher", "provider"), 1)


if __name__ == "__main__":
    unittest.main()
