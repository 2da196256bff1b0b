"""The scenarios of ./dev chaos in their short form.

CHAOS_SEED repeats what a run of that seed did.
"""

import os
import pathlib
import random
import sys
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from lab import Lab  # pylint: disable=wrong-import-position
from scenarios import SCENARIOS  # pylint: disable=wrong-import-position


class Chaos(unittest.TestCase):
    """A test a scenario, made below."""

    @classmethod
    def setUpClass(cls):
        seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 32))
        print(f"\nCHAOS_SEED={seed}", flush=True)
        cls.lab = Lab(seed)
        cls.addClassCleanup(cls.lab.close)


def _add(name, number, scenario):
    def test(self):
        print(flush=True)
        wrong = self.lab.run(name, scenario.run, scenario.short)
        self.assertEqual(wrong, [], f"seed {self.lab.seed}")

    test.__doc__ = scenario.run.__doc__.splitlines()[0]
    # Numbered, because unittest sorts them and they share a world.
    setattr(Chaos, f"test_{number:02}_{name.replace('-', '_')}", test)


for _number, (_name, _scenario) in enumerate(SCENARIOS.items()):
    _add(_name, _number, _scenario)


if __name__ == "__main__":
    unittest.main()
