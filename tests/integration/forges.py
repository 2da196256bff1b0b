"""Forges on loopback: a real Gitea, and the scripted one that speaks GitHub's API."""

import base64
import dataclasses
import os
import random
import subprocess

from processes import (ROOT, Process, Server, binary, free_ports, http, run_script,
                       wait_until)


class Gitea(Server):
    """A real Gitea in `directory`, with one repository of one commit."""

    type = "gitea"
    owner, repository = "forge", "fleet"

    @staticmethod
    def why_not():
        """Why there can be no Gitea here; None where there can."""
        result = subprocess.run([ROOT / "tools/dev/gitea.sh", "build"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode == 3:
            return result.stderr.strip()
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return None

    def __init__(self, directory):
        super().__init__(directory)
        self._env = dict(os.environ, GITEA_PORT=str(free_ports(1)))

    def up(self):
        run_script("gitea.sh", "up", self.directory, self._env)
        env = dict(line.split("=", 1) for line in
                   (self.directory / "env").read_text().splitlines())
        self.url, self.token = env["GITEA_URL"], env["GITEA_TOKEN"]
        self.address = f"{self.url}/{self.owner}/{self.repository}"
        self.api("POST", "/user/repos", {"name": self.repository, "auto_init": True,
                                         "default_branch": "main"})

    def down(self):
        run_script("gitea.sh", "down", self.directory, self._env)

    def api(self, method, path, body=None):
        answer = http(method, f"{self.url}/api/v1{path}", body,
                      {"Authorization": f"token {self.token}"})
        if answer.status >= 300:
            raise AssertionError(f"gitea: {method} {path}: {answer.status} {answer.body}")
        return answer.json() if answer.body else None

    def add_webhook(self, url, secret):
        self.api("POST", f"/repos/{self.owner}/{self.repository}/hooks", {
            "type": "gitea", "active": True, "events": ["push"],
            "config": {"url": url, "content_type": "json", "secret": secret}})

    def push(self, message):
        """Pushes a new commit to main with git; its id."""
        clone = self.directory / "clone"
        credential = base64.b64encode(f"{self.owner}:{self.token}".encode()).decode()

        def git(*args):
            return subprocess.run(
                ["git", "-c", f"http.extraHeader=Authorization: Basic {credential}",
                 "-c", "user.name=Ada", "-c", "user.email=ada@example.test", *args],
                cwd=clone if clone.exists() else self.directory, check=True,
                capture_output=True, text=True,
                env=dict(os.environ, GIT_TERMINAL_PROMPT="0")).stdout.strip()
        if not clone.exists():
            git("clone", "--quiet", f"{self.address}.git", "clone")
        git("commit", "--quiet", "--allow-empty", "-m", message)
        git("push", "--quiet", "origin", "HEAD:main")
        return git("rev-parse", "HEAD")

    def statuses(self, sha):
        """Every status ever set on a commit, oldest first."""
        listed = self.api("GET", f"/repos/{self.owner}/{self.repository}/commits/{sha}"
                                 "/statuses?limit=50")
        return [Status(s["context"], s["status"], s["description"])
                for s in sorted(listed, key=lambda s: s["id"])]


class SandboxForge(Server):
    """The scripted forge, which speaks GitHub's API."""

    type = "github"

    token = "sandbox-token"
    _process = None

    def up(self):
        port_file = self.directory / "sandbox_forge.port"
        self._process = Process("sandbox_forge", [
            binary("//tests/forges:sandbox_forge"), "--listen", "127.0.0.1:0",
            "--port-file", str(port_file), "--token", self.token], self.directory)
        port = wait_until("the sandbox forge's port", lambda: port_file.exists()
                          and port_file.read_text().strip())
        self.url = f"http://127.0.0.1:{port}"
        self.address = f"{self.url}/acme/fleet"

    def down(self):
        if self._process is not None:
            self._process.kill()

    def push(self, message):
        """The forge takes any commit id as that of a commit."""
        del message
        return f"{random.getrandbits(160):040x}"

    def statuses(self, sha):
        """Every status ever set on a commit, oldest first."""
        answer = http("GET", f"{self.url}/api/v3/repos/acme/fleet/commits/{sha}"
                             "/statuses?per_page=100",
                      headers={"Authorization": f"Bearer {self.token}"})
        if answer.status != 200:
            raise AssertionError(f"sandbox forge: {answer.status} {answer.body}")
        return [Status(s["context"], s["state"], s["description"])
                for s in reversed(answer.json())]


@dataclasses.dataclass
class Status:
    """A commit status as a forge shows it."""
    context: str
    state: str
    description: str
