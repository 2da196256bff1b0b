"""Helm on the chart: what it renders, as Python sees it."""

import copy
import functools
import json
import os
import pathlib
import subprocess

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CHART = ROOT / "deploy/helm/lamplighter"
MATRIX = sorted(HERE.glob("values/*.yaml"))
NAMESPACE = "lamplighter"
# Paths that pods have besides what the image holds.
ETC = "/etc/lamplighter"
# Values to begin with.
FORGE = {"enabled": True, "webhookSecret": "hook"}
KAFKA = {"bootstrapServers": "kafka:9092"}
PRODUCTION = {"kafka": KAFKA, "database": {"existingSecret": "db"}}


@functools.cache
def why_not():
    """Why there is no helm here; None where there is."""
    result = subprocess.run([HERE / "tools.sh", "build"], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True)
    if result.returncode == 3:
        return result.stderr.strip()
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return None


@functools.cache
def home():
    """The folder of helm and kubeconform."""
    return pathlib.Path(subprocess.check_output([HERE / "tools.sh", "home"], text=True).strip())


@functools.cache
def definitions():
    """Files of the CRDs of what the chart makes beside Kubernetes' own."""
    folder = subprocess.check_output([HERE / "tools.sh", "crds"], text=True).strip()
    return sorted(pathlib.Path(folder).glob("*.yaml"))


def helm(*arguments, values=None, **options):
    """Runs helm; `values` are a dict, or a file. Returns what subprocess.run does."""
    given, text = [], None
    if isinstance(values, dict):
        given, text = ["--values", "-"], yaml.safe_dump(values)
    elif values is not None:
        given = ["--values", str(values)]
    return subprocess.run(
        [home() / "helm", *map(str, arguments), *given], input=text or "",
        capture_output=True, text=True,
        env=dict(os.environ, HELM_CACHE_HOME="/nonexistent", **options.pop("env", {})),
        **options)


def render(values=None, name="t"):
    """The objects of the chart with these values, a dict or a file."""
    given = json.dumps(values) if isinstance(values, dict) else values
    return Objects(copy.deepcopy(_render(given, name)))


def from_file(name):
    """The objects of the chart with the values of a file of MATRIX."""
    return render(HERE / "values" / f"{name}.yaml")


def forges(**more):
    """Values of a production with these `gitProviders`."""
    return {**PRODUCTION, "gitProviders": more}


@functools.cache  # a third of a second each
def _render(values, name):
    if isinstance(values, str):
        values = json.loads(values)
    result = helm("template", name, CHART, "--namespace", NAMESPACE, values=values)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return [d for d in yaml.load_all(result.stdout, Loader=yaml.CSafeLoader) if d is not None]


def refusal(values):
    """What helm says of values that are wrong; fails where they are taken."""
    result = helm("template", "t", CHART, values=values)
    if result.returncode == 0:
        raise AssertionError(f"taken: {values}")
    return result.stderr


class Objects(list):
    """Objects of Kubernetes."""

    def of(self, *kinds):
        return [o for o in self if o["kind"] in kinds]

    def get(self, kind, name):
        """The object of that kind whose name ends so; fails where there is none."""
        found = [o for o in self.of(kind) if o["metadata"]["name"] == f"t-lamplighter{name}"]
        if len(found) != 1:
            raise AssertionError(f"{kind} {name}: there are {self.names(kind)}")
        return found[0]

    def names(self, kind):
        return sorted(o["metadata"]["name"].removeprefix("t-lamplighter")
                      for o in self.of(kind))

    def pods(self):
        """{name: pod template} of all that runs pods, by the end of its name."""
        found = {}
        for o in self:
            name = o["metadata"]["name"].removeprefix("t-lamplighter").removeprefix("-")
            if o["kind"] in ("Deployment", "StatefulSet"):
                found[name] = o["spec"]["template"]
            elif o["kind"] == "CronJob":
                found[name] = o["spec"]["jobTemplate"]["spec"]["template"]
            elif o["kind"] == "Pod":
                found[name] = o
        return found

    def config(self, key="config.yaml"):
        """A configuration file."""
        return yaml.safe_load(self.get("ConfigMap", "")["data"][key])


def container(pod):
    return pod["spec"]["containers"][0]


def serves(pod):
    """Whether it is a service's, and no Job's or test's."""
    return "readinessProbe" in container(pod)


def secrets_of(pod):
    """{name: keys} of the Secrets that its files and variables are from; None: all keys."""
    found = {}

    def add(name, keys):
        known = found.setdefault(name, set())
        found[name] = None if keys is None or known is None else known | set(keys)

    def add_source(source):
        items = source.get("items")
        add(source.get("secretName") or source["name"],
            None if items is None else [item["key"] for item in items])

    for volume in pod["spec"].get("volumes", []):
        if "secret" in volume:
            add_source(volume["secret"])
        for source in volume.get("projected", {}).get("sources", []):
            add_source(source["secret"])
    for variable in container(pod).get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference:
            add(reference["name"], [reference["key"]])
    return found
