"""What the page of metrics says, and what an expression asks for."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = ROOT / "deploy/helm/lamplighter/files"
ALERTS = FILES / "alerts.yaml"

ROW = re.compile(r"^\| `((?:lamplighter|process)_\w+)` \| (\w+) \| (.*?) \| .* \|$", re.MULTILINE)
WORDS = {"and", "or", "unless", "bool", "offset"}
GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
ANYWHERE = {"job", "instance"}  # labels that Prometheus adds


def documented():
    """{name: {label: values, or None where any}} of docs/metrics.md, with the
    series of which a histogram is made."""
    found = {}
    for name, kind, cell in ROW.findall((ROOT / "docs/metrics.md").read_text()):
        labels = {}
        for part in filter(None, cell.split("; ")):
            label, _, values = part.partition(": ")
            labels[label.strip("`")] = re.findall(r"`([^`]+)`", values) or None
        if kind == "histogram":
            found[f"{name}_bucket"] = {**labels, "le": None}
            found[f"{name}_sum"] = found[f"{name}_count"] = labels
        else:
            found[name] = labels
    return found


def selectors(expression):
    """(metric, [(label, operator, value)]) of all that `expression` reads."""
    grouped = {label.strip() for match in GROUPING.findall(expression) for label in match.split(",")}
    text = GROUPING.sub(" ", expression)
    found = []
    for match in re.finditer(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(\s*\()?", text.replace("[", " [")):
        name, labels, call = match.groups()
        before = text.replace("[", " [")[:match.start()]
        if call or name in WORDS or before.count('"') % 2 or before.rstrip().endswith(("[", "$")) \
                or re.search(r"[\d\[]$", before):
            continue
        found.append((name, re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', labels or "")))
    return found, grouped


def problems(expression, metrics):
    """What `expression` asks for that is not among `metrics`."""
    read, grouped = selectors(expression)
    found = [] if read else [f"reads nothing: {expression}"]
    labels_of_all = set(ANYWHERE)
    for name, conditions in read:
        if name not in metrics:
            found.append(f"there is no metric {name}")
            continue
        labels_of_all |= metrics[name].keys()
        for label, operator, value in conditions:
            if label not in metrics[name].keys() | ANYWHERE:
                found.append(f"{name} has no label {label}")
            elif (known := metrics[name].get(label)) and operator in ("=", "=~"):
                for each in value.split("|") if operator == "=~" else [value]:
                    if each not in known:
                        found.append(f"label {label} of {name} is never {each}")
    return found + [f"nothing is grouped by {label}" for label in sorted(grouped - labels_of_all)]


def promtool(*arguments):
    """Runs promtool; what it says is in the error if it fails."""
    tool = subprocess.run([ROOT / "tools/docs/promtool.sh"], capture_output=True, text=True)
    if tool.returncode != 0:
        raise unittest.SkipTest(f"there is no promtool: {tool.stderr.strip()}")
    result = subprocess.run([tool.stdout.strip(), *map(str, arguments)],
                            capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise AssertionError(result.stdout + result.stderr)
    return result.stdout


def sections(page):
    """{heading of level two: what is below it} of a page of docs/."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))
