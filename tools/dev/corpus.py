"""Posts recorded deliveries to a real ingest and checks what it makes of them.

    ./dev corpus DIR

DIR has FORGE/EVENT/NAME.json (or .form) with the request's header lines beside it
in NAME.headers, and may have _vectors/signatures.json: a list of {"provider",
"file" or "body", "secret", "header", "value", "note"}.

Each delivery is signed anew with its forge's secret, posted, and read back from
Kafka: its kind must fit the folder. Each signature of the list must be taken as
it is, and refused with one bit of it flipped. One with a time, which is long past,
must be what we would sign then, must be refused now, and is tried with the time
of now.

Ends with "accepted N, refused N, wrong N, signatures N of N", and fails unless all
are accepted, none is wrong and all signatures agree.
"""

import argparse
import base64
import collections
import contextlib
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 30  # seconds for any one step
BATCH = 1 << 20  # bytes posted between two readings; the broker keeps 5 MB
EVENTS = "/api/events-handler/v1/events/"
OWN_SECRET = "a secret that the list does not have"
OWN_USER = "lamplighter:a password"

# Folder of a forge -> type of source.
TYPES = {"azure-devops": "azure-devops", "bitbucket": "bitbucket",
         "bitbucket-cloud": "bitbucket", "bitbucket-dc": "bitbucketserver",
         "bitbucketserver": "bitbucketserver", "flux": "flux",
         "forgejo": "forgejo", "gitea": "gitea", "github": "github",
         "gitlab": "gitlab"}

# What a delivery does not say anew for itself, and what its signature replaces.
DROPPED = {"host", "content-length", "accept-encoding", "connection", "authorization",
           "traceparent", "x-hub-signature-256", "x-hub-signature", "x-signature",
           "x-gitea-signature", "x-forgejo-signature", "x-gogs-signature",
           "x-gitlab-token", "webhook-id", "webhook-timestamp", "webhook-signature"}


class Failed(Exception):
    """What ends the run, in words for the person who began it."""


class Event(collections.namedtuple("Event", "kind name text")):
    """A normalized event: ce_type's middle, the forge's name of it, all of it."""

    def refs(self, action, prefix):
        return re.search(rf'ref: "refs/{prefix}/[^\n]*\n\s+action: {action}', self.text)

    def request(self, *actions):
        found = re.search(r"pull_request \{\s+action: (\w+)", self.text)
        return self.kind == "pull-request" and bool(found) and found[1] in actions


def is_push(event, actions, prefix):
    """Some forges say by `create` and `delete` what a push says as well."""
    if event.name in ("create", "delete") and event.kind == "other":
        return True
    return event.kind == "push" and any(event.refs(a, prefix) for a in actions)


def request_of(*actions):
    return lambda event: event.request(*actions)


ANY_ACTION = ("OPENED", "SYNCHRONIZED", "MERGED", "CLOSED", "EDITED", "REOPENED")
# Folder of an event, "mr_" read as "pr_" -> whether an event fits it.
FITS = {
    "push": lambda e: e.kind == "push",
    "branch_create": lambda e: is_push(e, ["CREATED"], "heads"),
    "branch_delete": lambda e: is_push(e, ["DELETED"], "heads"),
    "tag_create": lambda e: is_push(e, ["CREATED"], "tags"),
    "tag_push": lambda e: is_push(e, ["CREATED", "UPDATED"], "tags"),
    "tag_delete": lambda e: is_push(e, ["DELETED"], "tags"),
    "pr_opened": request_of("OPENED"),
    "pr_updated": request_of("SYNCHRONIZED"),
    "pr_merged": request_of("MERGED"),
    "pr_completed": request_of("MERGED"),
    "pr_closed": request_of("CLOSED"),
    "pr_declined": request_of("CLOSED"),
    "pr_abandoned": request_of("CLOSED"),
    "pr_deleted": request_of("CLOSED"),
    "pr_reopened": request_of("REOPENED"),
    # Where a forge does not tell an edit from new commits, it is the latter.
    "pr_edited": request_of("EDITED", "SYNCHRONIZED"),
    "pr_merge_attempted": request_of(*ANY_ACTION),
    "pr_other": request_of("EDITED", "SYNCHRONIZED"),
    "pr_review": lambda e: e.kind == "other",
    "pr_approved": lambda e: e.kind == "other",
    "comment": lambda e: e.kind == "other",
    "status": lambda e: e.kind == "other",
    "commit_status": lambda e: e.kind == "other",
    "merge_group": lambda e: e.kind == "other",
    # "other" is for what only looks like one, as a star does.
    "repository": lambda e: e.kind.startswith("repository-") or e.kind == "other",
    "installation": lambda e: e.kind == "installation-changed",
    "installation_repositories": lambda e: e.kind == "installation-changed",
    "ping": lambda e: e.kind == "ping",
    "direct": lambda e: e.kind == "flux",
    "generic-hmac": lambda e: e.kind == "flux",
}


class Sample:
    """One delivery of the corpus."""

    def __init__(self, path):
        self.path = path
        self.forge, self.folder = path.parts[-3], path.parts[-2]
        self.body = path.read_bytes()
        lines = []
        with contextlib.suppress(FileNotFoundError):
            lines = path.with_suffix(".headers").read_text().splitlines()
        pairs = (line.split(":", 1) for line in lines if ":" in line.split(" ")[0])
        self.headers = [(name, value.strip()) for name, value in pairs
                        if name.lower() not in DROPPED]
        self.type = TYPES.get(self.forge)
        if self.type == "gitea" and self.has("X-Forgejo-Event"):
            self.type = "forgejo"

    def has(self, name):
        return any(key.lower() == name.lower() for key, _ in self.headers)

    def source(self):
        if self.type == "flux":
            return "default" if self.folder == "direct" else "hmac"
        return self.type

    def signed_bytes(self):
        """Gitea signs the JSON in a form, others the body."""
        if self.type in ("gitea", "forgejo") and self.path.suffix == ".form":
            return urllib.parse.parse_qs(self.body.decode())["payload"][0].encode()
        return self.body


def mac(secret, data):
    return hmac.new(secret.encode(), data, hashlib.sha256)


def standard_webhook(token, identity, timestamp, body):
    """The webhook-signature of a signing token."""
    key = base64.b64decode(token.removeprefix("whsec_"))
    signed = f"{identity}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def proof(sample, secret):
    """The header lines by which a sample proves that it has `secret`."""
    digest = mac(secret, sample.signed_bytes()).hexdigest()
    match sample.type:
        case "github":
            return [("X-Hub-Signature-256", f"sha256={digest}")]
        case "bitbucket" | "bitbucketserver":
            return [("X-Hub-Signature", f"sha256={digest}")]
        case "gitea":
            return [("X-Gitea-Signature", digest)]
        case "forgejo":
            return [("X-Forgejo-Signature", digest), ("X-Gitea-Signature", digest)]
        case "azure-devops":
            return [("Authorization",
                     "Basic " + base64.b64encode(secret.encode()).decode())]
        case "gitlab" if secret.startswith("whsec_"):
            now, identity = str(int(time.time())), sample.path.stem
            return [("webhook-id", identity), ("webhook-timestamp", now),
                    ("webhook-signature",
                     standard_webhook(secret, identity, now, sample.body))]
        case "gitlab":
            return [("X-Gitlab-Token", secret)]
        case "flux" if sample.source() == "hmac":
            return [("X-Signature", f"sha256={digest}")]
    return []


def flipped(value):
    """`value` with one bit of the signature in it changed."""
    if value.startswith("v1,"):
        raw = bytearray(base64.b64decode(value[3:]))
        raw[-1] ^= 1
        return "v1," + base64.b64encode(raw).decode()
    return value[:-1] + format(int(value[-1], 16) ^ 1, "x")


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


def decode(kind, message, value):
    text = subprocess.run(
        ["protoc", f"--decode=lamplighter.v1.{message}", "-I.",
         "proto/lamplighter/v1/events.proto"],
        cwd=ROOT, input=value, check=True, capture_output=True).stdout.decode()
    name = re.search(r'^event: "([^"]*)"', text, re.MULTILINE)
    return Event(kind, name[1] if name else "", text)


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
        broker_args = [ROOT / "bazel-bin/services/ingest/corpus_broker"]
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
                    [ROOT / "bazel-bin/services/ingest/ingest", "--config",
                     directory / "ingest.yaml"], stdout=output, stderr=output) as process:
                wait_until_ready(admin, process, log)
                yield Ingest(listen, address)


class Counts(collections.Counter):
    def __str__(self):
        return ", ".join(f"{what} {self[what]}" for what in ("accepted", "refused", "wrong"))


def check_samples(server, samples, secrets):
    """Posts all samples. The counts of each forge and folder."""
    counts = collections.defaultdict(Counts)
    posted, size = {}, 0

    def settle():
        events = server.events()
        for trace, sample in posted.items():
            fits = FITS.get(sample.folder.replace("mr_", "pr_"), lambda event: True)
            event = decode(*events[trace]) if trace in events else None
            if event is not None and fits(event):
                continue
            counts[sample.forge, sample.folder]["wrong"] += 1
            what = "no event" if event is None else f"{event.kind}\n{event.text[:2000]}"
            print(f"{sample.path}: {what}", file=sys.stderr)
        posted.clear()

    for trace, sample in enumerate(samples, 1):
        secret = secrets[sample.type][0]
        status = server.post(sample, sample.headers + proof(sample, secret), trace=trace)
        taken = status // 100 == 2
        counts[sample.forge, sample.folder]["accepted" if taken else "refused"] += 1
        if taken:
            posted[trace] = sample
        else:
            print(f"{sample.path}: answered {status}", file=sys.stderr)
        size += len(sample.body)
        if size > BATCH:
            settle()
            size = 0
    settle()
    return counts


def check_vector(server, vector, directory):
    """Whether a signature of the list is taken, and refused with a bit flipped."""
    header, value, secret = vector["header"], vector["value"], vector["secret"]
    if vector.get("file"):
        sample = Sample(directory / vector["file"])
    else:  # a body that no delivery has: only its signature is of interest
        sample = Sample.__new__(Sample)
        sample.path, sample.folder = directory / "none.json", ""
        sample.type = TYPES[vector["provider"]]
        sample.headers = [("Content-Type", "application/json"),
                          ("X-GitHub-Event", "push")]
        sample.body = vector["body"].encode()
    if sample.type == "flux":
        sample.folder = "generic-hmac"
    lines = sample.headers
    if header == "webhook-signature":
        told = dict(part.strip().split(": ", 1) for part in vector["note"].split(";"))
        identity, timestamp = told["webhook-id"], told["webhook-timestamp"]
        if standard_webhook(secret, identity, timestamp, sample.body) != value:
            return False
        past = [("webhook-id", identity), ("webhook-timestamp", timestamp)]
        if server.post(sample, lines + past + [(header, value)]) != 401:
            return False
        now = str(int(time.time()))
        lines = lines + [("webhook-id", identity), ("webhook-timestamp", now)]
        value = standard_webhook(secret, identity, now, sample.body)
    # What is well signed and not JSON is 400.
    return (server.post(sample, lines + [(header, value)]) in (200, 202, 400) and
            server.post(sample, lines + [(header, flipped(value))]) == 401)


def read_vectors(directory):
    with contextlib.suppress(FileNotFoundError):
        return json.loads((directory / "_vectors/signatures.json").read_text())
    return []


def main():
    parser = argparse.ArgumentParser(
        prog="./dev corpus", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path, metavar="DIR")
    directory = parser.parse_args().directory
    samples = [Sample(path) for path in sorted(directory.glob("*/*/*"))
               if path.suffix in (".json", ".form") and path.parts[-3] in TYPES]
    if not samples:
        print(f"dev: there is no FORGE/EVENT/NAME.json below {directory}", file=sys.stderr)
        return 2
    vectors = read_vectors(directory)
    secrets = collections.defaultdict(list)
    for vector in vectors:
        kind = TYPES[vector["provider"]]
        if vector["secret"] not in secrets[kind]:
            secrets[kind].append(vector["secret"])
    secrets["forgejo"] = list(secrets["gitea"])
    for kind in TYPES.values():
        if not secrets[kind]:
            secrets[kind].append(OWN_USER if kind == "azure-devops" else OWN_SECRET)
    try:
        with ingest(secrets) as server:
            counts = check_samples(server, samples, secrets)
            agree = 0
            for vector in vectors:
                if check_vector(server, vector, directory):
                    agree += 1
                else:
                    what = vector.get("file") or vector.get("note")
                    print(f"signature of {what}: disagrees", file=sys.stderr)
    except Failed as failure:
        print(f"dev: {failure}", file=sys.stderr)
        return 1
    total = Counts()
    for (forge, folder), count in sorted(counts.items()):
        print(f"{forge}/{folder}: {count}")
        total.update(count)
    print(f"{total}, signatures {agree} of {len(vectors)}", flush=True)
    return 1 if total["refused"] or total["wrong"] or agree < len(vectors) else 0


if __name__ == "__main__":
    sys.exit(main())
