"""deploy/local/compose.yaml: right in form, and everything in it is there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from trial import ROOT, binary, check, contents, prepared

# The loader of Docker Compose itself; it holds the published schema.
COMPOSE = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"


class ComposeTest(unittest.TestCase):
    """The file, as Compose reads it after the README's commands."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lamplighter-compose-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.local = prepared(cls.folder)
        cls.text = (cls.local / "compose.yaml").read_text()
        cls.compose = yaml.safe_load(cls.text)
        cls.services = cls.compose["services"]
        cls.ours = {name: service for name, service in cls.services.items()
                    if "LAMPLIGHTER_IMAGE" in service["image"]}

    def test_composes_own_loader_takes_it(self):
        go = shutil.which("go") or "/usr/local/go/bin/go"
        if not os.path.exists(go):
            self.skipTest("Go is not installed, in which Compose is written")
        env = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=mod")
        built = subprocess.run([go, "run", COMPOSE, "--format", "json", "compose.yaml"],
                               cwd=self.local, env=env, capture_output=True, text=True,
                               check=False)
        if "requires go" in built.stderr or "dial tcp" in built.stderr:
            self.skipTest(built.stderr.strip().splitlines()[-1])
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertEqual(set(json.loads(built.stdout)["services"]), set(self.services))

    def test_the_environment_file_has_every_variable_at_its_default(self):
        given = dict(line.split("=", 1) for line in
                     (self.local / ".env").read_text().splitlines()
                     if line and not line.startswith("#"))
        self.assertEqual(dict(re.findall(r"\$\{(\w+):-([^}]*)\}", self.text)), given)

    def test_the_image_is_the_one_that_dev_image_builds(self):
        version = re.search(r'kVersion\[\] = "([^"]+)"',
                            (ROOT / "common/app/version.h").read_text())[1]
        self.assertIn(f"LAMPLIGHTER_IMAGE=lamplighter:{version}\n",
                      (self.local / ".env").read_text())

    def test_every_mounted_file_exists_and_the_images_user_can_read_it(self):
        sources = [mount.split(":")[0] for service in self.services.values()
                   for mount in service.get("volumes", []) if mount.startswith(".")]
        sources += [secret["file"] for secret in self.compose["secrets"].values()]
        self.assertIn("./compose/lamplighter.yaml", sources)
        for source in sources:
            path = self.local / source
            self.assertTrue(path.exists(), source)
            for file in [path, *path.rglob("*")]:
                self.assertTrue(file.stat().st_mode & 0o004, file)

    def test_every_name_is_declared_and_used(self):
        used = {"networks": set(), "volumes": set(), "secrets": set()}
        for service in self.services.values():
            used["networks"].update(service["networks"])
            used["secrets"].update(service.get("secrets", []))
            used["volumes"].update(mount.split(":")[0] for mount in service.get("volumes", [])
                                   if not mount.startswith("."))
            self.assertLessEqual(set(service.get("depends_on", {})), set(self.services))
        for kind, names in used.items():
            self.assertEqual(names, set(self.compose[kind]), kind)

    def test_every_service_has_a_health_check_and_ours_no_rights(self):
        self.assertLessEqual({"ingest", "dispatcher", "provider"}, set(self.ours))
        for name, service in self.services.items():
            self.assertIn("test", service["healthcheck"], name)
        for name, service in self.ours.items():
            self.assertTrue(service["read_only"], name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertIn("no-new-privileges:true", service["security_opt"], name)

    def test_ports_are_published_on_loopback(self):
        for name, service in self.services.items():
            for port in service.get("ports", []):
                self.assertRegex(port, r"^(127\.0\.0\.1|\$\{LISTEN:-127\.0\.0\.1\}):", name)

    def test_the_forges_secrets_are_mounted_by_the_provider_alone(self):
        self.assertEqual([name for name, service in self.services.items()
                          if "./secrets" in str(service.get("volumes"))], ["provider"])

    def test_health_checks_ask_the_port_that_is_configured(self):
        config = yaml.safe_load((self.local / "compose/lamplighter.yaml").read_text())
        for name, service in self.ours.items():
            port = config[name]["admin_listen"].rpartition(":")[2]
            self.assertEqual(service["healthcheck"]["test"], ["CMD", "probe", port], name)

    def test_a_stop_has_as_long_as_the_service_may_take(self):
        # docs/operations.md, "Stopping".
        self.assertEqual({name: self.ours[name]["stop_grace_period"]
                          for name in ("ingest", "dispatcher", "provider", "reposync")},
                         {"ingest": "45s", "dispatcher": "60s", "provider": "30s",
                          "reposync": "90s"})

    def _check(self, name):
        service = self.ours[name]
        self.assertEqual(service["command"][0], name)
        [config] = [mount.split(":")[0] for mount in service["volumes"]
                    if mount.split(":")[1] == service["command"][-1]]
        state = self.folder / f"{name}-state"
        state.mkdir()
        # What is mounted where, in this container alone.
        paths = {mount.split(":")[1]: self.local / mount.split(":")[0]
                 for mount in service["volumes"] if mount.startswith(".")}
        paths |= {f"/run/secrets/{secret}": self.local / self.compose["secrets"][secret]["file"]
                  for secret in service.get("secrets", [])}
        paths["/var/lib/lamplighter"] = state
        if name == "provider":  # the folder above its two mounts
            above = self.folder / "provider-manifests"
            above.mkdir()
            for place in ("manifests", "secrets"):
                (above / place).symlink_to(paths.pop(f"/etc/lamplighter/provider/{place}"))
            paths["/etc/lamplighter/provider"] = above
        status, said = check(name, self.local / config, paths, state)
        self.assertEqual(status, 0, said)
        return paths

    def test_ingest_takes_its_configuration(self):
        self._check("ingest")

    def test_dispatcher_takes_its_configuration_and_manifests(self):
        paths = self._check("dispatcher")
        self._check_manifests(paths["/etc/lamplighter/manifests"])

    def test_provider_takes_its_configuration_and_manifests(self):
        paths = self._check("provider")
        self._check_manifests(paths["/etc/lamplighter/provider"])

    def test_reposync_takes_its_configuration(self):
        if "reposync" not in contents.PROGRAMS:
            self.skipTest("there is no program reposync yet")
        self._check("reposync")

    def _check_manifests(self, folder):
        told = subprocess.run([binary("//cli:lamplighterctl"), "config", "check", folder],
                              capture_output=True, text=True, check=False)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)


class KafkaTest(unittest.TestCase):
    """The broker's settings, by the program that Kafka's image starts with."""

    def test_kafkas_image_makes_a_broker_of_its_environment(self):
        fetched = subprocess.run([ROOT / "tools/dev/kafka.sh", "fetch"],
                                 capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            self.skipTest(f"Kafka is not there: {fetched.stderr.strip()}")
        cache = pathlib.Path(os.environ.get("LAMPLIGHTER_CACHE",
                                            pathlib.Path.home() / ".cache/lamplighter"))
        jars = max(cache.glob("kafka-[0-9]*[0-9]"))
        compose = yaml.safe_load((ROOT / "deploy/local/compose.yaml").read_text())
        settings = compose["services"]["kafka"]["environment"]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for part in ("defaults", "mounted", "made"):
                (folder / part).mkdir()
            for file in ("server.properties", "log4j2.yaml", "log4j.properties",
                         "tools-log4j2.yaml", "tools-log4j.properties"):
                (folder / "defaults" / file).touch()
            env = {"PATH": os.environ["PATH"], **{k: str(v) for k, v in settings.items()},
                   "KAFKA_LOG_DIRS": str(folder / "data")}
            result = subprocess.run(
                ["java", "-Xmx256m", "-cp", f"{jars}/*", "kafka.docker.KafkaDockerWrapper",
                 "setup", "--default-configs-dir", folder / "defaults",
                 "--mounted-configs-dir", folder / "mounted",
                 "--final-configs-dir", folder / "made"],
                env=env, capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertTrue((folder / "data/meta.properties").exists(), result.stdout)


if __name__ == "__main__":
    unittest.main()
