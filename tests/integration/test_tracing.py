"""One event is one trace: from its sender's request through all services to the forge."""

import random
import time
import unittest

from collector import Collector
from forges import SandboxForge
from harness import Lamplighter, flux_event
from kafka import Kafka
from processes import ShowsLogs, free_ports, http, temporary_directory, wait_until

CALL = "lamplighter.v1.ProviderService/SetCommitStatus"


class Tracing(ShowsLogs, unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(temporary_directory())
        cls.kafka = cls.enterClassContext(Kafka(cls.directory / "kafka"))
        cls.forge = cls.enterClassContext(SandboxForge(cls.directory / "forge"))
        cls.collector = Collector()
        cls.addClassCleanup(cls.collector.close)
        cls.folder = cls.directory / "lamplighter"
        cls.lamplighter = Lamplighter(
            cls.folder, cls.kafka.brokers, {"sandbox": cls.forge},
            telemetry=cls.telemetry(cls.collector.url))
        cls.addClassCleanup(cls.lamplighter.stop)
        cls.lamplighter.start()

    @classmethod
    def telemetry(cls, endpoint):
        token = cls.directory / "otlp-authorization"
        token.write_text(Collector.token + "\n")
        return {"otlp_endpoint": endpoint,
                "otlp_header_files": {"authorization": str(token)}}

    def post(self, flags):
        """Sends an event with a traceparent, until its status is set.

        The ids of the trace and of the sender's span.
        """
        trace_id, span_id = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
        sha = self.forge.push("")
        answer = http("POST", f"{self.lamplighter.url}/", flux_event("sandbox", "web", sha),
                      {"traceparent": f"00-{trace_id}-{span_id}-{flags}"})
        self.assertEqual(answer.status, 202, answer.body)
        wait_until("the status", lambda: self.forge.statuses(sha))
        return trace_id, span_id

    def spans_up_to_the_forge(self, trace_id):
        """All spans of the trace, once those of the request's and the last call are there."""
        names = {"POST /", "POST", CALL, "process lamplighter.status-intents.v1"}

        def complete():
            spans = self.collector.spans(trace_id)
            return spans if names <= {s.name for s in spans} else None
        return wait_until(f"spans of {trace_id}", complete)

    def test_parents_lead_from_the_forge_call_to_the_senders_request(self):
        trace_id, sender = self.post("01")
        spans = {s.span_id: s for s in self.spans_up_to_the_forge(trace_id)}
        [last] = [s for s in spans.values() if s.name == "POST"]
        chain = [last]
        while chain[-1].parent_id in spans:
            chain.append(spans[chain[-1].parent_id])
        self.assertEqual([(s.service, s.kind, s.name) for s in chain], [
            ("lamplighter-provider", "client", "POST"),
            ("lamplighter-provider", "server", CALL),
            ("lamplighter-dispatcher", "client", CALL),
            ("lamplighter-dispatcher", "consumer", "process lamplighter.status-intents.v1"),
            ("lamplighter-dispatcher", "consumer", "process lamplighter.flux-events.v1"),
            ("lamplighter-ingest", "producer", "send lamplighter.flux-events.v1"),
            ("lamplighter-ingest", "server", "POST /"),
        ])
        self.assertEqual(chain[-1].parent_id, sender)
        # Nothing hangs in the air.
        for span in spans.values():
            self.assertIn(span.parent_id, {sender, *spans}, span)
            self.assertGreaterEqual(span.took, 0)
            self.assertFalse(span.is_error, span)

    def test_spans_say_what_was_done(self):
        trace_id, _ = self.post("01")
        spans = {(s.kind, s.name): s.attributes for s in self.spans_up_to_the_forge(trace_id)}
        self.assertEqual(spans["server", "POST /"]["http.response.status_code"], 202)
        forge = spans["client", "POST"]
        self.assertEqual(forge["http.response.status_code"], 201)
        self.assertTrue(forge["url.full"].startswith(self.forge.url), forge)
        self.assertEqual(spans["server", CALL]["rpc.grpc.status_code"], 0)
        process = spans["consumer", "process lamplighter.flux-events.v1"]
        self.assertEqual(process["messaging.destination.name"],
                         "lamplighter.flux-events.v1")

    def test_records_on_every_topic_carry_the_trace(self):
        trace_id, _ = self.post("01")
        for topic in ("flux-events", "status-intents", "status-outcomes"):
            with self.subTest(topic):
                self.kafka.wait_for(
                    f"lamplighter.{topic}.v1", f"a record of {trace_id}",
                    lambda r: r.headers.get("traceparent", "").startswith(f"00-{trace_id}-"))

    def test_what_the_sender_does_not_sample_is_not_recorded(self):
        unsampled, _ = self.post("00")
        sampled, _ = self.post("01")  # comes later, on the same way
        self.spans_up_to_the_forge(sampled)
        self.assertEqual(self.collector.spans(unsampled), [])

    def test_nobody_logs_what_the_collector_asks_for(self):
        trace_id, _ = self.post("01")
        self.spans_up_to_the_forge(trace_id)
        self.assertEqual(self.collector.refused, [])
        for name in Lamplighter.NAMES:
            self.assertNotIn("collector-token", self.lamplighter[name].log())

    def test_a_collector_that_is_away_costs_no_event_and_holds_up_no_stop(self):
        alone = Lamplighter(self.directory / "alone", self.kafka.brokers, {},
                            telemetry=self.telemetry(f"http://127.0.0.1:{free_ports(1)}"))
        self.addCleanup(alone.stop)
        alone.start("ingest")
        self.assertEqual(alone.post(flux_event("nobody", "web", "1" * 40)).status, 202)
        begun = time.monotonic()
        self.assertEqual(alone["ingest"].terminate(), 0, alone["ingest"].log()[-3000:])
        self.assertLess(time.monotonic() - begun, 30)
        self.assertIn("spans not exported", alone["ingest"].log())


if __name__ == "__main__":
    unittest.main()
