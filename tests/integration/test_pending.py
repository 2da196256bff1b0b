"""Pending statuses from a push, over a dispatcher that is killed: what replaces them, and what ends them."""

import hashlib
import hmac
import json
import unittest
import uuid

from harness import ShowsLogs, flux_event, http, start_world, wait_until

NAMESPACE = "sandbox"
SECRET = "push-secret"
# Long enough for a push and a result on a loaded machine.
ERROR_AFTER = "1m"
# Seconds until the next dispatcher has the partitions of one that was killed, and sets
# what has become due.
DEADLINE = 180


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    start_world(world, NAMESPACE)
    configure(world.lamplighter)
    world.lamplighter.start()


def configure(lamplighter):
    """Webhooks of GitHub's kind, and pendings from them for all but one context."""
    secret = lamplighter.directory / "push-secret"
    secret.write_text(SECRET)
    config = lamplighter.config
    config.write_text(config.read_text().replace(
        "  sources:\n",
        f"  sources:\n    - {{name: github, type: github, secret_files: [{secret}]}}\n", 1
    ).replace(
        "dispatcher:\n",
        f"dispatcher:\n  pending: {{error_after: {ERROR_AFTER}, "
        "contexts: ['kustomization/web*', 'kustomization/db*']}\n", 1))


class Pending(ShowsLogs, unittest.TestCase):

    @property
    def folder(self):
        return World.lamplighter.directory

    def report(self, name, sha):
        answer = World.lamplighter.post(flux_event(NAMESPACE, name, sha))
        self.assertEqual(answer.status, 202, answer.body)

    def push(self, sha):
        """A push to main as GitHub tells of it."""
        body = json.dumps({
            "ref": "refs/heads/main", "before": "a" * 40, "after": sha,
            "created": False, "deleted": False, "forced": False,
            "repository": {"id": 17, "full_name": "acme/fleet",
                           "html_url": World.forge.address,
                           "clone_url": f"{World.forge.address}.git",
                           "default_branch": "main"},
            "sender": {"login": "ada", "id": 1}}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        answer = http(
            "POST", f"{World.lamplighter.url}/api/events-handler/v1/events/github/github",
            body, {"X-GitHub-Event": "push", "X-GitHub-Delivery": str(uuid.uuid4()),
                   "X-Hub-Signature-256": f"sha256={signature}"})
        self.assertEqual(answer.status, 202, answer.body)

    def history(self, name, sha):
        """The states that a Kustomization's status ever had on a commit."""
        return [s.state for s in World.forge.statuses(sha)
                if s.context.startswith(f"kustomization/{name}")]

    def wait_for(self, name, sha, history, deadline=DEADLINE):
        wait_until(f"{name} to be {history}",
                   lambda: self.history(name, sha) == history, deadline)

    def test_a_push_shows_pending_until_a_result_or_the_time_out(self):
        first = World.forge.push("first")
        for name in ("web", "db", "other"):
            self.report(name, first)
            self.wait_for(name, first, ["success"])

        sha = World.forge.push("second")
        self.push(sha)
        self.wait_for("web", sha, ["pending"])
        self.wait_for("db", sha, ["pending"])
        self.report("web", sha)
        self.wait_for("web", sha, ["pending", "success"])
        World.lamplighter["dispatcher"].kill()
        World.lamplighter.start("dispatcher")
        self.wait_for("db", sha, ["pending", "error"])
        [error] = [s for s in World.forge.statuses(sha) if s.state == "error"]
        self.assertEqual(error.description, "no result within 1m of the push")

        # What comes later still counts, and a webhook that comes late does not.
        self.report("db", sha)
        self.wait_for("db", sha, ["pending", "error", "success"])
        self.push(sha)
        self.push(first)
        last = World.forge.push("third")
        self.push(last)
        self.wait_for("web", last, ["pending"])
        self.wait_for("db", last, ["pending"])
        self.assertEqual(self.history("web", sha), ["pending", "success"])
        self.assertEqual(self.history("db", sha), ["pending", "error", "success"])
        self.assertEqual(self.history("web", first), ["success"])
        self.assertEqual(self.history("other", last), [], "it is not configured")
        self.assertEqual(World.lamplighter.metric(
            "dispatcher", 'lamplighter_dispatcher_pendings_total{what="timed_out"}'), 1)


if __name__ == "__main__":
    unittest.main()
