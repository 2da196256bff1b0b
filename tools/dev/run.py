"""Lamplighter and a sandbox forge on loopback; see ./dev help.

Everything is in a temporary folder and gone at the end.
"""

import argparse
import contextlib
import datetime
import json
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "sandbox-token"
DEADLINE = 30  # seconds for any one step

MANIFESTS = """\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: forge, namespace: flux-system}}
spec:
  type: github
  address: {forge}/acme/fleet
  secretRef: {{name: forge-token}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: fleet, namespace: flux-system}}
spec:
  providerRef: {{name: forge}}
  eventSources:
    - {{kind: Kustomization, name: "*"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: forge-token, namespace: flux-system}}
stringData: {{token: {token}}}
"""

CONFIG = """\
kafka: {{bootstrap_servers: embedded}}
ingest:
  listen: 127.0.0.1:{front}
  admin_listen: 127.0.0.1:{admin}
dispatcher:
  manifests: {{directory: {directory}/manifests}}
  providers: {{default: "127.0.0.1:{provider}"}}
provider:
  listen: 127.0.0.1:{provider}
  manifests: {{directory: {directory}/manifests}}
"""


class Failed(Exception):
    """What ends the run, in words for the person who began it."""


def free_port(wanted):
    """`wanted` if nobody has it, else a free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
    raise Failed("there is no free port")


@contextlib.contextmanager
def running(label, directory, *args):
    """The program of a Bazel label, until the end of the block. Yields its log."""
    log = directory / f"{label.split(':')[1]}.log"
    with open(log, "wb") as output:
        # A session of its own: Ctrl-C reaches us alone, and we stop it in order.
        process = subprocess.Popen(
            [ROOT / "bazel-bin" / label[2:].replace(":", "/"), *args],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True)
    try:
        yield process, log
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what, predicate, program):
    """The first true value of `predicate`, as long as `program` runs."""
    process, log = program
    end = time.monotonic() + DEADLINE
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if value := predicate():
                return value
        if process.poll() is not None or time.monotonic() > end:
            ended = "it ended" if process.poll() is not None else f"waited {DEADLINE} s"
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise Failed(f"{what}: {ended}. The end of its log:\n{tail}")
        time.sleep(0.05)


def request(url, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
            urllib.request.Request(url, data, headers), timeout=10) as answer:
        return answer.status, answer.read()


def event(name, sha, severity, reason, message):
    """An event as Flux's kustomize-controller sends it."""
    group = "kustomize.toolkit.fluxcd.io"
    now = datetime.datetime.now(datetime.timezone.utc)
    metadata = {f"{group}/revision": f"main@sha1:{sha}"}
    if severity == "info":
        metadata[f"{group}/commit_status"] = "update"
    return {
        "involvedObject": {"apiVersion": f"{group}/v1", "kind": "Kustomization",
                           "namespace": "flux-system", "name": name},
        "severity": severity, "reason": reason, "message": message,
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "metadata": metadata,
        "reportingController": "kustomize-controller"}


def send_and_check(front, forge, program):
    """Sends a success and a failure; the two statuses that the forge then shows."""
    sha = secrets.token_hex(20)
    for body in (
            event("web", sha, "info", "ReconciliationSucceeded",
                  "Reconciliation finished in 412ms, next run in 10m0s"),
            event("db", sha, "error", "HealthCheckFailed",
                  "Deployment/default/db not ready: 0 of 1 pods")):
        status, _ = request(f"{front}/", body)
        if status != 202:
            raise Failed(f"the front door answered {status}")

    def two_statuses():
        _, body = request(f"{forge}/api/v3/repos/acme/fleet/commits/{sha}/statuses",
                          token=TOKEN)
        found = json.loads(body)
        return found if len(found) >= 2 else None
    statuses = sorted(wait_for("waiting for the statuses", two_statuses, program),
                      key=lambda s: s["context"], reverse=True)

    print(f"\nThe forge shows on commit {sha[:10]} of acme/fleet:\n")
    for s in statuses:
        print(f"  {s['state']:<9} {s['context']:<24} {s['description']}")
    expected = [("kustomization/web", "success", "reconciliation succeeded"),
                ("kustomization/db", "failure", "health check failed")]
    for s, (context, state, description) in zip(statuses, expected, strict=True):
        if (not s["context"].startswith(context) or s["state"] != state
                or not s["description"].startswith(description)):
            raise Failed(f"expected {state} {context} {description!r}")
    return sha


def serve(directory, once):
    port_file = directory / "forge.port"
    with running("//tests/forges:sandbox_forge", directory,
                 "--listen", "127.0.0.1:0", "--port-file", str(port_file),
                 "--token", TOKEN) as forge_program:
        port = wait_for("starting the forge", lambda: port_file.exists()
                        and port_file.read_text().strip(), forge_program)
        forge = f"http://127.0.0.1:{port}"
        ports = {"front": free_port(8080), "admin": free_port(9090),
                 "provider": free_port(50051)}
        (directory / "manifests").mkdir()
        (directory / "manifests/fleet.yaml").write_text(
            MANIFESTS.format(forge=forge, token=TOKEN))
        config = directory / "lamplighter.yaml"
        config.write_text(CONFIG.format(directory=directory, **ports))
        front = f"http://127.0.0.1:{ports['front']}"
        admin = f"http://127.0.0.1:{ports['admin']}"
        with running("//lamplighter:lamplighter", directory,
                     "--config", str(config)) as program:
            wait_for("starting lamplighter",
                     lambda: request(f"{admin}/readyz")[0] == 200, program)
            sha = send_and_check(front, forge, program)
            if once:
                return
            example = json.dumps(event("web", sha, "error", "BuildFailed", "no such file"))
            print(f"""
front door  {front}/
admin       {admin}/readyz and /metrics
forge       {forge}/api/v3/repos/acme/fleet/commits/{sha}/statuses
files       {directory}

Try:
  curl -i {front}/ -H 'Content-Type: application/json' -d '{example}'
  curl -s {forge}/api/v3/repos/acme/fleet/commits/{sha}/statuses -H 'Authorization: Bearer {TOKEN}'

Ctrl-C ends it.""", flush=True)
            program[0].wait()
            wait_for("serving", lambda: None, program)


def main():
    parser = argparse.ArgumentParser(prog="./dev run")
    parser.add_argument("--once", action="store_true",
                        help="stop once the two statuses are there")
    args = parser.parse_args()
    # SIGTERM ends it as Ctrl-C does, and both also where a shell ignores them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="lamplighter-") as directory:
        try:
            serve(pathlib.Path(directory), args.once)
        except Failed as failure:
            print(f"dev: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
