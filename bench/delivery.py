"""The whole path: from an event that is accepted to the status that the forge shows."""

import statistics
import threading
import time

import inputs
from measure import PARTITIONS, REPOSITORIES, SERVICES, cpu_us, harness, medians, memory_mb


class Path:
    """All that an event passes on its way to the forge, a process each."""

    def __init__(self, bench, repositories=REPOSITORIES):
        self.repositories = repositories
        port_file = bench.directory / "forge.port"
        process = bench.start("sandbox_forge", "--port-file", str(port_file),
                              "--token", inputs.TOKEN)
        forge_port = harness.wait_until("the forge's port", lambda: port_file.exists()
                                        and port_file.read_text().strip())
        self.forge_url = f"http://127.0.0.1:{forge_port}"
        kafka, broker = bench.kafka()
        inputs.write_manifests(bench.folder("manifests"), self.forge_url, repositories)
        self.port = port = harness.free_ports(5)
        config = inputs.write_config(
            bench.directory, kafka.brokers, PARTITIONS, ingest=port, provider=port + 1,
            ingest_admin=port + 2, dispatcher_admin=port + 3, provider_admin=port + 4)
        self.pids = {name: bench.service(name, config, port + 2 + i).pid
                     for i, name in enumerate(SERVICES)}
        self.pids |= {"forge": process.pid, "broker": broker}

    def ask_forge(self, path):
        return harness.http("GET", f"{self.forge_url}/_sandbox/{path}").json()

    def statuses(self):
        return self.ask_forge("stats")["statuses"]

    def calls(self):
        return self.ask_forge("stats")["calls"]

    def break_forge(self):
        """It answers 502 from now on."""
        harness.http("POST", f"{self.forge_url}/_sandbox/faults", {"status": 502})

    def mend_forge(self):
        harness.http("DELETE", f"{self.forge_url}/_sandbox/faults")

    def peaks(self):
        return {f"{name} peak RSS MB": memory_mb(self.pids[name], "VmHWM")
                for name in SERVICES}

    def cpu_us(self):
        return {name: cpu_us(pid) for name, pid in self.pids.items()}


def bench_status(bench):
    """Signed Flux events for commits of their own, until the forge has all statuses."""
    path = Path(bench)
    figures = measure_status(bench, path)
    figures["unloaded p50 ms"], figures["unloaded p99 ms"] = p50_and_p99(
        unloaded_latencies(path))
    return figures | path.peaks()


def bench_repositories(bench):
    """The same with one repository, and with 1,000, each with a Provider and an Alert."""
    figures = {}
    for repositories in (1, 1000):
        with bench.part(f"of-{repositories}"):
            path = Path(bench, repositories)
            found = measure_status(bench, path)
            rate = 200
            found[f"p50 ms at {rate}/s"], found[f"p99 ms at {rate}/s"] = p50_and_p99(
                paced_latencies(path, rate, seconds=10 * bench.scale))
            found |= path.peaks()
        figures |= {f"{repositories:,}: {name}": value for name, value in found.items()}
    return figures


def measure_status(bench, path):
    """Medians of rounds, each until the forge has all statuses."""
    count = int(5000 * bench.scale)
    file = bench.directory / "events"

    def send():
        inputs.write_events(file, count, path.repositories)
        target = path.statuses() + count
        before, begin = path.cpu_us(), time.monotonic()
        answers = bench.load(path.port, file, count)
        harness.wait_until("all statuses", lambda: path.statuses() >= target)
        seconds = time.monotonic() - begin
        after = path.cpu_us()
        used = {name: (after[name] - before[name]) / count for name in after}
        return {"CPU µs a status": sum(used[name] for name in SERVICES),
                "dispatcher and provider CPU µs": used["dispatcher"] + used["provider"],
                **{f"{name} CPU µs": value for name, value in used.items()},
                "client CPU µs": answers["cpu_us"], "statuses/s": count / seconds}

    send()
    calls = path.calls()
    figures = medians([send() for _ in range(bench.rounds)])
    figures["forge calls a status"] = (path.calls() - calls) / count / bench.rounds
    return figures


def p50_and_p99(latencies):
    return statistics.median(latencies), statistics.quantiles(latencies, n=100)[98]


def unloaded_latencies(path):
    """Milliseconds from a post to the forge's answer, one event after the other."""
    result = []
    for sha, post in inputs.posts(path.port, 200, path.repositories):
        done = path.statuses() + 1
        after = path.calls()
        begin = time.time()
        post()
        harness.wait_until("a status", lambda done=done: path.statuses() >= done)
        [call] = [c for c in path.ask_forge(f"calls?after={after}")
                  if c["method"] == "POST" and sha in c["path"]]
        result.append(call["at_ms"] + 0.5 - begin * 1000)
    return result


def paced_latencies(path, rate, seconds):
    """Milliseconds from the answer 202 to the forge's call, at `rate` events a second."""
    senders = 4
    accepted = {}
    done, after = path.statuses() + int(rate * seconds), path.calls()

    def send(sender):
        begin = time.monotonic() + sender / rate
        for i, (sha, post) in enumerate(inputs.posts(
                path.port, int(rate * seconds) // senders, path.repositories)):
            time.sleep(max(0, begin + i * senders / rate - time.monotonic()))
            post()
            accepted[sha] = time.time() * 1000
    threads_ = [threading.Thread(target=send, args=(i,)) for i in range(senders)]
    for thread in threads_:
        thread.start()
    for thread in threads_:
        thread.join()
    harness.wait_until("all statuses", lambda: path.statuses() >= done)
    called = {}
    while calls := path.ask_forge(f"calls?after={after}"):
        after = calls[-1]["number"]
        called |= {c["path"].rsplit("/", 1)[-1]: c["at_ms"] + 0.5 for c in calls
                   if c["method"] == "POST"}
    return [called[sha] - at for sha, at in accepted.items()]


def bench_backlog(bench):
    """100,000 events while the forge is away for a minute, and what follows."""
    parts, part, away = 10, int(10_000 * bench.scale), 60
    count = parts * part
    path = Path(bench)
    files = [bench.directory / f"events-{i}" for i in range(parts)]
    for file in files:
        inputs.write_events(file, part, REPOSITORIES)
    before, calls = path.cpu_us(), path.calls()
    path.break_forge()
    begin = time.monotonic()
    sending = sum(bench.load(path.port, file, part)["seconds"] for file in files)
    time.sleep(max(0, begin + away - time.monotonic()))
    calls_away = path.calls() - calls
    path.mend_forge()
    begin, calls = time.monotonic(), path.calls()
    at_once = 0

    def all_set():
        nonlocal at_once
        done = path.statuses()
        if time.monotonic() < begin + 10:
            at_once = done
        return done >= count
    harness.wait_until("all statuses", all_set, deadline=900)
    seconds = time.monotonic() - begin
    after = path.cpu_us()
    return {"events/s accepted": count / sending,
            "forge calls while it is away": calls_away,
            "drained after s": seconds, "statuses/s": count / seconds,
            "set within 10 s": at_once,
            "CPU µs a status": sum(after[n] - before[n] for n in SERVICES) / count,
            "forge calls a status": (path.calls() - calls) / count, **path.peaks()}
