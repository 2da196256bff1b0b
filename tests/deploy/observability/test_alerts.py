"""Alerts fire when they should, and lead to a runbook."""

import pathlib
import re
import unittest

import yaml

from observability import ALERTS, documented, problems, promtool, sections

TESTS = pathlib.Path(__file__).with_name("alerts_test.yaml")
PARTS = ["Means.", "Users see.", "Look first.", "Mend.", "Over when"]


class Alerts(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        groups = yaml.safe_load(ALERTS.read_text())["groups"]
        cls.rules = {rule["alert"]: rule for group in groups for rule in group["rules"]}

    def test_promtool_takes_them(self):
        self.assertIn(f"{len(self.rules)} rules found", promtool("check", "rules", ALERTS))

    def test_fire_and_do_not_as_their_tests_say(self):
        self.assertIn("SUCCESS", promtool("test", "rules", TESTS))

    def test_each_is_tested_firing_and_not(self):
        seen = {name: set() for name in self.rules}
        for test in yaml.safe_load(TESTS.read_text())["tests"]:
            for expectation in test.get("promql_expr_test", []):
                name = re.search(r'alertname="(\w+)"', expectation["expr"])[1]
                seen[name].add(bool(expectation["exp_samples"]))
        self.assertEqual(seen, {name: {True, False} for name in self.rules})

    def test_read_only_metrics_that_exist(self):
        metrics = documented()
        for name, rule in self.rules.items():
            with self.subTest(alert=name):
                self.assertEqual(problems(rule["expr"], metrics), [])

    def test_each_says_how_bad_it_is_what_it_is_and_where_to_read_on(self):
        for name, rule in self.rules.items():
            with self.subTest(alert=name):
                self.assertIn(rule["labels"]["severity"], {"critical", "warning"})
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"})
                self.assertTrue(rule["annotations"]["description"].endswith("."))
                self.assertEqual(rule["annotations"]["runbook_url"],
                                 f"docs/runbooks.md#{name.lower()}")

    def test_each_has_a_runbook_with_all_its_parts_and_each_runbook_an_alert(self):
        found = sections("runbooks.md")
        self.assertEqual(list(found), list(self.rules))
        for name, text in found.items():
            with self.subTest(runbook=name):
                # Each part begins with its name in bold.
                self.assertEqual(re.findall(r"^\*\*([\w ]+\.?)\*\*", text, re.MULTILINE), PARTS)


if __name__ == "__main__":
    unittest.main()
