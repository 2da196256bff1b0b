"""What every integration test stands on: waiting, ports, HTTP, programs."""

import contextlib
import dataclasses
import json
import os
import pathlib
import random
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


def run_script(name, command, directory, env):
    """Runs a script of tools/dev; what it says is in the error if it fails."""
    result = subprocess.run(
        [ROOT / "tools/dev" / name, command, directory], env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    if result.returncode != 0:
        raise AssertionError(f"{name} {command}: {result.stdout}")


def binary(label):
    """What Bazel built for //a/b:c. $LAMPLIGHTER_BIN is read in place of bazel-bin."""
    folder = pathlib.Path(os.environ.get("LAMPLIGHTER_BIN", ROOT / "bazel-bin"))
    path = folder / label.removeprefix("//").replace(":", "/")
    if not path.exists():
        raise AssertionError(f"{path} is missing: run ./dev test integration")
    return str(path)
