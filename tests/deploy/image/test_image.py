"""The container image: the same each time, complete, and its programs run in it."""

import hashlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from image_files import Image, build, built_programs, contents, run, why_no_container
from kafka import Kafka
from processes import free_ports, http, wait_until


FOLDER = PRINTED = None  # what setUpModule makes


def setUpModule():
    """Builds the image, once for all: it takes half a minute."""
    global FOLDER, PRINTED  # pylint: disable=global-statement
    folder = tempfile.TemporaryDirectory(prefix="lamplighter-image-")
    unittest.addModuleCleanup(folder.cleanup)
    FOLDER = pathlib.Path(folder.name)
    FOLDER.chmod(0o755)  # the image's user has to reach what is unpacked here
    built_programs(FOLDER / "programs")
    PRINTED = build(FOLDER / "image.tar", FOLDER)


class ImageTest(unittest.TestCase):
    """What is in the image, and in its SBOM."""

    @classmethod
    def setUpClass(cls):
        cls.path = FOLDER / "image.tar"
        cls.image = Image(cls.path)
        cls.sbom = json.loads((FOLDER / "image.tar.spdx.json").read_text())

    def test_two_builds_differ_in_nothing(self):
        build(FOLDER / "again.tar", FOLDER)
        for ending in ("tar", "tar.spdx.json"):
            first, second = (hashlib.sha256((FOLDER / f"{name}.{ending}").read_bytes())
                             for name in ("image", "again"))
            self.assertEqual(first.hexdigest(), second.hexdigest(), ending)

    def test_layers_are_those_of_the_configuration(self):
        sums = ["sha256:" + hashlib.sha256(data).hexdigest() for data in self.image.layers()]
        self.assertEqual(self.image.config["rootfs"]["diff_ids"], sums)
        self.assertEqual(len(self.image.config["history"]), len(sums))

    def test_entries_are_sorted_as_old_as_the_commit_and_by_number(self):
        members = self.image.members()
        self.assertEqual(len({member.mtime for member in members}), 1)
        self.assertEqual({member.uname + member.gname for member in members}, {""})
        self.assertEqual(self.image.names, sorted(self.image.names))

    def test_the_user_is_not_root_and_may_write_to_two_places(self):
        self.assertEqual(self.image.config["config"]["User"], "65532:65532")
        writable = {member.name for member in self.image.members() if not member.issym()
                    and (member.uid == contents.USER or member.mode & 0o002)}
        self.assertEqual(writable, {"tmp", "var/lib/lamplighter"})

    def test_nothing_is_setuid_and_there_is_no_shell_or_package_manager(self):
        members = self.image.members()
        self.assertEqual([m.name for m in members if m.mode & 0o6000], [])
        programs = {m.name for m in members if m.isfile() and m.mode & 0o111
                    and ".so" not in m.name}
        self.assertEqual(programs, {f"usr/local/bin/{name}" for name in contents.PROGRAMS})

    def test_every_link_leads_to_something(self):
        members = {member.name: member for member in self.image.members()}
        for name, member in members.items():
            if member.issym():
                target = pathlib.PurePosixPath("/", name).parent / member.linkname
                path = re.sub(r"^(?=lib(64)?/)", "usr/", str(_normal(target)))
                self.assertTrue(path in members, f"{name} leads to {member.linkname}")

    def test_every_package_has_its_licence_and_is_in_the_sbom(self):
        names = {member.name for member in self.image.members()}
        entries = {name.rpartition("/")[2] for name in names
                   if name.startswith("var/lib/dpkg/status.d/")}
        self.assertIn("libc6", entries)
        for package in entries:
            self.assertTrue({f"usr/share/doc/{package}",
                             f"usr/share/doc/{package}/copyright"} & names, package)
        listed = {package["name"] for package in self.sbom["packages"]
                  if package["SPDXID"] in self._related("CONTAINS")}
        self.assertEqual(
            listed, entries | {f"{name}-program" for name in contents.PROGRAMS})

    def _related(self, kind):
        return {link["relatedSpdxElement"] for link in self.sbom["relationships"]
                if link["relationshipType"] == kind}

    def test_the_sbom_is_whole(self):
        ids = [package["SPDXID"] for package in self.sbom["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        known = {*ids, "SPDXRef-DOCUMENT"}
        for link in self.sbom["relationships"]:
            self.assertLessEqual({link["spdxElementId"], link["relatedSpdxElement"]}, known)
        self.assertIn(self.image.described["digest"].partition(":")[2],
                      self.sbom["documentNamespace"])
        self.assertIn("librdkafka", {p["name"] for p in self.sbom["packages"]
                                     if p["SPDXID"] in self._related("STATIC_LINK")})

    def test_the_sbom_has_the_checksums_of_the_programs(self):
        sums = {package["name"]: package["checksums"][0]["checksumValue"]
                for package in self.sbom["packages"] if package["name"].endswith("-program")}
        with tarfile.open(fileobj=io.BytesIO(self.image.layers()[-1])) as tar:
            found = {name: tar.extractfile(f"usr/local/bin/{name}").read()
                     for name in contents.PROGRAMS}
        for name, data in found.items():
            self.assertEqual(sums[f"{name}-program"], hashlib.sha256(data).hexdigest())

    def test_docker_reads_the_same_from_its_own_list(self):
        [listed] = self.image.file("manifest.json")
        self.assertEqual(listed["RepoTags"], ["lamplighter:test"])
        self.assertEqual([f"sha256:{name.rpartition('/')[2]}" for name in listed["Layers"]],
                         [layer["digest"] for layer in self.image.manifest["layers"]])

    @unittest.skipUnless(shutil.which("skopeo"), "skopeo is not installed")
    def test_skopeo_reads_it_as_both(self):
        for transport in ("oci-archive", "docker-archive"):
            told = json.loads(subprocess.run(
                ["skopeo", "inspect", f"{transport}:{self.path}"],
                check=True, capture_output=True, text=True).stdout)
            self.assertEqual(len(told["Layers"]), 2, transport)
        self.assertIn(self.image.described["digest"], PRINTED)


def _normal(path):
    parts = []
    for part in path.parts[1:]:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return pathlib.PurePosixPath(*parts)


CONFIG = """\
kafka: {{bootstrap_servers: "{brokers}", partitions: 1, replication_factor: 1}}
ingest:
  listen: 127.0.0.1:{port}
  admin_listen: 127.0.0.1:{ingest}
  spool: {{path: /var/lib/lamplighter/spool.db, max_bytes: 16MiB}}
dispatcher:
  admin_listen: 127.0.0.1:{dispatcher}
  manifests: {{directory: /etc/lamplighter/manifests}}
  providers: {{default: "127.0.0.1:{worker}"}}
provider:
  listen: 127.0.0.1:{worker}
  admin_listen: 127.0.0.1:{provider}
  manifests: {{directory: /etc/lamplighter/manifests}}
reposync:
  admin_listen: 127.0.0.1:{reposync}
  database: sqlite:///var/lib/lamplighter/catalog.db
  providers: {{default: "127.0.0.1:{worker}"}}
"""


@unittest.skipIf(why_no_container(), why_no_container())
class RunTest(unittest.TestCase):
    """Each program in the unpacked image: as its user, the root read-only."""

    @classmethod
    def setUpClass(cls):
        cls.root = FOLDER / "root"
        cls.root.mkdir()
        Image(FOLDER / "image.tar").unpack(cls.root)
        (cls.root / "etc/lamplighter/manifests").mkdir()
        names = ("port", "worker", "ingest", "dispatcher", "provider", "reposync")
        first = free_ports(len(names))
        cls.ports = dict(zip(names, range(first, first + len(names))))
        cls.kafka = cls.enterClassContext(Kafka(FOLDER / "kafka"))

    def _run(self, name, *arguments, brokers=None):
        config = CONFIG.format(brokers=brokers or self.kafka.brokers, **self.ports)
        (self.root / "etc/lamplighter" / f"{name}.yaml").write_text(config)
        process = run(name, self.root, FOLDER, f"/usr/local/bin/{name}", *arguments)
        self.addCleanup(process.kill)
        return process

    def _ready(self, name, admin, brokers=None):
        process = self._run(name, "--config", f"/etc/lamplighter/{name}.yaml", brokers=brokers)
        said = []

        def ready():
            self.assertTrue(process.running(), process.log())
            try:
                answer = http("GET", f"http://127.0.0.1:{self.ports[admin]}/readyz")
            except OSError:
                return False
            said[:] = [answer.body]
            return answer.status == 200
        try:
            wait_until(f"{name} to be ready", ready)
        except AssertionError as error:
            self.fail(f"{error}; it says {said}; its log:\n{process.log()[-3000:]}")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        self.assertRegex(status, rf"Uid:\t{contents.USER}\t{contents.USER}\t")
        self.assertEqual(self._probe(admin), 0)
        self.assertEqual(process.terminate(), 0, process.log())
        self.assertEqual(self._probe(admin), 1)

    def _probe(self, admin):
        """What a container engine learns of the health."""
        process = run("probe", self.root, FOLDER, "/usr/local/bin/probe",
                      str(self.ports[admin]))
        self.addCleanup(process.kill)
        return process.wait()

    def test_lamplighter_is_ready(self):
        self._ready("lamplighter", "ingest", brokers="embedded")

    def test_ingest_is_ready(self):
        self._ready("ingest", "ingest")

    def test_dispatcher_is_ready(self):
        self._ready("dispatcher", "dispatcher")

    def test_provider_is_ready(self):
        self._ready("provider", "provider")

    def test_reposync_is_ready(self):
        self._ready("reposync", "reposync")

    def test_lamplighterctl_checks_a_directory(self):
        process = self._run("lamplighterctl", "config", "check", "/etc/lamplighter/manifests")
        self.assertEqual(process.wait(), 0, process.log())

    def test_nothing_but_the_state_directory_can_be_written(self):
        # The spool where it may not be: the program says so, and the check fails.
        config = CONFIG.format(brokers="127.0.0.1:1", **self.ports)
        path = self.root / "etc/lamplighter/elsewhere.yaml"
        path.write_text(config.replace("/var/lib/lamplighter", "/etc/lamplighter"))
        process = run("elsewhere", self.root, FOLDER, "/usr/local/bin/ingest",
                      "--config", "/etc/lamplighter/elsewhere.yaml", "--check")
        self.addCleanup(process.kill)
        self.assertEqual(process.wait(), 2, process.log())
        self.assertIn("/etc/lamplighter/spool.db", process.log())


if __name__ == "__main__":
    unittest.main()
