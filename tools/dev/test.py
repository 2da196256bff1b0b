"""Runs the tests and counts their cases; see ./dev help.

The last line is always "N passed, N failed, N skipped".
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
AT_ONCE = 2  # files of tests that run real processes
SHOWN_AGAIN = 20_000  # characters at the end of what a file that failed printed
BINARIES = [
    "//services/ingest:ingest",
    "//services/dispatcher:dispatcher",
    "//services/provider:provider",
    "//services/reposync:reposync",
    "//lamplighter:lamplighter",
    "//cli:lamplighterctl",
    "//deploy/image:probe",
    "//tests/forges:sandbox_forge",
    "//tests/integration:provider_call",
]


class Counts:
    """How many test cases of one part went which way."""

    def __init__(self, part):
        self.part = part
        self.passed = self.failed = self.skipped = 0
        self.failures = []  # what files that failed printed

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_xml(counts, root):
    """Adds the cases of one JUnit-style report, as GoogleTest and Bazel write it."""
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            counts.skipped += 1
        else:
            counts.passed += 1


def count_events(counts, events):
    """Adds the cases of every test that a `bazel test` ran or had cached.

    `events` is the build event stream, one parsed JSON object a line. Of a test
    that ran several times (flaky, sharded) every report counts.
    """
    for event in events:
        label = event.get("id", {}).get("testResult", {}).get("label")
        if label is None:
            continue
        result = event["testResult"]
        failed_before = counts.failed
        for output in result.get("testActionOutput", []):
            if output["name"] == "test.xml":
                path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
                count_xml(counts, xml.etree.ElementTree.parse(path).getroot())
        if result["status"] != "PASSED" and counts.failed == failed_before:
            counts.failed += 1  # ended before it could report: a crash, a time-out


def tests_and_programs():
    """Labels of all tests, and of the programs, which have to build as well.

    Not //..., for which Bazel would compile each library a second time, for a
    .so that nobody wants.
    """
    return subprocess.run(
        ["bazel", "query", "--noshow_progress", "--ui_event_filters=-info",
         "kind('.*_(test|binary) rule', //...) except attr(tags, manual, //...)"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.split()


def bazel_test(part, flags):
    """What Bazel knows of tests, with `flags`, which may name targets."""
    counts = Counts(part)
    with tempfile.NamedTemporaryFile(suffix=".json") as stream:
        code = subprocess.run(
            ["bazel", "test", "--keep_going", *progress(), *flags,
             f"--build_event_json_file={stream.name}"],
            cwd=ROOT).returncode
        text = pathlib.Path(stream.name).read_text()
    count_events(counts, (json.loads(line) for line in text.splitlines()))
    if code != 0 and counts.failed == 0:
        counts.failed += 1  # it did not build
    return counts


def progress():
    return [] if sys.stderr.isatty() else ["--curses=no", "--color=no",
                                           "--show_progress_rate_limit=60"]


class CountingResult(unittest.TextTestResult):
    """Counts what passed, which unittest itself does not."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def python_tests(part, folder, pattern):
    """The unittest cases in the files of `folder`."""
    suite = unittest.TestLoader().discover(str(ROOT / folder), pattern)
    runner = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2, resultclass=CountingResult)
    result = runner.run(suite)
    counts = Counts(part)
    counts.passed = result.passed + len(result.expectedFailures)
    counts.failed = (len(result.failures) + len(result.errors) +
                     len(result.unexpectedSuccesses))
    counts.skipped = len(result.skipped)
    return counts


def python_file(path):
    """The same of one file in a process of its own; what it printed comes whole."""
    result = subprocess.run(
        [sys.executable, __file__, "--file", path.relative_to(ROOT)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    print(f"== {path.relative_to(ROOT)}\n{result.stdout}", flush=True)
    counts = Counts(path.name)
    last = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped\s*\Z", result.stdout)
    if last is None:
        counts.failed = 1  # it ended before it could count
    else:
        counts.passed, counts.failed, counts.skipped = map(int, last.groups())
    if counts.failed:
        counts.failures = [f"== {path.relative_to(ROOT)}\n{result.stdout[-SHOWN_AGAIN:]}"]
    return counts


def python_files(part, *folders):
    """The files of `folders`, some at a time: they mostly wait for processes."""
    counts = Counts(part)
    files = [file for folder in folders
             for file in sorted((ROOT / folder).rglob("test_*.py"))]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for one in pool.map(python_file, files):
            counts.passed += one.passed
            counts.failed += one.failed
            counts.skipped += one.skipped
            counts.failures += one.failures
    return counts


def integration():
    code = subprocess.run(
        ["bazel", "build", *progress(), *BINARIES], cwd=ROOT).returncode
    if code != 0:
        counts = Counts("integration")
        counts.failed = 1
        return [counts]
    return [python_files("integration", "tests/integration", "tests/chaos"),
            python_files("deploy", "tests/deploy")]


def main():
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("part", nargs="?", choices=["unit", "integration"])
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--file", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    os.chdir(ROOT)
    if args.file is not None:
        counts = python_tests("file", args.file.parent, args.file.name)
        print(counts, flush=True)
        return 1 if counts.failed else 0

    servers = None
    if args.part != "unit":
        # Minutes where they are not in the cache yet, so they begin first, one
        # after the other. What cannot be built is told by the tests that need
        # it, which are then skipped.
        servers = subprocess.Popen(
            ["nice", "bash", "-c",
             "tools/dev/gitea.sh build; tools/dev/kubernetes.sh build; "
             "tests/deploy/helm/tools.sh build"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = []
    if args.part != "integration":
        if args.sanitize:
            for config in ("asan", "tsan"):
                parts.append(bazel_test(f"unit ({config})", [
                    f"--config={config}", "--build_tests_only", "//..."]))
        else:
            parts.append(bazel_test("unit", tests_and_programs()))
        parts.append(python_tests("tools", "tools/lint", "*_test.py"))
        if not args.sanitize:  # they run what the unit tests have built
            parts.append(python_tests("contract", "tests/contract", "test_*.py"))
    if servers is not None:
        servers.wait()
        parts.extend(integration())

    total = Counts("total")
    # Where one looks first: they are far up.
    for failure in (failure for counts in parts for failure in counts.failures):
        print(failure)
    print()
    for counts in parts:
        print(f"{counts.part}: {counts}")
        total.passed += counts.passed
        total.failed += counts.failed
        total.skipped += counts.skipped
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
