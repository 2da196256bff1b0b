"""What holds for everything that the chart makes, whatever the values are."""

import re
import unittest

from chart import ETC, MATRIX, container, render, secrets_of, serves, why_not


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = {values.stem: render(values) for values in MATRIX}

    def pods(self):
        """(what it is called in messages, pod template) of all."""
        return [(f"{values}: {name}", pod) for values, objects in self.all.items()
                for name, pod in objects.pods().items()]

    def test_no_two_objects_are_one(self):
        for values, objects in self.all.items():
            keys = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"])
                    for o in objects]
            self.assertEqual(len(keys), len(set(keys)), values)

    def test_pods_have_no_rights_that_they_do_not_need(self):
        for name, pod in self.pods():
            spec = pod["spec"]
            self.assertTrue(spec["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertIn(spec["automountServiceAccountToken"], (True, False))
            for each in [*spec.get("initContainers", []), *spec["containers"]]:
                self.assertEqual(each["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]}})
                self.assertIn("memory", each["resources"]["limits"], name)

    def test_only_who_reads_flux_objects_from_the_cluster_has_a_token(self):
        for objects in self.all.values():
            bound = {s["name"] for o in objects.of("RoleBinding", "ClusterRoleBinding")
                     for s in o["subjects"]}
            for pod in objects.pods().values():
                account = pod["spec"].get("serviceAccountName")
                self.assertEqual(pod["spec"]["automountServiceAccountToken"], account in bound)

    def test_probes_and_services_lead_to_ports_that_are_there(self):
        for objects in self.all.values():
            for pod in filter(serves, objects.pods().values()):
                ports = {p["name"]: p["containerPort"] for p in container(pod)["ports"]}
                for kind in ("startup", "liveness", "readiness"):
                    probe = container(pod)[f"{kind}Probe"]
                    port = probe["httpGet" if "httpGet" in probe else "grpc"]["port"]
                    self.assertIn(port, [*ports, *ports.values()])
                self.assertEqual(container(pod)["livenessProbe"]["httpGet"]["path"], "/livez")
            for service in objects.of("Service"):
                selected = [p for p in objects.pods().values()
                            if service["spec"]["selector"].items() <= p["metadata"]["labels"].items()]
                self.assertEqual(len(selected), 1, service["metadata"]["name"])
                if service["spec"].get("type", "ClusterIP") != "ClusterIP":
                    self.assertNotIn("admin", [p["name"] for p in service["spec"]["ports"]])
                names = {p["name"] for p in container(selected[0])["ports"]}
                self.assertLessEqual({p["targetPort"] for p in service["spec"]["ports"]}, names)

    def test_volumes_and_mounts_go_together(self):
        for name, pod in self.pods():
            volumes = [v["name"] for v in pod["spec"].get("volumes", [])]
            self.assertEqual(len(volumes), len(set(volumes)), name)
            mounts = [m["name"] for m in container(pod).get("volumeMounts", [])]
            self.assertLessEqual(set(mounts) - {"data"}, set(volumes), name)
            self.assertLessEqual(set(volumes), set(mounts), name)
            paths = [m["mountPath"] for m in container(pod).get("volumeMounts", [])]
            self.assertEqual(len(paths), len(set(paths)), name)
            if paths:
                self.assertIn(container(pod)["command"][-1], paths, name)

    def test_secrets_that_are_mounted_are_the_charts_or_named_in_the_values(self):
        for values in MATRIX:
            objects = self.all[values.stem]
            made = {o["metadata"]["name"]: {*o.get("stringData", {}), *o.get("data", {})}
                    for o in objects.of("Secret")}
            for pod in objects.pods().values():
                for name, keys in secrets_of(pod).items():
                    if name in made:
                        self.assertLessEqual(keys or set(), made[name])
                    else:
                        self.assertIn(name, values.read_text())

    def test_credentials_of_forges_are_in_provider_pods_alone(self):
        """Others have of a forge's Secret what proves its webhooks, at most."""
        proofs = {"webhookSecret", "webhookBasicAuthUser", "webhookBasicAuthPass"}
        own = {"github", "gitlab", "gitlab-two", "bitbucket", "bitbucket-cloud", "azure",
               "gitea", "t-lamplighter-gitea", "t-lamplighter-flux-secrets"}
        seen = set()
        for name in ("production", "spool"):
            for pod, template in self.all[name].pods().items():
                for secret, keys in secrets_of(template).items():
                    if secret in own:
                        seen.add((pod.split("-")[0], secret))
                        if not pod.startswith("provider"):
                            self.assertEqual(pod, "ingest")
                            self.assertLessEqual(keys, proofs)
        self.assertIn(("ingest", "github"), seen)
        self.assertIn(("provider", "gitlab-two"), seen)

    def test_pods_have_the_files_that_their_sections_name(self):
        """Of the certificate of workers: those alone."""
        services = ["ingest", "dispatcher", "provider", "reposync"]
        certificate, with_certificate = f"{ETC}/provider-tls", set()
        for values, objects in self.all.items():
            for name, pod in objects.pods().items():
                if name == "test":
                    continue
                mounts = container(pod)["volumeMounts"]
                [file] = [m["subPath"] for m in mounts if m["name"] == "config"]
                own = {"trial": services, "refresh": ["reposync"]}.get(name, [name.split("-")[0]])
                named = str([objects.config(file).get(section) for section in own])
                folders = set(re.findall(rf"{ETC}/[\w-]+", named))
                there = {"/".join(m["mountPath"].split("/")[:4]) for m in mounts}
                self.assertLessEqual(folders, there, f"{values}: {name}")
                self.assertEqual(certificate in there, certificate in folders, f"{values}: {name}")
                if certificate in there:
                    with_certificate.add(name)
        self.assertLessEqual({*services[1:], "refresh", "trial"}, with_certificate)

    def test_each_pod_has_a_network_policy_that_names_who_may_reach_it(self):
        for values, objects in self.all.items():
            policies = objects.of("NetworkPolicy")
            if values == "spool":  # switched off there
                self.assertEqual(policies, [])
                continue
            for pod in objects.pods().values():
                labels = pod["metadata"]["labels"]
                of = [p for p in policies
                      if p["spec"]["podSelector"]["matchLabels"].items() <= labels.items()]
                self.assertEqual(len(of), 1, labels)
                allowed = {port["port"] for rule in of[0]["spec"]["ingress"]
                           for port in rule["ports"]}
                self.assertEqual(allowed, {p["name"] for p in container(pod).get("ports", [])})
                for rule in of[0]["spec"]["ingress"]:
                    self.assertTrue(rule["from"], "an empty list lets everybody in")

    def test_budgets_are_for_more_than_one_replica(self):
        for objects in self.all.values():
            least = {o["spec"]["scaleTargetRef"]["name"]: o["spec"].get("minReplicas") or
                     o["spec"].get("minReplicaCount")
                     for o in objects.of("HorizontalPodAutoscaler", "ScaledObject")}
            for o in objects.of("Deployment", "StatefulSet"):
                name = o["metadata"]["name"]
                self.assertEqual("replicas" in o["spec"], name not in least)
                replicas = o["spec"].get("replicas", least.get(name))
                budget = [b for b in objects.of("PodDisruptionBudget")
                          if b["metadata"]["name"] == name]
                self.assertEqual(len(budget), int(replicas > 1), name)
                for b in budget:
                    self.assertEqual(b["spec"]["maxUnavailable"], 1)

    def test_pods_are_spread_from_others_of_their_own(self):
        for objects in self.all.values():
            for name, pod in objects.pods().items():
                if not serves(pod):
                    continue
                spread = pod["spec"]["topologySpreadConstraints"]
                self.assertEqual([s["topologyKey"] for s in spread],
                                 ["topology.kubernetes.io/zone", "kubernetes.io/hostname"])
                for each in spread:
                    selected = each["labelSelector"]["matchLabels"].items()
                    self.assertEqual([name], [other for other, template in objects.pods().items()
                                              if selected <= template["metadata"]["labels"].items()])

    def test_prometheus_reads_each_pod_once(self):
        kinds = set()
        for values, objects in self.all.items():
            for monitor in objects.of("ServiceMonitor", "PodMonitor"):
                kinds.add(monitor["kind"])
                selector = monitor["spec"]["selector"]["matchLabels"].items()
                [port] = {e["port"] for e in monitor["spec"].get("endpoints", []) or
                          monitor["spec"]["podMetricsEndpoints"]}
                for name, pod in objects.pods().items():
                    labels = pod["metadata"]["labels"].items()
                    has = port in [p["name"] for p in container(pod).get("ports", [])]
                    if monitor["kind"] == "PodMonitor":
                        ways = int(selector <= labels and has)
                    else:
                        ways = sum(port == p["name"] for service in objects.of("Service")
                                   if selector <= service["metadata"]["labels"].items()
                                   and service["spec"]["selector"].items() <= labels
                                   for p in service["spec"]["ports"])
                    self.assertEqual(ways, int(serves(pod)), f"{values}: {name}")
        self.assertEqual(kinds, {"ServiceMonitor", "PodMonitor"})

    def test_nothing_secret_is_in_a_config_map_or_an_argument(self):
        secrets = ("github-hook", "gitlab-hook", "azure-token", "p:a$(ss)", "client-secret",
                   "kafka-password", "database-password", "gitea-token", "gitea-hook",
                   "flux-token", "break-glass-password", "github-pat")
        for values, objects in self.all.items():
            text = str([o for o in objects if o["kind"] != "Secret"])
            self.assertEqual([s for s in secrets if s in text], [], values)


if __name__ == "__main__":
    unittest.main()
