"""What every benchmark stands on."""

import pathlib
import re
import statistics
import sys
import time

import inputs

sys.path.insert(0, str(inputs.ROOT / "tests/integration"))
import harness  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import

SERVICES = ("ingest", "dispatcher", "provider")
REPOSITORIES = 8  # each with a Provider and an Alert of its own
PARTITIONS = 12


def cpu_us(pid):
    """CPU time of a process so far, with all threads it has or had."""
    return time.clock_gettime((~pid << 3) | 2) * 1e6  # clock_getcpuclockid(3)


def memory_mb(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.M)[1]) / 1024


def medians(rounds):
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
