"""The chart against a real Kubernetes API: what it makes of the objects, and of their rights."""

import base64
import functools
import json
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

import yaml

import api_schemas
from chart import CHART, MATRIX, NAMESPACE, ROOT, definitions, helm, home, render, why_not

sys.path.append(str(ROOT / "tests/integration"))
# pylint: disable=wrong-import-position
from kubernetes import Kubernetes
from processes import temporary_directory

DEADLINE = 60


class Cluster(Kubernetes):
    """What the tests of this file share: an API with the CRDs, and namespaces."""

    def up(self):
        super().up()
        for file in definitions():
            self.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                      yaml.safe_load(file.read_text()))
        for name in (NAMESPACE, "team-a", "team-b"):
            # Refuses pods that may more than they must, and warns of others.
            self.must("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {
                f"pod-security.kubernetes.io/{mode}": "restricted"
                for mode in ("enforce", "warn")}}})
        deadline = time.monotonic() + DEADLINE
        while not all(self.is_served(version, plural, group) for group, version, plural in (
                ("keda.sh", "v1alpha1", "triggerauthentications"),
                ("gateway.networking.k8s.io", "v1", "httproutes"),
                ("monitoring.coreos.com", "v1", "prometheusrules"))):
            if time.monotonic() > deadline:
                raise AssertionError("the CRDs are not served")
            time.sleep(0.1)

    @functools.cache
    def resources(self, version):
        """{kind: what the API says of it} of a group and version."""
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        return {r["kind"]: r for r in self.must("GET", path)["resources"]
                if "/" not in r["name"]}

    def apply(self, item):
        """Server-side apply that keeps nothing; what the server warns of."""
        version, meta = item["apiVersion"], item["metadata"]
        resource = self.resources(version)[item["kind"]]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if resource["namespaced"]:
            path += f"/namespaces/{meta.get('namespace', NAMESPACE)}"
        request = urllib.request.Request(
            f"{self.url}{path}/{resource['name']}/{meta['name']}"
            "?dryRun=All&fieldManager=test&fieldValidation=Strict",
            json.dumps(item).encode(),
            {"Authorization": "Bearer admin", "Content-Type": "application/apply-patch+yaml"},
            method="PATCH")
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._tls) as response:
                return response.headers.get_all("Warning") or []
        except urllib.error.HTTPError as error:
            with error:
                return [error.read().decode()]

    def may(self, account, verb, resource, group="", namespace="team-a"):
        """Whether a service account of the release may do that."""
        answer = self.must("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
            "spec": {"user": f"system:serviceaccount:{NAMESPACE}:{account}",
                     "resourceAttributes": {"verb": verb, "resource": resource,
                                            "group": group, "namespace": namespace}}})
        return answer["status"]["allowed"]

    def secret_data(self, name):
        data = self.must("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")["data"]
        return {key: base64.b64decode(value) for key, value in data.items()}

    def helm(self, *arguments, values=None):
        result = helm(*arguments, "--namespace", NAMESPACE,
                      "--kubeconfig", self.directory / "kubeconfig", values=values)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return result.stdout


class World:
    cluster = None


def setUpModule():
    reason = why_not() or Kubernetes.why_not()
    if reason:
        raise unittest.SkipTest(reason)
    directory = unittest.enterModuleContext(temporary_directory())
    World.cluster = unittest.enterModuleContext(Cluster(directory))


class Objects(unittest.TestCase):

    def test_the_api_takes_every_object_and_warns_of_none(self):
        for values in MATRIX:
            for item in render(values):
                with self.subTest(values.stem, kind=item["kind"], name=item["metadata"]["name"]):
                    self.assertEqual(World.cluster.apply(item), [])

    def test_the_api_would_refuse_what_is_wrong(self):
        """Or the test above would prove nothing."""
        deployment = render().get("Deployment", "-trial")
        deployment["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
        self.assertIn("imagePulPolicy", str(World.cluster.apply(deployment)))
        deployment = render().get("Deployment", "-trial")
        del deployment["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
        self.assertIn("seccompProfile", str(World.cluster.apply(deployment)))

    def test_kubeconform_finds_nothing(self):
        directory = World.cluster.directory / "schemas"
        directory.mkdir()
        api_schemas.write(directory, World.cluster.must("GET", "/openapi/v2"),
                      definitions())

        def conform(items):
            return subprocess.run(
                [home() / "kubeconform", "-strict", "-summary", "-schema-location",
                 f"{directory}/{{{{.Group}}}}-{{{{.ResourceKind}}}}-{{{{.ResourceAPIVersion}}}}.json"],
                input=yaml.safe_dump_all(items), capture_output=True, text=True)
        for values in MATRIX:
            with self.subTest(values.stem):
                items = render(values)
                result = conform(items)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn(f"Valid: {len(items)}, Invalid: 0, Errors: 0, Skipped: 0",
                              result.stdout)
        wrong = render().of("Service")[0]
        wrong["spec"]["prots"] = []
        self.assertEqual(conform([wrong]).returncode, 1)


class Release(unittest.TestCase):

    def install(self, values, name="t"):
        self.addCleanup(World.cluster.helm, "uninstall", name)
        return World.cluster.helm("install", name, CHART, values=values)

    def test_random_secrets_are_made_once_and_outlive_the_release(self):
        values = {"breakGlass": {"create": True}}
        World.cluster.helm("install", "t", CHART, values=values)
        names = ["t-lamplighter-seal-key", "t-lamplighter-api-admin", "t-lamplighter-break-glass"]
        for name in names:
            self.addCleanup(World.cluster.must, "DELETE",
                            f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}")
        first = [World.cluster.secret_data(name) for name in names]
        self.assertEqual(len(base64.b64decode(first[0]["keys"])), 32)
        self.assertEqual(len(first[1]["token"]), 40)
        self.assertEqual(first[2]["username"], b"admin")
        World.cluster.helm("upgrade", "t", CHART, values=values)
        World.cluster.helm("uninstall", "t")
        self.install(values)
        self.assertEqual([World.cluster.secret_data(name) for name in names], first)

    def test_a_trial_becomes_a_production_and_back(self):
        off = {"sealKey": {"generate": False}, "api": {"enabled": False}}
        forge = {"gitProviders": {"gitea": {"enabled": True, "webhookSecret": "hook"}}}
        kafka = {"kafka": {"bootstrapServers": "kafka:9092"}, "database": {"existingSecret": "db"}}
        self.install({**off, **forge})
        World.cluster.helm("upgrade", "t", CHART, values={**off, **forge, **kafka})
        spool = {"ingest": {"spool": {"enabled": True}}}
        World.cluster.helm("upgrade", "t", CHART, values={**off, **forge, **kafka, **spool})
        World.cluster.helm("upgrade", "t", CHART, values={**off, **forge})

    def test_with_a_token_of_its_own_the_api_is_served(self):
        self.install({"sealKey": {"generate": False}})
        self.addCleanup(World.cluster.must, "DELETE",
                        f"/api/v1/namespaces/{NAMESPACE}/secrets/t-lamplighter-api-admin")
        made = World.cluster.must("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/t-lamplighter")
        config = yaml.safe_load(made["data"]["config.yaml"])
        self.assertEqual(config["reposync"]["catalog_service"]["clients"][0]["name"], "admin")
        self.assertEqual(config["dispatcher"]["status_service"]["listen"], "0.0.0.0:50053")
        self.assertNotIn("seal_key_file", config["reposync"])

    def test_of_all_pods_those_of_provider_workers_alone_may_read_secrets(self):
        off = {"sealKey": {"generate": False}, "api": {"enabled": False}}
        kafka = {"kafka": {"bootstrapServers": "kafka:9092"}, "database": {"existingSecret": "db"}}
        self.install({**off, **kafka, "flux": {"from": "cluster"},
                      "provider": {"workers": {"own": {"types": ["gitea"]}}}})
        flux = "notification.toolkit.fluxcd.io"
        for account, reads in {"ingest": (False, False, False), "reposync": (False, False, False),
                               "dispatcher": (True, True, False), "provider": (True, False, True),
                               "provider-own": (True, False, True)}.items():
            name = f"t-lamplighter-{account}"
            self.assertEqual((World.cluster.may(name, "watch", "providers", flux),
                              World.cluster.may(name, "watch", "alerts", flux),
                              World.cluster.may(name, "list", "secrets")), reads, account)
            for verb in ("get", "create", "update", "patch", "delete"):
                self.assertFalse(World.cluster.may(name, verb, "secrets"), account)

    def test_rights_end_with_the_namespaces_that_are_named(self):
        self.install({"sealKey": {"generate": False}, "api": {"enabled": False},
                      "flux": {"from": "cluster", "cluster": {"namespaces": ["team-a"]}}})
        self.assertTrue(World.cluster.may("t-lamplighter-trial", "list", "secrets"))
        self.assertFalse(World.cluster.may("t-lamplighter-trial", "list", "secrets",
                                           namespace="team-b"))

    def test_notes_say_what_is_next_and_no_secret(self):
        secrets = ("github-hook", "azure-token", "kafka-password", "database-password", "gitea-hook")
        for values in MATRIX:
            with self.subTest(values.stem):
                said = World.cluster.helm("install", "t", CHART, "--dry-run=client", values=values)
                notes = said.split("\nNOTES:\n")[1]
                self.assertIn(f"helm test t --namespace {NAMESPACE}", notes)
                self.assertEqual("TRIAL" in notes, values.stem.startswith("trial"))
                self.assertEqual("networkPolicy.enabled is false" in notes, values.stem == "spool")
                tls = "provider-tls" in values.read_text()
                self.assertEqual("t-lamplighter-provider.lamplighter.svc\n" in notes, tls)
                self.assertEqual("gRPC between" in notes,
                                 not tls and values.stem not in ("trial", "trial-forges"))
                self.assertEqual([s for s in secrets if s in notes], [])
                self.assertNotIn("<no value>", notes)


if __name__ == "__main__":
    unittest.main()
