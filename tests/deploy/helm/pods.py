"""Pods of the chart as folders and processes of this machine: files and variables as kubelet
would give them, and Services as ports of loopback."""

import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

from chart import ETC, NAMESPACE, ROOT, container

sys.path.append(str(ROOT / "tests/integration"))
# pylint: disable-next=wrong-import-position
from processes import DEADLINE, binary, free_ports, http, wait_until

# What Secrets hold that are the user's own, by key.
KNOWN = {"webhookSecret": "webhook-secret",
         "webhookBasicAuthUser": "user", "webhookBasicAuthPass": "password",
         "keys": base64.b64encode(bytes(32)).decode(),
         "uri": "postgresql://user:password@127.0.0.1:5432/lamplighter"}
TARGETS = {"lamplighter": "//lamplighter:lamplighter",
           **{s: f"//services/{s}:{s}" for s in ("ingest", "dispatcher", "provider", "reposync")}}
PLACES = f"{ETC}|/var/lib/lamplighter|/tmp"  # that are mounted, as a pattern
PORTS = (8080, 8081, 9090, 50051, 50052, 50053)  # that containers of the chart listen on


def token_of(secret):
    """What a Secret that is the user's own holds as a token; no two clients have the same."""
    return f"token-of-{secret}".ljust(16, "-")


class Cluster:
    """The pods of a release, each with ports of its own, to run those that a test wants."""

    def __init__(self, objects, directory):
        self.objects, self.directory = objects, pathlib.Path(directory)
        self.directory.mkdir()
        self._templates = objects.pods()
        ports = iter(range(free_ports(len(PORTS) * len(self._templates)), 65536))
        self._ports = {name: {port: next(ports) for port in PORTS} for name in self._templates}
        self._services = dict(self._addresses())
        self._running = []

    def _addresses(self):
        """(what pods call a Service's port, where it leads to)."""
        for service in self.objects.of("Service"):
            selector, name = service["spec"]["selector"], service["metadata"]["name"]
            [pod] = [pod for pod, template in self._templates.items()
                     if selector.items() <= template["metadata"]["labels"].items()]
            named = {p["name"]: p["containerPort"]
                     for p in container(self._templates[pod])["ports"]}
            for port in service["spec"]["ports"]:
                here = self._ports[pod][named[port["targetPort"]]]
                for host in (f"{name}.{NAMESPACE}.svc", name):
                    yield f"//{host}:{port['port']}", f"//127.0.0.1:{here}"

    def pod(self, name):
        """A pod that was not there before; with what the cluster holds, as of a claim."""
        root = self.directory / f"{name}-{len(list(self.directory.glob(f'{name}-*')))}"
        root.mkdir()
        return Pod(self._templates[name], self.objects, root, self._ports[name], self._services)

    def start(self, name):
        """Starts a pod that serves, until it answers; stop() ends it."""
        pod = self.pod(name)
        self._running.append(pod.start())
        return pod

    def stop(self):
        while self._running:
            process = self._running.pop()
            process.terminate()
            process.wait(DEADLINE)


class Pod:
    """A pod's files below `root`, as kubelet would mount them."""

    def __init__(self, template, objects, root, ports=None, services=None):
        """`ports` are {port: one of this machine} for what listens, `services` {address of
        a Service: where it leads to}."""
        self.template, self.objects, self.root = template, objects, root
        self.ports, self.services = ports or {}, services or {}
        self.secrets = {o["metadata"]["name"]: self.data(o) for o in objects.of("Secret")}
        volumes = {v["name"]: v for v in template["spec"].get("volumes", [])}
        for mount in container(template).get("volumeMounts", []):
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
        elif "persistentVolumeClaim" in volume:
            disk = self.root.parent / "claims" / volume["persistentVolumeClaim"]["claimName"]
            disk.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(disk)
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
        token = token_of(name)
        data = self.secrets.get(name, {**KNOWN, **self.certificate(), "password": "p",
                                       "authorization": "Bearer x", "secret": token,
                                       "token": token,
                                       "url": "postgresql://a:p@postgres/catalog"})
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        return {item["path"]: data[item["key"]] for item in items}

    def certificate(self):
        """A certificate of its own authority, for here; made once, by openssl."""
        folder = self.root.parent.parent
        if not (folder / "tls.crt").exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                 "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
                check=True, capture_output=True)
        certificate = (folder / "tls.crt").read_text()
        return {"ca.crt": certificate, "tls.crt": certificate,
                "tls.key": (folder / "tls.key").read_text()}

    def led(self, text):
        """Text with addresses of Services that lead to pods here."""
        for service, here in self.services.items():
            text = re.sub(f"{re.escape(service)}\\b", here, text)
        return text

    def moved(self, text):
        """A configuration with its paths below root and its ports here, and a cluster that is
        not there."""
        text = re.sub(rf"(?:{PLACES})\b", rf"{self.root}\g<0>", self.led(text))
        if self.ports:
            text = re.sub(r"(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)",
                          lambda m: f"127.0.0.1:{self.ports.get(int(m[1]), m[1])}", text)
        config = yaml.safe_load(text)
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
        """Variables, as kubelet expands them; nothing of this machine's but where programs are."""
        found = {"PATH": os.environ["PATH"]}
        for variable in container(self.template).get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                value = self.secrets.get(reference["name"], KNOWN)[reference["key"]]
            else:
                value = re.sub(r"\$\((\w+)\)", lambda m, known=dict(found): known[m[1]],
                               variable["value"])
            found[variable["name"]] = value
        return found

    def command(self, of=None):
        """The command line of its container, or of another `of` its containers."""
        program, *arguments = (of or container(self.template))["command"]
        name = pathlib.Path(program).name
        program = binary(TARGETS[name]) if name in TARGETS else shutil.which(program)
        return [program, *(str(self.path(a)) if a.startswith(ETC) else self.led(a)
                           for a in arguments)]

    def run(self, *more, of=None):
        """Its command line with `more`, to the end."""
        return subprocess.run([*self.command(of), *more], env=self.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE, cwd=self.root)

    def start(self):
        """Its process, once it is ready; what it says is in log()."""
        with open(self.root / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(self.command(), env=self.environment(), cwd=self.root,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            if process.poll() is not None:
                raise AssertionError(self.log())
            return self.ready()
        try:
            wait_until(f"{self.root.name} to be ready", ready)
        except AssertionError:
            process.kill()
            process.wait()
            raise
        return process

    def ready(self):
        """Whether it is for kubelet, by its readiness probe."""
        probe = container(self.template)["readinessProbe"]
        if "grpc" in probe:
            return self.serves(**probe["grpc"])
        [port] = [p["containerPort"] for p in container(self.template)["ports"]
                  if p["name"] == probe["httpGet"]["port"]]
        try:
            return http("GET", self.url(port) + probe["httpGet"]["path"]).status == 200
        except OSError:
            return False

    def serves(self, port, service):
        """Whether it is served, as grpc.health.v1 says; Python's own library has no HTTP/2."""
        request = b"\x0a" + bytes([len(service)]) + service.encode()
        result = subprocess.run(
            ["curl", "--silent", "--http2-prior-knowledge", "--header", "TE: trailers",
             "--header", "Content-Type: application/grpc", "--data-binary", "@-",
             f"{self.url(port)}/grpc.health.v1.Health/Check"],
            input=b"\0" + len(request).to_bytes(4, "big") + request, capture_output=True)
        return result.stdout[5:] == b"\x08\x01"  # SERVING

    def log(self):
        return (self.root / "log").read_text()[-3000:]

    def url(self, port):
        return f"http://127.0.0.1:{self.ports[port]}"
