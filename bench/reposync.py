"""The catalog: refreshes of it, searches in it, and who watches it."""

import json
import os
import re
import selectors
import sqlite3
import subprocess
import sys
import time

import inputs
from measure import cpu_us, harness, memory_mb

sys.path.insert(0, str(inputs.ROOT / "tests/integration"))
from catalog import Postgresql  # noqa: E402  pylint: disable=wrong-import-position

WATCHERS = 100
CHANGES = 1000
SEARCHED = 1_000_000


class Sqlite:
    """A database file, and how many rows were written in it."""

    def __init__(self, directory):
        self._file = directory / "catalog.db"
        self.url = f"sqlite://{self._file}"

    def count_writes(self):
        """From now on."""
        with sqlite3.connect(self._file) as database:
            tables = [name for name, in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE "
                "'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite%' "
                "AND name NOT LIKE 'repository\\_words%' ESCAPE '\\' "
                "AND name NOT LIKE 'search\\_trigrams%' ESCAPE '\\'")]
            database.execute("CREATE TABLE writes (name TEXT)")
            for table in tables:
                for verb in ("INSERT", "UPDATE", "DELETE"):
                    database.execute(
                        f"CREATE TRIGGER count_{verb}_{table} AFTER {verb} ON {table} "
                        f"BEGIN INSERT INTO writes VALUES ('{table}'); END")

    def writes(self):
        with sqlite3.connect(self._file) as database:
            return dict(database.execute("SELECT name, COUNT(*) FROM writes GROUP BY name"))


class OnPostgresql:
    """The same on a PostgreSQL of its own."""

    def __init__(self, bench):
        directory = bench.folder("pg")
        # PostgreSQL is another user: it has to get here from the folder of all.
        for folder in (directory, *directory.parents[:3]):
            folder.chmod(0o755)
        # A catalog of a million fits, as docs/catalog.md would have it.
        self._server = Postgresql(directory, "-c shared_buffers=2GB")
        self._server.up()
        bench.at_end(self._server.down)
        self.url = self._server.url

    def _rows(self):
        # Statistics of what a session did come a second after it at the latest.
        time.sleep(1.5)
        result = subprocess.run(
            ["psql", "-At", "-F", " ", self.url, "-c",
             "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"],
            check=True, text=True, stdout=subprocess.PIPE)
        return {name: int(rows) for name, rows in
                (line.split() for line in result.stdout.splitlines())}

    def count_writes(self):
        self._before = self._rows()

    def writes(self):
        return {name: rows - self._before.get(name, 0)
                for name, rows in self._rows().items() if rows != self._before.get(name, 0)}


class World:
    """A forge with so many repositories, a provider worker, and reposync's configuration."""

    def __init__(self, bench, repositories, database, brokers="127.0.0.1:1"):
        self.bench = bench
        port_file = bench.directory / "forge.port"
        self.forge = bench.start("sandbox_forge", "--port-file", str(port_file),
                                 "--repositories", str(repositories))
        self.host = harness.wait_until("the forge's port", lambda: port_file.exists()
                                       and port_file.read_text().strip())
        secret = bench.folder("secret")
        (secret / "token").write_text(inputs.TOKEN)
        (secret / "webhookSecret").write_text(inputs.SECRET)
        bench.folder("manifests")
        self.port = harness.free_ports(5)
        self.config = bench.directory / "lamplighter.yaml"
        self.config.write_text(json.dumps({
            "kafka": {"bootstrap_servers": brokers, "replication_factor": 1},
            "provider": {
                "listen": f"127.0.0.1:{self.port}",
                "admin_listen": f"127.0.0.1:{self.port + 1}",
                "manifests": {"directory": str(bench.directory / "manifests")},
                "connections": [{"name": "bench", "type": "github",
                                 "address": self.url, "secret_directory": str(secret)}]},
            "reposync": {
                "database": database.url, "refresh_interval": "0s",
                "providers": {"default": f"127.0.0.1:{self.port}"},
                "catalog_service": {"listen": f"127.0.0.1:{self.port + 2}"},
                "json_listen": f"127.0.0.1:{self.port + 3}",
                "admin_listen": f"127.0.0.1:{self.port + 4}"}}))
        self.provider = bench.service("provider", self.config, self.port + 1)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.host}"

    def stats(self):
        return harness.http("GET", f"{self.url}/_sandbox/stats").json()

    def refresh(self):
        """`reposync refresh --once`; what it said, and what it took."""
        before = self.stats(), cpu_us(self.provider.pid), cpu_us(self.forge.pid)
        begin = time.monotonic()
        with open(self.bench.directory / "refresh.log", "ab") as log:
            process = subprocess.Popen(
                [self.bench.programs / "reposync", "refresh", "--once", "--config",
                 self.config], stdout=subprocess.PIPE, stderr=log, text=True)
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"bench: refresh ended with {process.returncode}: {said}"
                     + (self.bench.directory / "refresh.log").read_text()[-2000:])
        after = self.stats()
        return said, {
            "s": time.monotonic() - begin, "reposync CPU s": usage.ru_utime + usage.ru_stime,
            "provider CPU s": (cpu_us(self.provider.pid) - before[1]) / 1e6,
            "forge CPU s": (cpu_us(self.forge.pid) - before[2]) / 1e6,
            "requests": after["calls"] - before[0]["calls"],
            "bytes": after["bytes"] - before[0]["bytes"],
            "peak RSS MB": usage.ru_maxrss / 1024}


def measure_refreshes(bench, repositories, database):
    """A first refresh, and one that finds nothing changed."""
    world = World(bench, repositories, database)
    said, first = world.refresh()
    if f"{repositories} added" not in said:
        sys.exit(f"bench: {said}")
    database.count_writes()
    _, unchanged = world.refresh()
    written = database.writes()
    of = f"{type(database).__name__.removeprefix('On')}, {repositories:,}"
    each = 1e6 / repositories
    return {
        f"{of}: first, repositories/s": repositories / first["s"],
        f"{of}: first, reposync CPU µs each": first["reposync CPU s"] * each,
        f"{of}: first, provider CPU µs each": first["provider CPU s"] * each,
        f"{of}: first, forge CPU µs each": first["forge CPU s"] * each,
        f"{of}: unchanged, s": unchanged["s"],
        f"{of}: unchanged, requests": unchanged["requests"],
        f"{of}: unchanged, KB of bodies": unchanged["bytes"] / 1000,
        f"{of}: unchanged, rows of repositories": written.get("repositories", 0),
        f"{of}: unchanged, rows of reaches": written.get("reaches", 0),
        f"{of}: unchanged, all rows": sum(written.values()),
        f"{of}: unchanged, reposync CPU ms": unchanged["reposync CPU s"] * 1000,
        f"{of}: unchanged, provider CPU ms": unchanged["provider CPU s"] * 1000,
        f"{of}: peak RSS MB": first["peak RSS MB"],
        f"{of}: provider peak RSS MB": memory_mb(world.provider.pid, "VmHWM")}


def measure_search(bench, database):
    """`search_benchmark`, by what is searched for."""
    output = subprocess.run(
        [bench.programs / "search_benchmark", database.url,
         str(int(SEARCHED * min(1, bench.scale)))],
        check=True, text=True, stdout=subprocess.PIPE).stdout
    print(output, file=sys.stderr)
    name = type(database).__name__.removeprefix("On")
    figures = {}
    for kind, p50, p99 in re.findall(
            r"^search (.*?)  .*p50 +([\d.]+) ms, p99 +([\d.]+) ms", output, re.M):
        figures |= {f"{name}: search {kind}, p50 ms": float(p50),
                    f"{name}: search {kind}, p99 ms": float(p99)}
    return figures


def measure_watching(bench):
    """A refresh that adds many, until all of many clients have been told of all."""
    kafka, _ = bench.kafka()
    world = World(bench, CHANGES, Sqlite(bench.directory), kafka.brokers)
    world.refresh()
    reposync = bench.start("reposync", "serve", "--config", str(world.config))
    bench.wait_for_ready("reposync", reposync, world.port + 4)
    clients = [subprocess.Popen(
        [bench.programs / "lamplighterctl", "repos", "watch", "--count", str(CHANGES),
         "--address", f"127.0.0.1:{world.port + 2}", "-o", "json"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(WATCHERS)]
    for client in clients:
        bench.at_end(client.kill)
    streams = "lamplighter_reposync_catalog_service_streams"
    admin = f"http://127.0.0.1:{world.port + 4}/metrics"
    harness.wait_until("all to watch", lambda: re.search(
        rf"^{streams}.* {WATCHERS}$", harness.http("GET", admin).body.decode(), re.M))
    harness.http("POST", f"{world.url}/_sandbox/repositories",
                 {"owner": "org", "count": 2 * CHANGES})
    begin, cpu = time.monotonic(), cpu_us(reposync.pid)
    harness.http("POST", f"http://127.0.0.1:{world.port + 3}/lamplighter.v1.CatalogService"
                         "/RefreshConnection", {"name": "bench"})
    first, last = told(clients)
    messages = WATCHERS * CHANGES
    return {f"watch, {WATCHERS} clients: first told all after ms": (first - begin) * 1000,
            f"watch, {WATCHERS} clients: last told all after ms": (last - begin) * 1000,
            f"watch, {WATCHERS} clients: changes told/s": messages / (last - begin),
            f"watch, {WATCHERS} clients: CPU µs a change told":
                (cpu_us(reposync.pid) - cpu) / messages,
            f"watch, {WATCHERS} clients: peak RSS MB": memory_mb(reposync.pid, "VmHWM")}


def told(clients):
    """When the first and the last of the clients had all they waited for."""
    ends = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.stdout, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=120)
            if not ready:
                sys.exit("bench: watching clients were not told all")
            for key, _ in ready:
                if not os.read(key.fd, 1 << 20):
                    selector.unregister(key.fileobj)
                    ends.append(time.monotonic())
    return min(ends), max(ends)


def bench_catalog(bench):
    """Refreshes on SQLite and PostgreSQL, searches, and watching clients."""
    figures = {}
    databases = {"sqlite": lambda: Sqlite(bench.directory)}
    if reason := Postgresql.why_not():
        print(f"bench: {reason}", file=sys.stderr)
    else:
        databases["pg"] = lambda: OnPostgresql(bench)
    for name, make in databases.items():
        for repositories in (10_000, 100_000):
            with bench.part(f"{name}{repositories}"):
                figures |= measure_refreshes(bench, repositories, make())
        with bench.part(f"{name}-search"):
            figures |= measure_search(bench, make())
    with bench.part("watch"):
        figures |= measure_watching(bench)
    return figures
