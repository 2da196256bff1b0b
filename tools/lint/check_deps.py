"""Dependencies of Bazel targets: complete, none too many, and in one direction.

Bazel 4.2 has no layering check, so that a header can be included through a
dependency of a dependency. Here each `#include "a/b.h"` has to be covered by a
direct dep, each direct dep on a target of ours has to be included, and the
directions are those of STYLE.md.
"""

import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree

from files import ROOT

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
LAYERS = [
    {"status", "time", "log", "url"},
    {"async", "config", "metrics", "tracing", "ratelimit", "forge", "manifests", "seal"},
    {"kafka", "http", "grpc", "kubernetes", "otlp"},
    {"app"},
]
# Who may depend on a third-party library that the rest must not know.
ONLY = {
    "//third_party:rdkafka": "//common/kafka",
    "//third_party:curl": "//common/http",
    "//third_party:beast": "//common/http",
}


@dataclasses.dataclass
class Target:
    """One C++ rule."""
    label: str
    files: list  # labels of srcs and hdrs
    headers: list  # labels of hdrs
    deps: list
    testonly: bool


def parse(text):
    """The C++ targets in the XML output of `bazel query`."""
    targets = []
    for rule in xml.etree.ElementTree.fromstring(text).iter("rule"):
        if rule.get("class") not in ("cc_library", "cc_binary", "cc_test"):
            continue
        lists = {
            l.get("name"): [item.get("value") for item in l.iter("label")]
            for l in rule.iter("list")}
        testonly = rule.get("class") == "cc_test" or any(
            b.get("name") == "testonly" and b.get("value") == "true"
            for b in rule.iter("boolean"))
        headers = lists.get("hdrs", [])
        targets.append(Target(rule.get("name"), lists.get("srcs", []) + headers,
                              headers, lists.get("deps", []), testonly))
    return targets


def path_of(label):
    """//common/time:clock.h -> common/time/clock.h"""
    return label.removeprefix("//").replace(":", "/")


def includes(label):
    """What a source file includes; None for generated files."""
    path = ROOT / path_of(label)
    return INCLUDE.findall(path.read_text()) if path.exists() else None


def cover_problems(targets, includes=includes):
    """Includes without a direct dep, and direct deps without an include."""
    found = []
    owners = {}
    for target in targets:
        for header in target.headers:
            owners.setdefault(path_of(header), set()).add(target.label)
    with_headers = {t.label for t in targets if t.headers}
    for target in targets:
        own = {path_of(f) for f in target.files}
        used = set()
        for file in target.files:
            for include in includes(file) or []:
                providers = owners.get(include)
                if include in own or providers is None:
                    continue
                used |= providers
                if not providers & set(target.deps):
                    found.append(f"{target.label}: {path_of(file)} includes {include}: "
                                 f"add {' or '.join(sorted(providers))} to deps")
        if None in (includes(f) for f in target.files):
            continue  # generated from a .proto, and includes what that imports
        for dep in target.deps:
            if dep in with_headers and dep not in used:
                found.append(f"{target.label}: nothing of {dep} is included: "
                             "drop it from deps")
    return found


def layer(package):
    """The layer of a folder of common/, None for what is not in it."""
    match = re.match(r"//common/(\w+)", package)
    if not match:
        return None
    for level, folders in enumerate(LAYERS):
        if match.group(1) in folders:
            return level
    return -1


def direction_problem(target, dep):
    """Why `target` must not depend on `dep`; None if it may."""
    package = target.label.split(":")[0]
    top = re.match(r"//(\w+)(?:/(\w+))?", package)
    dep_top = re.match(r"//(\w+)(?:/(\w+))?", dep)
    if dep in ONLY and not package.startswith(ONLY[dep]) and not target.testonly:
        return f"only {ONLY[dep]} knows it"
    if not top or not dep_top:
        return None
    if top[1] == "services" and dep_top[1] == "services" and top[2] != dep_top[2]:
        return "services meet only in proto/ and on topics"
    if top[1] in ("common", "proto") and dep_top[1] in ("services", "lamplighter"):
        return f"{top[1]}/ never depends on services"
    if (dep_top[1] in ("tests", "bench", "deploy") and not target.testonly
            and top[1] not in ("tests", "bench")):
        return f"nothing but tests depends on {dep_top[1]}/"
    ours, theirs = layer(package), layer(dep)
    if -1 in (ours, theirs):
        return "a folder of common/ has no layer: add it to LAYERS in tools/lint/check_deps.py"
    if ours is not None and theirs is not None and theirs > ours:
        return "a folder of common/ uses its own layer or a lower one"
    return None


def main():
    text = subprocess.run(
        ["bazel", "query", "--output=xml", "--noshow_progress", "--ui_event_filters=-info",
         "kind('cc_.* rule', //...)"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    # Bazel writes XML 1.1, which Python's parser refuses.
    targets = [t for t in parse(re.sub(r"^<\?xml[^>]*\?>", "", text))
               if not t.label.startswith("//third_party")]
    found = cover_problems(targets)
    for target in targets:
        for dep in target.deps:
            if problem := direction_problem(target, dep):
                found.append(f"{target.label} -> {dep}: {problem}")
    print("\n".join(sorted(set(found))))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
