"""The programs on what the chart would give them: configuration, files and variables."""

import base64
import hashlib
import hmac
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

from chart import ETC, HERE, MATRIX, ROOT, container, render, why_not

sys.path.append(str(ROOT / "tests/integration"))
# pylint: disable-next=wrong-import-position
from processes import binary, free_ports, http, wait_until

# What Secrets hold that are the user's own, by key.
KNOWN = {"webhookSecret": "webhook-secret",
         "webhookBasicAuthUser": "user", "webhookBasicAuthPass": "password",
         "keys": base64.b64encode(bytes(32)).decode(),
         "uri": "postgresql://user:password@127.0.0.1:5432/lamplighter"}
TARGETS = {"lamplighter": "//lamplighter:lamplighter",
           **{s: f"//services/{s}:{s}" for s in ("ingest", "dispatcher", "provider", "reposync")}}


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


class Pod:
    """A pod's files below `root`, as kubelet would mount them."""

    def __init__(self, template, objects, root, ports=None):
        """`ports` are {port: one of this machine} for what listens."""
        self.template, self.objects, self.root = template, objects, root
        self.ports = ports or {}
        self.secrets = {o["metadata"]["name"]: self.data(o) for o in objects.of("Secret")}
        volumes = {v["name"]: v for v in template["spec"]["volumes"]}
        for mount in container(template)["volumeMounts"]:
            volume = volumes.get(mount["name"], {"emptyDir": {}})
            self.mount(self.path(mount["mountPath"]), mount, volume)

    @staticmethod
    def data(secret):
        decoded = {k: base64.b64decode(v).decode() for k, v in secret.get("data", {}).items()}
        return {**decoded, **secret.get("stringData", {})}

    def path(self, path):
        return self.root / path.removeprefix("/")

    def mount(self, path, mount, volume):
        if "configMap" in volume:
            files = next(o for o in self.objects.of("ConfigMap")
                         if o["metadata"]["name"] == volume["configMap"]["name"])["data"]
            if "subPath" in mount:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.moved(files[mount["subPath"]]))
                return
        else:
            files = {}
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                if "secret" in source:
                    files |= self.secret_files(source["secret"])
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (path / name).write_text(text)

    def secret_files(self, source):
        name = source.get("secretName") or source["name"]
        token = f"token-of-{name}".ljust(16, "-")  # no two clients have the same
        data = self.secrets.get(name, {**KNOWN, **self.certificate(), "password": "p",
                                       "authorization": "Bearer x", "secret": token,
                                       "token": token,
                                       "url": "postgresql://a:p@postgres/catalog"})
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        return {item["path"]: data[item["key"]] for item in items}

    def certificate(self):
        """A certificate of its own authority; made once, by openssl."""
        folder = self.root.parent.parent
        if not (folder / "tls.crt").exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                 "-subj", "/CN=test", "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                check=True, capture_output=True)
        certificate = (folder / "tls.crt").read_text()
        return {"ca.crt": certificate, "tls.crt": certificate,
                "tls.key": (folder / "tls.key").read_text()}

    def moved(self, text):
        """A configuration with its paths below root, and a cluster that is not there."""
        config = yaml.safe_load(re.sub(f"{ETC}|/var/lib/lamplighter", f"{self.root}\\g<0>", text))
        for section in config.values() if self.ports else ():
            for key in [key for key in section if key.endswith("listen")]:
                port = int(section[key].rsplit(":", 1)[1])
                section[key] = f"127.0.0.1:{self.ports[port]}"
        kubeconfig = self.root / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "a", "user": {"token": "t"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}))
        for section in config.values():
            cluster = section.get("manifests", {}).get("kubernetes")
            if cluster is not None:
                cluster["kubeconfig"] = str(kubeconfig)
        return yaml.safe_dump(config)

    def environment(self):
        """Variables, as kubelet expands them."""
        found = {}
        for variable in container(self.template).get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                value = self.secrets.get(reference["name"], KNOWN)[reference["key"]]
            else:
                value = re.sub(r"\$\((\w+)\)", lambda m, known=dict(found): known[m[1]],
                               variable["value"])
            found[variable["name"]] = value
        return found

    def command(self):
        """What it runs, without the program."""
        return [str(self.path(o)) if o.startswith(ETC) else o
                for o in container(self.template)["command"][1:]]


class Programs(unittest.TestCase):

    def test_each_takes_the_configuration_of_its_pod(self):
        with tempfile.TemporaryDirectory(prefix="lamplighter-test-") as directory:
            for values in MATRIX:
                objects = render(values)
                for name, template in objects.pods().items():
                    if name == "test":
                        continue
                    with self.subTest(values.stem, pod=name):
                        self.check(objects, name, template,
                                   pathlib.Path(directory) / values.stem / name)

    def check(self, objects, name, template, root):
        program = self.program(template)
        root.mkdir(parents=True)
        pod = Pod(template, objects, root)
        result = subprocess.run([program, *pod.command(), "--check"], capture_output=True, text=True,
                                env={**os.environ, **pod.environment()})
        self.assertEqual(result.returncode, 0, f"{name}: {result.stdout}{result.stderr}")

    def program(self, template):
        """The program of a pod, as Bazel built it."""
        try:
            return binary(TARGETS[pathlib.Path(container(template)["command"][0]).name])
        except AssertionError as error:
            self.skipTest(str(error))

    def test_a_trial_takes_what_is_proved_by_the_secrets_of_the_values(self):
        directory = tempfile.TemporaryDirectory(prefix="lamplighter-test-")
        self.addCleanup(directory.cleanup)
        objects = render(HERE / "values/trial-forges.yaml")
        template = objects.pods()["trial"]
        program = self.program(template)
        first = free_ports(3)
        root = pathlib.Path(directory.name) / "trial/pod"
        root.mkdir(parents=True)
        pod = Pod(template, objects, root, {8080: first, 9090: first + 1, 50051: first + 2})
        with open(root / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen([program, *pod.command()], stderr=log,
                                       env={**os.environ, **pod.environment()})
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)

        def ready():
            self.assertIsNone(process.poll(), (root / "log").read_text()[-3000:])
            try:
                return http("GET", f"http://127.0.0.1:{first + 1}/readyz").status == 200
            except OSError:
                return False
        wait_until("lamplighter to be ready", ready)

        def status(path, body, **headers):
            return http("POST", f"http://127.0.0.1:{first}/api/events-handler/v1/events/{path}", body,
                        {"Content-Type": "application/json",
                         **{k.replace("_", "-"): v for k, v in headers.items()}}).status
        ping = (b'{"hook_id":1,"repository":{"id":1,"full_name":"acme/fleet",'
                b'"html_url":"https://github.com/acme/fleet"}}')
        for secret, answer in ((b"github-hook", 202), (b"wrong", 401)):
            signature = hmac.new(secret, ping, hashlib.sha256).hexdigest()
            self.assertEqual(status("github", ping, X_GitHub_Event="ping", X_GitHub_Delivery="1",
                                    X_Hub_Signature_256=f"sha256={signature}"), answer)
        push = b'{"id":"1","subscriptionId":"2","eventType":"git.push","resource":{}}'
        for password, answer in (("p:a$(ss)", 202), ("wrong", 401)):
            proof = base64.b64encode(f"hook:{password}".encode()).decode()
            self.assertEqual(status("azure-devops", push, Authorization=f"Basic {proof}"), answer)


if __name__ == "__main__":
    unittest.main()
