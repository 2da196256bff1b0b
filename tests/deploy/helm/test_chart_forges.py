"""What the chart makes of the values of forges and Flux: webhooks, connections, the nightly
CronJob, rights, routes, the API."""

import unittest

from chart import (ETC, FORGE, PRODUCTION, container, forges, from_file, render, secrets_of,
                   why_not)

EVENTS = "/api/events-handler/v1/events/"


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


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

    def test_in_a_trial_it_runs_where_the_pod_may_run_and_as_whom_that_runs(self):
        forge = {"gitProviders": {"gitlab": FORGE}}
        tolerations = [{"key": "dedicated", "operator": "Exists"}]
        pods = render({**forge, "trial": {"tolerations": tolerations, "nodeSelector": {"a": "b"},
                                          "serviceAccount": {"create": False, "name": "theirs"}}}).pods()
        for pod in (pods["trial"], pods["refresh"]):
            self.assertEqual(pod["spec"]["tolerations"], tolerations)
            self.assertEqual(pod["spec"]["nodeSelector"], {"a": "b"})
            self.assertEqual(pod["spec"]["serviceAccountName"], "theirs")

    def test_containers_beside_it_do_not_keep_it_from_ending(self):
        proxy = {"name": "proxy", "image": "proxy"}
        pods = render({**forges(gitlab=FORGE), "reposync": {"extraContainers": [proxy]}}).pods()
        self.assertEqual(pods["reposync"]["spec"]["containers"][1:], [proxy])
        self.assertEqual(pods["refresh"]["spec"]["containers"][1:], [])
        self.assertEqual(pods["refresh"]["spec"]["initContainers"],
                         [{**proxy, "restartPolicy": "Always"}])

    def test_without_a_volume_to_share_a_trial_has_none(self):
        self.assertEqual(from_file("trial-forges").names("CronJob"), [])

    def test_it_has_no_secret_but_the_databases_and_what_it_calls_workers_with(self):
        objects = from_file("production")
        self.assertEqual(secrets_of(objects.pods()["refresh"]),
                         {"catalog": {"uri"}, "otlp": {"authorization"},
                          "provider-tls": {"tls.crt", "tls.key", "ca.crt"}})
        self.assertEqual(set(objects.config("refresh.yaml")), {"telemetry", "reposync"})
        self.assertEqual(set(objects.config("refresh.yaml")["reposync"]), {
            "database_file", "providers", "providers_tls", "refresh_interval", "max_shrink_percent",
            "unmanaged_hooks"})
        egress = objects.get("NetworkPolicy", "-refresh")["spec"]["egress"]
        self.assertEqual({port["port"] for rule in egress for port in rule["ports"]},
                         {53, 5432, 4318, "worker"})

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


if __name__ == "__main__":
    unittest.main()
