"""A real Kubernetes API on loopback, with what Flux would have put into it."""

import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request

from processes import ROOT, Answer, Server, free_ports, run_script

GROUP = "notification.toolkit.fluxcd.io"
# Kinds that events are about, by plural.
OBJECTS = {"kustomizations": ("kustomize.toolkit.fluxcd.io", "Kustomization"),
           "gitrepositories": ("source.toolkit.fluxcd.io", "GitRepository")}


class Kubernetes(Server):
    """etcd and kube-apiserver in `directory`; `token` is an administrator's."""

    @staticmethod
    def why_not():
        """Why there can be none here; None where there can."""
        result = subprocess.run([ROOT / "tools/dev/kubernetes.sh", "build"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode == 3:
            return result.stderr.strip()
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return None

    def __init__(self, directory):
        super().__init__(directory)
        port = free_ports(3)
        self.url = f"https://127.0.0.1:{port}"
        self._env = dict(os.environ, KUBERNETES_PORT=str(port))

    def _script(self, command):
        run_script("kubernetes.sh", command, self.directory, self._env)

    def up(self):
        self._script("up")
        self._tls = ssl.create_default_context(cafile=self.directory / "pki/ca.crt")

    def down(self):
        self._script("down")

    def stop_api(self):
        self._script("stop-api")

    def start_api(self):
        self._script("start-api")

    def compact(self):
        """Forgets old versions of objects: watches from there get 410 Gone."""
        self._script("compact")

    def kubeconfig(self, name, user):
        """A kubeconfig of that name with these fields of its user; its path."""
        path = self.directory / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": self.url, "certificate-authority": "pki/ca.crt"}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test",
                          "context": {"cluster": "test", "user": "test"}}]}))
        return path

    def api(self, method, path, body=None):
        """One request as the administrator; the answer, whatever it is."""
        headers = {"Authorization": "Bearer admin"}
        if body is not None:
            headers["Content-Type"] = ("application/merge-patch+json"
                                       if method == "PATCH" else "application/json")
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(),
            headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._tls) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def must(self, method, path, body=None):
        answer = self.api(method, path, body)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.json()

    def install_crds(self, versions):
        """CRDs like Flux's, of which `versions` are served and the last is stored.

        Those of OBJECTS are there as v1.
        """
        crds = [crd(GROUP, "Provider", "providers", versions),
                crd(GROUP, "Alert", "alerts", versions)]
        crds += [crd(group, kind, plural, ["v1"])
                 for plural, (group, kind) in OBJECTS.items()]
        for definition in crds:
            self.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                      definition)

    def serve(self, plural, versions):
        """Serves other versions of a CRD from now on."""
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{GROUP}"
        now = self.must("GET", path)
        for version in now["spec"]["versions"]:
            version["served"] = version["name"] in versions
        self.must("PUT", path, now)

    def is_served(self, version, plural, group=GROUP):
        answer = self.api("GET", f"/apis/{group}/{version}/{plural}?limit=1")
        return answer.status == 200

    def namespace(self, name):
        self.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def grant(self, name, user, rules):
        """A ClusterRole with these rules, bound to a user."""
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        self.must("POST", f"{rbac}/clusterroles", {"metadata": {"name": name},
                                                   "rules": rules})
        self.must("POST", f"{rbac}/clusterrolebindings", {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io",
                        "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "User", "name": user,
                          "apiGroup": "rbac.authorization.k8s.io"}]})

    def revoke(self, name):
        self.must("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}")
        self.must("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}")

    def provider(self, namespace, name, address, version="v1beta3", annotations=None):
        self.must("POST", f"/apis/{GROUP}/{version}/namespaces/{namespace}/providers", {
            "apiVersion": f"{GROUP}/{version}", "kind": "Provider",
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"type": "github", "address": address,
                     "secretRef": {"name": "forge-token"}}})

    def alert(self, namespace, name, provider, source="*", labels=None):
        event_source = {"kind": "Kustomization", "name": source}
        if labels is not None:
            event_source["matchLabels"] = labels
        self.must("POST", f"/apis/{GROUP}/v1beta3/namespaces/{namespace}/alerts", {
            "apiVersion": f"{GROUP}/v1beta3", "kind": "Alert",
            "metadata": {"name": name},
            "spec": {"providerRef": {"name": provider},
                     "eventSources": [event_source]}})

    def put(self, namespace, plural, name, spec, labels=None):
        """An object of OBJECTS; its uid."""
        group, kind = OBJECTS[plural]
        return self.must("POST", f"/apis/{group}/v1/namespaces/{namespace}/{plural}", {
            "apiVersion": f"{group}/v1", "kind": kind,
            "metadata": {"name": name, "labels": labels or {}},
            "spec": spec})["metadata"]["uid"]

    def secret(self, namespace, name, token):
        self.must("POST", f"/api/v1/namespaces/{namespace}/secrets",
                  {"metadata": {"name": name}, "stringData": {"token": token}})

    def delete(self, namespace, plural, name):
        self.must("DELETE",
                  f"/apis/{GROUP}/v1beta3/namespaces/{namespace}/{plural}/{name}")

    def patch(self, namespace, plural, name, spec):
        self.must("PATCH",
                  f"/apis/{GROUP}/v1beta3/namespaces/{namespace}/{plural}/{name}",
                  {"spec": spec})


def crd(group, kind, plural, versions):
    """A definition that takes whatever Flux's would."""
    schema = {"openAPIV3Schema": {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(),
                      "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True,
                          "storage": version == versions[-1], "schema": schema}
                         for version in versions]}}


def reading(*resources):
    """RBAC rules to follow Flux's resources, or "secrets"."""
    return [{"apiGroups": ["" if name == "secrets" else GROUP], "resources": [name],
             "verbs": ["list", "watch"]} for name in resources]


def looking_up():
    """RBAC rules to look up what OBJECTS names."""
    return [{"apiGroups": [group], "resources": [plural], "verbs": ["get"]}
            for plural, (group, _) in OBJECTS.items()]
