"""A scripted forge of any type that remembers every call, with its time."""

import pathlib
import re

from harness import Process, http, wait_until
from processes import binary

# Where a repository is, and how a success and a failure are called there.
TYPES = {
    "github": ("/org/repo-{}", "success", "failure"),
    "gitlab": ("/group/sub/repo-{}", "success", "failed"),
    "gitea": ("/org/repo-{}", "success", "failure"),
    "bitbucket": ("/org/repo-{}", "SUCCESSFUL", "FAILED"),
    "bitbucketserver": ("/scm/proj/repo-{}.git", "SUCCESSFUL", "FAILED"),
    "azuredevops": ("/org/proj/_git/repo-{}", "succeeded", "error"),
}
REPOSITORY = re.compile(r"repo-\d+")
ON_ITS_WAY_MS = 500  # between us and the forge, on a busy machine
SHA = re.compile(r"[0-9a-f]{40}")


class Forge:
    """The sandbox forge, which takes any token, repository and commit."""

    def __init__(self, directory, kind="github"):
        self.kind = kind
        self._directory = pathlib.Path(directory)
        self._repository, self._success, self._failure = TYPES[kind]
        self._calls = []

    def up(self):
        port_file = self._directory / f"{self.kind}.port"
        self._process = Process(f"forge-{self.kind}", [
            binary("//tests/forges:sandbox_forge"), "--listen", "127.0.0.1:0",
            "--port-file", str(port_file), "--type", self.kind], self._directory)
        port = wait_until("the forge's port", lambda: port_file.exists()
                          and port_file.read_text().strip())
        self._url = f"http://127.0.0.1:{port}"

    def down(self):
        self._process.kill()

    def address(self, number):
        """A repository's."""
        return self._url + self._repository.format(number)

    def state(self, severity):
        """What an event of this severity is here."""
        return self._failure if severity == "error" else self._success

    def fault(self, **fault):
        """From now on this goes wrong; see tests/forges/fault.h."""
        answer = http("POST", f"{self._url}/_sandbox/faults", fault)
        if answer.status != 204:
            raise AssertionError(f"fault {fault}: {answer.body}")

    def heal(self):
        http("DELETE", f"{self._url}/_sandbox/faults")

    def forget(self):
        """As it was in the beginning."""
        http("DELETE", f"{self._url}/_sandbox")
        self._calls = []

    def calls(self):
        """Every call that was answered, in that order."""
        while True:
            after = self._calls[-1]["number"] if self._calls else 0
            new = http("GET", f"{self._url}/_sandbox/calls?after={after}", timeout=60).json()
            if not new:
                return self._calls
            self._calls += new

    def statuses(self):
        """{sha: the calls that set a status on it, as they were set}."""
        found = {}
        for call in sorted(self.calls(), key=lambda call: call["effect"]):
            if call["effect"]:
                found.setdefault(SHA.search(call["path"])[0], []).append(call)
        return found

    def calls_in_limit(self, seconds=None, until=None):
        """The most calls that came within one limit that the forge had told us of.

        A limit is of one credential, and so of one repository. It begins when a
        refusal of status 403 or 429 has been answered and lasts for `seconds`, or
        `until` then, which is of time.time(). What was on its way at the beginning
        does not count.
        """
        most = 0
        for calls in self._by_repository().values():
            ends = 0
            for refusal in calls:
                if refusal["status"] not in (403, 429) or refusal["at_ms"] < ends:
                    continue  # none, or of the same limit
                begins = refusal["done_ms"] + ON_ITS_WAY_MS
                ends = (1000 * until if until
                        else refusal["done_ms"] + 1000 * seconds)
                most = max(most, sum(begins < c["at_ms"] < ends for c in calls))
        return most

    def _by_repository(self):
        found = {}
        for call in self.calls():
            found.setdefault(REPOSITORY.search(call["path"])[0], []).append(call)
        return found
