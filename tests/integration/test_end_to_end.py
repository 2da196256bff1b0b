"""Lamplighter as it runs in production: a process a service, a real Kafka, real forges."""

import signal
import subprocess
import unittest

from harness import (Gitea, Kafka, Lamplighter, SandboxForge, ShowsLogs, binary, flux_event,
                     http, temporary_directory, wait_until)

FLUX_EVENTS = "lamplighter.flux-events.v1"
GIT_EVENTS = "lamplighter.git-events.v1"
INTENTS = "lamplighter.status-intents.v1"
OUTCOMES = "lamplighter.status-outcomes.v1"


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    world.directory = unittest.enterModuleContext(temporary_directory())
    world.kafka = unittest.enterModuleContext(Kafka(world.directory / "kafka"))
    world.forges = {"sandbox": SandboxForge(world.directory / "sandbox")}
    world.no_gitea = Gitea.why_not()
    if world.no_gitea is None:
        world.forges["gitea"] = Gitea(world.directory / "gitea")
    for forge in world.forges.values():
        unittest.enterModuleContext(forge)
    world.lamplighter = Lamplighter(world.directory / "lamplighter", world.kafka.brokers,
                                    world.forges)
    unittest.addModuleCleanup(world.lamplighter.stop)
    world.lamplighter.start()


class Case(ShowsLogs, unittest.TestCase):

    @property
    def folder(self):
        return World.lamplighter.directory


class DeliveryContract:
    """Events become statuses; the same on every forge."""

    namespace = None  # of the Flux objects that lead to the forge

    def setUp(self):
        if self.namespace not in World.forges:
            self.skipTest(World.no_gitea)
        self.forge = World.forges[self.namespace]
        self.sha = self.forge.push(self.id())

    def post(self, name, error=None):
        answer = World.lamplighter.post(
            flux_event(self.namespace, name, self.sha, error))
        self.assertEqual(answer.status, 202, answer.body)

    def statuses(self, name):
        return [s for s in self.forge.statuses(self.sha)
                if s.context.startswith(f"kustomization/{name}/")
                or s.context == f"kustomization/{name}"]

    def wait_for_statuses(self, name):
        return wait_until(f"a status of {name}", lambda: self.statuses(name))

    def outcomes(self):
        """The outcomes for our commit, decoded."""
        records = World.kafka.wait_for(OUTCOMES, f"an outcome for {self.sha}",
                                       lambda r: self.sha.encode() in r.value)
        return [r.decode("StatusOutcome") for r in records]

    def test_a_success_event_becomes_a_success_status(self):
        self.post("web")
        [status] = self.wait_for_statuses("web")
        self.assertEqual(status.state, "success")
        self.assertEqual(status.description, "reconciliation succeeded")

    def test_a_failure_event_becomes_a_failure_status_that_says_why(self):
        self.post("db", error="Deployment/db not ready: 0 of 1 pods\nmore lines")
        [status] = self.wait_for_statuses("db")
        self.assertEqual(status.state, "failure")
        self.assertIn("health check failed", status.description)
        self.assertIn("Deployment/db not ready: 0 of 1 pods", status.description)
        self.assertNotIn("more lines", status.description)

    def test_the_same_state_again_is_not_written_again(self):
        self.post("cache")
        self.wait_for_statuses("cache")
        self.post("cache")
        self.post("cache", error="out of memory")
        wait_until("the failure", lambda: self.statuses("cache")[-1].state == "failure")
        self.assertEqual([s.state for s in self.statuses("cache")],
                         ["success", "failure"])

    def test_a_dispatcher_killed_between_consume_and_call_loses_and_repeats_nothing(self):
        lamplighter = World.lamplighter
        self.post("warm-up")  # the connection to the provider worker is up then
        self.wait_for_statuses("warm-up")

        lamplighter["provider"].send(signal.SIGSTOP)
        try:
            self.post("queue")
            World.kafka.wait_for(INTENTS, "the intent", lambda r: (
                self.sha.encode() in r.value and b"queue" in r.value))
            wait_until("the call to the stopped provider worker",
                       lamplighter.provider_has_unread_bytes)
            lamplighter["dispatcher"].kill()
        finally:
            lamplighter["provider"].send(signal.SIGCONT)
        lamplighter.start("dispatcher")

        # The broker gives the partitions away when the dead member's session ends.
        wait_until("the outcome", lambda: any(
            "queue" in o for o in self.outcomes()), deadline=120)
        [status] = self.statuses("queue")
        self.assertEqual(status.state, "success")


class DeliveryToGitea(DeliveryContract, Case):
    namespace = "gitea"


class DeliveryToGitHub(DeliveryContract, Case):
    namespace = "sandbox"


class Webhooks(Case):

    def setUp(self):
        if World.no_gitea:
            self.skipTest(World.no_gitea)
        self.forge = World.forges["gitea"]

    def test_a_push_to_a_real_forge_lands_on_kafka(self):
        self.forge.add_webhook(
            f"{World.lamplighter.url}/api/events-handler/v1/events/gitea/forge",
            World.lamplighter.webhook_secret)
        sha = self.forge.push("a change")
        [record] = World.kafka.wait_for(
            GIT_EVENTS, "the push", lambda r: sha in r.decode("GitEvent"))

        host = self.forge.url.removeprefix("http://")
        self.assertEqual(record.key, f"{host}/forge/fleet")
        self.assertEqual(record.headers["ce_specversion"], "1.0")
        self.assertEqual(record.headers["content-type"], "application/protobuf")
        for name in ("ce_id", "ce_source", "ce_type", "ce_time"):
            self.assertTrue(record.headers.get(name), name)
        event = record.decode("GitEvent")
        for line in ("type: PUSH", 'provider_type: "gitea"', 'source: "forge"',
                     'ref: "refs/heads/main"', f'after: "{sha}"',
                     f'id: "{record.headers["ce_id"]}"'):
            self.assertIn(line, event)
        self.assertNotIn(World.lamplighter.webhook_secret.encode(), record.value)

    def test_a_push_that_somebody_else_signed_is_refused(self):
        answer = http("POST",
                      f"{World.lamplighter.url}/api/events-handler/v1/events/gitea/forge",
                      b"{}", {"X-Gitea-Event": "push", "X-Gitea-Delivery": "forged",
                              "X-Gitea-Signature": "0" * 64})
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")


class FrontDoor(Case):

    def test_any_kafka_client_can_read_an_event_and_its_headers(self):
        sha = "5" * 40
        answer = World.lamplighter.post(flux_event("nobody", "web", sha))
        self.assertEqual(answer.status, 202)
        [record] = World.kafka.wait_for(FLUX_EVENTS, "the event",
                                        lambda r: sha.encode() in r.value)
        self.assertEqual(record.key, "default/nobody/Kustomization/web")
        self.assertEqual(record.headers["ce_specversion"], "1.0")
        self.assertEqual(record.headers["content-type"], "application/protobuf")
        self.assertRegex(record.headers["ce_time"], r"^\d{4}-\d\d-\d\dT.*Z$")
        event = record.decode("FluxEvent")
        self.assertIn(f'id: "{record.headers["ce_id"]}"', event)
        self.assertIn('reason: "ReconciliationSucceeded"', event)
        self.assertIn('cluster: "default"', event)

    def test_an_event_sent_twice_carries_the_same_id(self):
        event = flux_event("nobody", "twice", "6" * 40)
        for _ in range(2):
            self.assertEqual(World.lamplighter.post(event).status, 202)
        # What was answered 202 is on the topic.
        ids = [r.headers["ce_id"] for r in World.kafka.records(FLUX_EVENTS)
               if r.key == "default/nobody/Kustomization/twice"]
        self.assertEqual(len(ids), 2)
        self.assertEqual(ids[0], ids[1])

    def test_without_a_broker_events_are_refused_and_with_it_taken_again(self):
        lamplighter, kafka = World.lamplighter, World.kafka
        refused = flux_event("nobody", "refused", "7" * 40)
        kafka.kill()
        try:
            answer = lamplighter.post(refused)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            self.assertEqual(answer.json()["status"], 503)
            # Neither the answer nor the log quotes the event.
            for said in (answer.body.decode(), lamplighter["ingest"].log()):
                self.assertNotIn(refused["message"], said)
        finally:
            kafka.up()
        taken = flux_event("nobody", "taken", "8" * 40)
        wait_until("ingest to take events again",
                   lambda: lamplighter.post(taken).status == 202)
        records = kafka.wait_for(FLUX_EVENTS, "the event", lambda r: b"taken" in r.value)
        self.assertEqual({r.key for r in records}, {"default/nobody/Kustomization/taken"})
        self.assertEqual([r for r in kafka.records(FLUX_EVENTS)
                          if r.key.endswith("/refused")], [])


class Programs(Case):
    """What each binary does with its command line and signals."""

    def setUp(self):
        self.directory = self.enterContext(temporary_directory())

    def test_an_unknown_key_ends_the_start_with_its_line(self):
        config = self.directory / "bad.yaml"
        config.write_text("kafka:\n  bootstrap_servers: 127.0.0.1:1\n  brokers: x\n")
        for name in (*Lamplighter.NAMES, "lamplighter"):
            folder = "lamplighter" if name == "lamplighter" else f"services/{name}"
            with self.subTest(name):
                result = subprocess.run(
                    [binary(f"//{folder}:{name}"), "--config", str(config)],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(f"{config}:3: ", result.stderr + result.stdout)
                self.assertIn("kafka.brokers", result.stderr + result.stdout)

    def test_sigterm_ends_each_service_cleanly(self):
        lamplighter = Lamplighter(self.directory, World.kafka.brokers, World.forges)
        self.addCleanup(lamplighter.stop)
        # The only test with a second consumer in the group: it leaves it in order.
        lamplighter.start()
        for name in Lamplighter.NAMES:
            with self.subTest(name):
                self.assertEqual(lamplighter[name].terminate(), 0,
                                 lamplighter[name].log()[-3000:])


class Leftovers(Case):

    def test_no_service_ended_or_logged_a_secret(self):
        secrets = [World.lamplighter.webhook_secret,
                   *(f.token for f in World.forges.values())]
        for name in Lamplighter.NAMES:
            with self.subTest(name):
                process = World.lamplighter[name]
                self.assertTrue(process.running(), process.log()[-3000:])
                for secret in secrets:
                    self.assertNotIn(secret, process.log())


if __name__ == "__main__":
    unittest.main()
