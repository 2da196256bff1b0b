"""The values: all are documented, all that is documented is there, and what is wrong is refused."""

import json
import re
import unittest

import yaml

import values_reference
from chart import CHART, FORGE, MATRIX, PRODUCTION, helm, refusal, render, why_not


def schema_keys(schema, root, path=()):
    """Paths of the values that a schema knows by name."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for key, value in schema.get("properties", {}).items():
        below = list(schema_keys(value, root, path + (key,)))
        yield from below or [path + (key,)]


class Documentation(unittest.TestCase):

    def setUp(self):
        self.schema = json.loads((CHART / "values.schema.json").read_text())
        self.values = yaml.safe_load((CHART / "values.yaml").read_text())
        self.settings = set(self.values["defaults"])

    def test_every_value_has_a_description(self):
        rows = values_reference.rows(CHART / "values.yaml")
        self.assertEqual([path for path, _, text in rows if not text], [])

    def test_the_table_in_the_readme_is_that_of_the_values(self):
        self.assertEqual(values_reference.table(CHART / "values.yaml"),
                         values_reference.table_in(CHART / "README.md"),
                         "write it: python3 tests/deploy/helm/values_reference.py")

    def test_schema_and_values_know_the_same_keys(self):
        known = {path for path in schema_keys(self.schema, self.schema)
                 if path[0] not in ("global", "enabled") and not self.is_override(path)}
        there = {path for path in self.paths(self.values) if not self.is_override(path)}
        self.assertEqual({p for p in known if not self.covered(p, there)}, set())
        self.assertEqual({p for p in there if not self.covered(p, known)}, set())

    def is_override(self, path):
        """Whether it is one of `defaults`, set for a service."""
        services = ("ingest", "dispatcher", "provider", "reposync", "trial")
        return path[0] in services and len(path) > 1 and path[1] in self.settings

    @staticmethod
    def covered(path, paths):
        """Whether it, a part of it or one below is among them: maps are open in places."""
        return any(path[:len(p)] == p or p[:len(path)] == path for p in paths)

    @staticmethod
    def paths(values, path=()):
        for key, value in values.items():
            if isinstance(value, dict) and value:
                yield from Documentation.paths(value, path + (key,))
            else:
                yield path + (key,)

    def test_a_service_may_be_told_what_all_may(self):
        for service in ("ingest", "dispatcher", "provider", "reposync", "trial"):
            own = self.schema["properties"][service]["properties"]
            self.assertEqual(self.settings - set(own), set(), service)
        worker = self.schema["$defs"]["worker"]["properties"]
        self.assertEqual(self.settings - set(worker), set())

    def test_every_value_is_used_by_a_template(self):
        text = "".join(p.read_text() for p in (CHART / "templates").rglob("*.*"))
        words = set(re.findall(r"\w+", text)) | {"serviceMonitor", "podMonitor"}
        # What is handed on whole is named by the key above it.
        whole = {"podSecurityContext", "securityContext", "resources", "labels", "image"}
        unused = [path for path in self.paths(self.values)
                  if path[-1] not in words and not whole & set(path)]
        self.assertEqual(unused, [])


class Guide(unittest.TestCase):
    """docs/kubernetes.md."""

    def setUp(self):
        self.text = (CHART.parents[2] / "docs/kubernetes.md").read_text()

    def test_values_that_it_names_exist(self):
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        schema = json.loads((CHART / "values.schema.json").read_text())
        known = {".".join(path) for path in schema_keys(schema, schema)}
        known |= {path[:end] for path in known for end in range(len(path)) if path[end] == "."}
        # Parts of a list's entries, and of each of a map's.
        known |= {f"{name}[].existingSecret" for name in ("connections", "flux.sources", "api.clients")}
        known |= {path.replace(".github.", ".*.") for path in known}
        named = {word for word in re.findall(r"`([a-z]\w+(?:\.[\w*\[\]]+)+)(?:: [\w]+)?`", self.text)
                 if word.split(".")[0] in values and "_" not in word}
        self.assertGreater(len(named), 30)
        self.assertEqual(named - known, set())

    def test_values_that_it_shows_are_taken(self):
        if why_not():
            self.skipTest(why_not())
        blocks = re.findall(r"```yaml\n(.*?)```", self.text, re.DOTALL)
        self.assertEqual(len(blocks), 4)
        for block in blocks:
            values = yaml.safe_load(block.replace("sha256:...", "sha256:" + "0" * 64))
            render({**PRODUCTION, **values})

    def test_the_certificate_that_it_shows_has_the_names_that_workers_are_called_by(self):
        if why_not():
            self.skipTest(why_not())
        [values] = [v for v in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", self.text, re.DOTALL))
                    if "extraObjects" in v]
        worker = {"workers": {"github": {"types": ["github"]}}}
        objects = render({**PRODUCTION, **values, "provider": {**values["provider"], **worker}},
                         name="lamplighter")
        secret = values["provider"]["tls"]["existingSecret"]
        [spec] = [o["spec"] for o in objects.of("Certificate") if o["spec"]["secretName"] == secret]
        config = yaml.safe_load([o for o in objects.of("ConfigMap")
                                 if o["metadata"]["name"] == "lamplighter"][0]["data"]["config.yaml"])
        for section in ("dispatcher", "reposync"):
            self.assertEqual({f"dns:///{name}:50051" for name in spec["dnsNames"]},
                             set(config[section]["providers"].values()))
        self.assertEqual(spec["usages"], ["server auth", "client auth"])
        issuers = {o["metadata"]["name"]: o["spec"] for o in objects.of("Issuer")}
        authority = issuers[spec["issuerRef"]["name"]]["ca"]["secretName"]
        [spec] = [o["spec"] for o in objects.of("Certificate") if o["spec"]["secretName"] == authority]
        self.assertIs(spec["isCA"], True)
        self.assertIn("selfSigned", issuers[spec["issuerRef"]["name"]])


class Refusals(unittest.TestCase):

    def setUp(self):
        if why_not():
            self.skipTest(why_not())

    def test_the_charts_version_of_the_programs_is_theirs(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        source = (CHART.parents[2] / "common/app/version.h").read_text()
        self.assertIn(f'kVersion[] = "{chart["appVersion"]}"', source)

    def test_what_is_misspelt_is_refused_however_deep(self):
        for values in ({"ingres": {}}, {"networkPolicy": {"enable": True}},
                       {"networkPolicy": {"egress": {"kafak": []}}},
                       {"gitProviders": {"github": {"appID": "1"}}},
                       {"ingest": {"podDisruptionBudget": {"minAvailable": 1}}},
                       {"provider": {"workers": {"a": {"types": ["github"], "replicas": 2}}}},
                       {"flux": {"sources": [{"name": "a", "proof": "none", "token": "x"}]}},
                       {"connections": [{"name": "a", "type": "gitea", "existingSecret": "s", "url": ""}]}):
            with self.subTest(values):
                self.assertRegex(refusal(values), "additional propert|not allowed")

    def test_what_charts_of_charts_hand_down_is_taken(self):
        render({"global": {"imageRegistry": "r.example.com", "other": {"key": 1}}, "enabled": True})

    def test_wrong_kinds_of_values_are_refused(self):
        for values in ({"kafka": {"sasl": {"mechanism": "GSSAPI"}}},
                       {"image": {"digest": "sha256:1"}},
                       {"provider": {"workers": {"a": {"types": ["github.com"]}}}},
                       {"provider": {"tls": {"existingSecret": "s", "clientNames": [""]}}},
                       {"reposync": {"refresh": {"startingDeadlineSeconds": 5}}},
                       {"publicUrl": "lamplighter.example.com"},
                       {"api": {"clients": [{"name": "a", "scopes": ["all"], "existingSecret": "s"}]}}):
            with self.subTest(values):
                refusal(values)

    def test_values_that_do_not_fit_together_are_told_with_what_to_do(self):
        both = [{"name": "a", "type": "gitlab", "existingSecret": "s"}]
        sasl = {"bootstrapServers": "kafka:9092", "sasl": {"mechanism": "PLAIN"}}
        for said, values in {
                "gitProviders.gitlab.webhookSecret": {"gitProviders": {"gitlab": {"enabled": True}}},
                "gitProviders.azureDevOps.webhookBasicAuthPass": {
                    "gitProviders": {"azureDevOps": {"enabled": True, "webhookBasicAuthUser": "a"}}},
                "gitProviders.azureDevOps.organizationUrl": {"gitProviders": {"azureDevOps": {
                    "enabled": True, "token": "t", "webhookBasicAuthUser": "a",
                    "webhookBasicAuthPass": "b"}}},
                "gitProviders.bitbucket.address": {
                    "gitProviders": {"bitbucket": {**FORGE, "token": "t"}}},
                "appId and privateKey": {"gitProviders": {"github": {**FORGE, "appId": "1"}}},
                "needs existingSecret": {"flux": {"sources": [{"name": "a", "proof": "hmac"}]}},
                "name of two sources": {"connections": both + both},
                "second source of type gitlab": {"gitProviders": {"gitlab": FORGE}, "connections": both},
                "a trial has one worker": {"provider": {"workers": {"a": {"types": ["github"]}}}},
                "a trial is one pod": {"defaults": {"autoscaling": {"enabled": True}}},
                "database:": {"kafka": {"bootstrapServers": "kafka:9092"}},
                "database.url: must begin with postgresql://": {
                    **PRODUCTION, "database": {"url": "sqlite:///var/lib/lamplighter/catalog.db"}},
                "kafka.sasl:": {**PRODUCTION, "kafka": sasl},
                "kafka.tls.clientCertificate": {"kafka": {"tls": {"clientCertificate": True}}},
                "provider.tls.clientNames: needs existingSecret": {
                    "provider": {"tls": {"clientNames": ["a"]}}},
                "another worker's": {**PRODUCTION, "provider": {"workers": {
                    "a": {"types": ["github"]}, "b": {"types": ["github"]}}}},
                "keda and autoscaling": {**PRODUCTION, "dispatcher": {
                    "keda": {"enabled": True}, "autoscaling": {"enabled": True}}},
                "nothing to route": {"ingress": {"enabled": True, "hosts": ["a.example.com"]}},
                "ingress, gateway:": {"flux": {"sources": []},
                                      "ingress": {"enabled": True, "hosts": ["a.example.com"]}},
                "redeliverFailed needs publicUrl": {"gitProviders": {"github": {
                    **FORGE, "token": "t", "redeliverFailed": True}}},
                "redeliverFailed is for": {"connections": [{
                    "name": "a", "type": "gitea", "existingSecret": "s", "redeliverFailed": True,
                    "address": "https://gitea.example.com"}]},
                "api.clients: admin": {"api": {"clients": [{
                    "name": "admin", "scopes": ["*"], "existingSecret": "s"}]}},
                "lets anybody send": {"ingest": {"service": {"type": "LoadBalancer"}}},
                "serviceMonitor and podMonitor": {"metrics": {
                    "serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}},
                "ingress.hosts": {"gitProviders": {"gitlab": FORGE}, "ingress": {"enabled": True}},
                "gateway.parentRefs": {"gitProviders": {"gitlab": FORGE}, "gateway": {"enabled": True}},
        }.items():
            with self.subTest(said):
                self.assertIn(said, refusal(values))

    def test_all_mistakes_are_told_at_once(self):
        said = refusal({"gitProviders": {"gitlab": {"enabled": True}, "gitea": {"enabled": True}}})
        self.assertIn("gitProviders.gitlab", said)
        self.assertIn("gitProviders.gitea", said)

    def test_lint_finds_nothing(self):
        for values in MATRIX:
            with self.subTest(values.name):
                result = helm("lint", "--strict", CHART, values=values)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertNotIn("WARNING", result.stdout)


if __name__ == "__main__":
    unittest.main()
