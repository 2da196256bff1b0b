"""Every relative link in a Markdown file leads to a file, and to a heading in it."""

import re
import sys

from files import ROOT, tracked

FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


def anchor(heading):
    """The anchor that forges give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def problems(path, text):
    """Links in `text`, the file `path` from the root, that lead nowhere."""
    found = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (ROOT / path).parent / name if name else ROOT / path
        if not file.exists():
            found.append(f"{path}: {target}: there is no such file")
        elif fragment and file.suffix == ".md" and fragment not in {
                anchor(h) for h in HEADING.findall(FENCE.sub("", file.read_text()))}:
            found.append(f"{path}: {target}: there is no such heading")
    return found


def main():
    found = []
    for path in tracked("*.md"):
        found += problems(path, (ROOT / path).read_text())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
