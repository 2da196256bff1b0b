"""The subscribers of examples/, as somebody else would build and run them."""

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import unittest
import uuid

from harness import Kafka, Lamplighter, Process, SandboxForge, flux_event, http, wait_until
from kafka import python_environment
from processes import ROOT, temporary_directory

GIT_EVENTS = "lamplighter.git-events.v1"
OUTCOMES = "lamplighter.status-outcomes.v1"
HOST = "git.example.test"


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kafka = unittest.enterModuleContext(Kafka(world.directory / "kafka"))
    world.forge = unittest.enterModuleContext(SandboxForge(world.directory / "sandbox"))
    world.lamplighter = Lamplighter(world.directory / "lamplighter", world.kafka.brokers,
                                    {"sandbox": world.forge})
    unittest.addModuleCleanup(world.lamplighter.stop)
    world.lamplighter.start()


def post(repository, event="push", sha=None, delivery=None, **body):
    """A delivery as Gitea sends it; its id, which is the same for the same."""
    delivery = delivery or str(uuid.uuid4())
    url = f"http://{HOST}/{repository}"
    body = json.dumps({
        "ref": "refs/heads/main", "before": "1" * 40, "after": sha or "2" * 40,
        "repository": {"id": 1, "full_name": repository, "html_url": url,
                       "clone_url": f"{url}.git", "default_branch": "main"},
        **body}).encode()
    digest = hmac.new(World.lamplighter.webhook_secret.encode(), body, hashlib.sha256)
    answer = http("POST", World.lamplighter.webhook_url, body, {
        "X-Gitea-Event": event, "X-Gitea-Delivery": delivery,
        "X-Gitea-Signature": digest.hexdigest()})
    if answer.status != 202:
        raise AssertionError(f"{answer.status} {answer.body}")
    return delivery


class SubscriberContract:
    """What a subscriber does, in whatever language."""

    def command(self):
        """How to run it, without arguments."""
        raise NotImplementedError

    def setUp(self):
        # Names of our own on topics that all share.
        self.name = f"{type(self).__name__}-{self._testMethodName[:30]}".lower()
        self.group = f"test-{self.name}"
        self.runs = 0

    def run_subscriber(self, *arguments):
        self.runs += 1
        process = Process(f"{self.name}-{self.runs}", [
            *self.command(), "--brokers", World.kafka.brokers, "--group", self.group,
            "-X", "auto.commit.interval.ms=200", *arguments], World.directory)
        self.addCleanup(process.kill)
        return process

    def lines_once_read(self, process, *topics):
        """What it has printed when it has worked off all that is there."""
        for topic in topics:
            wait_until(f"{self.name} to read {topic}", lambda topic=topic: (
                not process.running() or World.kafka.lag(self.group, topic) == 0))
        self.assertTrue(process.running(), process.log())
        return process.log().splitlines()

    def test_prints_what_its_filters_want_and_each_delivery_once(self):
        repository, other = f"acme/{self.name}", f"acme/{self.name}-other"
        first = post(repository, sha="a" * 40)
        post(repository, sha="a" * 40, delivery=first)  # sent again
        post(other)
        post(repository, event="fork")
        second = post(repository, sha="b" * 40)
        process = self.run_subscriber("--type", "git.push.v1",
                                      "--repository", f"{HOST}/{repository}")
        self.assertEqual(self.lines_once_read(process, GIT_EVENTS), [
            f"git.push.v1 {HOST}/{repository} gitea/forge/{delivery} "
            f"refs/heads/main {letter * 10}"
            for delivery, letter in ((first, "a"), (second, "b"))])

    def test_goes_on_after_sigterm_where_it_had_committed(self):
        repository = f"acme/{self.name}"
        filters = ("--repository", f"{HOST}/{repository}")
        post(repository, sha="c" * 40)
        process = self.run_subscriber(*filters, "-X", "auto.commit.interval.ms=3600000")
        wait_until("a line", lambda: "cccccccccc" in process.log())
        self.assertEqual(process.terminate(), 0, process.log())
        post(repository, sha="d" * 40)
        again = self.run_subscriber(*filters)
        lines = self.lines_once_read(again, GIT_EVENTS)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("dddddddddd", lines[0])

    def test_prints_outcomes(self):
        sha = World.forge.push(self.name)
        World.lamplighter.post(flux_event("sandbox", "web", sha))
        World.kafka.wait_for(OUTCOMES, "the outcome", lambda r: sha.encode() in r.value)
        process = self.run_subscriber("--type", "status-outcome.v1")
        [line] = [line for line in self.lines_once_read(process, OUTCOMES) if sha[:10] in line]
        host = World.forge.url.removeprefix("http://")
        self.assertRegex(line, rf"^status-outcome.v1 {host}/acme/fleet \S+ SET SUCCESS "
                               rf"{sha[:10]} kustomization/web/\S+$")

    def test_waits_for_brokers_that_are_not_there_yet(self):
        process = Process(f"{self.name}-early", [
            *self.command(), "--brokers", "127.0.0.1:1"], World.directory)
        self.addCleanup(process.kill)
        wait_until("a word about it", lambda: "refused" in process.log())
        self.assertEqual(process.terminate(), 0, process.log())


class InPython(SubscriberContract, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.generated = World.directory / "generated"
        cls.generated.mkdir()
        subprocess.run(
            ["protoc", "-I.", f"--python_out={cls.generated}",
             "proto/lamplighter/v1/events.proto", "proto/lamplighter/v1/statuses.proto"],
            cwd=ROOT, check=True)

    def command(self):
        return ["env", f"PYTHONPATH={self.generated}",
                str(python_environment() / "bin/python"), "examples/subscriber.py"]


class InCpp(SubscriberContract, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.out = World.directory / "build"
        built = subprocess.run(
            ["make", "-C", "examples/subscriber", f"OUT={cls.out}", "CXXFLAGS=-O0",
             f"CXX={shutil.which('c++') or 'clang++-19'}"],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=dict(os.environ, MAKEFLAGS=""))
        if built.returncode != 0:
            raise AssertionError(built.stderr)

    def command(self):
        return [str(self.out / "subscriber")]


if __name__ == "__main__":
    unittest.main()
