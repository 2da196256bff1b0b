"""Every command of docs/quickstart.md, in its order, prints what the page says."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration"))

from processes import binary, free_ports  # noqa: E402 (needs the path)

PAGE = ROOT / "docs/quickstart.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTS = ("8080", "9090", "50051", "50053", "8090")
PROGRAMS = ("//lamplighter:lamplighter", "//cli:lamplighterctl", "//tests/forges:sandbox_forge")

# A block is repeated until it prints what the page says, as its reader would do.
# What it says may differ in ages.
SCRIPT_HEAD = """\
cleanup() { kill $lamplighter $forge 2>/dev/null; wait; }
trap cleanup EXIT
ages() { sed -E 's/[0-9]+s( +)/AGE\\1/g; s/ +$//'; }
expect() {  # expect BLOCK TEXT
  local found
  for _ in $(seq 160); do
    found=$("$1" 2>errors | ages)
    if [ "$found" = "$(ages <<<"$2")" ]; then return; fi
    case $1 in once_*) break ;; esac
    sleep 0.25
  done
  printf '%s\\n' "$(declare -f "$1")" "printed:" "$found" "and not:" "$2"
  cat errors lamplighter.log forge.log
  exit 1
}
"""


def blocks(text):
    """(commands, what they print or None) of each block of commands."""
    found = FENCE.findall(text)
    for (language, body), (after, printed) in zip(found, found[1:] + [("", "")]):
        if language == "sh":
            yield body, printed if after == "text" else None


def script(text):
    lines = [SCRIPT_HEAD]
    for number, (commands, printed) in enumerate(blocks(text)):
        if printed is None:
            lines.append(commands)
            continue
        # An event is not sent twice.
        name = ("once" if "send.sh" in commands else "block") + f"_{number}"
        lines.append(f"{name}() {{\n{commands}}}\nexpect {name} '"
                     + printed.rstrip().replace("'", "'\\''") + "'\n")
    return "\n".join(lines)


class Quickstart(unittest.TestCase):

    def test_does_what_it_says(self):
        try:
            for program in PROGRAMS:
                binary(program)
        except AssertionError as missing:
            self.skipTest(str(missing))
        text = PAGE.read_text()
        # The worker's port is not on the page, and may be taken here.
        text = text.replace("  status_service:", "  providers: {default: 127.0.0.1:50051}\n"
                                                 "  status_service:")
        text = text.replace("\nEND\n```\n\nThe other",
                            "\nprovider: {listen: \"127.0.0.1:50051\"}\nEND\n```\n\nThe other")
        address = "LAMPLIGHTER_ADDRESS"
        for port, free in zip(PORTS, range(free_ports(len(PORTS)), 65536)):
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
            if port == "50053":
                os.environ[address] = f"127.0.0.1:{free}"
        self.addCleanup(os.environ.pop, address)
        with tempfile.TemporaryDirectory() as directory:
            programs = os.environ.get("LAMPLIGHTER_BIN", ROOT / "bazel-bin")
            (pathlib.Path(directory) / "bazel-bin").symlink_to(pathlib.Path(programs).resolve())
            result = subprocess.run(
                ["bash", "-c", script(text)], cwd=directory, timeout=300,
                env={**os.environ, "TMPDIR": directory}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
