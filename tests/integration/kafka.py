"""A real broker on loopback, and what is on its topics."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

from processes import DEADLINE, ROOT, Server, free_ports, run_script, wait_until


class Kafka(Server):
    """A real broker of our own, in `directory`."""

    def __init__(self, directory, port=None, **env):
        """`env` is more for kafka.sh; `port` the first of two free ones."""
        super().__init__(directory)
        port = port or free_ports(2)
        self.brokers = f"127.0.0.1:{port}"
        self._env = dict(os.environ, KAFKA_PORT=str(port), KAFKA_HEAP="256m", **env)

    def _script(self, command):
        run_script("kafka.sh", command, self.directory, self._env)

    def up(self):
        """Starts it, also after a kill, on its old data."""
        self._script("up")

    def kill(self):
        self._script("kill")

    def down(self):
        self._script("down")

    def admin(self):
        """confluent_kafka's AdminClient: topics, groups, access."""
        return confluent_kafka().admin.AdminClient(
            {"bootstrap.servers": self.brokers, "log_level": 4})

    def lag(self, group, topic):
        """How many records of `topic` the group has not committed yet."""
        package = confluent_kafka()
        consumer = package.Consumer(
            {"bootstrap.servers": self.brokers, "group.id": group})
        try:
            partitions = consumer.list_topics(topic, DEADLINE).topics[topic].partitions
            lag = 0
            for place in consumer.committed(
                    [package.TopicPartition(topic, p) for p in partitions], DEADLINE):
                _, end = consumer.get_watermark_offsets(place, DEADLINE)
                lag += end - max(place.offset, 0)
            return lag
        finally:
            consumer.close()

    def records(self, topic):
        """All that is on `topic` now; nothing where there is no such topic."""
        # Headers end the first line; key and value have their lengths there.
        result = subprocess.run(
            ["kcat", "-C", "-e", "-q", "-b", self.brokers, "-t", topic,
             "-o", "beginning", "-f", r"%p %o %K %S %h\n%k%s\n"],
            capture_output=True, timeout=DEADLINE)
        records, data, at = [], result.stdout, 0
        while at < len(data):
            key = data.index(b"\n", at) + 1
            partition, offset, key_length, length, headers = data[at:key - 1].split(b" ", 4)
            value = key + max(0, int(key_length))
            at = value + max(0, int(length))
            records.append(Record(
                int(partition), int(offset), data[key:value].decode(),
                parse_headers(headers.decode()), data[value:at]))
            at += 1  # the line break behind the value
        return records

    def wait_for(self, topic, what, predicate, deadline=DEADLINE):
        """The records of `topic` that `predicate` holds for, once there is one."""
        return wait_until(f"{what} on {topic}", lambda: [
            r for r in self.records(topic) if predicate(r)], deadline)


@dataclasses.dataclass
class Record:
    """A record as kcat read it."""
    partition: int
    offset: int
    key: str
    headers: dict
    value: bytes

    def decode(self, message):
        """The value in Protobuf's text format; `message` is of lamplighter.v1."""
        return subprocess.run(
            ["protoc", f"--decode=lamplighter.v1.{message}", "-I.",
             "proto/lamplighter/v1/catalog.proto", "proto/lamplighter/v1/events.proto",
             "proto/lamplighter/v1/statuses.proto"],
            cwd=ROOT, input=self.value, check=True, capture_output=True).stdout.decode()


def parse_headers(text):
    """kcat's `a=1,b=2`, where a value may hold commas."""
    pairs = re.split(r",(?=[a-z][a-z0-9_-]*=)", text) if text else []
    return dict(pair.split("=", 1) for pair in pairs)


def python_environment():
    """The folder of the Python environment that the examples need."""
    return pathlib.Path(subprocess.run(
        [ROOT / "tools/dev/python.sh"], check=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True).stdout.strip())


def confluent_kafka():
    """The package of that name, out of that environment."""
    # pylint: disable=import-outside-toplevel,import-error
    [packages] = python_environment().glob("lib/python3*/site-packages")
    if str(packages) not in sys.path:
        sys.path.append(str(packages))
    import confluent_kafka as package
    import confluent_kafka.admin
    return package
