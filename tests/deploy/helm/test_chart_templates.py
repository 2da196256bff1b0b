"""What the chart makes of values."""

import base64
import unittest

from chart import CHART, ETC, HERE, MATRIX, container, render, secrets_of, serves, why_not

FORGE = {"enabled": True, "webhookSecret": "hook"}
KAFKA = {"bootstrapServers": "kafka:9092"}
PRODUCTION = {"kafka": KAFKA, "database": {"existingSecret": "db"}}
SERVICES = ["dispatcher", "ingest", "provider", "reposync"]
EVENTS = "/api/events-handler/v1/events/"


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


def from_file(name):
    return render(HERE / "values" / f"{name}.yaml")


def forges(**more):
    return {**PRODUCTION, "gitProviders": more}


class Matrix(unittest.TestCase):
    """What holds whatever the values are."""

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
            for each in spec["containers"]:
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

    def test_nothing_secret_is_in_a_config_map_or_an_argument(self):
        secrets = ("github-hook", "gitlab-hook", "azure-token", "p:a$(ss)", "client-secret",
                   "kafka-password", "database-password", "gitea-token", "gitea-hook",
                   "flux-token", "break-glass-password", "github-pat")
        for values, objects in self.all.items():
            text = str([o for o in objects if o["kind"] != "Secret"])
            self.assertEqual([s for s in secrets if s in text], [], values)


class Trial(unittest.TestCase):

    def test_it_is_one_pod_with_everything(self):
        objects = render()
        self.assertEqual(list(objects.pods()), ["trial", "test"])
        config = objects.config()
        self.assertEqual(config["kafka"]["bootstrap_servers"], "embedded")
        self.assertEqual(config["reposync"]["database"], "sqlite:///var/lib/lamplighter/catalog.db")
        self.assertTrue(config["provider"]["listen"].startswith("127.0.0.1:"))
        self.assertEqual(container(objects.pods()["trial"])["command"][0], "/usr/local/bin/lamplighter")

    def test_its_disk_is_a_claim_of_one_pod(self):
        objects = render()
        self.assertEqual(objects.get("Deployment", "-trial")["spec"]["strategy"], {"type": "Recreate"})
        self.assertEqual(objects.names("PersistentVolumeClaim"), ["-data"])
        without = render({"trial": {"persistence": {"enabled": False}}})
        self.assertEqual(without.names("PersistentVolumeClaim"), [])
        self.assertIn({"name": "data", "emptyDir": {}},
                      without.pods()["trial"]["spec"]["volumes"])
        theirs = render({"trial": {"persistence": {"existingClaim": "theirs"}}})
        self.assertEqual(theirs.names("PersistentVolumeClaim"), [])

    def test_senders_find_ingest_under_the_name_that_it_keeps(self):
        for values in ({}, PRODUCTION):
            self.assertIn("-ingest", render(values).names("Service"))


class Services(unittest.TestCase):

    def test_with_kafka_each_service_is_a_deployment_with_a_service(self):
        objects = render(PRODUCTION)
        self.assertEqual(objects.names("Deployment"), [f"-{s}" for s in SERVICES])
        self.assertEqual(objects.names("Service"), [f"-{s}" for s in SERVICES])
        for service in SERVICES:
            command = container(objects.pods()[service])["command"]
            self.assertEqual(command[0], f"/usr/local/bin/{service}")
            self.assertEqual(command[-2:], ["--config", f"{ETC}/config.yaml"])

    def test_calls_go_round_all_provider_pods(self):
        objects = render(PRODUCTION)
        for each in (objects, from_file("trial-github")):  # which cannot be changed later
            self.assertEqual(each.get("Service", "-provider")["spec"]["clusterIP"], "None")
        for section in ("dispatcher", "reposync"):
            self.assertEqual(objects.config()[section]["providers"], {
                "default": "dns:///t-lamplighter-provider.lamplighter.svc:50051"})

    def test_the_admin_port_is_never_open_to_more_than_the_cluster(self):
        objects = from_file("spool")
        ports = {name: [p["name"] for p in objects.get("Service", name)["spec"]["ports"]]
                 for name in objects.names("Service")}
        self.assertEqual(ports["-ingest"], ["http"])
        self.assertEqual(ports["-ingest-admin"], ["admin"])
        self.assertEqual(objects.get("Service", "-ingest-admin")["spec"]["type"], "ClusterIP")
        self.assertEqual(objects.pods()["test"]["spec"]["containers"][0]["command"][-1],
                         "http://t-lamplighter-ingest-admin:9090/readyz")

    def test_a_service_may_have_no_replica_for_a_while(self):
        objects = render({**PRODUCTION, "dispatcher": {"replicaCount": 0}})
        self.assertEqual(objects.get("Deployment", "-dispatcher")["spec"]["replicas"], 0)

    def test_provider_workers_are_split_by_type(self):
        objects = render({**forges(github={**FORGE, "token": "t"}, gitlab={**FORGE, "token": "t"}),
                          "provider": {"workers": {"own": {"types": ["gitlab", "gitea"],
                                                           "replicaCount": 5}}}})
        own = "dns:///t-lamplighter-provider-own.lamplighter.svc:50051"
        self.assertEqual(objects.config()["dispatcher"]["providers"], {
            "default": "dns:///t-lamplighter-provider.lamplighter.svc:50051",
            "gitlab": own, "gitea": own})
        self.assertEqual(objects.get("Deployment", "-provider-own")["spec"]["replicas"], 5)
        common = objects.config()["provider"]
        self.assertEqual(common["types"], ["azuredevops", "bitbucket", "bitbucketserver", "github"])
        self.assertEqual([c["name"] for c in common["connections"]], ["github"])
        worker = objects.config("provider-own.yaml")["provider"]
        self.assertEqual(worker["types"], ["gitlab", "gitea"])
        self.assertEqual([c["name"] for c in worker["connections"]], ["gitlab"])
        self.assertEqual(list(secrets_of(objects.pods()["provider-own"])), ["t-lamplighter-gitlab"])

    def test_a_services_settings_go_before_those_of_all(self):
        objects = render({**PRODUCTION,
                          "defaults": {"priorityClassName": "low", "nodeSelector": {"a": "b"}},
                          "dispatcher": {"priorityClassName": "high",
                                         "podDisruptionBudget": {"enabled": False}},
                          "provider": {"tolerations": [{"operator": "Exists"}],
                                       "workers": {"x": {"types": ["gitea"], "priorityClassName": "x"}}}})
        pods = objects.pods()
        self.assertEqual(pods["ingest"]["spec"]["priorityClassName"], "low")
        self.assertEqual(pods["dispatcher"]["spec"]["priorityClassName"], "high")
        self.assertEqual(pods["provider-x"]["spec"]["priorityClassName"], "x")
        self.assertEqual(pods["provider-x"]["spec"]["tolerations"], [{"operator": "Exists"}])
        self.assertEqual(pods["dispatcher"]["spec"]["nodeSelector"], {"a": "b"})
        self.assertNotIn("-dispatcher", objects.names("PodDisruptionBudget"))

    def test_the_config_of_a_service_goes_before_the_charts(self):
        config = render({**PRODUCTION, "ingest": {"config": {"max_body": "1MiB", "listen": "x:1"}},
                         "kafka": {**KAFKA, "config": {"produce_timeout": "2s"}}}).config()
        self.assertEqual(config["ingest"]["max_body"], "1MiB")
        self.assertEqual(config["ingest"]["listen"], "x:1")
        self.assertEqual(config["kafka"]["produce_timeout"], "2s")

    def test_pods_are_replaced_when_what_they_read_at_the_start_changes_and_else_not(self):
        def sums(values):
            pods = render(values).pods()
            return {s: tuple(v for k, v in sorted(pods[s]["metadata"]["annotations"].items())
                             if k.startswith("checksum/")) for s in SERVICES}
        before = sums(forges(gitlab=FORGE))
        self.assertEqual(before, sums(forges(gitlab=FORGE)))

        def changed(values):
            return {s for s, sum_ in sums(values).items() if sum_ != before[s]}
        self.assertEqual(changed({**forges(gitlab=FORGE), "dispatcher": {"config": {"max_calls": 9}}}),
                         {"dispatcher"})
        self.assertEqual(changed(forges(gitlab={**FORGE, "webhookSecret": "other"})), {"ingest"})
        self.assertEqual(changed({**forges(gitlab=FORGE), "telemetry": {"logLevel": "debug"}}),
                         set(SERVICES))
        self.assertEqual(changed({**forges(gitlab=FORGE), "flux": {"objects": [{
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": {"name": "a"}}]}}), set())

    def test_the_spool_has_a_disk_of_its_own_for_each_pod(self):
        objects = from_file("spool")
        ingest = objects.get("StatefulSet", "-ingest")
        self.assertEqual(objects.names("Deployment"), ["-dispatcher", "-provider"])
        self.assertEqual(ingest["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"], "fast")
        self.assertEqual(objects.config()["ingest"]["spool"]["path"], "/var/lib/lamplighter/spool.db")
        self.assertEqual(objects.get("HorizontalPodAutoscaler", "-ingest")["spec"]
                         ["scaleTargetRef"]["kind"], "StatefulSet")

    def test_a_stop_has_the_time_that_the_programs_take(self):
        pods = render(PRODUCTION).pods()
        for service, least in {"ingest": 45 + 5, "dispatcher": 60, "provider": 30, "reposync": 90}.items():
            self.assertGreaterEqual(pods[service]["spec"]["terminationGracePeriodSeconds"], least)
        self.assertGreaterEqual(
            render().pods()["trial"]["spec"]["terminationGracePeriodSeconds"], 180)
        self.assertEqual(container(pods["ingest"])["lifecycle"],
                         {"preStop": {"sleep": {"seconds": 5}}})

    def test_images_are_named_by_registry_tag_or_digest(self):
        def image(values):
            return container(render(values).pods()["trial"])["image"]
        self.assertEqual(image({}), "lamplighter:0.1.0")
        self.assertEqual(image({"image": {"registry": "r.example.com/", "tag": "1"}}),
                         "r.example.com/lamplighter:1")
        digest = "sha256:" + "1" * 64
        self.assertEqual(image({"image": {"tag": "1", "digest": digest}}), f"lamplighter@{digest}")
        self.assertEqual(image({"image": {"registry": "a"}, "global": {"imageRegistry": "b"}}),
                         "b/lamplighter:0.1.0")


class Forges(unittest.TestCase):

    def source(self, objects, name):
        return next(s for s in objects.config()["ingest"]["sources"] if s["name"] == name)

    def test_each_takes_webhooks_with_its_secret(self):
        types = {"github": "github", "gitlab": "gitlab", "bitbucket": "bitbucketserver",
                 "bitbucketCloud": "bitbucket", "gitea": "gitea"}
        objects = render(forges(**{key: FORGE for key in types}))
        for key, type_ in types.items():
            name = {"bitbucketCloud": "bitbucket-cloud"}.get(key, key)
            source = self.source(objects, name)
            self.assertEqual((source["type"], source["secret_files"]),
                             (type_, [f"{ETC}/webhooks/{name}"]))
            self.assertEqual(objects.get("Secret", f"-{name}")["stringData"], {"webhookSecret": "hook"})
        # No credential: no connection.
        self.assertNotIn("connections", objects.config()["provider"])

    def test_azure_devops_proves_itself_with_a_user_and_a_password(self):
        objects = from_file("trial-forges")
        self.assertEqual(self.source(objects, "azure-devops")["basic_auth_env"], "BASIC_AUTH_AZURE_DEVOPS")
        env = {v["name"]: v for v in container(objects.pods()["trial"])["env"]}
        self.assertEqual(env["BASIC_AUTH_AZURE_DEVOPS"]["value"],
                         "$(BASIC_AUTH_AZURE_DEVOPS_USER):$(BASIC_AUTH_AZURE_DEVOPS_PASS)")
        # Kubernetes expands what stands before it only.
        self.assertEqual(list(env)[-1], "BASIC_AUTH_AZURE_DEVOPS")
        self.assertEqual(objects.get("Secret", "-azure-devops")["stringData"]["webhookBasicAuthPass"],
                         "p:a$(ss)")

    def test_one_with_a_credential_is_a_connection_with_webhooks(self):
        config = from_file("trial-forges").config()["provider"]["connections"]
        self.assertEqual({c["name"]: (c["type"], c["address"], c["webhook_url"]) for c in config}, {
            "azure-devops": ("azuredevops", "https://dev.azure.com/acme",
                             f"https://lamplighter.example.com{EVENTS}azure-devops"),
            "github": ("github", "https://github.com",
                       f"https://lamplighter.example.com{EVENTS}github")})

    def test_where_an_app_has_all_webhooks_none_are_made(self):
        reposync = from_file("trial-forges").config()["reposync"]
        self.assertEqual(reposync["unmanaged_hooks"], ["github"])

    def test_secrets_that_are_there_are_used_and_none_made(self):
        objects = from_file("production")
        self.assertEqual(objects.names("Secret"), ["-break-glass", "-kafka"])
        self.assertIn("azure", secrets_of(objects.pods()["provider"]))
        self.assertEqual(secrets_of(objects.pods()["ingest"])["azure"],
                         {"webhookBasicAuthUser", "webhookBasicAuthPass"})

    def test_two_accounts_of_a_forge_have_urls_of_their_own(self):
        connections = from_file("production").config("provider-self-hosted.yaml")["provider"]["connections"]
        urls = {c["name"]: c["webhook_url"] for c in connections}
        self.assertEqual(urls["gitlab"], f"https://hooks.example.com{EVENTS}gitlab/gitlab")
        self.assertEqual(urls["gitlab-two"], f"https://lamplighter.example.com{EVENTS}gitlab/gitlab-two")


class Refresh(unittest.TestCase):
    """The nightly CronJob."""

    def test_it_is_there_when_a_forge_is_enabled(self):
        self.assertEqual(render(PRODUCTION).names("CronJob"), [])
        self.assertEqual(render(forges(gitlab=FORGE)).names("CronJob"), ["-refresh"])
        account = {"name": "a", "type": "gitlab", "existingSecret": "s"}
        self.assertEqual(render({**PRODUCTION, "connections": [account]}).names("CronJob"), ["-refresh"])
        off = {**forges(gitlab=FORGE), "reposync": {"refresh": {"enabled": False}}}
        self.assertEqual(render(off).names("CronJob"), [])

    def test_it_never_runs_twice_at_once_nor_for_ever(self):
        job = from_file("production").get("CronJob", "-refresh")["spec"]
        self.assertEqual(job["concurrencyPolicy"], "Forbid")
        self.assertEqual((job["schedule"], job["timeZone"], job["suspend"]),
                         ("5 3 * * *", "Europe/Berlin", False))
        self.assertGreaterEqual(job["startingDeadlineSeconds"], 10)
        self.assertEqual((job["successfulJobsHistoryLimit"], job["failedJobsHistoryLimit"]), (3, 3))
        run = job["jobTemplate"]["spec"]
        self.assertEqual((run["activeDeadlineSeconds"], run["backoffLimit"]), (14400, 2))
        self.assertEqual(run["template"]["spec"]["restartPolicy"], "Never")
        self.assertEqual(container(run["template"])["command"], [
            "/usr/local/bin/reposync", "refresh", "--once", "--config", f"{ETC}/config.yaml"])

    def test_reposync_does_not_list_by_itself_beside_it(self):
        """But for what is new, and when a night went by without."""
        self.assertEqual(render(forges(gitlab=FORGE)).config()["reposync"]["refresh_interval"], "36h")
        self.assertNotIn("refresh_interval", render(PRODUCTION).config()["reposync"])
        self.assertNotIn("refresh_interval", from_file("trial-forges").config()["reposync"])

    def test_in_a_trial_it_works_on_the_volume_of_the_pod_beside_it(self):
        objects = from_file("trial-github")
        pod = objects.pods()["refresh"]
        trial = objects.pods()["trial"]
        claims = [v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
        self.assertEqual(claims, [v for v in trial["spec"]["volumes"] if "persistentVolumeClaim" in v])
        near = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        self.assertEqual(near[0]["topologyKey"], "kubernetes.io/hostname")
        self.assertLessEqual(near[0]["labelSelector"]["matchLabels"].items(),
                             trial["metadata"]["labels"].items())
        self.assertEqual(container(pod)["volumeMounts"][0]["subPath"], "refresh.yaml")
        config = objects.config("refresh.yaml")["reposync"]
        self.assertEqual(config["database"], objects.config()["reposync"]["database"])
        self.assertEqual(config["providers"], {
            "default": "dns:///t-lamplighter-provider.lamplighter.svc:50051"})
        self.assertEqual(objects.get("Service", "-provider")["spec"]["ports"][0]["targetPort"], "worker")
        self.assertEqual(objects.config()["provider"]["listen"], "0.0.0.0:50051")

    def test_without_a_volume_to_share_a_trial_has_none(self):
        self.assertEqual(from_file("trial-forges").names("CronJob"), [])

    def test_it_may_call_the_provider_workers_and_nobody_may_call_it(self):
        objects = from_file("production")
        rule = next(r for r in objects.get("NetworkPolicy", "-provider")["spec"]["ingress"]
                    if r["ports"] == [{"port": "worker"}])
        self.assertEqual(rule["from"][0]["podSelector"]["matchExpressions"][0]["values"],
                         ["dispatcher", "reposync", "refresh"])
        self.assertEqual(objects.get("NetworkPolicy", "-refresh")["spec"]["ingress"], [])


class Flux(unittest.TestCase):

    def rules(self, objects, name):
        return {(group, resource): set(rule["verbs"])
                for o in objects.of("Role", "ClusterRole")
                if o["metadata"]["name"].endswith(name)
                for rule in o["rules"] for group in rule["apiGroups"] for resource in rule["resources"]}

    def test_provider_pods_alone_read_secrets(self):
        objects = from_file("production")
        for role in objects.of("Role", "ClusterRole"):
            reads = any("secrets" in rule["resources"] for rule in role["rules"])
            self.assertEqual(reads, "-provider" in role["metadata"]["name"])
        flux = "notification.toolkit.fluxcd.io"
        self.assertEqual(self.rules(objects, "-provider"), {
            (flux, "providers"): {"list", "watch"}, ("", "secrets"): {"list", "watch"}})
        verbs = set().union(*self.rules(objects, "-dispatcher").values())
        self.assertEqual(verbs, {"list", "watch", "get"})

    def test_namespaces_are_read_by_roles_of_theirs(self):
        objects = from_file("namespaces")
        self.assertEqual(objects.names("ClusterRole"), [])
        self.assertEqual({(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects.of("Role")},
                         {(n, f"t-lamplighter-{s}") for n in ("team-a", "team-b")
                          for s in ("dispatcher", "provider")})
        self.assertEqual(self.rules(objects, "-dispatcher"), {
            ("notification.toolkit.fluxcd.io", r): {"list", "watch"} for r in ("providers", "alerts")})
        self.assertEqual(objects.config()["dispatcher"]["manifests"],
                         {"kubernetes": {"namespaces": ["team-a", "team-b"]}})

    def test_from_files_nobody_has_rights(self):
        objects = render(PRODUCTION)
        self.assertEqual(objects.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"), [])

    def test_objects_are_files_and_their_secrets_are_provider_pods_alone(self):
        values = {**PRODUCTION, "flux": {
            "objects": [{"apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
                         "metadata": {"name": "a", "namespace": "apps"}}],
            "secrets": [{"name": "s", "namespace": "apps", "stringData": {"token": "t"}}],
            "configMaps": ["theirs"], "existingSecrets": ["their-secrets"]}}
        objects = render(values)
        self.assertEqual(list(objects.get("ConfigMap", "-flux")["data"]), ["provider-apps-a.yaml"])
        self.assertIn("token: t", objects.get("Secret", "-flux-secrets")["stringData"]["apps-s.yaml"])

        def folders(service):
            return {m["mountPath"].removeprefix(f"{ETC}/manifests/")
                    for m in container(objects.pods()[service])["volumeMounts"]
                    if "/manifests/" in m["mountPath"]}
        self.assertEqual(folders("dispatcher"), {"t-lamplighter-flux", "theirs"})
        self.assertEqual(folders("provider"), folders("dispatcher") | {
            "secrets/t-lamplighter-flux-secrets", "secrets/their-secrets"})
        self.assertEqual(folders("ingest"), set())


class Routes(unittest.TestCase):

    def paths(self, values):
        rules = render(values).get("Ingress", "-ingest")["spec"]["rules"]
        return [p["path"] for p in rules[0]["http"]["paths"]]

    def test_events_of_flux_that_prove_nothing_are_not_routed_from_outside(self):
        ingress = {"enabled": True, "hosts": ["a.example.com"]}
        values = {**forges(gitlab=FORGE, bitbucket=FORGE), "ingress": ingress}
        self.assertEqual(self.paths(values), [f"{EVENTS}bitbucketserver", f"{EVENTS}gitlab"])
        for more in ({"name": "x", "type": "flux"}, {"name": "x", "type": "flux", "limits": {}}):
            self.assertNotIn(EVENTS, self.paths({**values, "flux": {"sources": []},
                                                 "ingest": {"extraSources": [more]}}))
        proven = {"sources": [{"name": "prod", "proof": "hmac", "existingSecret": "s"}]}
        self.assertEqual(self.paths({**values, "flux": proven}), [EVENTS])

    def test_ingress_and_gateway_lead_to_ingest(self):
        objects = from_file("production")
        ingress = objects.get("Ingress", "-ingest")["spec"]
        self.assertEqual(ingress["ingressClassName"], "nginx")
        self.assertEqual(ingress["rules"][0]["http"]["paths"], [{
            "path": EVENTS, "pathType": "Prefix",
            "backend": {"service": {"name": "t-lamplighter-ingest", "port": {"name": "http"}}}}])
        route = objects.get("HTTPRoute", "-ingest")["spec"]
        self.assertEqual(route["rules"], [{
            "matches": [{"path": {"type": "PathPrefix", "value": EVENTS}}],
            "backendRefs": [{"name": "t-lamplighter-ingest", "port": 80}]}])

    def test_webhooks_are_made_for_the_first_host(self):
        for where in ({"ingress": {"enabled": True, "hosts": ["a.example.com", "b"]}},
                      {"gateway": {"enabled": True, "hostnames": ["a.example.com"],
                                   "parentRefs": [{"name": "g"}]}}):
            config = render({**forges(gitlab={**FORGE, "token": "t"}), **where}).config()
            self.assertEqual(config["provider"]["connections"][0]["webhook_url"],
                             f"https://a.example.com{EVENTS}gitlab")


class Api(unittest.TestCase):

    def test_each_server_has_the_clients_with_a_scope_of_it(self):
        config = from_file("production").config()
        status, catalog = config["dispatcher"]["status_service"], config["reposync"]["catalog_service"]
        self.assertEqual({c["name"]: c["scopes"] for c in status["clients"]},
                         {"admin": ["*"], "portal": ["statuses:write"]})
        self.assertEqual({c["name"]: c["scopes"] for c in catalog["clients"]},
                         {"admin": ["*"], "portal": ["catalog:read"], "robot": ["hooks:write"]})
        self.assertIn("tls", catalog)
        self.assertNotIn("allow_plaintext", catalog)

    def test_without_clients_there_is_no_server(self):
        config = render(PRODUCTION).config()  # where Helm cannot make a token
        self.assertNotIn("status_service", config["dispatcher"])
        self.assertNotIn("catalog_service", config["reposync"])


class Scaling(unittest.TestCase):

    def test_the_dispatcher_is_scaled_by_the_lag_of_its_groups(self):
        scaled = from_file("production").get("ScaledObject", "-dispatcher")["spec"]
        self.assertEqual({t["metadata"]["topic"]: t["metadata"]["consumerGroup"]
                          for t in scaled["triggers"]},
                         {"lamplighter.flux-events.v1": "lamplighter-router",
                          "lamplighter.status-intents.v1": "lamplighter-deliverer"})
        for trigger in scaled["triggers"]:
            self.assertEqual(trigger["metadata"]["excludePersistentLag"], "true")

    def test_the_groups_and_topics_are_those_of_the_dispatcher(self):
        root = CHART.parents[2]
        streams = (root / "services/dispatcher/streams.cc").read_text()
        topics = (root / "docs/topics.md").read_text()
        for trigger in from_file("production").get("ScaledObject", "-dispatcher")["spec"]["triggers"]:
            self.assertIn(f'"{trigger["metadata"]["consumerGroup"]}"', streams)
            self.assertIn(f'`{trigger["metadata"]["topic"]}`', topics)

    def test_keda_logs_in_as_the_dispatcher_does(self):
        objects = from_file("production")
        made = objects.get("Secret", "-kafka")["stringData"]
        self.assertEqual((made["sasl"], made["tls"], made["username"]),
                         ("scram_sha512", "enable", "lamplighter"))
        references = {r["parameter"]: r["name"] for r in
                      objects.get("TriggerAuthentication", "-dispatcher")["spec"]["secretTargetRef"]}
        self.assertEqual(references["password"], "kafka-login")
        self.assertEqual(set(references), {"sasl", "tls", "username", "password", "ca", "cert", "key"})


class Rest(unittest.TestCase):

    def test_the_break_glass_user_is_one_of_the_values(self):
        secret = from_file("production").get("Secret", "-break-glass")
        data = {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
        self.assertEqual(data, {"username": "admin", "password": "break-glass-password"})
        self.assertEqual(secret["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")

    def test_no_secret_is_random_where_helm_cannot_see_the_last_one(self):
        objects = render({**PRODUCTION, "breakGlass": {"create": True}})
        self.assertEqual(objects.names("Secret"), [])
        self.assertNotIn("seal_key_file", objects.config()["reposync"])

    def test_alerts_and_dashboards_come_from_files(self):
        objects = from_file("production")
        groups = objects.get("PrometheusRule", "")["spec"]["groups"]
        self.assertTrue(any("{{ $labels" in str(rule) for g in groups for rule in g["rules"]))
        boards = [o for o in objects.of("ConfigMap")
                  if o["metadata"].get("labels", {}).get("grafana_dashboard") == "1"]
        self.assertEqual(len(boards), len(list((CHART / "files/dashboards").glob("*.json"))))

    def test_alerts_lead_to_the_runbooks_of_the_documentation(self):
        objects = render({"metrics": {"prometheusRule": {
            "enabled": True, "docsUrl": "https://docs.example.com/lamplighter/"}}})
        groups = objects.get("PrometheusRule", "")["spec"]["groups"]
        for rule in (rule for group in groups for rule in group["rules"]):
            self.assertTrue(rule["annotations"]["runbook_url"].startswith(
                "https://docs.example.com/lamplighter/runbooks.html#"), rule)

    def test_extra_objects_may_be_templates(self):
        objects = from_file("production")
        names = {o["metadata"]["name"] for o in objects.of("ConfigMap")}
        self.assertLessEqual({"t-more", "t-lamplighter-text"}, names)

    def test_great_numbers_stay_as_they_are(self):
        """Helm has them as floating point, and would write 1.2e+07."""
        github = {**FORGE, "appId": 12345678, "privateKey": "key"}
        objects = render({**forges(github=github),
                          "reposync": {"refresh": {"activeDeadlineSeconds": 2000000}},
                          "dispatcher": {"config": {"max_remembered": 5000000},
                                         "keda": {"enabled": True, "lagThreshold": 1000000}}})
        self.assertEqual(objects.get("Secret", "-github")["stringData"]["appId"], "12345678")
        self.assertEqual(objects.config()["dispatcher"]["max_remembered"], 5000000)
        job = objects.get("CronJob", "-refresh")["spec"]["jobTemplate"]["spec"]
        self.assertEqual(job["activeDeadlineSeconds"], 2000000)
        trigger = objects.get("ScaledObject", "-dispatcher")["spec"]["triggers"][0]
        self.assertEqual(trigger["metadata"]["lagThreshold"], "1000000")

    def test_long_names_leave_room_for_endings(self):
        objects = render(PRODUCTION, name="a" * 53)
        for o in objects:
            self.assertLessEqual(len(o["metadata"]["name"]), 63)
        # A CronJob's pods are called after it, with 11 characters more.
        for o in render(forges(gitlab=FORGE), name="a" * 53).of("CronJob"):
            self.assertLessEqual(len(o["metadata"]["name"]), 52)

    def test_one_pod_of_each_checks_readiness_for_helm_test(self):
        commands = [c["command"][-1] for c in from_file("production").pods()["test"]["spec"]["containers"]]
        self.assertEqual(len(commands), 6)
        self.assertIn("http://t-lamplighter-provider-github:9090/readyz", commands)


if __name__ == "__main__":
    unittest.main()
