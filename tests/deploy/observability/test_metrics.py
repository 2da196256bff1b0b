"""docs/metrics.md says what the sources register, and running programs show no more."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from observability import ROOT, documented

sys.path.insert(0, str(ROOT / "tools/docs"))
sys.path.insert(0, str(ROOT / "tests/integration"))

from processes import Process, binary, free_ports, http, wait_until  # noqa: E402
from registrations import Unreadable, families  # noqa: E402

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? \S+$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

MANIFESTS = """\
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {{name: forge, namespace: apps}}
spec: {{type: gitea, address: "http://127.0.0.1:{closed}/acme/fleet", secretRef: {{name: token}}}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {{name: fleet, namespace: apps}}
spec: {{providerRef: {{name: forge}}, eventSources: [{{kind: Kustomization, name: "*"}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: token, namespace: apps}}
stringData: {{token: t0ken}}
"""

CONFIG = """\
kafka: {{bootstrap_servers: embedded}}
telemetry: {{otlp_endpoint: "http://127.0.0.1:{closed}"}}
ingest:
  listen: 127.0.0.1:{front}
  admin_listen: 127.0.0.1:{admin}
  spool: {{path: spool.db}}
dispatcher:
  manifests: {{directory: manifests}}
  status_service: {{listen: "127.0.0.1:{service}"}}
provider: {{listen: "127.0.0.1:{worker}"}}
"""

EVENT = {
    "involvedObject": {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                       "namespace": "apps", "name": "web"},
    "severity": "error", "reason": "BuildFailed", "message": "no such file",
    "timestamp": "2026-11-21T10:00:00Z", "metadata": {"revision": "main@sha1:" + "a" * 40}}


class Page(unittest.TestCase):

    def test_is_up_to_date(self):
        result = subprocess.run([ROOT / "tools/docs/metrics_reference", "--check"],
                                capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_names_are_as_the_style_wants_them(self):
        for family in families().values():
            with self.subTest(metric=family.name):
                self.assertRegex(family.name, r"^(lamplighter|process)_[a-z_]+$")
                if family.name.startswith("lamplighter_"):
                    self.assertEqual(family.name.endswith("_total"), family.kind == "counter")
                self.assertFalse(family.labels.keys() & {"repository", "commit", "sha", "url"})


class Scraped(unittest.TestCase):
    """One `lamplighter` with everything on, after an event that it cannot deliver."""

    @classmethod
    def setUpClass(cls):
        try:
            program = binary("//lamplighter:lamplighter")
        except AssertionError as missing:
            raise unittest.SkipTest(str(missing))
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        first = free_ports(5)
        ports = dict(zip(("front", "admin", "service", "worker", "closed"), range(first, first + 5)))
        (cls.directory / "manifests").mkdir()
        (cls.directory / "manifests/all.yaml").write_text(MANIFESTS.format(**ports))
        config = cls.directory / "lamplighter.yaml"
        config.write_text(CONFIG.format(**ports)
                          .replace("directory: manifests", f"directory: {cls.directory}/manifests")
                          .replace("spool.db", f"{cls.directory}/spool.db"))
        cls.process = Process("lamplighter", [program, "--config", str(config)], cls.directory)
        cls.addClassCleanup(cls.stop)
        admin = f"http://127.0.0.1:{ports['admin']}"

        def ready():
            if not cls.process.running():
                raise AssertionError(cls.process.log())
            try:
                return http("GET", f"{admin}/readyz").status == 200
            except OSError:
                return False
        wait_until("ready", ready)
        answer = http("POST", f"http://127.0.0.1:{ports['front']}/", EVENT)
        assert answer.status == 202, answer

        def text():
            body = http("GET", f"{admin}/metrics").body.decode()
            return body if "lamplighter_provider_requests_total{" in body else None
        cls.text = wait_until("a request to the forge", text)
        cls.samples = [(name, dict(LABEL.findall(labels)))
                       for name, labels in SAMPLE.findall(cls.text)]

    @classmethod
    def stop(cls):
        cls.process.kill()

    def test_every_series_is_on_the_page_with_its_labels(self):
        page = documented()
        for name, labels in self.samples:
            with self.subTest(series=name, labels=labels):
                self.assertIn(name, page)
                self.assertEqual(labels.keys(), page[name].keys())

    def test_labels_have_no_values_but_those_that_the_page_lists(self):
        page = documented()
        for name, labels in self.samples:
            for label, value in labels.items():
                if (known := page[name][label]) is not None:
                    self.assertIn(value, known, f"{label} of {name}")

    def test_help_and_type_are_those_of_the_page(self):
        found = families()
        helps = dict(re.findall(r"^# HELP (\w+) (.*)$", self.text, re.MULTILINE))
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", self.text, re.MULTILINE))
        self.assertEqual(helps, {name: found[name].help for name in helps})
        self.assertEqual(types, {name: found[name].kind for name in types})

    def test_what_the_page_says_a_program_shows(self):
        """But for what needs a cluster, a connection, a call that nobody made here,
        or a service of its own."""
        absent = {name for name in families() if name not in self.text}
        self.assertLessEqual(
            {name for name in absent if "_reposync_" not in name and "_console_" not in name},
            {"lamplighter_dispatcher_manifest_watch_restarts_total",
             "lamplighter_provider_manifest_watch_restarts_total",
             "lamplighter_dispatcher_status_service_requests_total",
             "lamplighter_provider_budget_remaining",
             "lamplighter_provider_redeliveries_total"})

    def test_a_minute_is_a_bound_of_the_time_to_the_status(self):
        # The alert and the dashboards ask for it.
        self.assertIn(("lamplighter_dispatcher_end_to_end_seconds_bucket", {"le": "60"}),
                      self.samples)


class Registrations(unittest.TestCase):
    """What registrations.py reads, and what it refuses to guess."""

    def read(self, text, path="services/x/x.cc", **others):
        return families({path: text, **others})

    def test_a_chain_of_calls(self):
        found = self.read('''
            // metrics.AddCounters("lamplighter_no_total", "A comment.")
            a_(metrics.AddCounters("lamplighter_x_a_total", "Help "
               "in two.").Add({{"result", "ok"}})),
            b_(metrics.AddCounters("lamplighter_x_a_total", "").Add({{"result", "failed"}}))''')
        self.assertEqual(list(found), ["lamplighter_x_a_total"])
        family = found["lamplighter_x_a_total"]
        self.assertEqual((family.kind, family.help, family.labels),
                         ("counter", "Help in two.", {"result": ["ok", "failed"]}))

    def test_a_name_for_the_family_and_values_by_a_function(self):
        found = self.read('''
            prometheus::Gauge& State(Metrics& metrics, const char* state) {
              auto& family = metrics.AddGauges("lamplighter_x_b", "Help.");
              return family.Add({{"state", state}, {"source", name}});
            }
            X() : a(State(metrics, "on")), b(State(metrics, "off")) {}''')
        self.assertEqual(found["lamplighter_x_b"].labels, {"state": ["on", "off"], "source": None})

    def test_a_function_that_is_told_name_and_help(self):
        found = self.read('''
            prometheus::Gauge& Plain(Metrics& metrics, const char* name, const char* help) {
              return metrics.AddGauges(name, help).Add({});
            }
            X() : a(Plain(metrics, "lamplighter_x_c", "One.")),
                  b(Plain(metrics, "lamplighter_x_d", "Two.")) {}''')
        self.assertEqual({n: f.help for n, f in found.items()},
                         {"lamplighter_x_c": "One.", "lamplighter_x_d": "Two."})

    def test_a_member_used_in_another_file_and_values_in_an_array(self):
        found = self.read('''
            X() : requests(metrics.AddCounters("lamplighter_x_e_total", "Help.")) {}''',
            **{"services/x/y.cc": '''
            constexpr std::array<const char*, 2> kNames = {"a", "b"};
            metrics_.requests.Add({{"name", kNames[i]}}).Increment();''',
               "services/z/z.cc": 'requests.Add({{"other", "z"}});'})
        self.assertEqual(found["lamplighter_x_e_total"].labels, {"name": ["a", "b"]})

    def test_a_member_that_is_handed_to_a_function(self):
        found = self.read('''
            X() : pages(metrics.AddCounters("lamplighter_x_h_total", "Help.")),
                  unused(metrics.AddCounters("lamplighter_x_i_total", "Help.")) {}
            Metrics::Counters& pages;
            void Count() {
              const auto count = [&](Metrics::Counters& counters, const char* label,
                                     const char* value, int64_t number) {
                counters.Add({{"source", name}, {label, value}}).Increment(number);
              };
              count(metrics_.pages, "result", "read", read);
              count(metrics_.pages, "result", "not_modified", other);
            }''')
        self.assertEqual(list(found), ["lamplighter_x_h_total"])  # the other is never shown
        self.assertEqual(found["lamplighter_x_h_total"].labels,
                         {"source": None, "result": ["read", "not_modified"]})

    def test_a_function_that_returns_the_family(self):
        found = self.read('''
            Metrics::Counters& Requests(Metrics& metrics) {
              return metrics.AddCounters("lamplighter_x_j_total", "Help.");
            }
            X() : json_({.requests = Requests(metrics)}), grpc_({.requests = Requests(metrics)}) {}
            void Count() { parts_.requests.Add({{"method", "Get"}}).Increment(); }''')
        self.assertEqual(found["lamplighter_x_j_total"].labels, {"method": ["Get"]})

    def test_a_service_for_each_that_includes_it(self):
        found = self.read('''
            metrics.AddGauges(absl::StrCat("lamplighter_", service, "_f"), "Help.").Add({});''',
            path="common/m/m.h",
            **{"common/n/n.cc": '#include "common/m/m.h"\n', "common/n/n.h": "",
               "services/x/x.cc": '#include "common/n/n.h"\no.service = "x";',
               "services/y/y.cc": '#include "common/m/m.h"\nf({.service = "y"});',
               "services/z/z.cc": 'o.service = "z";'})
        self.assertEqual(sorted(found), ["lamplighter_x_f", "lamplighter_y_f"])

    def test_what_cannot_be_read_is_told(self):
        for text in ('metrics.AddCounters(Name(), "Help.").Add({});',
                     'metrics.AddCounters("lamplighter_x_g_total", Help()).Add({});',
                     'metrics.AddCounters("lamplighter_x_g_total", "").Add({});',
                     'auto& g = metrics.AddCounters("lamplighter_x_g_total", "Help.");',
                     'metrics.AddCounters("lamplighter_x_g_total", "Help.").Add(labels);',
                     'g(metrics.AddCounters("lamplighter_x_g_total", "Help.")); use(m.g);',
                     '''a(metrics.AddCounters("lamplighter_x_g", "Help.").Add({}));
                        a(metrics.AddGauges("lamplighter_x_g", "Help.").Add({}));'''):
            with self.assertRaises(Unreadable, msg=text):
                self.read(text)


if __name__ == "__main__":
    unittest.main()
