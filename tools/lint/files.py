"""Which files the checks look at."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked(*patterns):
    """Paths from the root of the files that git has or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z",
         "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({p for p in listed.split("\0") if p and (ROOT / p).exists()})
