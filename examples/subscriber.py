#!/usr/bin/env python3
"""Reads what Lamplighter knows off Kafka, a line a record.

    subscriber.py --brokers HOST:PORT,... [--group NAME]
                  [--type git.push.v1]... [--repository github.com/acme/fleet]...

A subscriber of your own begins with a copy of this file. What it does, and why:

- It is a member of a group: run it several times, and each gets some partitions.
- It looks at headers first, and decodes nothing that it does not want.
- It works on a record, then marks its offset to be committed. After a crash it
  gets again what was not committed yet: at least once, never less.
- It remembers the ids of what it has worked on, because a record can be there
  twice. That is in memory: work that must not be done twice needs the ids where
  its results are, or to be such that doing it twice does no harm.
- It stops at SIGTERM between two records, commits, and leaves its group, so that
  others take over at once.

It needs examples/requirements.txt, and the messages as Python classes on its path:

    protoc -I. --python_out=generated proto/lamplighter/v1/{events,statuses}.proto
    PYTHONPATH=generated python3 examples/subscriber.py --brokers HOST:PORT
"""

import argparse
import collections
import signal
import sys

import confluent_kafka
from google.protobuf.message import DecodeError

from proto.lamplighter.v1 import events_pb2, statuses_pb2

MESSAGES = {
    "lamplighter.git-events.v1": events_pb2.GitEvent,
    "lamplighter.status-outcomes.v1": statuses_pb2.StatusOutcome,
}
PREFIX = "dev.lamplighter."  # of every ce_type
REMEMBERED = 100_000


class Seen:
    """The ids that came last, so many that a repetition is hardly further back."""

    def __init__(self, limit):
        self._limit = limit
        self._ids = collections.OrderedDict()

    def __contains__(self, what):
        return what in self._ids

    def add(self, what):
        self._ids[what] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)


def headers_of(record):
    """The record's headers as text. Some may be new to us, none need be there."""
    return {name: (value or b"").decode(errors="replace")
            for name, value in record.headers() or []}


def name_of(enum, number):
    """The name of an enum's value, which may be newer than our classes."""
    return enum.Name(number) if number in enum.values() else str(number)


def describe(message):
    """What a record says, in a few words."""
    if isinstance(message, events_pb2.GitEvent):
        return " ".join(f"{ref.ref} {ref.after[:10] or 'deleted'}"
                        for ref in message.push.refs)
    intent = message.intent
    return " ".join([name_of(statuses_pb2.StatusOutcome.Result, message.result),
                     name_of(statuses_pb2.CommitState, intent.state),
                     intent.sha[:10], intent.context])


def work(record, headers):
    """What you are here for. Raises DecodeError for a value that is no message."""
    message = MESSAGES[record.topic()].FromString(record.value() or b"")
    words = [headers.get("ce_type", "").removeprefix(PREFIX), headers.get("ce_subject", ""),
             headers.get("ce_id", ""), describe(message)]
    print(" ".join(words).rstrip(), flush=True)


def wanted(headers, args):
    """Whether to work on a record, by its headers alone."""
    kind = headers.get("ce_type", "").removeprefix(PREFIX)
    return ((not args.type or kind in args.type) and
            (not args.repository or headers.get("ce_subject") in args.repository))


def settings(args):
    """librdkafka's; -X adds any other, e.g. security.protocol and sasl.*."""
    return {
        "bootstrap.servers": args.brokers,
        "group.id": args.group,
        "auto.offset.reset": "earliest",
        # Offsets are committed every five seconds, but only those that we have
        # stored, after the work.
        "enable.auto.offset.store": False,
        "partition.assignment.strategy": "cooperative-sticky",
        **dict(setting.split("=", 1) for setting in args.X),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", required=True, metavar="HOST:PORT,...")
    parser.add_argument("--group", default="example-subscriber")
    parser.add_argument("--type", action="append", default=[], help="ce_type, repeatable")
    parser.add_argument("--repository", action="append", default=[],
                        help="repository id, repeatable")
    parser.add_argument("-X", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()

    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    seen = Seen(REMEMBERED)
    consumer = confluent_kafka.Consumer(settings(args))
    consumer.subscribe(list(MESSAGES))
    try:
        while not stopping:
            record = consumer.poll(0.5)
            if record is None:
                continue
            if record.error():  # e.g. a topic that is not there yet: it is tried again
                print(f"kafka: {record.error().str()}", file=sys.stderr)
                if record.error().fatal():
                    return 1
                continue
            headers = headers_of(record)
            identity = (record.topic(), headers.get("ce_id"))
            if wanted(headers, args) and identity not in seen:
                try:
                    work(record, headers)
                except DecodeError as error:  # it will be no better the next time
                    print(f"{record.topic()} {record.partition()} {record.offset()}: {error}",
                          file=sys.stderr)
                seen.add(identity)
            try:
                consumer.store_offsets(record)
            except confluent_kafka.KafkaException:
                pass  # its partition is another member's by now, who does it again
    finally:
        consumer.close()  # commits what was stored
    return 0


if __name__ == "__main__":
    sys.exit(main())
