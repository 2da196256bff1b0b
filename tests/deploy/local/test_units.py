"""deploy/local's systemd units: as systemd reads and rates them."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from trial import LOCAL, binary, check, contents

SERVICES = ("ingest", "dispatcher", "provider", "reposync")
WORST = 15  # of 100; a unit that gives up nothing has 96


def settings(unit):
    """[(key, value)] of a unit's section Service."""
    text = re.sub(r"^#.*\n", "", (LOCAL / unit).read_text(), flags=re.MULTILINE)
    [section] = re.findall(r"^\[Service\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return [tuple(line.split("=", 1)) for line in section.splitlines() if line]


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
class UnitsTest(unittest.TestCase):
    """The units, with the programs where Bazel put them."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lamplighter-units-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        programs = cls.folder / "bin"
        programs.mkdir()
        for name in ("lamplighter", *SERVICES):
            (programs / name).symlink_to(binary(contents.PROGRAMS[name]))
        cls.units = [cls._place("lamplighter.service")]
        cls.units += [cls._place("lamplighter@.service", f"lamplighter@{name}.service")
                      for name in SERVICES]

    @classmethod
    def _place(cls, unit, instance=None):
        """The unit in the folder, leading to the programs there; what to call it."""
        path = cls.folder / unit
        path.write_text((LOCAL / unit).read_text().replace(
            "/usr/local/bin", str(cls.folder / "bin")))
        return cls.folder / (instance or unit)

    def test_systemd_finds_no_fault(self):
        for unit in self.units:
            told = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((told.returncode, told.stderr), (0, ""), unit)

    def test_a_fault_would_be_found(self):
        wrong = self.folder / "wrong.service"
        wrong.write_text("[Service]\nExecStart=/nowhere/at-all\nDynamicUsers=yes\n")
        told = subprocess.run(["systemd-analyze", "verify", "--man=no", wrong],
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("DynamicUsers", told.stderr)

    def test_units_give_up_nearly_everything(self):
        for unit in self.units:
            told = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--no-pager",
                 f"--threshold={WORST}", unit],
                capture_output=True, text=True, check=False)
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)

    def test_both_units_give_up_the_same(self):
        own = {"ExecStart", "TimeoutStopSec", "LoadCredential", "StateDirectory",
               "SupplementaryGroups"}
        one, each = ([item for item in settings(unit) if item[0] not in own]
                     for unit in ("lamplighter.service", "lamplighter@.service"))
        self.assertEqual(one, each)

    def test_every_group_is_made(self):
        made = set(re.findall(r"^g (\S+)", (LOCAL / "lamplighter.sysusers").read_text(),
                              re.MULTILINE))
        groups = dict(settings("lamplighter@.service"))["SupplementaryGroups"]
        wanted = {group.replace("%i", name) for group in groups.split() for name in SERVICES}
        self.assertEqual(made, wanted)

    def test_services_take_their_configuration(self):
        for name in SERVICES:
            place = self.folder / f"{name}-host"
            for part in ("state", "secrets", "manifests", "provider"):
                (place / part).mkdir(parents=True)
            (place / "secrets/secrets_cluster").write_text("secret\n")
            status, said = check(name, LOCAL / f"services/{name}.yaml", {
                f"/run/credentials/lamplighter@{name}.service": place / "secrets",
                f"/var/lib/lamplighter-{name}": place / "state",
                "/etc/lamplighter": place}, place)
            self.assertEqual(status, 0, said)

    def test_lamplighter_takes_its_configuration(self):
        status, said = check("lamplighter", LOCAL / "lamplighter.yaml",
                             {"directory: manifests": f"directory: {LOCAL}/manifests"},
                             self.folder)
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
