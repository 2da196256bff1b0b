"""Real processes on loopback: brokers, forges and the services under test."""

import base64
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 60  # seconds; for what a loaded machine does in a few


def wait_until(what, predicate, deadline=DEADLINE):
    """Returns the first true value of `predicate`; fails, naming `what`, after `deadline`."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still waiting after {deadline} s: {what}")
        time.sleep(0.05)


def free_ports(count):
    """The first of `count` consecutive ports that nobody has.

    From below the range that the kernel gives to outgoing connections, so that
    none of them takes the port before it is listened on.
    """
    while True:
        first = random.randrange(20000, 32000)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first


@dataclasses.dataclass
class Answer:
    """What an HTTP server said."""
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def http(method, url, body=None, headers=None, timeout=15):
    """One HTTP request. `body` is bytes, or anything else to be sent as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


class Process:
    """A program with its output in a file."""

    def __init__(self, name, command, directory):
        self.name = name
        self.log_path = pathlib.Path(directory) / f"{name}.log"
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self._process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self._process.poll() is None

    def send(self, number):
        self._process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """Waits for the end by itself; its exit status."""
        return self._process.wait(deadline)

    def terminate(self):
        """SIGTERM; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """SIGKILL, as a crash has it. Harmless once it ended."""
        self._process.kill()
        self._process.wait()


class Kafka:
    """A real broker of our own, in `directory`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        port = free_ports(2)
        self.brokers = f"127.0.0.1:{port}"
        self._env = dict(os.environ, KAFKA_PORT=str(port), KAFKA_HEAP="256m")

    def _script(self, command):
        run_script("kafka.sh", command, self.directory, self._env)

    def up(self):
        """Starts it, also after a kill, on its old data."""
        self._script("up")

    def kill(self):
        self._script("kill")

    def down(self):
        self._script("down")

    def records(self, topic):
        """All that is on `topic` now; nothing where there is no such topic."""
        # Headers end the first line; key and value have their lengths there.
        result = subprocess.run(
            ["kcat", "-C", "-e", "-q", "-b", self.brokers, "-t", topic,
             "-o", "beginning", "-f", r"%p %o %K %S %h\n%k%s\n"],
            capture_output=True, timeout=DEADLINE)
        records, data, at = [], result.stdout, 0
        while at < len(data):
            key = data.index(b"\n", at) + 1
            partition, offset, key_length, length, headers = data[at:key - 1].split(b" ", 4)
            value = key + max(0, int(key_length))
            at = value + max(0, int(length))
            records.append(Record(
                int(partition), int(offset), data[key:value].decode(),
                parse_headers(headers.decode()), data[value:at]))
            at += 1  # the line break behind the value
        return records

    def wait_for(self, topic, what, predicate, deadline=DEADLINE):
        """The records of `topic` that `predicate` holds for, once there is one."""
        return wait_until(f"{what} on {topic}", lambda: [
            r for r in self.records(topic) if predicate(r)], deadline)


@dataclasses.dataclass
class Record:
    """A record as kcat read it."""
    partition: int
    offset: int
    key: str
    headers: dict
    value: bytes

    def decode(self, message):
        """The value in Protobuf's text format; `message` is of lamplighter.v1."""
        return subprocess.run(
            ["protoc", f"--decode=lamplighter.v1.{message}", "-I.",
             "proto/lamplighter/v1/events.proto", "proto/lamplighter/v1/statuses.proto"],
            cwd=ROOT, input=self.value, check=True, capture_output=True).stdout.decode()


def parse_headers(text):
    """kcat's `a=1,b=2`, where a value may hold commas."""
    pairs = re.split(r",(?=[a-z][a-z0-9_-]*=)", text) if text else []
    return dict(pair.split("=", 1) for pair in pairs)


def run_script(name, command, directory, env):
    """Runs a script of tools/dev; what it says is in the error if it fails."""
    result = subprocess.run(
        [ROOT / "tools/dev" / name, command, directory], env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    if result.returncode != 0:
        raise AssertionError(f"{name} {command}: {result.stdout}")


class Gitea:
    """A real Gitea in `directory`, with one repository of one commit."""

    type = "gitea"
    owner, repository = "forge", "fleet"

    @staticmethod
    def why_not():
        """Why there can be no Gitea here; None where there can."""
        result = subprocess.run([ROOT / "tools/dev/gitea.sh", "build"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode == 3:
            return result.stderr.strip()
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return None

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self._env = dict(os.environ, GITEA_PORT=str(free_ports(1)))

    def up(self):
        run_script("gitea.sh", "up", self.directory, self._env)
        env = dict(line.split("=", 1) for line in
                   (self.directory / "env").read_text().splitlines())
        self.url, self.token = env["GITEA_URL"], env["GITEA_TOKEN"]
        self.address = f"{self.url}/{self.owner}/{self.repository}"
        self.api("POST", "/user/repos", {"name": self.repository, "auto_init": True,
                                         "default_branch": "main"})

    def down(self):
        run_script("gitea.sh", "down", self.directory, self._env)

    def api(self, method, path, body=None):
        answer = http(method, f"{self.url}/api/v1{path}", body,
                      {"Authorization": f"token {self.token}"})
        if answer.status >= 300:
            raise AssertionError(f"gitea: {method} {path}: {answer.status} {answer.body}")
        return answer.json() if answer.body else None

    def add_webhook(self, url, secret):
        self.api("POST", f"/repos/{self.owner}/{self.repository}/hooks", {
            "type": "gitea", "active": True, "events": ["push"],
            "config": {"url": url, "content_type": "json", "secret": secret}})

    def push(self, message):
        """Pushes a new commit to main with git; its id."""
        clone = self.directory / "clone"
        credential = base64.b64encode(f"{self.owner}:{self.token}".encode()).decode()

        def git(*args):
            return subprocess.run(
                ["git", "-c", f"http.extraHeader=Authorization: Basic {credential}",
                 "-c", "user.name=Ada", "-c", "user.email=ada@example.test", *args],
                cwd=clone if clone.exists() else self.directory, check=True,
                capture_output=True, text=True,
                env=dict(os.environ, GIT_TERMINAL_PROMPT="0")).stdout.strip()
        if not clone.exists():
            git("clone", "--quiet", f"{self.address}.git", "clone")
        git("commit", "--quiet", "--allow-empty", "-m", message)
        git("push", "--quiet", "origin", "HEAD:main")
        return git("rev-parse", "HEAD")

    def statuses(self, sha):
        """Every status ever set on a commit, oldest first."""
        listed = self.api("GET", f"/repos/{self.owner}/{self.repository}/commits/{sha}"
                                 "/statuses?limit=50")
        return [Status(s["context"], s["status"], s["description"])
                for s in sorted(listed, key=lambda s: s["id"])]


class SandboxForge:
    """The scripted forge, which speaks GitHub's API."""

    type = "github"

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.token = "sandbox-token"

    def up(self):
        port_file = self.directory / "sandbox_forge.port"
        self._process = Process("sandbox_forge", [
            binary("//tests/forges:sandbox_forge"), "--listen", "127.0.0.1:0",
            "--port-file", str(port_file), "--token", self.token], self.directory)
        port = wait_until("the sandbox forge's port", lambda: port_file.exists()
                          and port_file.read_text().strip())
        self.url = f"http://127.0.0.1:{port}"
        self.address = f"{self.url}/acme/fleet"

    def down(self):
        self._process.kill()

    def push(self, message):
        """The forge takes any commit id as that of a commit."""
        del message
        return f"{random.getrandbits(160):040x}"

    def statuses(self, sha):
        """Every status ever set on a commit, oldest first."""
        answer = http("GET", f"{self.url}/api/v3/repos/acme/fleet/commits/{sha}"
                             "/statuses?per_page=100",
                      headers={"Authorization": f"Bearer {self.token}"})
        if answer.status != 200:
            raise AssertionError(f"sandbox forge: {answer.status} {answer.body}")
        return [Status(s["context"], s["state"], s["description"])
                for s in reversed(answer.json())]


class RpcError(Exception):
    """What a gRPC call ended with that failed; `code` is gRPC's number."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclasses.dataclass
class Status:
    """A commit status as a forge shows it."""
    context: str
    state: str
    description: str


def binary(label):
    """What Bazel built for //a/b:c."""
    path = ROOT / "bazel-bin" / label.removeprefix("//").replace(":", "/")
    if not path.exists():
        raise AssertionError(f"{path} is missing: run ./dev test integration")
    return str(path)


class Lamplighter:
    """ingest, dispatcher and provider as processes of their own."""

    NAMES = ("ingest", "dispatcher", "provider")

    def __init__(self, directory, brokers, forges, spool=None):
        """`forges` are {namespace: forge}; Flux objects there lead to that forge.

        `spool` is the file of ingest's spool; None for an ingest without one.
        """
        self.directory = pathlib.Path(directory)
        ports = free_ports(5)
        self.url = f"http://127.0.0.1:{ports}"
        self.provider_port = ports + 1
        self._admin = {name: ports + 2 + i for i, name in enumerate(self.NAMES)}
        self._processes = {}
        self.webhook_secret = "webhook-secret"
        self.webhook_url = f"{self.url}/api/events-handler/v1/events/gitea/forge"
        self.former_webhook_url = f"{self.url}/former"
        self.config = self.directory / "lamplighter.yaml"
        self._write(brokers, forges, spool)

    def _write(self, brokers, forges, spool):
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
kafka:
  bootstrap_servers: {brokers}
  partitions: 4
  replication_factor: 1
  produce_timeout: 2s
telemetry: {{log_level: debug}}
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
        for name in names or self.NAMES:
            self._processes[name] = Process(name, [
                binary(f"//services/{name}:{name}"), "--config", str(self.config)],
                self.directory)
        for name in names or self.NAMES:
            wait_until(f"{name} to be ready",
                       lambda name=name: self._ready(name))

    def _ready(self, name):
        if not self[name].running():
            raise AssertionError(f"{name} ended: {self[name].log()[-3000:]}")
        try:
            return self.admin(name, "/readyz").status == 200
        except OSError:
            return False

    def __getitem__(self, name):
        return self._processes[name]

    def log_tails(self):
        """The last that each service said, for who reads a failure."""
        return "\n".join(f"-- {process.log_path.name}\n{process.log()[-3000:]}"
                         for process in self._processes.values())

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
