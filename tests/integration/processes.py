"""What every integration test stands on: waiting, ports, HTTP, programs."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
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


class Ports:
    """Ports of this process alone, so that what it starts finds free what was free.

    They are below the range that the kernel gives to outgoing connections. Tests of
    other processes have others: each holds the first port of its share while it lives.
    """

    SHARE = 500
    FIRSTS = range(20000, 32000, SHARE)

    def __init__(self):
        self._held = socket.socket()
        self._first = next((first for first in random.sample(self.FIRSTS, len(self.FIRSTS))
                            if self._takes(self._held, first)), None)
        if self._first is None:
            raise AssertionError("other tests hold all ports: run fewer at once")
        self._used = 1

    @staticmethod
    def _takes(held, port):
        try:
            held.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

    def take(self, count):
        """The first of `count` consecutive ones, which nobody has."""
        for _ in range(self.SHARE):
            if self._used + count > self.SHARE:
                self._used = 1
            first = self._first + self._used
            with contextlib.ExitStack() as stack:
                free = all(self._takes(stack.enter_context(socket.socket()), port)
                           for port in range(first, first + count))
            self._used += count if free else 1
            if free:
                return first
        raise AssertionError(f"no {count} free ports from {self._first} on")


@functools.cache
def ports():
    """Those of this process."""
    return Ports()


def free_ports(count):
    """The first of `count` consecutive ports that nobody has nor gets."""
    return ports().take(count)


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


@contextlib.contextmanager
def temporary_directory():
    """A new one that everybody may look into, which goes with the context."""
    with tempfile.TemporaryDirectory(prefix="lamplighter-test-",
                                     ignore_cleanup_errors=True) as name:
        path = pathlib.Path(name)
        path.chmod(0o755)  # PostgreSQL is another user
        yield path


class Server:
    """What runs in a `directory` of its own between up() and down(), or as a context."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)

    def up(self):
        raise NotImplementedError

    def down(self):
        """Harmless where it is not up."""
        raise NotImplementedError

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()


class ShowsLogs:
    """A test that prints what the processes in its `folder` said, if it fails."""

    folder = None

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures and self.folder:
            logs = "\n".join(f"-- {log.name}\n{log.read_text(errors='replace')[-4000:]}"
                             for log in sorted(self.folder.glob("*.log")))
            print(f"\n{self.id()} failed:\n{logs}", flush=True)
        return result


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
