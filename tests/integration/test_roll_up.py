"""One status for what several clusters say of a commit, over a restart of the dispatcher."""

import unittest

from harness import flux_event, http, start_world, wait_until

NAMESPACE = "sandbox"
CLUSTERS = ("prod-eu", "prod-us", "staging")


class World:
    """What the tests of this file share, since it takes a while to start."""


def setUpModule():
    world = World
    start_world(world, NAMESPACE)
    configure(world.lamplighter)
    world.lamplighter.start()


def configure(lamplighter):
    """A source for each cluster, and a Provider that sums them up."""
    sources = "".join(f"    - {{name: {name}, type: flux}}\n" for name in CLUSTERS)
    config = lamplighter.config
    config.write_text(config.read_text().replace("  sources:\n", f"  sources:\n{sources}", 1))
    manifests = lamplighter.directory / f"dispatcher-manifests/{NAMESPACE}.yaml"
    manifests.write_text(manifests.read_text().replace(
        "  name: forge\n", "  name: forge\n  annotations:\n"
        "    lamplighter.dev/context: '{cluster}/{name}'\n"
        "    lamplighter.dev/roll-up: fleet\n"
        "    lamplighter.dev/roll-up-clusters: '3'\n", 1))


class RollUp(unittest.TestCase):

    def setUp(self):
        self.sha = World.forge.push(self.id())

    def report(self, cluster, name, error=None):
        answer = http("POST",
                      f"{World.lamplighter.url}/api/events-handler/v1/events/flux/{cluster}",
                      flux_event(NAMESPACE, name, self.sha, error))
        self.assertEqual(answer.status, 202, answer.body)

    def shown(self):
        """{context: (state, description)} of what the forge shows."""
        return {s.context: (s.state, s.description) for s in World.forge.statuses(self.sha)}

    def wait_for(self, state, description):
        wait_until(f"{state}: {description}",
                   lambda: self.shown().get("lamplighter/fleet") == (state, description))

    def test_all_clusters_have_to_succeed(self):
        self.report("prod-eu", "web")
        self.wait_for("pending", "1 of 3 clusters reconciled")
        self.report("prod-us", "web", error="no such image")
        self.wait_for("failure", "1 of 3 clusters failed: prod-us")
        self.report("staging", "web")
        # Each has a status of its own, too.
        wait_until("the third cluster's own",
                   lambda: self.shown().get("staging/web", ("",))[0] == "success")
        self.assertEqual(self.shown()["prod-us/web"][0], "failure")
        self.wait_for("failure", "1 of 3 clusters failed: prod-us")

        # What the others said is remembered by the ledger.
        World.lamplighter["dispatcher"].kill()
        World.lamplighter.start("dispatcher")
        self.report("prod-us", "web")
        self.wait_for("success", "3 of 3 clusters reconciled")

    def test_a_cluster_counts_when_all_of_its_objects_have_succeeded(self):
        self.report("prod-eu", "web", error="no such image")
        self.report("prod-eu", "db")
        self.wait_for("failure", "1 of 3 clusters failed: prod-eu")
        self.report("prod-eu", "web")
        self.wait_for("pending", "1 of 3 clusters reconciled")


if __name__ == "__main__":
    unittest.main()
