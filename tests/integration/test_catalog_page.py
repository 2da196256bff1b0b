"""The day of a new user as docs/catalog.md has it, line by line, on a real Gitea and Kafka:
connect, refresh, search, attach, push, see the event, detach."""

import os
import pathlib
import re
import subprocess
import textwrap
import unittest

from harness import Gitea, Kafka, Process, wait_until
from processes import ROOT, ShowsLogs, binary, free_ports, temporary_directory

PAGE = ROOT / "docs/catalog.md"
PROGRAMS = {"provider": "//services/provider:provider", "ingest": "//services/ingest:ingest",
            "reposync": "//services/reposync:reposync",
            "lamplighterctl": "//cli:lamplighterctl"}


def steps():
    """{name: (its YAML or None, its blocks of commands)} of the numbered steps."""
    section = PAGE.read_text().partition("\n## Ten minutes with it\n")[2]
    section = section.partition("\n## ")[0]
    found = {}
    for step in re.split(r"^\d\. ", section, flags=re.MULTILINE)[1:]:
        yaml = re.search(r"^   ```yaml\n(.*?)^   ```$", step, re.MULTILINE | re.DOTALL)
        blocks = re.findall(r"(?:^ {7}.*\n)+", step.replace(yaml[0], "") if yaml else step,
                            re.MULTILINE)
        name = re.match(r"\*\*(\w+)", step)[1]
        found[name] = (textwrap.dedent(yaml[1]) if yaml else None,
                       [textwrap.dedent(block) for block in blocks])
    return found


class NewUser(ShowsLogs, unittest.TestCase):

    def setUp(self):
        if reason := Gitea.why_not():
            self.skipTest(reason)
        self.folder = self.enterContext(temporary_directory())
        self.kafka = self.enterContext(Kafka(self.folder / "kafka"))
        self.gitea = Gitea(self.folder / "gitea")
        self.gitea.repository = "payments"
        self.enterContext(self.gitea)
        self.gitea.api("PATCH", "/repos/forge/payments", {"description": "The API of payments"})
        (self.folder / "bin").mkdir()
        for name, label in PROGRAMS.items():
            (self.folder / "bin" / name).symlink_to(pathlib.Path(binary(label)).resolve())
        self.ports = free_ports(4)

    def ours(self, text):
        """What a user of Gitea on this machine writes in place of the page's example."""
        host = self.gitea.url.removeprefix("http://")
        replaced = {
            "/var/lib/lamplighter": str(self.folder / "data"),
            "127.0.0.1:9092": self.kafka.brokers,
            "https://hooks.example.com": f"http://127.0.0.1:{self.ports}",
            "0.0.0.0:8080": f"127.0.0.1:{self.ports}",
            "127.0.0.1:50051": f"127.0.0.1:{self.ports + 1}",
            "127.0.0.1:50052": f"127.0.0.1:{self.ports + 2}",
            "127.0.0.1:50054": f"127.0.0.1:{self.ports + 3}",
            "events/github/acme": "events/gitea/acme", "type: github": "type: gitea",
            "https://github.com/acme": self.gitea.url,
            "github.com/acme/": f"{host}/{self.gitea.owner}/",
            "--group acme": f"--group {self.gitea.owner}",
            "cp ~/acme.pem secrets/acme/privateKey\n": "",
            "echo 123456 > secrets/acme/appId": f"echo {self.gitea.token} > secrets/acme/token"}
        for theirs, our in replaced.items():
            text = text.replace(theirs, our)
        return text

    def run_block(self, block):
        """What a block of commands prints; each of its lines has to go well."""
        result = subprocess.run(
            ["bash", "-euc", self.ours(block)], cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, env={**os.environ, **self.env()})
        self.assertEqual(result.returncode, 0, f"{block}{result.stdout}{result.stderr}")
        return result.stdout

    def env(self):
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                "LAMPLIGHTER_CATALOG_ADDRESS": f"127.0.0.1:{self.ports + 2}"}

    def start(self, line):
        """Starts what a line of the page starts; it ends with the test."""
        process = Process(line.split()[0], [
            "env", "-C", str(self.folder), *(f"{k}={v}" for k, v in self.env().items()),
            "bash", "-c", f"exec {self.ours(line)}"], self.folder)
        self.addCleanup(process.kill)
        return process

    def is_listed(self, started):
        """Whether reposync has taken over the connection, as a patient reader finds."""
        for process in started:
            self.assertTrue(process.running(), process.log()[-3000:])
        listed = subprocess.run(["bash", "-c", "lamplighterctl connections list"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                env={**os.environ, **self.env()})
        return "acme" in listed.stdout

    def hooks(self):
        return self.gitea.api("GET", "/repos/forge/payments/hooks")

    def test_each_line_does_what_the_page_says(self):
        day = steps()
        self.assertEqual(list(day), ["Connect", "Refresh", "Search", "Attach", "Push",
                                     "Detach"])
        config, (files, programs, check) = day["Connect"]
        self.run_block(files)
        (self.folder / "lamplighter.yaml").write_text(self.ours(config))
        started = [self.start(line.rstrip(" &")) for line in programs.splitlines()]
        self.assertEqual(len(started), 3, programs)
        wait_until("the connection", lambda: self.is_listed(started))
        self.assertRegex(self.run_block(check), r"acme +gitea .* forge ")

        _, (by_hand, cronjob, sample) = day["Refresh"]
        self.run_block(by_hand)
        # Its last line shows how it goes; the one that nobody asked for has a line, too.
        wait_until("the refreshes to be done", lambda: all(
            re.match(r"\d+ +acme .* done ", line)
            for line in self.run_block(by_hand.splitlines()[-1]).splitlines()[1:]))
        said = self.run_block(cronjob)
        pattern = re.sub(r"\d+(\\\.\d+)?", r"[\\d.]+", re.escape(sample.strip()))
        self.assertRegex(said, pattern)

        _, (search,) = day["Search"]
        host = self.gitea.url.removeprefix("http://")
        self.assertEqual(self.run_block(search).count(f"{host}/forge/payments "), 2)
        self.assertIn('"repositoryId":"', self.run_block(search))

        _, (attach,) = day["Attach"]
        self.assertRegex(self.run_block(attach), "present")
        self.assertEqual(len(self.hooks()), 1)

        _, (watch,) = day["Push"]
        watching = self.start(watch)
        self.gitea.push("hello")
        wait_until("the event", lambda: re.search(
            f"^{re.escape(host)}/forge/payments .*ce_type=dev.lamplighter.git.push.v1",
            watching.log(), re.MULTILINE))

        _, (detach,) = day["Detach"]
        self.assertNotIn("present", self.run_block(detach))
        self.assertEqual(self.hooks(), [])


if __name__ == "__main__":
    unittest.main()
