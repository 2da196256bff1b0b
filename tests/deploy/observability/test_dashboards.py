"""Dashboards ask for what there is, in expressions that Prometheus takes."""

import json
import re
import tempfile
import unittest

from observability import FILES, documented, problems, promtool

DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))
SERVICES = {"ingest", "dispatcher", "provider", "reposync"}


def targets(node):
    """(title of the panel, target) of all panels, those in rows too."""
    for panel in node["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target
        yield from targets(panel) if panel.get("panels") else ()


def concrete(expression):
    """`expression` with values for Grafana's variables."""
    for variable, value in (("$__rate_interval", "5m"), ("$__range", "6h"), ("$job", ".*")):
        expression = expression.replace(variable, value)
    return expression


class Dashboards(unittest.TestCase):

    def each(self):
        return [(path, json.loads(path.read_text())) for path in DASHBOARDS]

    def test_one_overview_and_one_for_each_service_that_has_metrics(self):
        measured = {match[1] for name in documented()
                    if (match := re.match(r"lamplighter_([a-z]+)_", name))}
        self.assertEqual({p.stem for p in DASHBOARDS},
                         {"overview"} | (measured & SERVICES))

    def test_name_only_metrics_labels_and_values_that_exist(self):
        metrics = documented()
        for path, dashboard in self.each():
            for title, target in targets(dashboard):
                with self.subTest(dashboard=path.stem, panel=title):
                    self.assertEqual(problems(concrete(target["expr"]), metrics), [])

    def test_every_expression_is_one(self):
        rules = []
        for path, dashboard in self.each():
            for title, target in targets(dashboard):
                rules.append({"record": f"panel:{len(rules)}", "expr": concrete(target["expr"]),
                              "labels": {"panel": f"{path.stem}: {title}"}})
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            self.assertIn(f"{len(rules)} rules found", promtool("check", "rules", file.name))

    def test_no_expression_has_a_variable_that_is_not_there(self):
        for _, dashboard in self.each():
            variables = {v["name"] for v in dashboard["templating"]["list"]}
            self.assertEqual(variables, {"datasource", "job"})
            for _, target in targets(dashboard):
                self.assertNotIn("$", concrete(target["expr"]))

    def test_can_be_put_into_any_grafana(self):
        for path, dashboard in self.each():
            self.assertIsNone(dashboard["id"])
            self.assertEqual(dashboard["uid"], f"lamplighter-{path.stem}")
            for match in re.findall(r'"uid": "([^"]*)"', path.read_text()):
                self.assertIn(match, {"${datasource}", dashboard["uid"]})

    def test_every_panel_says_what_it_shows(self):
        for _, dashboard in self.each():
            for panel in dashboard["panels"]:
                if panel["type"] not in ("row", "text"):
                    self.assertTrue(panel["description"].endswith("."), panel["title"])


class Problems(unittest.TestCase):
    """What the tests above see."""

    METRICS = {"a_total": {"result": ["ok", "failed"]}, "b_bucket": {"le": None}}

    def test_a_wrong_name_label_or_value_is_seen(self):
        for expression, problem in (
                ('sum(rate(c_total[5m]))', "there is no metric c_total"),
                ('a_total{reason="x"}', "a_total has no label reason"),
                ('a_total{result=~"ok|lost"}', "label result of a_total is never lost"),
                ('sum by (reason) (a_total)', "nothing is grouped by reason"),
                ('1 + 1', "reads nothing: 1 + 1")):
            self.assertEqual(problems(expression, self.METRICS), [problem])

    def test_what_is_right_is_let_through(self):
        for expression in (
                'sum by (result) (rate(a_total{job=~".*",result!="x"}[5m])) > 0',
                'histogram_quantile(0.9, sum by (le) (rate(b_bucket[1h30m]))) or on (job) a_total',
                'time() - a_total{result="ok"} unless changes(a_total[5m]) > 3'):
            self.assertEqual(problems(expression, self.METRICS), [])


if __name__ == "__main__":
    unittest.main()
