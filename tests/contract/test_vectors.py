"""What Flux's notification-controller makes of inputs is what Lamplighter makes."""

import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What notification-controller itself has computed, where it is at hand.
VECTORS = ROOT.parent / "shared" / "vectors" / "flux.jsonl"
CHECKER = ROOT / "bazel-bin" / "tests" / "vectors" / "vectors"


def check(path):
    return subprocess.run([CHECKER, path], capture_output=True, text=True, timeout=60)


class VectorsTest(unittest.TestCase):
    def test_flux_agrees_but_for_what_differs_on_purpose(self):
        if not VECTORS.is_file():
            self.skipTest(f"there are no vectors of Flux at {VECTORS}")
        result = check(VECTORS)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_what_is_wrong_or_unknown_fails(self):
        wrong = {"fn": "github state", "in": "info", "out": "failure"}
        unknown = {"fn": "no such function", "in": 1, "out": 1}
        right = {"fn": "github state", "in": "info", "out": "success"}
        for vectors, code, last in (
                ([right], 0, "agree 1, deliberate 0, wrong 0, unsupported 0"),
                ([right, wrong], 1, "agree 1, deliberate 0, wrong 1, unsupported 0"),
                ([unknown], 1, "agree 0, deliberate 0, wrong 0, unsupported 1")):
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                for vector in vectors:
                    print(json.dumps(vector), file=file, flush=True)
                result = check(file.name)
            self.assertEqual(result.returncode, code, result.stdout)
            self.assertEqual(result.stdout.splitlines()[-1], last)

    def test_what_cannot_be_read_fails(self):
        self.assertEqual(check("no such file").returncode, 2)
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            print("{", file=file, flush=True)
            self.assertEqual(check(file.name).returncode, 2)


if __name__ == "__main__":
    unittest.main()
