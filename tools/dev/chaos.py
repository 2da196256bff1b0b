"""Lamplighter while everything around it fails; see ./dev help.

Runs all scenarios, or those that are named, in their long form, and prints what
came of each. Ends with 1 if anything did not hold.
"""

import argparse
import pathlib
import random
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/chaos"), str(ROOT / "tests/integration")]

from lab import Lab  # pylint: disable=wrong-import-position
from scenarios import SCENARIOS  # pylint: disable=wrong-import-position


def main():
    parser = argparse.ArgumentParser(prog="./dev chaos", epilog="Scenarios: " + "; ".join(
        f"{name}: {scenario.run.__doc__.splitlines()[0]}"
        for name, scenario in SCENARIOS.items()))
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []],
                        metavar="SCENARIO", help="default: all")
    parser.add_argument("--short", action="store_true", help="as ./dev test runs them")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()

    # SIGTERM ends it as Ctrl-C does: nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"seed {args.seed}", flush=True)
    lab = Lab(args.seed)
    wrong = {}
    try:
        for name in args.scenario or SCENARIOS:
            scenario, begun = SCENARIOS[name], time.monotonic()
            print(f"\n== {name}: {scenario.run.__doc__.splitlines()[0]}", flush=True)
            found = lab.run(name, scenario.run,
                            scenario.short if args.short else scenario.long)
            print(f"   {'WRONG' if found else 'ok'} after "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
            if found:
                wrong[name] = found
    finally:
        lab.close()
    for name, found in wrong.items():
        for what in found:
            print(f"{name}: {what}")
    print(f"\n{'WRONG' if wrong else 'all held'}; seed {args.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
