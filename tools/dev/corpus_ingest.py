"""A real ingest with a broker of its own, for ./dev corpus."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

from corpus_samples import TYPES

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Where Bazel puts programs; $LAMPLIGHTER_BIN is read in its place.
PROGRAMS = pathlib.Path(os.environ.get("LAMPLIGHTER_BIN", ROOT / "bazel-bin"))
DEADLINE = 30  # seconds for any one step
EVENTS = "/api/events-handler/v1/events/"


class Failed(Exception):
    """What ends the run, in words for the person who began it."""


class Ingest:
    """A running ingest and what it wrote."""

    def __init__(self, port, broker):
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self._broker = broker

    def post(self, sample, headers, body=None, trace=0):
        """The status of the answer. `trace`, not 0, is found again in Kafka."""
        path = EVENTS + sample.type + "/" + sample.source()
        self._http.putrequest("POST", path, skip_accept_encoding=True)
        body = sample.body if body is None else body
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self._http.putheader(name, value)
        if trace:
            self._http.putheader("traceparent", f"00-{trace:032x}-{trace:016x}-01")
        self._http.endheaders(body)
        answer = self._http.getresponse()
        answer.read()
        return answer.status

    def events(self):
        """All events that are in Kafka now, by trace."""
        found = {}
        for topic, message in (("flux-events", "FluxEvent"), ("git-events", "GitEvent")):
            for headers, value in self._records(f"lamplighter.{topic}.v1"):
                trace = int(headers["traceparent"].split("-")[1], 16)
                kind = headers["ce_type"].removeprefix("dev.lamplighter.")
                kind = "flux" if message == "FluxEvent" else kind.split(".")[1]
                found[trace] = (kind, message, value)
        return found

    def _records(self, topic):
        # Headers end the first line; the value has its length there.
        data = subprocess.run(
            ["kcat", "-C", "-e", "-q", "-b", self._broker, "-t", topic,
             "-o", "beginning", "-f", r"%S %h\n%s\n"],
            capture_output=True, timeout=DEADLINE, check=True).stdout
        while data:
            line, data = data.split(b"\n", 1)
            length, headers = line.split(b" ", 1)
            pairs = re.split(r",(?=[a-z][a-z0-9_-]*=)", headers.decode())
            yield dict(pair.split("=", 1) for pair in pairs), data[:int(length)]
            data = data[int(length) + 1:]


@contextlib.contextmanager
def running(args, **kwargs):
    process = subprocess.Popen(args, start_new_session=True, **kwargs)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(admin, process, log):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=5):
                return
        time.sleep(0.05)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise Failed(f"ingest does not start. The end of its log:\n{tail}")


@contextlib.contextmanager
def ingest(secrets):
    """An ingest with a source of each type, whose secrets are `secrets`."""
    with tempfile.TemporaryDirectory(prefix="lamplighter-") as temporary:
        directory = pathlib.Path(temporary)
        sources = [{"name": "default", "type": "flux"}]
        for kind in sorted(set(TYPES.values())):
            files = []
            for secret in secrets[kind]:
                files.append(str(directory / f"{kind}-{len(files)}"))
                pathlib.Path(files[-1]).write_text(secret)
            if kind == "flux":
                sources.append({"name": "hmac", "type": kind, "hmac_secret_file":
                                files[0], "secret_files": files[1:]})
            else:
                sources.append({"name": kind, "type": kind, "secret_files": files})
        listen, admin = free_port(), free_port()
        broker_args = [PROGRAMS / "services/ingest/corpus_broker"]
        with running(broker_args, stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE, text=True) as broker:
            address = broker.stdout.readline().strip()
            config = {"kafka": {"bootstrap_servers": address, "create_topics": False},
                      "ingest": {"listen": f"127.0.0.1:{listen}",
                                 "admin_listen": f"127.0.0.1:{admin}",
                                 "sources": sources}}
            # JSON is YAML.
            (directory / "ingest.yaml").write_text(json.dumps(config))
            log = directory / "ingest.log"
            with open(log, "wb") as output, running(
                    [PROGRAMS / "services/ingest/ingest", "--config",
                     directory / "ingest.yaml"], stdout=output, stderr=output) as process:
                wait_until_ready(admin, process, log)
                yield Ingest(listen, address)
