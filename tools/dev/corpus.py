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
import collections
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

from corpus_ingest import ROOT, Failed, ingest
from corpus_samples import TYPES, Sample, flipped, proof, standard_webhook

BATCH = 1 << 20  # bytes posted between two readings; the broker keeps 5 MB
OWN_SECRET = "a secret that the list does not have"
OWN_USER = "lamplighter:a password"


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


class Counts(collections.Counter):
    def __str__(self):
        return ", ".join(f"{what} {self[what]}" for what in ("accepted", "refused", "wrong"))


def decode(kind, message, value):
    text = subprocess.run(
        ["protoc", f"--decode=lamplighter.v1.{message}", "-I.",
         "proto/lamplighter/v1/events.proto"],
        cwd=ROOT, input=value, check=True, capture_output=True).stdout.decode()
    name = re.search(r'^event: "([^"]*)"', text, re.MULTILINE)
    return Event(kind, name[1] if name else "", text)


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
