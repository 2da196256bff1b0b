"""Runs fuzz targets for long; see ./dev help.

Each runs alone, with AddressSanitizer, UndefinedBehaviorSanitizer and coverage of
all that it uses. The inputs that it finds are kept in the cache and begun with the
next time; so is one that fails, whose path is told.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("LAMPLIGHTER_CACHE",
                                    pathlib.Path.home() / ".cache/lamplighter"))


def targets():
    return subprocess.run(
        ["bazel", "query", "--noshow_progress", "--ui_event_filters=-info",
         "attr(tags, fuzz, //...)"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.split()


def fuzz(label, seconds):
    """Runs one target, prints what it did, and returns whether nothing failed."""
    package, name = label.removeprefix("//").split(":")
    corpus = CACHE / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = sorted(ROOT.glob(f"{package}/seeds/{name.removesuffix('_fuzz')}/*"))
    result = subprocess.run(
        [ROOT / "bazel-bin" / label[2:].replace(":", "/"), corpus,
         f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
         "-seed_inputs=" + ",".join(map(str, seeds)),
         "-print_final_stats=1", f"-artifact_prefix={CACHE}/fuzz/{name}-"],
        stderr=subprocess.PIPE, errors="replace", check=False)
    log = result.stderr
    if result.returncode != 0:
        print(log[-6000:], file=sys.stderr)
    runs = re.search(r"stat::number_of_executed_units: (\d+)", log)
    coverage = re.findall(r"cov: (\d+)", log)
    print(f"{name}: {runs[1] if runs else '?'} inputs, "
          f"{coverage[-1] if coverage else '?'} edges, "
          f"{'failed' if result.returncode else 'no failure'}", flush=True)
    return result.returncode == 0


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    parser.add_argument("name", nargs="?", help="of one target; else all, in turn")
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="for each")
    args = parser.parse_args()
    found = targets()
    wanted = [t for t in found if args.name in (None, t.split(":")[1])]
    if not wanted:
        names = ", ".join(t.split(":")[1] for t in found)
        print(f"dev: there is no {args.name}, only {names}", file=sys.stderr)
        return 2
    subprocess.run(["bazel", "build", "--config=asan", "--copt=-fsanitize=fuzzer-no-link",
                    "--noshow_progress", *wanted], cwd=ROOT, check=True)
    results = [fuzz(label, args.seconds) for label in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
