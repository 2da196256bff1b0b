"""reposync beside the other services, and the databases that it keeps the catalog in."""

import base64
import copy
import json
import os
import pathlib
import subprocess

from harness import Lamplighter
from processes import DEADLINE, Process, binary, free_ports, http, run_script, wait_until


class Postgresql:
    """A real PostgreSQL in `directory`."""

    @staticmethod
    def why_not():
        """Why there can be none here; None where there can."""
        if any(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
            return None
        return "PostgreSQL is not installed"

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self._env = dict(os.environ, PG_PORT=str(free_ports(1)))

    def up(self):
        run_script("postgres.sh", "up", self.directory, self._env)
        [line] = (self.directory / "env").read_text().splitlines()
        self.url = line.removeprefix("DATABASE_URL=")

    def kill(self):
        run_script("postgres.sh", "kill", self.directory, self._env)

    def down(self):
        run_script("postgres.sh", "down", self.directory, self._env)


class Catalog:
    """A Lamplighter with reposync, whose connections are called as `forges` are."""

    def __init__(self, directory, brokers, forges, database, **settings):
        """`settings` are more for section reposync."""
        self.directory = pathlib.Path(directory)
        self.lamplighter = Lamplighter(directory, brokers, forges)
        ports = free_ports(3)
        self.address, self.json_address, self.admin_address = (
            f"127.0.0.1:{port}" for port in (ports, ports + 1, ports + 2))
        keys = self.directory / "seal-keys"
        keys.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
        config = self.lamplighter.config
        text = config.read_text().replace(
            "\nprovider:\n", f"\nprovider:\n  seal_key_file: {keys}\n")
        config.write_text(text + "reposync: " + json.dumps({
            "database": database, "seal_key_file": str(keys),
            "providers": {"default": f"127.0.0.1:{self.lamplighter.provider_port}"},
            "catalog_service": {"listen": self.address},
            "json_listen": self.json_address, "admin_listen": self.admin_address,
            **settings}) + "\n")
        self.config = self.lamplighter.config
        self.within = []  # the command that runs reposync, for start()
        self.process = None

    def replica(self, name):
        """Another reposync on the same database, to be started and killed by itself."""
        other = copy.copy(self)
        ports = free_ports(3)
        text = self.config.read_text()
        for i, part in enumerate(("address", "json_address", "admin_address")):
            setattr(other, part, f"127.0.0.1:{ports + i}")
            text = text.replace(f'"{getattr(self, part)}"', f'"{getattr(other, part)}"')
        other.config = self.directory / f"{name}.yaml"
        other.config.write_text(text)
        other.process = None
        return other

    def start(self):
        self.process = Process("reposync", [
            *self.within, binary("//services/reposync:reposync"), "serve", "--config",
            str(self.config)], self.directory)
        wait_until("reposync to be ready", self._ready)

    def _ready(self):
        if not self.process.running():
            raise AssertionError(f"reposync ended: {self.process.log()[-3000:]}")
        try:
            return http("GET", f"http://{self.admin_address}/readyz").status == 200
        except OSError:
            return False

    def stop(self):
        if self.process is not None:
            self.process.kill()
        self.lamplighter.stop()

    def metrics(self):
        return http("GET", f"http://{self.admin_address}/metrics").body.decode()

    def metric(self, name):
        """The value of a metric, as 'name{label="value"}'; 0 where there is none yet."""
        for line in self.metrics().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0

    def refresh(self, connection, *args, deadline=DEADLINE):
        """Has it refreshed; what came of it."""
        number = self.ctl("connections", "refresh", connection, *args)["refresh"]["id"]

        def ended():
            refreshes = self.ctl("connections", "refreshes", connection)["refreshes"]
            return next((refresh for refresh in refreshes if refresh["id"] == number
                         and refresh["state"] != "RUNNING"), None)
        return wait_until(f"the refresh of {connection} to end", ended, deadline)

    def refresh_once(self, *args):
        """The CronJob's command line; what it said, and its exit status."""
        return subprocess.run(
            [binary("//services/reposync:reposync"), "refresh", "--once", *args,
             "--config", str(self.lamplighter.config)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)

    def ctl(self, *args, status=0):
        """What lamplighterctl prints, which has to end with `status`."""
        result = self.run_ctl(*args)
        if result.returncode != status:
            raise AssertionError(f"{args}: {result.returncode}: {result.stderr}")
        return json.loads(result.stdout) if result.stdout.strip() else {}

    def run_ctl(self, *args):
        return subprocess.run(
            self.ctl_command(*args), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=DEADLINE)

    def ctl_command(self, *args):
        return [binary("//cli:lamplighterctl"), *args, "--address", self.address,
                "-o", "json"]

    def ids(self, *args):
        """Canonical ids of what `repos list` lists."""
        entries = self.ctl("repos", "list", *args).get("entries", [])
        return [entry["repository"]["repository_id"] for entry in entries]

    def post(self, method, body):
        """A call as JSON over HTTP."""
        return http("POST",
                    f"http://{self.json_address}/lamplighter.v1.CatalogService/{method}",
                    body)
