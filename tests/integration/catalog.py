"""reposync beside the other services, the databases that it keeps the catalog in, and what
tests of it stand on."""

import base64
import copy
import json
import os
import pathlib
import subprocess
import unittest

from harness import Kafka, Lamplighter
from processes import (DEADLINE, Process, Server, ShowsLogs, binary, free_ports, http,
                       run_script, temporary_directory, wait_until)
from scripted_forges import ScriptedForge

OF_A_GROUP = 50  # repositories, in a CatalogCase


class Postgresql(Server):
    """A real PostgreSQL in `directory`; `options` are the server's."""

    @staticmethod
    def why_not():
        """Why there can be none here; None where there can."""
        if any(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
            return None
        return "PostgreSQL is not installed"

    def __init__(self, directory, options=""):
        super().__init__(directory)
        self._env = dict(os.environ, PG_PORT=str(free_ports(1)), PG_OPTIONS=options)

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


class World:
    """What the tests of a file share, since it takes a while to start: `kafka`, a
    `directory`, and what a file puts here beside them. They go with the module."""

    @classmethod
    def start(cls):
        """For setUpModule()."""
        cls.directory = unittest.enterModuleContext(temporary_directory())
        cls.kafka = unittest.enterModuleContext(Kafka(cls.directory / "kafka"))

    @classmethod
    def postgresql(cls, enter_context):
        """A PostgreSQL that runs as long as that context; skips where there can be none."""
        if reason := Postgresql.why_not():
            raise unittest.SkipTest(reason)
        # A short name: that of its socket is limited.
        return enter_context(
            Postgresql(cls.directory / f"pg{len(list(cls.directory.iterdir()))}"))


class CatalogCase(ShowsLogs):
    """A forge, a provider worker and a catalog of its own for each test. The forge has
    `groups` of OF_A_GROUP repositories each, and connection hub has listed them."""

    groups = 1

    def setUp(self):
        self.folder = World.directory / self.id()
        self.folder.mkdir()
        self.forge = self.start_forge(self.folder / "forge")
        # No refresh but those that are asked for.
        self.catalog = Catalog(self.folder, World.kafka.brokers, {"hub": self.forge},
                               self.database(), refresh_interval="0s")
        self.addCleanup(self.catalog.stop)
        # One that is killed leaves its consumer group waiting for it.
        self.addCleanup(lambda: self.catalog.process and self.catalog.process.terminate())
        self.catalog.lamplighter.start("provider")
        self.prepare()
        self.catalog.start()
        self.assertEqual(self.refresh()["added"], str(self.groups * OF_A_GROUP))

    def start_forge(self, directory):
        forge = self.enterContext(ScriptedForge(directory))
        for group in range(self.groups):
            forge.change(owner=f"team-{group}", count=OF_A_GROUP)
        return forge

    def database(self):
        """Its URL."""
        return f"sqlite://{self.folder}/catalog.db"

    def prepare(self):
        """What has to be done before reposync starts."""

    def id_of(self, path):
        return f"{self.forge.host}/{path}"

    def ids(self, *args):
        return self.catalog.ids("--archived", "--max", "1000", *args)

    def refresh(self, connection="hub"):
        """A refresh that goes well."""
        refresh = self.catalog.refresh(connection)
        self.assertEqual(refresh["state"], "DONE", refresh)
        return refresh

    def attach(self, path, *args, status=0):
        """The webhook, as it is then."""
        return self.catalog.ctl("repos", "attach", self.id_of(path), *args,
                                status=status)["hook"]

    def detach(self, path, *args, status=0):
        """The webhook, as far as it is still there; None where it is not."""
        return self.catalog.ctl("repos", "detach", self.id_of(path), *args,
                                status=status).get("hook")

    def listed_hooks(self):
        return self.catalog.ctl("hooks", "list").get("hooks", [])

    def make_lab(self, token):
        """Makes connection lab, to the same forge as hub, and waits until it is listed."""
        self.write_lab("create", token, "--type", "github", "--forge", self.forge.url)
        # The first refresh, which nobody asked for, is done.
        wait_until("the connection to be listed", lambda: [
            refresh for refresh in self.catalog.ctl(
                "connections", "refreshes", "lab").get("refreshes", [])
            if refresh["state"] == "DONE"])

    def write_lab(self, command, token, *args):
        """Has `connections create` or `update` seal the secrets of lab."""
        secrets = []
        for key, value in (("token", token), ("webhookSecret", "lab-webhookSecret")):
            file = self.folder / key
            file.write_text(value)
            secrets += ["--secret", f"{key}={file}"]
        self.catalog.ctl("connections", command, "lab", *args, *secrets,
                         "--webhook-url", self.catalog.lamplighter.webhook_url)
