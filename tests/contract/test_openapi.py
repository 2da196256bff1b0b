"""Every request that the provider worker makes is one that the forge's API has."""

import collections
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The forges' own API documents, where they are at hand: they are theirs, and no
# part of this project.
CONTRACTS = ROOT.parent / "shared" / "openapi"
BINARIES = ROOT / "bazel-bin" / "tests" / "forges"

# Of each type: its document, what its paths may begin with below the scripted
# forge, and what is real and not in that document: beginnings of paths (as
# regular expressions), and problems.
Forge = collections.namedtuple("Forge", "document base paths problems")
FORGES = {
    "github": Forge("github.yaml", "/api/v3", ["/user", "/users/", "/orgs/", "/app/hook/"], []),
    "gitlab": Forge("gitlab.yaml", "/api/v4", ["/personal_access_tokens/self",
                                               r"/projects/[^/]+/hooks/\d+/events"], []),
    # Bitbucket pages every list in one way, and describes the bodies of webhooks
    # in words.
    "bitbucket": Forge("bitbucket-cloud.yaml", "/2.0", [],
                       ["query pagelen is not known", "query after is not known",
                        "hooks: has a body"]),
    "bitbucketserver": Forge("bitbucket-dc.yaml", "(?:/ctx)?/rest",
                             ["/api/latest/application-properties"],
                             ["webhooks: query start is not known"]),
    # A server's organizations are its collections.
    "azuredevops": Forge("azure-devops.yaml", "(?:/tfs)?", ["/org/_apis/connectionData",
                                                           "/Coll/_apis/connectionData"], []),
    "gitea": Forge("gitea.yaml", "/api/v1", [], []),
}


def record(directory):
    """Has the component tests say what they asked the scripted forges."""
    for test in sorted(BINARIES.glob("provider_on_*_test")):
        subprocess.run(
            [test], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=300, env={**os.environ, "LAMPLIGHTER_RECORD_CALLS": directory})


class OpenApiTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not CONTRACTS.is_dir():
            raise unittest.SkipTest(f"the forges' API documents are not at {CONTRACTS}")
        try:
            import openapi
        except ImportError as error:
            raise unittest.SkipTest(f"{error}: apt-get install python3-jsonschema")
        cls.openapi = openapi
        cls.records = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.records.cleanup)
        record(cls.records.name)

    def check(self, name):
        forge = FORGES[name]
        contract = self.openapi.Contract(CONTRACTS / forge.document)
        found = collections.Counter()
        operations = set()
        record_file = pathlib.Path(self.records.name) / f"{name}.jsonl"
        for line in record_file.read_text().splitlines():
            call = json.loads(line)
            base = re.match(forge.base + "(?=/)", call["path"])
            # What the worker was made to ask wrongly, and is told so.
            if call["status"] in (401, 404):
                continue
            self.assertIsNotNone(base, call["path"])
            path = call["path"][base.end():]
            problems = contract.problems(call["method"], path, call["query"], call["body"])
            if problems is None:
                known = any(re.match(start, path) for start in forge.paths)
                problems = [] if known else ["is not in the contract"]
            operations.add(call["method"] + " " + path)
            # Of a webhook's own path only the list's is told.
            where = re.sub(r"(hooks)/.*", r"\1", path)
            for problem in (f"{where}: {text}" for text in problems):
                if not any(problem.endswith(known) for known in forge.problems):
                    found[f"{call['method']} {problem}"] += 1
        self.assertEqual(dict(found), {})
        self.assertGreater(len(operations), 5, "the record holds hardly anything")


for _name in FORGES:
    setattr(OpenApiTest, f"test_{_name}", lambda self, name=_name: self.check(name))


if __name__ == "__main__":
    unittest.main()
