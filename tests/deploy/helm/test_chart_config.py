"""The programs on what the chart would give them: configuration, files and variables."""

import base64
import hashlib
import hmac
import pathlib
import tempfile
import unittest

from chart import HERE, MATRIX, render, why_not
from pods import Cluster, Pod, http


def setUpModule():
    if why_not():
        raise unittest.SkipTest(why_not())


class Programs(unittest.TestCase):

    def test_each_takes_the_configuration_of_its_pod(self):
        with tempfile.TemporaryDirectory(prefix="lamplighter-test-") as directory:
            for values in MATRIX:
                objects = render(values)
                for name, template in objects.pods().items():
                    if name == "test":
                        continue
                    with self.subTest(values.stem, pod=name):
                        self.check(objects, name, template,
                                   pathlib.Path(directory) / values.stem / name)

    def check(self, objects, name, template, root):
        root.mkdir(parents=True)
        result = Pod(template, objects, root).run("--check")
        self.assertEqual(result.returncode, 0, f"{name}: {result.stdout}{result.stderr}")

    def test_a_trial_takes_what_is_proved_by_the_secrets_of_the_values(self):
        directory = tempfile.TemporaryDirectory(prefix="lamplighter-test-")
        self.addCleanup(directory.cleanup)
        cluster = Cluster(render(HERE / "values/trial-forges.yaml"),
                          pathlib.Path(directory.name) / "cluster")
        self.addCleanup(cluster.stop)
        url = cluster.start("trial").url(8080)

        def status(path, body, **headers):
            return http("POST", f"{url}/api/events-handler/v1/events/{path}", body,
                        {"Content-Type": "application/json",
                         **{k.replace("_", "-"): v for k, v in headers.items()}}).status
        ping = (b'{"hook_id":1,"repository":{"id":1,"full_name":"acme/fleet",'
                b'"html_url":"https://github.com/acme/fleet"}}')
        for secret, answer in ((b"github-hook", 202), (b"wrong", 401)):
            signature = hmac.new(secret, ping, hashlib.sha256).hexdigest()
            self.assertEqual(status("github", ping, X_GitHub_Event="ping", X_GitHub_Delivery="1",
                                    X_Hub_Signature_256=f"sha256={signature}"), answer)
        push = b'{"id":"1","subscriptionId":"2","eventType":"git.push","resource":{}}'
        for password, answer in (("p:a$(ss)", 202), ("wrong", 401)):
            proof = base64.b64encode(f"hook:{password}".encode()).decode()
            self.assertEqual(status("azure-devops", push, Authorization=f"Basic {proof}"), answer)


if __name__ == "__main__":
    unittest.main()
