"""The scripted forges of tests/forges, one for each type of provider, and what a person
does on them by hand."""

import urllib.parse

from processes import Process, Server, binary, http, wait_until


class ScriptedForge(Server):
    """GitHub, and what all have in common."""

    type = "github"
    path = ""  # of a connection's address
    token = "t0ken"
    secrets = {}  # more of a connection's secret directory
    webhooks = 1  # that an attached repository has
    process = None

    def __init__(self, directory, repositories=0):
        super().__init__(directory)
        self._repositories = repositories

    def up(self):
        port_file = self.directory / "port"
        self.process = Process("sandbox_forge", [
            binary("//tests/forges:sandbox_forge"), "--port-file", str(port_file),
            "--type", self.type, "--repositories", str(self._repositories)],
            self.directory)
        port = wait_until("the scripted forge's port", lambda: port_file.exists()
                          and port_file.read_text().strip())
        self.host = f"127.0.0.1:{port}"
        self.root = f"http://{self.host}"
        self.url = self.root + self.path
        self.address = f"{self.url}/acme/fleet"

    def down(self):
        if self.process is not None:
            self.process.kill()

    def sandbox(self, method, path, body=None):
        answer = http(method, f"{self.root}/_sandbox{path}", body)
        if answer.status >= 300:
            raise AssertionError(f"{path}: {answer.status} {answer.body}")
        return answer.json() if answer.body else None

    def fault(self, **fault):
        """See Fault in tests/forges/fault.h."""
        self.sandbox("POST", "/faults", fault)

    def heal(self):
        self.sandbox("DELETE", "/faults")

    def change(self, **change):
        """See ScriptedGitHubRepositories; of GitHub's alone."""
        self.sandbox("POST", "/repositories", change)

    def stats(self):
        return self.sandbox("GET", "/stats")

    def calls(self, method, path):
        """Those that were answered, of a method and with this in their path."""
        return [call for call in self.sandbox("GET", "/calls")
                if call["method"] == method and path in call["path"]]

    def api(self, method, path, body=None):
        """Something done by hand, as a person with a browser does it."""
        answer = http(method, self.root + path, body,
                      {"Authorization": "Bearer by-hand", "PRIVATE-TOKEN": "by-hand"})
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.json() if answer.body else None

    # Of webhooks; `repository` is the catalog's path of it.

    def hooks_path(self, repository):
        return f"/api/v3/repos/{repository}/hooks"

    def hooks(self, repository):
        return self.api("GET", f"{self.hooks_path(repository)}?per_page=100")

    def urls(self, repository):
        return [self.url_of(hook) for hook in self.hooks(repository)]

    def url_of(self, hook):
        return hook["config"]["url"]

    def id_of(self, hook):
        return hook["id"]

    def hook_path(self, repository, hook):
        return f"{self.hooks_path(repository)}/{self.id_of(hook)}"

    def delete(self, repository, hook):
        self.api("DELETE", self.hook_path(repository, hook))

    def switch_off(self, repository, hook):
        self.api("PATCH", self.hook_path(repository, hook), {
            "active": False, "config": hook["config"]})

    def is_right(self, hook):
        return hook["active"]


class ScriptedGitea(ScriptedForge):
    type = "gitea"

    def hooks_path(self, repository):
        return f"/api/v1/repos/{repository}/hooks"

    def switch_off(self, repository, hook):
        self.api("PATCH", self.hook_path(repository, hook), {"active": False})


class ScriptedGitLab(ScriptedForge):
    type = "gitlab"

    def hooks_path(self, repository):
        return f"/api/v4/projects/{urllib.parse.quote(repository, safe='')}/hooks"

    def url_of(self, hook):
        return hook["url"]

    def switch_off(self, repository, hook):
        self.api("PUT", self.hook_path(repository, hook), {
            "url": hook["url"], "push_events": False})

    def is_right(self, hook):
        return hook["push_events"]


class ScriptedBitbucket(ScriptedForge):
    type = "bitbucket"
    token = "ada@example.com:t0ken"

    def hooks_path(self, repository):
        return f"/2.0/repositories/{repository}/hooks"

    def hooks(self, repository):
        return self.api("GET", self.hooks_path(repository))["values"]

    def url_of(self, hook):
        return hook["url"]

    def id_of(self, hook):
        return urllib.parse.quote(hook["uuid"])

    def switch_off(self, repository, hook):
        self.api("PUT", self.hook_path(repository, hook), {**hook, "active": False})


class ScriptedBitbucketServer(ScriptedBitbucket):
    type = "bitbucketserver"
    token = "t0ken"

    def hooks_path(self, repository):
        project, _, name = repository.partition("/")
        return f"/rest/api/latest/projects/{project}/repos/{name}/webhooks"

    def id_of(self, hook):
        return hook["id"]


class ScriptedAzureDevOps(ScriptedForge):
    """Azure DevOps Services, whose webhooks are three subscriptions."""

    type = "azuredevops"
    path = "/org"
    secrets = {"webhookBasicAuthUser": "hook", "webhookBasicAuthPass": "s3cret"}
    webhooks = 3

    def hooks_path(self, repository):
        return f"{self.path}/_apis/hooks/subscriptions"

    def hooks(self, repository):
        # Of all repositories: they are attached one at a time.
        return self.api("GET", f"{self.hooks_path(repository)}?api-version=5.0")["value"]

    def url_of(self, hook):
        return hook["consumerInputs"]["url"]

    def hook_path(self, repository, hook):
        return f"{super().hook_path(repository, hook)}?api-version=5.0"

    def switch_off(self, repository, hook):
        self.api("PUT", self.hook_path(repository, hook),
                 {**hook, "status": "disabledByUser"})

    def is_right(self, hook):
        return hook["status"] == "enabled"


class ScriptedAzureDevOpsServer(ScriptedAzureDevOps):
    path = "/tfs/Collection"


SCRIPTED_FORGES = {
    "github": ScriptedForge, "gitlab": ScriptedGitLab, "bitbucket": ScriptedBitbucket,
    "datacenter": ScriptedBitbucketServer, "azuredevops": ScriptedAzureDevOps,
    "azureserver": ScriptedAzureDevOpsServer, "gitea": ScriptedGitea}
