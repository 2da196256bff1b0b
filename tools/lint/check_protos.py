"""Protos: everything has a comment, and the public contract only grows.

proto/lamplighter/v1/compatibility.txt lists what has been promised: every field,
enumerator and method with its number and type. What stands there must stay as it
is; `--fix` adds what is new.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from files import ROOT, tracked

CONTRACT = ROOT / "proto/lamplighter/v1/compatibility.txt"
PUBLIC = "lamplighter.v1"

TOKEN = re.compile(r'\s*(?:(\w+)\s*(\{|:)|(\})|("(?:\\.|[^"\\])*"|[^\s{}:"]+))')


def parse_text(text):
    """Protobuf text format as {field: [values]}; messages are such dicts again."""
    stack = [{}]
    name = None
    for key, mark, close, value in TOKEN.findall(text):
        if mark == "{":
            stack[-1].setdefault(key, []).append({})
            stack.append(stack[-1][key][-1])
        elif mark == ":":
            name = key
        elif close:
            stack.pop()
        elif value:
            stack[-1].setdefault(name, []).append(value.strip('"'))
    return stack[0]


def one(message, field, default=""):
    return message.get(field, [default])[0]


def describe(paths):
    """The descriptors of the files and their comments, as protoc sees them."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(
            ["protoc", "-I.", "--include_source_info",
             f"--descriptor_set_out={out.name}", *paths],
            cwd=ROOT, check=True)
        text = subprocess.run(
            ["protoc", "--decode=google.protobuf.FileDescriptorSet",
             "google/protobuf/descriptor.proto"],
            stdin=out, check=True, capture_output=True, text=True).stdout
    return parse_text(text)["file"]


# Field of a descriptor -> (its number, which is the step in a source location's
# path, and what it is called).
PARTS = {
    "file": {"message_type": (4, "message"), "enum_type": (5, "enum"),
             "service": (6, "service"), "extension": (7, "field")},
    "message": {"field": (2, "field"), "nested_type": (3, "message"),
                "enum_type": (4, "enum"), "oneof_decl": (8, "oneof")},
    "enum": {"value": (2, "value")},
    "service": {"method": (2, "method")},
}


def walk(kind, node, name, path=()):
    """Yields (kind, node, full name, path) for all that is declared in `node`."""
    for field, (step, part) in PARTS.get(kind, {}).items():
        for index, child in enumerate(node.get(field, [])):
            full = f"{name}.{one(child, 'name')}"
            place = path + (step, index)
            if one(one(child, "options", {}), "map_entry") == "true":
                continue
            yield part, child, full, place
            yield from walk(part, child, full, place)


def comment_problems(file):
    """What of `file` has no comment. An enum's zero value needs none, and the
    oneof that `optional` stands for (its name begins with an underscore) is not
    in the file."""
    commented = {
        tuple(int(step) for step in location.get("path", []))
        for location in one(file, "source_code_info", {}).get("location", [])
        if "leading_comments" in location or "trailing_comments" in location}
    return [
        f"{one(file, 'name')}: {kind} {name} has no comment"
        for kind, node, name, path in walk("file", file, one(file, "package"))
        if path not in commented
        and not (kind == "value" and one(node, "number") == "0")
        and not (kind == "oneof" and one(node, "name").startswith("_"))]


def field_type(field, maps):
    label = "repeated " if one(field, "label") == "LABEL_REPEATED" else ""
    name = one(field, "type_name").removeprefix(".")
    if name in maps:
        return "map<%s, %s>" % maps[name]
    oneof = f" in oneof {one(field, 'oneof_index')}" if "oneof_index" in field else ""
    return label + (name or one(field, "type").removeprefix("TYPE_").lower()) + oneof


def map_types(file):
    """Full names of the entry messages that stand for maps, with their types."""
    maps = {}

    def visit(nodes, prefix):
        for node in nodes:
            name = f"{prefix}.{one(node, 'name')}"
            if one(one(node, "options", {}), "map_entry") == "true":
                maps[name] = tuple(field_type(f, {}) for f in node["field"])
            visit(node.get("nested_type", []), name)
    visit(file.get("message_type", []), one(file, "package"))
    return maps


def promises(file):
    """One line for each field, enumerator and method of `file`."""
    maps = map_types(file)
    for kind, node, name, _ in walk("file", file, one(file, "package")):
        if kind == "field":
            yield f"{name} = {one(node, 'number')} {field_type(node, maps)}"
        elif kind == "value":
            yield f"{name} = {one(node, 'number')}"
        elif kind == "method":
            stream = {"client": "stream " * ("client_streaming" in node),
                      "server": "stream " * ("server_streaming" in node)}
            yield (f"{name}({stream['client']}{one(node, 'input_type')[1:]}) "
                   f"{stream['server']}{one(node, 'output_type')[1:]}")


def compatibility_problems(promised, current):
    """What of `promised` is not so any more, and what is new."""
    broken = [f"was promised and is not so any more: {line}"
              for line in sorted(promised - current)]
    new = [f"is new; ./dev check --fix promises it: {line}"
           for line in sorted(current - promised)]
    return broken, new


def main():
    fix = "--fix" in sys.argv[1:]
    files = describe(tracked("proto/*.proto"))
    found = [p for file in files for p in comment_problems(file)]

    promised = set(CONTRACT.read_text().splitlines()) if CONTRACT.exists() else set()
    current = {line for file in files if one(file, "package") == PUBLIC
               for line in promises(file)}
    broken, new = compatibility_problems(promised, current)
    found += broken
    if fix and new:
        CONTRACT.write_text("".join(f"{line}\n" for line in sorted(promised | current)))
    else:
        found += new
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
