"""The spool of ingest: what was answered 202 reaches Kafka, whoever is killed.

`./dev faults` runs it with 20,000 deliveries a test. Longer and harder still by
environment variables:
    SPOOL_DELIVERIES  how many events are sent in each test      (default 2400)
    SPOOL_OUTAGE      how long the broker is away, in seconds    (default 4)
    SPOOL_SENDERS     how many send at once                      (default 16)
"""

import collections
import os
import pathlib
import re
import subprocess
import threading
import time
import unittest

from harness import (Kafka, Lamplighter, ShowsLogs, binary, flux_event, http,
                     temporary_directory, wait_until)

DELIVERIES = int(os.environ.get("SPOOL_DELIVERIES", "2400"))
OUTAGE = float(os.environ.get("SPOOL_OUTAGE", "4"))
SENDERS = int(os.environ.get("SPOOL_SENDERS", "16"))
DEADLINE = 120 + 10 * OUTAGE

FLUX_EVENTS = "lamplighter.flux-events.v1"
WAITING = 'lamplighter_ingest_spool_records{state="waiting"}'
DRAINED = "lamplighter_ingest_spool_drained_total"
REFUSED = 'lamplighter_ingest_spool_records{state="refused"}'
MARK = re.compile(rb"delivery (\d+) of sender")


class Load:
    """Senders, each with a key of its own, that repeat an event until it is
    taken and only then send their next: so each key has an order to keep.

    They share the time out so that all of it takes `seconds` at least.
    """

    def __init__(self, lamplighter, name, seconds):
        self._lamplighter = lamplighter
        self._name = name
        self._pause = seconds * SENDERS / DELIVERIES
        self._begun = time.monotonic()
        self.answers = collections.Counter()
        self.slowest = 0
        self._taken = [0] * SENDERS
        self._threads = [threading.Thread(target=self._send, args=(i,), daemon=True)
                         for i in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def key(self, sender):
        return f"default/load/Kustomization/{self._name}-{sender}"

    @property
    def taken(self):
        """How many were answered 202."""
        return sum(self._taken)

    def wait(self):
        end = time.monotonic() + DEADLINE
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            raise AssertionError(f"only {self.taken} of {DELIVERIES} were taken: "
                                 f"{dict(self.answers)}")

    def _send(self, sender):
        for number in range(DELIVERIES // SENDERS):
            early = self._begun + number * self._pause - time.monotonic()
            if early > 0:
                time.sleep(early)
            event = flux_event("load", f"{self._name}-{sender}", f"{number:040x}")
            event["message"] = f"delivery {number} of sender {sender}"
            while not self._post(event):
                time.sleep(0.1)
            self._taken[sender] += 1

    def _post(self, event):
        begun = time.monotonic()
        try:
            status = http("POST", f"{self._lamplighter.url}/", event).status
        except OSError as error:  # ingest was killed, or is not there
            status = type(error).__name__
        if status == 202:
            self.slowest = max(self.slowest, time.monotonic() - begun)
        self.answers[status] += 1
        return status == 202


class Spool(ShowsLogs, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(temporary_directory())
        cls.kafka = cls.enterClassContext(Kafka(cls.directory / "kafka"))

    def setUp(self):
        self.folder = self.directory / self._testMethodName
        self.kafka.up()
        self.spool = self.folder / "spool.db"
        self.lamplighter = Lamplighter(self.folder, self.kafka.brokers, {}, self.spool)
        self.addCleanup(self.lamplighter.stop)

    def metric(self, name):
        return self.lamplighter.metric("ingest", name)

    def wait_for_backlog(self, records):
        wait_until(f"{records} records on the spool",
                   lambda: self.metric(WAITING) >= records, DEADLINE)

    def check(self, load):
        """Every delivery is on the topic, in order, and the spool is empty."""
        wait_until("the spool to be drained", lambda: self.metric(WAITING) == 0, DEADLINE)
        seen = collections.defaultdict(collections.Counter)
        for record in self.kafka.records(FLUX_EVENTS):
            if found := MARK.search(record.value):
                seen[record.key][int(found[1])] += 1
        lost = found = duplicates = 0
        for sender in range(SENDERS):
            numbers = seen[load.key(sender)]
            lost += len(set(range(DELIVERIES // SENDERS)) - set(numbers))
            found += len(numbers)
            duplicates += sum(numbers.values()) - len(numbers)
            # A Counter keeps the order in which its keys were first seen.
            self.assertEqual(list(numbers), sorted(numbers), load.key(sender))
        print(f"\n{self._testMethodName}: {DELIVERIES // SENDERS * SENDERS} sent, "
              f"{load.taken} answered 202, {found} on the topic, {lost} lost, "
              f"{duplicates} duplicates, slowest {load.slowest:.1f} s, "
              f"answers {dict(load.answers)}", flush=True)
        self.assertEqual(lost, 0)
        self.assertEqual(load.taken, DELIVERIES // SENDERS * SENDERS)
        self.assertEqual(self.metric(REFUSED), 0)

    def test_a_broker_that_is_away_for_a_while_is_not_noticed(self):
        self.lamplighter.start("ingest")
        load = Load(self.lamplighter, "outage", 1.5 * OUTAGE)
        wait_until("the load", lambda: load.taken > DELIVERIES / 20, DEADLINE)
        self.kafka.kill()
        gone = time.monotonic()
        self.wait_for_backlog(1)
        self.assertEqual(self.lamplighter.admin("ingest", "/readyz").status, 200)
        wait_until("the outage to end", lambda: time.monotonic() > gone + OUTAGE, DEADLINE)
        self.kafka.up()
        load.wait()
        self.check(load)
        self.assertEqual(load.answers[503], 0)
        self.assertGreater(self.metric(DRAINED), DELIVERIES / 20)
        # With the spool empty nothing touches the disk.
        spooled = self.metric("lamplighter_ingest_spool_spooled_total")
        event = flux_event("load", "afterwards", "1" * 40)
        self.assertEqual(self.lamplighter.post(event).status, 202)
        self.assertEqual(self.metric("lamplighter_ingest_spool_spooled_total"), spooled)

    def test_an_ingest_killed_while_it_spools_loses_nothing(self):
        self.lamplighter.start("ingest")
        load = Load(self.lamplighter, "spooling", 1.5 * OUTAGE)
        wait_until("the load", lambda: load.taken > DELIVERIES / 20, DEADLINE)
        self.kafka.kill()
        for kill in (1, 2):
            self.wait_for_backlog(kill * DELIVERIES / 10)
            self.lamplighter["ingest"].kill()
            # Ready though the broker is away, with all that was there.
            self.lamplighter.start("ingest")
            self.assertGreaterEqual(self.metric(WAITING), kill * DELIVERIES / 10)
        self.kafka.up()
        load.wait()
        self.check(load)

    def test_an_ingest_killed_while_it_drains_loses_nothing(self):
        self.lamplighter.start("ingest")
        self.kafka.kill()
        load = Load(self.lamplighter, "draining", OUTAGE / 2)
        load.wait()  # all of it is on the spool
        self.wait_for_backlog(DELIVERIES // SENDERS * SENDERS)
        starting = threading.Thread(target=self.kafka.up)
        starting.start()
        kills = 0
        for _ in range(4):
            # The first asks whether the broker is back; then they go in batches.
            while self.metric(WAITING) > 0 and self.metric(DRAINED) < 2:
                pass
            self.lamplighter["ingest"].kill()
            self.lamplighter.start("ingest")
            # What the new process has found there: not all had been drained.
            kills += self.metric(WAITING) + self.metric(DRAINED) > 0
        starting.join()
        self.check(load)
        print(f"killed while draining: {kills} times", flush=True)
        self.assertGreater(kills, 0)

    def test_a_disk_that_is_full_for_a_while_loses_nothing(self):
        disk = self.mount_a_disk()
        self.lamplighter.start("ingest")
        # A mount of its own is seen through the process alone.
        filler = pathlib.Path(f"/proc/{self.lamplighter['ingest'].pid}/root{disk}/filler")
        load = Load(self.lamplighter, "full", 1.5 * OUTAGE)
        wait_until("the load", lambda: load.taken > DELIVERIES / 20, DEADLINE)
        self.kafka.kill()
        self.wait_for_backlog(DELIVERIES / 10)
        with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        full = time.monotonic()
        wait_until("refusals", lambda: load.answers[503] > SENDERS, DEADLINE)
        answer = self.lamplighter.post(flux_event("load", "refused", "1" * 40))
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn("make room", self.lamplighter.unready("ingest"))
        # The broker comes back before the disk does.
        wait_until("the outage to end", lambda: time.monotonic() > full + OUTAGE / 2, DEADLINE)
        self.kafka.up()
        filler.unlink()
        load.wait()
        self.check(load)

    def mount_a_disk(self):
        """Gives ingest a small disk that nobody else sees, for its spool."""
        alone = ["unshare", "--mount", "--map-root-user"]
        if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
            self.skipTest("mounting a small disk needs user namespaces or root")
        disk = self.spool.parent / "disk"
        disk.mkdir()
        self.lamplighter.config.write_text(self.lamplighter.config.read_text().replace(
            str(self.spool), str(disk / "spool.db")))
        self.lamplighter.within["ingest"] = [
            *alone, "sh", "-c", 'mount -t tmpfs -o size=160m tmpfs "$0" && exec "$@"', str(disk)]
        return disk

    def test_a_second_process_is_refused_the_file(self):
        self.lamplighter.start("ingest")
        second = subprocess.run(
            [binary("//services/ingest:ingest"), "--config", self.lamplighter.config],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertIn("ingest.spool.path", second.stderr)
        self.assertIn("another process uses it", second.stderr)
        self.assertTrue(self.lamplighter["ingest"].running())

    def test_a_damaged_file_ends_the_start_and_says_what_to_do(self):
        self.spool.write_bytes(b"not a database" * 1000)
        result = subprocess.run(
            [binary("//services/ingest:ingest"), "--config", self.lamplighter.config],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(f"ingest.spool.path: spool {self.spool}", result.stderr)
        self.assertIn("move it away", result.stderr)


if __name__ == "__main__":
    unittest.main()
