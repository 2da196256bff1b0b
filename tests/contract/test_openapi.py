"""Every request that the provider worker makes is one that the forge's API has."""

import collections
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The forges' own API documents, where they are at hand: they are theirs, and no
# part of this project.
CONTRACTS = ROOT.parent / "shared" / "openapi"
BINARIES = ROOT / "bazel-bin" / "tests" / "forges"

# Of each type: its document, what its paths begin with below the scripted
# forge, and paths that are real and not in that document.
Forge = collections.namedtuple("Forge", "document base elsewhere")
FORGES = {
    "github": Forge("github.yaml", "/api/v3", ["/user", "/users/"]),
    "gitlab": Forge("gitlab.yaml", "/api/v4", ["/personal_access_tokens/self"]),
    "bitbucket": Forge("bitbucket-cloud.yaml", "/2.0", []),
    "bitbucketserver": Forge("bitbucket-dc.yaml", "/rest",
                             ["/api/latest/application-properties"]),
    "azuredevops": Forge("azure-devops.yaml", "", []),
    "gitea": Forge("gitea.yaml", "/api/v1", []),
}


def record(directory):
    """Has the component tests say what they asked the scripted forges."""
    for test in sorted(BINARIES.glob("provider_on_*_test")):
        subprocess.run(
            [test], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=300, env={**os.environ, "LAMPLIGHTER_RECORD_CALLS": directory})


class OpenApiTest(unittest.TestCase):
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
            # What the worker was made to ask wrongly, and is told so.
            if call["status"] in (401, 404) or not call["path"].startswith(forge.base):
                continue
            path = call["path"].removeprefix(forge.base)
            problems = contract.problems(call["method"], path, call["query"], call["body"])
            if problems is None:
                if not any(path.startswith(known) for known in forge.elsewhere):
                    found[f"{call['method']} {path}: is not in the contract"] += 1
                continue
            operations.add(call["method"] + " " + path)
            for problem in problems:
                found[f"{call['method']} {path}: {problem}"] += 1
        self.assertEqual(dict(found), {})
        self.assertGreater(len(operations), 5, "the record holds hardly anything")


for _name in FORGES:
    setattr(OpenApiTest, f"test_{_name}", lambda self, name=_name: self.check(name))


if __name__ == "__main__":
    unittest.main()
