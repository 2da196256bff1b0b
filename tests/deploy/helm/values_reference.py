"""The table of the chart's values in its README.md: run this to write it.

It is made of values.yaml, where a comment `# -- ...` describes the value below it.
"""

import json
import re

import yaml

from chart import CHART

BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"
LINE = re.compile(r"^( *)([\w.]+):(.*)$")


def rows(path):
    """(dotted path, default, description) of each value, in order."""
    values = yaml.safe_load(path.read_text())
    found, above, described, inside = [], [], None, None
    for line in path.read_text().splitlines():
        comment = re.match(r"^ *# -- (.*)$", line)
        if comment:
            described = comment[1]
            continue
        match = LINE.match(line)
        if not match or (inside is not None and len(match[1]) > inside):
            continue
        inside = None
        depth = len(match[1]) // 2
        above = above[:depth] + [match[2]]
        value = values
        for key in above:
            value = value[key]
        if described is not None or not isinstance(value, dict) or not value:
            found.append((".".join(above), value, described))
            inside = len(match[1])  # what is below belongs to it
        described = None
    return found


def table(path):
    lines = ["| value | default | meaning |", "| --- | --- | --- |"]
    for name, value, text in rows(path):
        default = "" if value in ("", [], {}) else f"`{json.dumps(value)}`"
        if isinstance(value, str) and value:
            default = f"`{value}`"
        lines.append(f"| `{name}` | {default} | {(text or '').replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def table_in(path):
    """The table that a document has."""
    return path.read_text().split(BEGIN, 1)[1].split(END, 1)[0]


def main():
    readme = CHART / "README.md"
    text = readme.read_text()
    readme.write_text(text.replace(table_in(readme), table(CHART / "values.yaml")))


if __name__ == "__main__":
    main()
