"""What the chart makes of the values of services: of a trial, of pods, of scaling, of the rest."""

import base64
import unittest

from chart import (CHART, ETC, FORGE, KAFKA, PRODUCTION, container, forges, from_file, render,
                   secrets_of, why_not)

SERVICES = ["dispatcher", "ingest", "provider", "reposync"]


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


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


class WorkerTls(unittest.TestCase):
    """TLS between provider workers and those who call them."""

    files = {name: f"{ETC}/provider-tls/{file}" for name, file in
             (("cert_file", "tls.crt"), ("key_file", "tls.key"), ("ca_file", "ca.crt"))}
    tls = {"provider": {"tls": {"existingSecret": "worker-certificate"}}}
    trial = {"gitProviders": {"gitlab": FORGE}}  # with the CronJob

    def certificates(self, objects):
        """{pod: keys of the Secret} of those that have it where the configuration says."""
        found = {}
        for name, pod in objects.pods().items():
            mounts = [m["mountPath"] for m in container(pod).get("volumeMounts", [])]
            if f"{ETC}/provider-tls" in mounts:
                found[name] = secrets_of(pod)["worker-certificate"]
        return found

    def probe(self, objects, pod):
        return container(objects.pods()[pod])["readinessProbe"]

    def assert_plain(self, objects):
        for section in objects.config().values():
            self.assertNotIn("providers_tls", section)
        self.assertNotIn("tls", objects.config()["provider"])
        self.assertNotIn("client_names", objects.config()["provider"])
        self.assertNotIn("provider-tls", str(objects))
        self.assertNotIn("worker-certificate", str(objects))

    def test_workers_ask_for_certificates_and_callers_show_theirs(self):
        objects = from_file("production")
        served = {("client_ca_file" if name == "ca_file" else name): path
                  for name, path in self.files.items()}
        for file in ("config.yaml", "provider-github.yaml", "provider-self-hosted.yaml"):
            worker = objects.config(file)["provider"]
            self.assertEqual(worker["tls"], served, file)
            self.assertEqual(worker["client_names"], ["t-lamplighter-provider.lamplighter.svc"])
            self.assertNotIn("allow_plaintext", worker)
        for file, section in (("config.yaml", "dispatcher"), ("config.yaml", "reposync"),
                              ("refresh.yaml", "reposync")):
            self.assertEqual(objects.config(file)[section]["providers_tls"], self.files, file)

    def test_by_default_whom_the_authority_signed_may_call(self):
        self.assertNotIn("client_names", render({**PRODUCTION, **self.tls}).config()["provider"])

    def test_who_serves_or_calls_workers_has_the_certificate_and_nobody_else(self):
        keys = {"tls.crt", "tls.key", "ca.crt"}
        for callers, values in (({"dispatcher", "provider", "reposync", "refresh"}, forges(gitlab=FORGE)),
                                ({"dispatcher", "provider"}, {**PRODUCTION, "reposync": {"enabled": False}}),
                                ({"trial", "refresh"}, self.trial)):
            with self.subTest(values):
                self.assertEqual(self.certificates(render({**values, **self.tls})),
                                 {name: keys for name in callers})
        own = {"provider": {**self.tls["provider"], "workers": {"own": {"types": ["gitea"]}}}}
        self.assertEqual(set(self.certificates(render({**PRODUCTION, **own}))),
                         {"dispatcher", "provider", "provider-own", "reposync"})

    def test_without_the_secret_workers_serve_in_plaintext(self):
        for values in (PRODUCTION, forges(gitlab=FORGE), self.trial):
            objects = render(values)
            self.assert_plain(objects)
            self.assertIs(objects.config()["provider"]["allow_plaintext"], True)

    def test_in_a_trial_the_cronjob_calls_with_it_and_so_do_those_beside_the_worker(self):
        config = render({**self.trial, **self.tls}).config()
        self.assertEqual(config["provider"]["listen"], "0.0.0.0:50051")
        self.assertIn("tls", config["provider"])
        for section in ("dispatcher", "reposync"):
            self.assertEqual(config[section]["providers"], {"default": "127.0.0.1:50051"})
            self.assertEqual(config[section]["providers_tls"], self.files)

    def test_on_loopback_alone_no_certificate_is_needed(self):
        for values in ({}, {**self.trial, "trial": {"persistence": {"enabled": False}}},
                       {**self.trial, "reposync": {"refresh": {"enabled": False}}},
                       {**self.trial, "reposync": {"enabled": False}}):
            with self.subTest(values):
                objects = render({**values, **self.tls})
                self.assert_plain(objects)
                self.assertEqual(objects.config()["provider"]["listen"], "127.0.0.1:50051")
                self.assertNotIn("allow_plaintext", objects.config()["provider"])

    def test_kubelet_which_has_no_certificate_asks_the_admin_port(self):
        own = {"workers": {"own": {"types": ["gitea"]}}}
        objects = render({**PRODUCTION, "provider": {**self.tls["provider"], **own}})
        plain = render({**PRODUCTION, "provider": own})
        for pod in ("provider", "provider-own"):
            self.assertEqual(self.probe(objects, pod)["httpGet"], {"path": "/readyz", "port": "admin"})
            self.assertNotIn("grpc", self.probe(objects, pod))
            self.assertEqual(self.probe(plain, pod)["grpc"]["port"], 50051)

    def test_meshes_are_told_which_of_the_two_it_is(self):
        api = {"admin": {"existingSecret": "a"}}
        for values, worker, others in (
                ({"api": api}, "kubernetes.io/h2c", "kubernetes.io/h2c"),
                ({"api": api, **self.tls}, "https", "kubernetes.io/h2c"),
                ({"api": {**api, "tls": {"existingSecret": "s"}}}, "kubernetes.io/h2c", "https")):
            for mode in (PRODUCTION, self.trial):
                objects = render({**mode, **values})
                told = {p["name"]: p["appProtocol"] for service in objects.of("Service")
                        for p in service["spec"]["ports"] if "appProtocol" in p}
                self.assertEqual(told, {"worker": worker, "status": others, "catalog": others})


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
