"""StatusService as an internal platform uses it: over TLS, by lamplighterctl."""

import json
import subprocess
import unittest

from harness import (DEADLINE, Lamplighter, Process, ShowsLogs, binary, free_ports, http,
                     start_world, wait_until)
from secure_kafka import Authority

INTENTS = "lamplighter.status-intents.v1"
MARKS = "lamplighter.dead-letter-marks.v1"
NAMESPACE = "sandbox"
TOKENS = {"platform": "token-of-the-platform-0123456789",
          "operator": "token-of-the-operator-0123456789"}


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    start_world(world, NAMESPACE)
    world.address = f"127.0.0.1:{free_ports(1)}"
    (world.directory / "tls").mkdir()
    serve(world, world.directory / "tls")
    world.lamplighter.start()
    wait_until("the status service to answer", lambda: run(
        "dead-letters", "list", client="operator").returncode == 0)


def serve(world, directory):
    """Adds the service, with its certificate and clients, to the configuration."""
    world.authority = Authority(directory)
    certificate, key = world.authority.issue("dispatcher")
    clients = []
    for name, scopes in (("platform", ["statuses:write", "statuses:read"]),
                         ("operator", ["*"])):
        (directory / name).write_text(TOKENS[name] + "\n")
        clients.append({"name": name, "scopes": scopes,
                        "token_files": [str(directory / name)]})
    section = {"listen": world.address,
               "tls": {"cert_file": str(certificate), "key_file": str(key)},
               "clients": clients}
    config = world.lamplighter.config
    config.write_text(config.read_text().replace(
        "dispatcher:\n", f"dispatcher:\n  status_service: {json.dumps(section)}\n", 1))
    world.tls = directory


def command(*arguments, client="platform"):
    return [binary("//cli:lamplighterctl"), *arguments, "--address", World.address,
            "--ca-file", str(World.authority.ca),
            "--token-file", str(World.tls / client)]


def run(*arguments, client="platform"):
    return subprocess.run(command(*arguments, client=client), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE)


class StatusServiceCase(ShowsLogs, unittest.TestCase):
    """A test with a commit of its own."""

    @property
    def folder(self):
        return World.lamplighter.directory

    def setUp(self):
        self.sha = World.forge.push(self.id())
        self.commit = ["--provider", f"{NAMESPACE}/forge", "--sha", self.sha]

    def ctl(self, *arguments, client="platform", status=0):
        """What lamplighterctl prints as JSON."""
        result = run(*arguments, "-o", "json", client=client)
        self.assertEqual(result.returncode, status, result.stderr)
        return json.loads(result.stdout) if result.stdout else {}

    def set(self, context, state="success", *more):
        """Has a status set; the intent's id."""
        return self.ctl("statuses", "set", *self.commit, "--context", context,
                        "--state", state, *more)["intent_id"]

    def forge_shows(self, context):
        return [s.state for s in World.forge.statuses(self.sha) if s.context == context]

    def dead_letters(self):
        """Ours, by id."""
        listed = self.ctl("dead-letters", "list", client="operator")
        return {each["id"]: each["dead_letter"] for each in listed.get("dead_letters", [])
                if each["dead_letter"].get("intent", {}).get("sha") == self.sha}

    def wait_for_dead_letter(self):
        return next(iter(wait_until("a dead letter", self.dead_letters)))

    def break_forge(self):
        self.forge_control("POST", "/faults", {"status": 422, "method": "POST"})
        self.addCleanup(self.mend_forge)

    def mend_forge(self):
        self.forge_control("DELETE", "")

    def forge_control(self, method, path, body=None):
        answer = http(method, f"{World.forge.url}/_sandbox{path}", body)
        self.assertLess(answer.status, 300, answer.body)


class SettingStatuses(StatusServiceCase):
    def test_what_is_set_is_shown_by_the_forge_and_told_to_who_watches(self):
        watch = Process("watch", command("statuses", "watch", "--sha", self.sha,
                                         "--count", "1", "-o", "json"), World.directory)
        self.addCleanup(watch.kill)
        wait_until("the watch to be served", lambda: World.lamplighter.metric(
            "dispatcher", "lamplighter_dispatcher_status_service_streams") > 0)
        intent = self.set("release/web", "failure", "--description", "2 of 3 ready")
        self.assertEqual(watch.wait(), 0, watch.log())
        outcome = json.loads(watch.log())
        self.assertEqual(outcome["result"], "SET")
        self.assertEqual(outcome["intent"]["id"], intent)
        self.assertEqual(outcome["intent"]["client"], "platform")
        self.assertEqual(self.forge_shows("release/web"), ["failure"])
        status = self.ctl("statuses", "get", *self.commit, "--context", "release/web")
        self.assertEqual(status["status"]["state"], "FAILURE")
        self.assertEqual(status["status"]["description"], "2 of 3 ready")

    def test_the_same_request_twice_is_set_once_even_when_another_came_between(self):
        once = ["--event-time", "2026-01-01T10:00:00Z", "--idempotency-key", self.id()]
        first = self.set("web", "pending", *once)
        wait_until("the first", lambda: self.forge_shows("web") == ["pending"])
        self.set("web", "success", "--event-time", "2026-01-01T10:00:01Z")
        wait_until("the second", lambda: self.forge_shows("web") == ["pending", "success"])
        self.assertEqual(self.set("web", "pending", *once), first)
        # What comes later on the same topic is decided upon later.
        self.set("db")
        wait_until("another", lambda: self.forge_shows("db"))
        self.assertEqual(self.forge_shows("web"), ["pending", "success"])

    def test_a_watch_goes_on_after_a_restart_where_it_was(self):
        watch = Process("resumed", command("statuses", "watch", "--sha", self.sha,
                                           "--count", "2", "-o", "json"),
                        World.directory)
        self.addCleanup(watch.kill)
        wait_until("the watch to be served", lambda: World.lamplighter.metric(
            "dispatcher", "lamplighter_dispatcher_status_service_streams") > 0)
        self.set("before")
        wait_until("the first outcome", lambda: "before" in watch.log())
        self.assertEqual(World.lamplighter["dispatcher"].terminate(), 0)
        World.lamplighter.start("dispatcher")
        wait_until("the service", lambda: run("dead-letters", "list",
                                              client="operator").returncode == 0)
        self.set("after")
        self.assertEqual(watch.wait(), 0, watch.log())
        self.assertEqual(watch.log().count('"result"'), 2)
        self.assertIn('"context":"after"', watch.log())

    def test_who_is_not_known_or_may_not_is_refused(self):
        (World.tls / "nobody").write_text("token-of-nobody-0123456789\n")
        self.assertEqual(run("statuses", "list", *self.commit, client="nobody").returncode, 4)
        refused = run("dead-letters", "list", client="platform")
        self.assertEqual(refused.returncode, 4)
        self.assertIn("lacks scope dead-letters:read", refused.stderr)
        self.assertGreaterEqual(World.lamplighter.metric(
            "dispatcher",
            'lamplighter_dispatcher_grpc_rejected_total{reason="permission_denied"}'), 1)

    def test_no_token_is_in_any_log(self):
        self.set("quiet")
        for name in Lamplighter.NAMES:
            for token in TOKENS.values():
                self.assertNotIn(token, World.lamplighter[name].log())


class DeadLetters(StatusServiceCase):
    def give_up(self, context="web"):
        """Has a status refused for good; the dead letter's id."""
        self.break_forge()
        self.set(context)
        return self.wait_for_dead_letter()

    def test_what_was_refused_is_replayed_once_the_forge_is_mended(self):
        letter = self.give_up()
        self.assertEqual(self.dead_letters()[letter]["reason"], "REJECTED")
        shown = self.ctl("dead-letters", "show", letter, client="operator")
        self.assertIn("422", shown["dead_letter"]["detail"])
        dry = self.ctl("dead-letters", "replay", "--id", letter, "--dry-run",
                       client="operator")
        self.assertEqual(dry["replayed"], [letter])
        self.assertEqual(self.forge_shows("web"), [])
        self.mend_forge()
        self.ctl("dead-letters", "replay", "--id", letter, client="operator")
        wait_until("the status", lambda: self.forge_shows("web") == ["success"])
        self.assertEqual(self.dead_letters(), {})
        again = self.ctl("dead-letters", "replay", "--id", letter, client="operator")
        self.assertEqual(again, {})
        marks = [r for r in World.kafka.records(MARKS) if r.key == letter]
        self.assertEqual(len(marks), 1)

    def test_a_replay_keeps_key_and_trace_and_overwrites_nothing_newer(self):
        letter = self.give_up()
        self.mend_forge()
        self.set("web", "failure")
        wait_until("the newer one", lambda: self.forge_shows("web") == ["failure"])
        self.ctl("dead-letters", "replay", "--id", letter, client="operator")
        intents = wait_until("the replay", lambda: [
            found for found in [[r for r in World.kafka.records(INTENTS)
                                 if self.sha.encode() in r.value]] if len(found) == 3])[0]
        self.assertEqual({r.key for r in intents}, {intents[0].key})
        trace = [r.headers["traceparent"].split("-")[1] for r in intents]
        self.assertEqual(trace[2], trace[0])
        self.set("db")
        wait_until("what came after", lambda: self.forge_shows("db"))
        self.assertEqual(self.forge_shows("web"), ["failure"])

    def test_what_was_dropped_vanishes(self):
        letter = self.give_up()
        self.ctl("dead-letters", "drop", "--id", letter, client="operator")
        self.assertEqual(self.dead_letters(), {})

    def test_what_was_replayed_three_times_is_left_alone(self):
        letter = self.give_up()
        for _ in range(3):
            self.ctl("dead-letters", "replay", "--id", letter, client="operator")
            letter = self.wait_for_dead_letter()
        left = self.ctl("dead-letters", "replay", "--id", letter, client="operator",
                        status=5)
        self.assertEqual(left["quarantined"], [letter])
        self.mend_forge()
        self.ctl("dead-letters", "replay", "--id", letter, "--include-quarantined",
                 client="operator")
        wait_until("the status", lambda: self.forge_shows("web") == ["success"])


if __name__ == "__main__":
    unittest.main()
