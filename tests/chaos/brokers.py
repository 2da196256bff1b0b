"""Real Kafka brokers on loopback, as many as are wanted, each of which can be killed."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

from harness import ROOT, free_ports, wait_until

DEADLINE = 90
CLUSTER = "bGFtcGxpZ2h0ZXItY2hhb3M"  # any 16 bytes in URL-safe base64


class Brokers:
    """A KRaft cluster of `count` nodes, each broker and controller, in `directory`.

    tools/dev/kafka.sh has one node; its jars are used here.
    """

    def __init__(self, directory, count=1):
        self._directory = pathlib.Path(directory)
        first = free_ports(2 * count)
        self._ports = [first + 2 * i for i in range(count)]
        self._processes = {}
        self.count = count
        self.addresses = ",".join(f"127.0.0.1:{port}" for port in self._ports)

    def up(self):
        subprocess.run([ROOT / "tools/dev/kafka.sh", "fetch"], check=True,
                       stdin=subprocess.DEVNULL)
        for node in range(self.count):
            self._configure(node)
            self._java("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER,
                       "--config", self._directory / f"node{node}.properties")
        for node in range(self.count):
            self.start(node)
        self.wait_for_all()

    def start(self, node):
        """Starts a node, also after a kill, on its old data; does not wait for it."""
        with open(self._directory / f"node{node}.log", "ab") as log:
            # A session of its own, so that Ctrl-C at the terminal does not reach it.
            self._processes[node] = subprocess.Popen(
                ["java", "-Xms256m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp",
                 f"{library()}/*", "kafka.Kafka",
                 self._directory / f"node{node}.properties"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill(self, node=0):
        """SIGKILL, as a crash has it. Harmless once it ended."""
        self._processes[node].send_signal(signal.SIGKILL)
        self._processes[node].wait()

    def down(self):
        for node in self._processes:
            self.kill(node)

    def wait_for_all(self):
        """Until every node is there and has every record."""
        wait_until("the brokers", lambda: f" {self.count} brokers:" in self._list(),
                   DEADLINE)
        wait_until("all replicas to be in sync", self._all_in_sync, DEADLINE)

    def lag(self):
        """Records that consumer groups have not finished; None if it cannot be told."""
        result = self._java("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
                            "--bootstrap-server", self.addresses, "--describe",
                            "--all-groups", "--timeout", "20000")
        lag = 0
        for line in result.splitlines():
            if "rebalancing" in line:
                return None
            fields = line.split()
            if len(fields) > 5 and fields[1].startswith("lamplighter."):
                end = int(fields[4])
                lag += end if fields[3] == "-" else end - int(fields[3])
        return lag

    def _list(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(["kcat", "-b", self.addresses, "-L", "-m", "2"],
                                  capture_output=True, text=True, timeout=10).stdout
        return ""

    def _all_in_sync(self):
        partitions = re.findall(r"replicas: ([\d,]+), isrs: ([\d,]+)", self._list())
        return all(sorted(replicas) == sorted(isrs) for replicas, isrs in partitions)

    def _java(self, *command):
        return subprocess.run(
            ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
             f"{library()}/*", *map(str, command)], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=DEADLINE).stdout

    def _configure(self, node):
        port = self._ports[node]
        voters = ",".join(f"{i}@127.0.0.1:{p + 1}" for i, p in enumerate(self._ports))
        (self._directory / f"node{node}.properties").write_text(f"""\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={self._directory}/data{node}
auto.create.topics.enable=false
default.replication.factor={self.count}
min.insync.replicas={min(2, self.count)}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={self.count}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={self.count}
transaction.state.log.min.isr={min(2, self.count)}
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
""")


def library():
    """Where kafka.sh keeps Kafka's jars."""
    pom = (ROOT / "tools/dev/kafka/pom.xml").read_text()
    version = os.environ.get("KAFKA_VERSION") or re.search(
        r"<kafka.version>(.*)</", pom)[1]
    cache = os.environ.get("LAMPLIGHTER_CACHE") or pathlib.Path.home() / ".cache/lamplighter"
    return pathlib.Path(cache) / f"kafka-{version}"
