"""Flux's events, as they are on the wire, become the statuses that Flux itself sets.

The events are those of our own below, and, where they are at hand, recorded ones.
What notification-controller 1.9 makes of each is worked out here once more, in
the few words that it takes, and compared with what the forge shows.
"""

import hashlib
import hmac
import json
import re
import unittest

from harness import (ROOT, Process, SandboxForge, Status, binary, free_ports, http,
                     secret_manifest, temporary_directory, wait_until)

# Recorded events of the controllers, and of notification-controller as it
# forwards them; read where they are.
CORPUS = ROOT.parent / "shared" / "corpus" / "flux"
SIGNATURES = CORPUS.parent / "_vectors" / "signatures.json"

UID = "0c9c2e41-d2f9-4f9b-9c41-bebc1984d67a"
# With that of the recorded events they can be sent with their own signatures.
TOKEN = next((one["secret"] for one in json.loads(SIGNATURES.read_text())
              if one["provider"] == "flux"), None) if SIGNATURES.is_file() else "t0ken"
SHA = "5b2f0c7be9d14a3c8f6e21d0437ab95c18e6f02d"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"


def event(kind, severity, reason, message, metadata, group=KUSTOMIZE):
    """An event as a controller of that group sends it."""
    return {
        "involvedObject": {
            "kind": kind, "namespace": "flux-system", "name": "shop",
            "uid": "b5b1ab44-8d3e-4d53-a4ab-5c2e33b10b77", "apiVersion": f"{group}/v1",
            "resourceVersion": "1024"},
        "severity": severity, "timestamp": "2026-11-21T08:15:30Z", "message": message,
        "reason": reason, "metadata": metadata,
        "reportingController": f"{group.split('.')[0]}-controller",
        "reportingInstance": f"{group.split('.')[0]}-controller-0"}


REVISION = {f"{KUSTOMIZE}/revision": f"main@sha1:{SHA}"}
FINISHED = "Reconciliation finished in 1.5s, next run in 10m0s"

SAMPLES = {
    "success": event("Kustomization", "info", "ReconciliationSucceeded", FINISHED,
                     {**REVISION, f"{KUSTOMIZE}/commit_status": "update"}),
    "failure": event("Kustomization", "error", "HealthCheckFailed",
                     "timeout waiting for: [Deployment/shop/web status: 'InProgress']",
                     REVISION),
    "failure-html": event("Kustomization", "error", "BuildFailed",
                          "<kustomize> build & \"apply\" failed\nat line 2", REVISION),
    "failure-without-revision": event("Kustomization", "error", "ArtifactFailed",
                                      "no such artifact", {}),
    "progressing": event("Kustomization", "info", "Progressing",
                         "Deployment/shop/web configured", REVISION),
    "dependency": event("Kustomization", "info", "DependencyNotReady",
                        "dependencies are not ready", REVISION),
    "health-check-passed": event("Kustomization", "info", "HealthCheckSucceeded",
                                 "Health check passed in 2s", REVISION),
    "oci-origin-revision": event(
        "Kustomization", "info", "ReconciliationSucceeded", FINISHED,
        {f"{KUSTOMIZE}/commit_status": "update",
         f"{KUSTOMIZE}/originRevision": f"main@sha1:{SHA}",
         f"{KUSTOMIZE}/revision": f"latest@sha256:{'4f' * 32}"}),
    "short-revision": event("Kustomization", "error", "PruneFailed", "denied",
                            {f"{KUSTOMIZE}/revision": f"main@sha1:{SHA[:7]}"}),
    "older-revision": event("Kustomization", "error", "PruneFailed", "denied",
                            {f"{KUSTOMIZE}/revision": f"main/{SHA}"}),
    "commit-annotation": event("Kustomization", "info", "Reconciled", "on its way",
                               {**REVISION,
                                "event.toolkit.fluxcd.io/commit": f"sha1:{SHA}"}),
    "flux-2.7": event("Kustomization", "info", "ReconciliationSucceeded", FINISHED,
                      REVISION),
    "source": event("GitRepository", "info", "NewArtifact", "stored artifact",
                    {f"{SOURCE}/revision": f"main@sha1:{SHA}"}, SOURCE),
    "source-failure": event("GitRepository", "error", "GitOperationFailed",
                            "authentication required", {}, SOURCE),
    "chart": event("HelmRelease", "info", "UpgradeSucceeded", "Helm upgrade succeeded",
                   {"helm.toolkit.fluxcd.io/revision": "6.5.0+0cc9a8446c95"},
                   "helm.toolkit.fluxcd.io"),
    "chart-failure": event("HelmRelease", "error", "UpgradeFailed", "timed out",
                           {"helm.toolkit.fluxcd.io/revision": "6.5.0+0cc9a8446c95"},
                           "helm.toolkit.fluxcd.io"),
}


def forwarded(sample):
    """The event as notification-controller's generic-hmac Provider sends it on."""
    group = sample["involvedObject"]["apiVersion"].split("/")[0]
    kept = {}
    for prefix in ("event.toolkit.fluxcd.io/", f"{group}/"):
        for key, value in sample.get("metadata", {}).items():
            if key.startswith(prefix) and key not in (
                    f"{group}/checksum", f"{group}/digest", f"{group}/token"):
                kept[key.removeprefix(prefix)] = value
    return {**sample, "metadata": kept}


def flux_status(sample):
    """What notification-controller 1.9 sets on GitHub for an event: (sha, Status) or None."""
    involved = sample["involvedObject"]
    group = involved["apiVersion"].split("/")[0]
    metadata = sample.get("metadata", {})
    is_update = metadata.get(f"{group}/commit_status") == "update"
    has_commit = metadata.get("event.toolkit.fluxcd.io/commit")
    if sample["severity"] != "error" and not is_update and not has_commit:
        return None  # the gate of Providers that set commit statuses
    if sample["reason"] == "Progressing":
        return None
    merged = forwarded(sample)["metadata"]
    revision = next((merged[key] for key in ("commit", "originRevision", "revision")
                     if key in merged), "")
    sha = revision.rpartition(":" if ":" in revision else "/")[2]
    if len(sha) != 40:
        return None  # an error in the log
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9]+", sample["reason"])
    return sha, Status(
        f"{involved['kind']}/{involved['name']}/{UID.split('-')[0]}".lower(),
        "failure" if sample["severity"] == "error" else "success",
        " ".join(words).lower())


def expected(sample, is_forwarded):
    """The same of Lamplighter, which differs in two things.

    Success of a Flux before 2.8, whose events have no commit_status, is known by its
    reason and message. And of a forwarded event it cannot be told that its `commit`
    was an annotation, which alone would let an event pass that is no success.
    """
    group = sample["involvedObject"]["apiVersion"].split("/")[0]
    metadata = sample.get("metadata", {})
    if is_forwarded and "event.toolkit.fluxcd.io/commit" in metadata:
        return None
    is_older_success = (sample["reason"] == "ReconciliationSucceeded"
                        and sample["message"].startswith("Reconciliation finished in ")
                        and f"{group}/commit_status" not in metadata)
    if is_older_success:
        sample = {**sample, "metadata": {**metadata, f"{group}/commit_status": "update"}}
    return flux_status(sample)


class World:
    """The forge and the Lamplighter that all share."""

    lamplighter = None


def tearDownModule():
    if World.lamplighter is not None:
        World.lamplighter.process.kill()


def setUpModule():
    World.directory = unittest.enterModuleContext(temporary_directory())
    World.forge = unittest.enterModuleContext(SandboxForge(World.directory))
    (World.directory / "token").write_text(TOKEN)
    (World.directory / "manifests").mkdir()
    (World.directory / "manifests/flux.yaml").write_text(f"""\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: forge, namespace: flux-system, uid: {UID}}}
spec:
  type: github
  address: {World.forge.address}
  secretRef: {{name: forge-token}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: fleet, namespace: flux-system}}
spec:
  providerRef: {{name: forge}}
  eventSources:
    - {{kind: Kustomization, name: "*"}}
    - {{kind: GitRepository, name: "*"}}
    - {{kind: HelmRelease, name: "*"}}
    - {{kind: HelmRelease, name: "*", namespace: apps}}
""" + secret_manifest("flux-system", World.forge.token))


class Lamplighter:
    """All of it in one process, with a broker within."""

    def __init__(self):
        self.shown = {}  # (sha, context): state, of what it has set
        port = free_ports(3)
        self._url, self._admin = (f"http://127.0.0.1:{p}" for p in (port, port + 1))
        config = World.directory / "lamplighter.yaml"
        config.write_text(f"""\
kafka: {{bootstrap_servers: embedded}}
ingest:
  listen: 127.0.0.1:{port}
  sources:
    - {{name: default, type: flux}}
    - {{name: forwarded, type: flux, hmac_secret_file: {World.directory}/token}}
dispatcher:
  admin_listen: 127.0.0.1:{port + 1}
  description: flux
  manifests: {{directory: {World.directory}/manifests}}
provider:
  listen: 127.0.0.1:{port + 2}
  manifests: {{directory: {World.directory}/manifests}}
""")
        self.process = Process("lamplighter", [
            binary("//lamplighter:lamplighter"), "--config", str(config)],
            World.directory)
        wait_until("lamplighter to be ready", self._is_ready)

    def _is_ready(self):
        if not self.process.running():
            raise AssertionError(self.process.log()[-3000:])
        try:
            return http("GET", f"{self._admin}/readyz").status == 200
        except OSError:
            return False

    def post(self, body, signature=None):
        """Straight from a controller, or forwarded with its signature."""
        if signature is None:
            return http("POST", f"{self._url}/", body)
        return http("POST", f"{self._url}/api/events-handler/v1/events/flux/forwarded",
                    body, {"X-Signature": signature})

    def decided(self):
        """How many events have become nothing, or a status that is set."""
        text = http("GET", f"{self._admin}/metrics").body.decode()
        return sum(float(count) for count in re.findall(
            r'^lamplighter_dispatcher_(?:events_total{result="(?:ignored|dead_lettered)"}'
            r'|outcomes_total{result="set"}) (\S+)$', text, re.MULTILINE))


class FluxEvents(unittest.TestCase):

    def lamplighter(self, sha=None, status=None):
        """One to which this status is news."""
        if World.lamplighter is None or (status and World.lamplighter.shown.get(
                (sha, status.context)) == status.state):
            if World.lamplighter is not None:
                World.lamplighter.process.kill()
            World.lamplighter = Lamplighter()
        if status:
            World.lamplighter.shown[sha, status.context] = status.state
        return World.lamplighter

    def check(self, sample, body, signature):
        """The event `sample`, sent as `body`, becomes what Flux would set, and no more."""
        wanted = expected(sample, signature is not None)
        lamplighter = self.lamplighter(*(wanted or ()))
        http("DELETE", f"{World.forge.url}/_sandbox")
        before = lamplighter.decided()
        answer = lamplighter.post(body, signature)
        self.assertEqual(answer.status, 202, answer.body)
        wait_until("the event to be decided on", lambda: lamplighter.decided() > before)
        shown = [call for call in http("GET", f"{World.forge.url}/_sandbox/calls").json()
                 if call["effect"]]
        self.assertEqual(
            [(call["path"].rpartition("/")[2],
              Status(call["context"], call["state"], call["description"]))
             for call in shown], [wanted] if wanted else [])

    def test_what_is_signed_by_somebody_else_is_refused(self):
        body = json.dumps(forwarded(SAMPLES["success"])).encode()
        self.assertEqual(
            self.lamplighter().post(body, sign(body, "another token")).status, 401)


def sign(body, token=TOKEN):
    """X-Signature as generic-hmac has it."""
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"


def _add(name, sample, body, signature=None):
    def test(self):
        self.check(sample, body, signature)
    setattr(FluxEvents, "test_" + re.sub(r"\W", "_", name), test)


for _name, _sample in SAMPLES.items():
    _add(f"direct {_name}", _sample, json.dumps(_sample).encode())
    _body = json.dumps(forwarded(_sample)).encode()
    _add(f"forwarded {_name}", _sample, _body, sign(_body))


class Recorded(unittest.TestCase):

    def test_recorded_events_are_at_hand(self):
        if not CORPUS.is_dir():
            self.skipTest(f"there are no recorded events of Flux at {CORPUS}")
        self.assertTrue(list(CORPUS.glob("*/*.json")))


for _path in sorted(CORPUS.glob("*/*.json")):
    # Forwarded or not, it is one event, and its status the same.
    _direct = json.loads((CORPUS / "direct" / _path.name).read_text())
    _signature = re.search(r"(?m)^X-Signature: (\S+)", _path.with_suffix(".headers").read_text())
    _add(f"recorded {_path.parent.name} {_path.stem}", _direct, _path.read_bytes(),
         _signature and _signature[1])


if __name__ == "__main__":
    unittest.main()
