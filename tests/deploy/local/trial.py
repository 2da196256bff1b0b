"""deploy/local as somebody has it who did what its README says."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
LOCAL = ROOT / "deploy/local"
sys.path[:0] = [str(ROOT / "deploy/image"), str(ROOT / "tests/integration")]

# pylint: disable=wrong-import-position
import contents
from processes import binary


def prepared(folder):
    """A copy of deploy/local in which the README's script for secrets has run."""
    copy = pathlib.Path(folder, "local")
    shutil.copytree(LOCAL, copy, ignore=shutil.ignore_patterns("secrets", ".env"))
    [script] = re.findall(r"^```sh\ncd deploy/local\n(.*?)^```", (LOCAL / "README.md").read_text(),
                          re.MULTILINE | re.DOTALL)
    subprocess.run(["bash", "-e"], input=script, cwd=copy, check=True, text=True,
                   stdout=subprocess.DEVNULL)
    return copy


def check(program, config, paths, folder):
    """`program --config FILE --check`: its exit status and what it said.

    The file is `config` in which each path of `paths`, a place there, is its value,
    a place here.
    """
    if program not in contents.PROGRAMS:
        raise AssertionError(f"{program} is not in the image")
    text = config.read_text()
    for there in sorted(paths, key=len, reverse=True):
        text = text.replace(there, str(paths[there]))
    file = pathlib.Path(folder, f"{program}.yaml")
    file.write_text(text)
    result = subprocess.run(
        [binary(contents.PROGRAMS[program]), "--config", file, "--check"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout + result.stderr
