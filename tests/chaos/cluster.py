"""Lamplighter as processes of its own, any of which can be killed or stopped."""

import contextlib
import dataclasses
import pathlib
import re

from harness import (Process, flux_manifests, free_ports, http, secret_manifest,
                     wait_until)
from processes import binary
from wire import Wire


WAITS = re.compile(r"lamplighter_dispatcher_(held|calls|outcomes|events)|.*spool_records{")


@dataclasses.dataclass
class Target:
    """A repository that a Flux Provider, in a namespace of its own, leads to."""
    namespace: str
    type: str
    address: str
    token: str


class Cluster:
    """ingest with its spool, `dispatchers` dispatchers, and a provider worker.

    With `wired` the dispatchers reach the worker by `wire`, which can be cut.
    """

    def __init__(self, directory, brokers, targets, dispatchers=1, wired=False):
        self.directory = pathlib.Path(directory)
        self.dispatchers = [f"dispatcher-{i}" for i in range(dispatchers)]
        self.names = ["ingest", "provider", *self.dispatchers]
        first = free_ports(2 + len(self.names))
        self.url = f"http://127.0.0.1:{first}"
        self._provider = first + 1
        self._admin = {name: first + 2 + i for i, name in enumerate(self.names)}
        self._brokers = brokers
        self._processes = {}
        self.wire = Wire(self._provider) if wired else None
        self._manifests = self.directory / "manifests"
        for folder in ("objects", "secrets"):
            (self._manifests / folder).mkdir(parents=True)
        for target in targets:
            (self._manifests / "objects" / f"{target.namespace}.yaml").write_text(
                flux_manifests(target.namespace, target))
            self.set_token(target.namespace, target.token)
        for name in self.names:
            self._configure(name)

    def set_token(self, namespace, token):
        """The credential of a namespace's Provider from now on."""
        path = self._manifests / "secrets" / f"{namespace}.yaml"
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(secret_manifest(namespace, token))
        unfinished.rename(path)

    def _configure(self, name):
        worker = self.wire.port if self.wire else self._provider
        section = {
            "ingest": f"""\
ingest:
  listen: {self.url.removeprefix("http://")}
  spool: {{path: {self.directory}/spool.db}}
  sources: [{{name: default, type: flux}}]
""",
            "provider": f"""\
provider:
  listen: 127.0.0.1:{self._provider}
  manifests: {{directory: {self._manifests}}}
"""}.get(name, f"""\
dispatcher:
  manifests: {{directory: {self._manifests}/objects}}
  providers: {{default: "127.0.0.1:{worker}"}}
""")
        (self.directory / f"{name}.yaml").write_text(f"""\
kafka:
  bootstrap_servers: {self._brokers.addresses}
  partitions: 6
  replication_factor: {self._brokers.count}
  produce_timeout: 2s
{section}\
  admin_listen: 127.0.0.1:{self._admin[name]}
""")

    def start(self, *names, wait=True):
        """Starts these (or all), and waits until they say that they are ready."""
        for name in names or self.names:
            service = name.split("-")[0]
            self._processes[name] = Process(name, [
                binary(f"//services/{service}:{service}"), "--config",
                str(self.directory / f"{name}.yaml")], self.directory)
        if wait:
            for name in names or self.names:
                wait_until(f"{name} to be ready", lambda name=name: self.is_ready(name))

    def is_ready(self, name):
        if not self[name].running():
            raise AssertionError(f"{name} ended: {self[name].log()[-3000:]}")
        try:
            return self._ask(name, "/readyz").status == 200
        except OSError:
            return False

    def __getitem__(self, name):
        return self._processes[name]

    def stop(self):
        for process in self._processes.values():
            process.kill()
        if self.wire:
            self.wire.close()

    def _ask(self, name, path):
        return http("GET", f"http://127.0.0.1:{self._admin[name]}{path}")

    def metric(self, name, metric):
        """The value of `metric`, as "name" or 'name{label="value"}'; 0 if it has none."""
        for line in self._ask(name, "/metrics").body.decode().splitlines():
            if line.startswith(f"{metric} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def is_idle(self):
        """Whether nothing waits in memory or on the spool."""
        try:
            return (self.metric("ingest",
                                'lamplighter_ingest_spool_records{state="waiting"}') == 0
                    and all(self.metric(name, "lamplighter_dispatcher_held_intents") == 0
                            for name in self.dispatchers))
        except OSError:
            return False

    def state(self):
        """What waits, and the last that each process said, for who reads a failure."""
        text = ""
        for name, process in self._processes.items():
            text += f"-- {process.log_path.name}\n{process.log()[-3000:]}"
            with contextlib.suppress(OSError):
                text += "".join(line + "\n" for line in self._ask(
                    name, "/metrics").body.decode().splitlines() if WAITS.match(line))
        return text
