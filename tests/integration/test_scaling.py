"""Dispatchers share the work: one comes, one goes, one is started again, on a real broker."""

import re
import threading
import time
import unittest

from harness import Kafka, Lamplighter, SandboxForge, flux_event, free_ports, http, wait_until
from kafka import confluent_kafka
from processes import DEADLINE, Process, binary, temporary_directory

NAMESPACE = "sandbox"
PARTITIONS = 6
GROUPS = ("lamplighter-router", "lamplighter-deliverer", "lamplighter-retries")
DELIVERER = GROUPS[1]
DRAIN_TIMEOUT = 8  # seconds
CLOSE_TIMEOUT = 10  # of a consumer; see KafkaConsumer


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kafka = unittest.enterModuleContext(Kafka(world.directory / "kafka"))
    world.admin = world.kafka.admin()
    unittest.addModuleCleanup(delattr, world, "admin")  # else it misses the broker
    world.forge = unittest.enterModuleContext(SandboxForge(world.directory / "sandbox"))
    world.lamplighter = Lamplighter(world.directory / "lamplighter", world.kafka.brokers,
                                    {NAMESPACE: world.forge},
                                    kafka={"partitions": PARTITIONS})
    unittest.addModuleCleanup(world.lamplighter.stop)
    world.lamplighter.start("ingest", "provider")


class Dispatcher:
    """One of several; `member` is its group_instance_id, if it has one."""

    def __init__(self, name, member=""):
        self._name, self._port = name, free_ports(1)
        self._config = World.directory / f"{name}.yaml"
        self._config.write_text(re.sub(
            r"(dispatcher:\n  admin_listen: 127.0.0.1:)\d+",
            rf"\g<1>{self._port}\n  drain_timeout: {DRAIN_TIMEOUT}s"
            rf'\n  group_instance_id: "{member}"',
            World.lamplighter.config.read_text()))
        self.process = None

    def start(self, wait=True):
        self.process = Process(self._name, [
            binary("//services/dispatcher:dispatcher"), "--config", str(self._config)],
            World.directory)
        if wait:
            wait_until(f"{self._name} to be ready", self._is_ready)

    def _is_ready(self):
        if not self.process.running():
            raise AssertionError(f"{self._name} ended: {self.process.log()[-3000:]}")
        try:
            return http("GET", f"http://127.0.0.1:{self._port}/readyz").status == 200
        except OSError:
            return False


def describe(group):
    """The group as the broker has it."""
    return World.admin.describe_consumer_groups([group])[group].result(DEADLINE)


def shares(group):
    """How many partitions each member has, the most first; None in a rebalance."""
    described = describe(group)
    if described.state != confluent_kafka().ConsumerGroupState.STABLE:
        return None
    return sorted((len(member.assignment.topic_partitions)
                   for member in described.members), reverse=True)


def places():
    """{static member: its partitions of the intents}; None in a rebalance."""
    described = describe(DELIVERER)
    if described.state != confluent_kafka().ConsumerGroupState.STABLE:
        return None
    return {member.group_instance_id:
            sorted(p.partition for p in member.assignment.topic_partitions)
            for member in described.members}


class Scaling(unittest.TestCase):

    def setUp(self):
        self._dispatchers = []
        self.addCleanup(self.stop)
        self._shas = []
        self._load = None
        self._loading = False

    def start(self, *members):
        """Dispatchers with these group_instance_ids, one after the other."""
        started = []
        for member in members:
            dispatcher = Dispatcher(f"dispatcher-{len(self._dispatchers)}", member)
            self._dispatchers.append(dispatcher)
            dispatcher.start()
            started.append(dispatcher)
        return started

    def stop(self):
        """All, so that the next test finds empty groups, whatever this one did."""
        self._loading = False
        for dispatcher in self._dispatchers:
            dispatcher.process.kill()
        wait_until("the groups to be empty", lambda: all(
            not describe(group).members for group in GROUPS))

    def wait_for_shares(self, *expected):
        for group in GROUPS:
            wait_until(f"{group} to be shared as {expected}",
                       lambda group=group: shares(group) == sorted(expected, reverse=True))

    def begin_load(self):
        """Sends events from now on, 20 a second, each for a commit of its own."""
        self._loading = True

        def send():
            while self._loading:
                sha = World.forge.push(f"{self.id()} {len(self._shas)}")
                self.assertEqual(World.lamplighter.post(
                    flux_event(NAMESPACE, "app", sha)).status, 202)
                self._shas.append(sha)
                time.sleep(0.05)
        self._load = threading.Thread(target=send, daemon=True)
        self._load.start()

    def end_load(self):
        """Ends it, and waits until each commit has its one status."""
        self._loading = False
        self._load.join()
        missing = set(self._shas)
        self.assertTrue(missing)

        def all_set():
            for sha in list(missing):
                if World.forge.statuses(sha):
                    missing.discard(sha)
            return not missing
        wait_until("all statuses", all_set)

    def test_each_that_comes_takes_its_share_and_gives_it_back_when_it_goes(self):
        self.start("")
        self.wait_for_shares(6)
        self.begin_load()
        self.start("")
        self.wait_for_shares(3, 3)
        third, = self.start("")
        self.wait_for_shares(2, 2, 2)
        begun = time.monotonic()
        self.assertEqual(third.process.terminate(), 0)
        self.assertLess(time.monotonic() - begun, DRAIN_TIMEOUT)
        self.wait_for_shares(3, 3)
        self.end_load()

    def test_a_stop_in_the_middle_of_a_rebalance_ends_in_time(self):
        self.start("")
        second, = self.start("")
        self.wait_for_shares(3, 3)
        self.begin_load()
        seen = 0
        for _ in range(4):
            newcomer = Dispatcher(f"dispatcher-{len(self._dispatchers)}")
            self._dispatchers.append(newcomer)
            newcomer.start(wait=False)
            wait_until("a rebalance to begin", lambda: shares(DELIVERER) is None
                       or len(shares(DELIVERER) or ()) > 2)
            seen += shares(DELIVERER) is None
            begun = time.monotonic()
            self.assertEqual(second.process.terminate(), 0)
            self.assertLess(time.monotonic() - begun, DRAIN_TIMEOUT + CLOSE_TIMEOUT)
            second = newcomer
            self.wait_for_shares(3, 3)
        print(f"{seen} of 4 stopped while the group rebalanced", flush=True)
        self.end_load()

    def test_a_static_member_that_returns_in_time_finds_its_place(self):
        first, second = self.start("pod-0", "pod-1")
        wait_until("two members with a half each", lambda: sorted(
            map(len, (places() or {}).values())) == [3, 3])
        before = places()
        self.assertEqual(set(before), {f"pod-{i}-{DELIVERER}" for i in range(2)})
        self.begin_load()
        seen = []
        for dispatcher, end in (first, Process.terminate), (second, Process.kill):
            end(dispatcher.process)
            seen.append(places())
            dispatcher.start()
            seen.append(places())
        self.end_load()
        self.assertEqual(seen, [before] * 4, "the partitions moved")


if __name__ == "__main__":
    unittest.main()
