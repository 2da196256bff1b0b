"""Kafka as platforms run it: TLS, SASL, client certificates, and accounts with few rights."""

import unittest

from harness import (Lamplighter, SandboxForge, ShowsLogs, flux_event, temporary_directory,
                     wait_until)
from secure_kafka import PASSWORD, Authority, SecureKafka

FLUX_EVENTS = "lamplighter.flux-events.v1"
GIT_EVENTS = "lamplighter.git-events.v1"
OUTCOMES = "lamplighter.status-outcomes.v1"
OURS = "lamplighter"  # what the names of all our topics and groups begin with


class Case(ShowsLogs, unittest.TestCase):
    """A test with a broker for its class, and services of its own."""

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(temporary_directory())
        cls.kafka = cls.enterClassContext(SecureKafka(cls.directory / "kafka"))
        cls.forge = cls.enterClassContext(SandboxForge(cls.directory / "forge"))

    def setUp(self):
        self.folder = self.directory / self._testMethodName
        self.folder.mkdir()
        self.lamplighter = None

    def sasl(self, mechanism="SCRAM-SHA-512", password=PASSWORD, ca=None, **more):
        """Section `kafka` for an account with a password."""
        path = self.folder / "password"
        path.write_text(password)
        return {"bootstrap_servers": self.kafka.sasl_brokers,
                "tls": {"ca_file": str(ca or self.kafka.authority.ca)},
                "sasl": {"mechanism": mechanism, "username": self.kafka.user,
                         "password_file": str(path)}, **more}

    def certificate(self, certificate=None, key=None):
        """Section `kafka` for an account with a certificate."""
        tls = {"ca_file": str(self.kafka.authority.ca)}
        if certificate:
            tls.update(cert_file=str(certificate), key_file=str(key))
        return {"bootstrap_servers": self.kafka.tls_brokers, "tls": tls}

    def make(self, kafka):
        self.lamplighter = Lamplighter(self.folder, self.kafka.brokers,
                                       {"sandbox": self.forge}, kafka=kafka)
        self.addCleanup(self.lamplighter.stop)
        return self.lamplighter

    def wait_unready(self, service, *words):
        """Until `service` says all of `words` about why it is not ready."""
        def said():
            text = self.lamplighter.unready(service)
            return text if all(word in text for word in words) else ""
        return wait_until(f"{service} to say {words}", said)

    def check_delivery(self):
        """One event goes all the way."""
        sha = self.forge.push(self.id())
        answer = self.lamplighter.post(flux_event("sandbox", "web", sha))
        self.assertEqual(answer.status, 202, answer.body)
        [status] = wait_until("the status", lambda: self.forge.statuses(sha))
        self.assertEqual(status.state, "success")


class WhoIsThere(Case):
    """An account that may do all with what is ours, and how it proves who it is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kafka.allow("TOPIC", OURS, "ALL")
        cls.kafka.allow("GROUP", OURS, "ALL")
        cls.kafka.allow("BROKER", "kafka-cluster", "IDEMPOTENT_WRITE")

    def check_an_event_goes_through(self, kafka):
        self.make(kafka).start()
        self.check_delivery()
        for name in Lamplighter.NAMES:
            self.assertNotIn(PASSWORD, self.lamplighter[name].log())

    def test_scram_sha_512(self):
        self.check_an_event_goes_through(self.sasl("SCRAM-SHA-512"))

    def test_scram_sha_256(self):
        self.check_an_event_goes_through(self.sasl("SCRAM-SHA-256"))

    def test_plain(self):
        self.check_an_event_goes_through(self.sasl("PLAIN"))

    def test_a_client_certificate(self):
        self.check_an_event_goes_through(
            self.certificate(self.kafka.certificate, self.kafka.key))

    def check_refused(self, kafka, *words):
        """/readyz and the log of both services say `words`, and no secret."""
        lamplighter = self.make(kafka)
        lamplighter.launch("ingest", "dispatcher")
        for name in ("ingest", "dispatcher"):
            told = self.wait_unready(name, *words)
            log = wait_until(f"{name} to log {words}", lambda name=name: (
                all(word in lamplighter[name].log() for word in words)
                and lamplighter[name].log()))
            for secret in (PASSWORD, "wrong-password"):
                self.assertNotIn(secret, told + log)
        event = flux_event("sandbox", "web", "1" * 40)
        self.assertEqual(lamplighter.post(event).status, 503)

    def test_a_wrong_password_is_told_and_not_shown(self):
        for mechanism in ("PLAIN", "SCRAM-SHA-512"):
            with self.subTest(mechanism):
                self.folder = self.folder / mechanism
                self.folder.mkdir()
                self.check_refused(self.sasl(mechanism, "wrong-password"),
                                   "kafka.sasl: ", "uthentication failed")
                self.lamplighter.stop()

    def test_a_broker_of_another_authority_is_told(self):
        other = Authority(self.folder, "other")
        self.check_refused(self.sasl(ca=other.ca),
                           "kafka.tls.ca_file: ", "certificate verify failed")

    def test_a_missing_client_certificate_is_told(self):
        self.check_refused(self.certificate(), "kafka.tls.cert_file: ")

    def test_files_that_cannot_be_read_end_the_start(self):
        for section, words in (
                (self.sasl(ca=self.folder / "none.pem"), ("ssl.ca.location", "none.pem")),
                (self.certificate(self.folder / "none.pem", self.kafka.key),
                 ("ssl.certificate.location", "none.pem")),
                (self.certificate(self.kafka.certificate, self.kafka.certificate),
                 ("ssl.key.location",))):
            with self.subTest(words):
                self.folder = self.folder / "next"
                self.folder.mkdir()
                lamplighter = self.make(section)
                lamplighter.launch("ingest")
                self.assertEqual(lamplighter["ingest"].wait(), 2)
                for word in words:
                    self.assertIn(word, lamplighter["ingest"].log())


class FewRights(Case):
    """An account that may read and write what is there, and make nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kafka.allow("TOPIC", OURS, "READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS")
        cls.kafka.allow("GROUP", OURS, "READ")
        cls.kafka.allow("BROKER", "kafka-cluster", "IDEMPOTENT_WRITE")

    def test_missing_topics_are_told_until_somebody_makes_them(self):
        lamplighter = self.make(self.sasl())
        lamplighter.launch()
        advice = ("the account may not make them", "docs/topics.md")
        for name, topics in (("ingest", (FLUX_EVENTS, GIT_EVENTS)),
                             ("dispatcher", (FLUX_EVENTS, OUTCOMES))):
            self.wait_unready(name, *topics, *advice)
            for words in (*topics, *advice):
                self.assertIn(words, lamplighter[name].log())
        week = str(7 * 24 * 3600 * 1000)
        self.kafka.make_topic(FLUX_EVENTS, 2, retention_ms="3600000")
        for topic in self.topics_missing(lamplighter):
            self.kafka.make_topic(topic, retention_ms=week, cleanup_policy="delete")
        for name in Lamplighter.NAMES:
            wait_until(f"{name} to be ready",
                       lambda name=name: lamplighter.unready(name) == "")
        self.check_delivery()
        # They were not made by us, and what is other than we would have it is told.
        for name in ("ingest", "dispatcher"):
            log = lamplighter[name].log()
            self.assertIn(f"{FLUX_EVENTS} has 2 partitions, not 4", log)
            self.assertIn(f"{FLUX_EVENTS} has retention.ms=3600000, not {week}", log)
            self.assertNotIn(f"{GIT_EVENTS} has", log)

    def topics_missing(self, lamplighter):
        """What the dispatcher, which needs all, still asks for."""
        def named():
            text = lamplighter.unready("dispatcher")
            return [] if FLUX_EVENTS in text else [
                word.strip(",;\n") for word in text.split() if word.startswith("lamplighter.")]
        return wait_until("the dispatcher to see a topic", named)


class NoRights(Case):

    def test_an_account_that_may_see_no_topic_is_told(self):
        lamplighter = self.make(self.sasl())
        lamplighter.launch("ingest")
        # May write nowhere: librdkafka's producer is at its end.
        self.assertEqual(lamplighter["ingest"].wait(), 1)
        self.assertIn("Cluster authorization failed", lamplighter["ingest"].log())
        self.kafka.allow("BROKER", "kafka-cluster", "IDEMPOTENT_WRITE")
        lamplighter.launch("ingest")
        told = self.wait_unready("ingest", FLUX_EVENTS, GIT_EVENTS, "may not see")
        self.assertNotIn(PASSWORD, told + lamplighter["ingest"].log())


if __name__ == "__main__":
    unittest.main()
