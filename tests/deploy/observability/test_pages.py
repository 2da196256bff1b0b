"""What the pages say of tests and of the repository is so."""

import re
import subprocess
import sys
import unittest

from observability import ROOT, sections

sys.path.append(str(ROOT / "deploy/image"))
import contents  # pylint: disable=wrong-import-position

CASE = re.compile(r"`(\w+)\.(\w+)`")
FILE = re.compile(r"`(\w+\.(?:py|cc))`")


class Security(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        rows = sections("security.md")["Threats"]
        # asset, threat, what stops it, proved by, what remains
        cls.rows = [line.split(" | ") for line in rows.splitlines()
                    if line.startswith("| ") and not line.startswith("| ---")][1:]
        cls.files = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*_test.cc",
             "*_fuzz.cc", "*/test_*.py"],
            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()

    def test_every_threat_names_a_test(self):
        for row in self.rows:
            with self.subTest(threat=row[1]):
                self.assertEqual(len(row), 5)
                self.assertTrue(CASE.search(row[3]) or FILE.search(row[3]))

    def test_the_tests_that_it_names_are_there(self):
        names = {path.rsplit("/", 1)[-1] for path in self.files}
        cases = set()
        for path in self.files:
            if path.endswith("_test.cc"):
                cases.update(re.findall(r"^TEST\w*\(\s*(\w+),\s*(\w+)\)",
                                        (ROOT / path).read_text(), re.MULTILINE))
        for row in self.rows:
            for suite, case in CASE.findall(row[3]):
                if case not in ("py", "cc"):
                    self.assertIn((suite, case), cases)
            for name in FILE.findall(row[3]):
                self.assertIn(name, names)


class Images(unittest.TestCase):

    def test_the_page_has_every_program_of_the_image(self):
        page = (ROOT / "docs/images.md").read_text()
        row = re.search(r"^\| `/usr/local/bin/` \|(.*)$", page, re.MULTILINE)[1]
        self.assertEqual(set(re.findall(r"`(\w+)`", row)), set(contents.PROGRAMS))
        sizes = set(re.findall(r"^\| (\w+) \| \d+ \|", page, re.MULTILINE))
        self.assertEqual(sizes, {"all", *contents.PROGRAMS} - {"probe"})


class SupportMatrix(unittest.TestCase):

    def test_the_real_parts_are_of_the_versions_that_it_names(self):
        page = (ROOT / "docs/support-matrix.md").read_text()
        for row, file, pattern in (
                ("Gitea", "tools/dev/gitea/go.mod", r"code\.gitea\.io/gitea v(\S+)"),
                ("Apache Kafka", "tools/dev/kafka/pom.xml", r"<kafka\.version>(\S+)<"),
                ("Kubernetes API", "tools/dev/kubernetes/apiserver/go.mod",
                 r"k8s\.io/kubernetes v(\S+)"),
                ("Helm", "tests/deploy/helm/tools/helm/go.mod", r"helm\.sh/helm/v3 v(\S+)")):
            version = re.search(pattern, (ROOT / file).read_text())[1]
            self.assertRegex(page, rf"(?m)^\| {row} \| {re.escape(version)}\b")


if __name__ == "__main__":
    unittest.main()
