"""The services under test as real processes, and what a Flux controller sends them."""

import base64
import datetime
import json
import pathlib
import subprocess
import unittest

# Tests find here all that they start.
# pylint: disable=unused-import
from forges import Gitea, SandboxForge, Status
from kafka import Kafka, Record, parse_headers
from processes import (DEADLINE, ROOT, Answer, Process, ShowsLogs, binary, free_ports,
                       http, run_script, temporary_directory, wait_until)


class RpcError(Exception):
    """What a gRPC call ended with that failed; `code` is gRPC's number."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


def start_world(world, namespace):
    """Starts what the tests of a module share, for setUpModule(): a temporary
    `directory`, `kafka`, and the sandbox `forge`; and makes a `lamplighter` of all
    services, which is not started yet. They go with the module."""
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kafka = unittest.enterModuleContext(Kafka(world.directory / "kafka"))
    world.forge = unittest.enterModuleContext(SandboxForge(world.directory / "sandbox"))
    world.lamplighter = Lamplighter(world.directory / "lamplighter", world.kafka.brokers,
                                    {namespace: world.forge})
    unittest.addModuleCleanup(world.lamplighter.stop)


class Lamplighter:
    """ingest, dispatcher and provider as processes of their own."""

    NAMES = ("ingest", "dispatcher", "provider")

    def __init__(self, directory, brokers, forges, spool=None, kafka=None,
                 telemetry=None):
        """`forges` are {namespace: forge}; Flux objects there lead to that forge.

        `spool` is the file of ingest's spool; None for an ingest without one.
        `kafka` and `telemetry` are more for those sections of the configuration.
        """
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        ports = free_ports(5)
        self.url = f"http://127.0.0.1:{ports}"
        self.provider_port = ports + 1
        self._admin = {name: ports + 2 + i for i, name in enumerate(self.NAMES)}
        self._processes = {}
        self.within = {}  # {name: command that runs its arguments}, for start()
        self.webhook_secret = "webhook-secret"
        self.webhook_url = f"{self.url}/api/events-handler/v1/events/gitea/forge"
        self.former_webhook_url = f"{self.url}/former"
        self.config = self.directory / "lamplighter.yaml"
        self._write(brokers, forges, spool, kafka, telemetry)

    def _write(self, brokers, forges, spool, kafka, telemetry):
        secret = self.directory / "webhook-secret"
        secret.write_text(self.webhook_secret + "\n")
        # The dispatcher gets by without any Secret.
        for name in ("dispatcher", "provider"):
            manifests = self.directory / f"{name}-manifests"
            manifests.mkdir()
            for namespace, forge in forges.items():
                text = flux_manifests(namespace, forge)
                if name == "provider":
                    text += secret_manifest(namespace, forge.token)
                (manifests / f"{namespace}.yaml").write_text(text)
        self.config.write_text(f"""\
kafka: {json.dumps({"bootstrap_servers": brokers, "partitions": 4,
                    "replication_factor": 1, "produce_timeout": "2s", **(kafka or {})})}
telemetry: {json.dumps({"log_level": "debug", **(telemetry or {})})}
ingest:
  listen: {self.url.removeprefix("http://")}
  admin_listen: 127.0.0.1:{self._admin["ingest"]}
{f"  spool: {{path: {spool}}}" if spool else ""}
  sources:
    - {{name: default, type: flux}}
    - {{name: forge, type: gitea, secret_files: [{secret}]}}
dispatcher:
  admin_listen: 127.0.0.1:{self._admin["dispatcher"]}
  manifests: {{directory: {self.directory}/dispatcher-manifests}}
  providers: {{default: "127.0.0.1:{self.provider_port}"}}
provider:
  listen: 127.0.0.1:{self.provider_port}
  admin_listen: 127.0.0.1:{self._admin["provider"]}
  manifests: {{directory: {self.directory}/provider-manifests}}
  connections: {json.dumps([self._connection(*item) for item in forges.items()])}
""")

    def _connection(self, namespace, forge):
        """The connection to a forge, which is called as its namespace is."""
        secret = self.directory / f"{namespace}-connection"
        secret.mkdir()
        (secret / "token").write_text(forge.token)
        (secret / "webhookSecret").write_text(self.webhook_secret)
        return {"name": namespace, "type": forge.type, "address": forge.url,
                "secret_directory": str(secret), "webhook_url": self.webhook_url,
                "former_webhook_urls": [self.former_webhook_url]}

    def start(self, *names):
        """Starts the named services (or all), until they say they are ready."""
        self.launch(*names)
        for name in names or self.NAMES:
            wait_until(f"{name} to be ready",
                       lambda name=name: self.unready(name) == "")

    def launch(self, *names):
        """Starts the named services (or all) and does not wait for them."""
        for name in names or self.NAMES:
            self._processes[name] = Process(name, [
                *self.within.get(name, []), binary(f"//services/{name}:{name}"),
                "--config", str(self.config)], self.directory)

    def unready(self, name):
        """Why a running service is not ready, in its own words; "" if it is."""
        if not self[name].running():
            raise AssertionError(f"{name} ended: {self[name].log()[-3000:]}")
        try:
            answer = self.admin(name, "/readyz")
        except OSError as error:
            return str(error)
        return "" if answer.status == 200 else answer.body.decode()

    def __getitem__(self, name):
        return self._processes[name]

    def admin(self, name, path):
        return http("GET", f"http://127.0.0.1:{self._admin[name]}{path}")

    def metric(self, name, metric):
        """The value of `metric`, as "name" or 'name{label="value"}'."""
        for line in self.admin(name, "/metrics").body.decode().splitlines():
            if line.startswith(f"{metric} "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"{name} has no metric {metric}")

    def call_provider(self, method, request):
        """The answers of a call of ProviderService, as Protobuf's JSON has them."""
        result = subprocess.run(
            [binary("//tests/integration:provider_call"),
             f"127.0.0.1:{self.provider_port}", method, json.dumps(request)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
        if result.returncode == 0:
            return [json.loads(line) for line in result.stdout.splitlines()]
        code, _, message = result.stderr.strip().partition(": ")
        raise RpcError(int(code), message)

    def stop(self):
        for process in self._processes.values():
            process.kill()

    def post(self, event):
        """Sends a Flux event as an emitter does."""
        return http("POST", f"{self.url}/", event)

    def provider_has_unread_bytes(self):
        """Whether somebody sent the provider worker what it has not read yet."""
        # gRPC listens on IPv6 sockets, which hold IPv4 connections too.
        lines = [line for table in ("tcp", "tcp6") for line in
                 pathlib.Path("/proc/net", table).read_text().splitlines()[1:]]
        for line in lines:
            _, local, _, state, queues, *_ = line.split()
            if (state == "01" and local.endswith(f":{self.provider_port:04X}")
                    and int(queues.split(":")[1], 16) > 0):
                return True
        return False


def flux_manifests(namespace, forge):
    """A Provider and an Alert as they stand in a cluster."""
    return f"""\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: forge
  namespace: {namespace}
spec:
  type: {forge.type}
  address: {forge.address}
  secretRef:
    name: forge-token
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: fleet
  namespace: {namespace}
spec:
  providerRef:
    name: forge
  eventSources:
    - kind: Kustomization
      name: "*"
"""


def secret_manifest(namespace, token):
    return f"""\
---
apiVersion: v1
kind: Secret
metadata:
  name: forge-token
  namespace: {namespace}
data:
  token: {base64.b64encode(token.encode()).decode()}
"""


def flux_event(namespace, name, sha, error=None):
    """What kustomize-controller sends for a success, or for the failure `error`."""
    group = "kustomize.toolkit.fluxcd.io"
    metadata = {f"{group}/revision": f"main@sha1:{sha}"}
    if error is None:
        metadata[f"{group}/commit_status"] = "update"
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "involvedObject": {
            "kind": "Kustomization", "namespace": namespace, "name": name,
            "uid": "8d0f4ab2-64a1-4a5e-9d5c-3f6b1f0c7a21", "apiVersion": f"{group}/v1",
            "resourceVersion": "4711"},
        "severity": "error" if error else "info",
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": error or "Reconciliation finished in 412.7ms, next run in 10m0s",
        "reason": "HealthCheckFailed" if error else "ReconciliationSucceeded",
        "metadata": metadata,
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-5d9c7c9b8-x2x7q"}
