"""Which metrics the sources register: name, type, help, labels.

Read out of the C++ itself, so that nothing is written down twice:

    metrics.AddCounters("lamplighter_x_total", "Help.").Add({{"result", "ok"}})

and the same with a name for the family in between. A label's values are known
where they are literals, names of an array of literals, or literals that the
function around is called with. What cannot be read is an error, not left out.
"""

import collections
import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lint"))

from files import tracked  # noqa: E402 (needs the path)

KINDS = {"AddCounters": "counter", "AddGauges": "gauge", "AddHistograms": "histogram"}
NOT_OURS = re.compile(r".*_test\.(cc|h)|.*_(benchmark|fuzz)\.cc|.*/(testing|fuzz)/.*")
SERVICE = "{service}"  # in a name, what the service that registers it is called

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\((?P<raw>.*?)\)(?P=mark)"'
    r'|"(?P<text>(?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\\n])+\'|(?P<word>\w+)|(?P<sign>::|->|[^\s\w])',
    re.DOTALL)


class Unreadable(Exception):
    """A registration that this program does not understand."""


@dataclasses.dataclass
class Family:
    """One metric, with all its labels."""
    name: str
    kind: str
    help: str = ""
    labels: dict = dataclasses.field(default_factory=dict)  # to values, or None

    def merge(self, other):
        """Adds what another registration of the same name says."""
        if other.kind != self.kind:
            raise Unreadable(f"{self.name} is a {self.kind} and a {other.kind}")
        if self.help and other.help and self.help != other.help:
            raise Unreadable(f"{self.name} has two help texts")
        self.help = self.help or other.help
        for label, values in other.labels.items():
            self.label(label, values)

    def label(self, name, values):
        known = self.labels.setdefault(name, values)
        if known is not None and values is not None:
            self.labels[name] = known + [v for v in values if v not in known]
        else:
            self.labels[name] = None


class Source:
    """The tokens of one file. A string literal is kept with a quote before it."""

    def __init__(self, path, text):
        self.path = path
        self.includes = re.findall(r'^#include "([^"]+)"', text, re.MULTILINE)
        self.tokens = []
        for match in TOKEN.finditer(text):
            literal = match["text"] if match["text"] is not None else match["raw"]
            if literal is not None:
                # Neighbours are one literal.
                if self.tokens and self.tokens[-1].startswith('"'):
                    self.tokens[-1] += literal
                else:
                    self.tokens.append('"' + literal)
            elif match["word"] or match["sign"]:
                self.tokens.append(match["word"] or match["sign"])

    def arguments(self, opening):
        """The arguments between the bracket at `opening` and its other half, a
        list of tokens each, and the place of that half."""
        depth, found, last = 0, [[]], opening
        for last in range(opening, len(self.tokens)):
            token = self.tokens[last]
            depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
            if depth == 0:
                break
            if depth == 1 and token == ",":
                found.append([])
            elif last != opening:
                found[-1].append(token)
        return [a for a in found if a], last

    def find(self, *pattern):
        """Places where these tokens stand."""
        size = len(pattern)
        return [i for i in range(len(self.tokens) - size + 1)
                if tuple(self.tokens[i:i + size]) == pattern]


def literal(tokens):
    """The text of a lone string literal; None if it is anything else."""
    if len(tokens) == 1 and tokens[0].startswith('"'):
        return tokens[0][1:]
    return None


def name_of(tokens, path):
    """A metric's name: a literal, or absl::StrCat of literals and `service`."""
    if (name := literal(tokens)) is not None:
        return name
    if tokens[:4] == ["absl", "::", "StrCat", "("]:
        parts = [t for t in tokens[4:-1] if t != ","]
        if all(p.startswith('"') or p == "service" for p in parts):
            return "".join(p[1:] if p.startswith('"') else SERVICE for p in parts)
    raise Unreadable(f"{path}: the name of a metric is {' '.join(tokens)}")


def parameter(source, word, place):
    """(function, index) of the parameter `word` that is in scope at `place`."""
    tokens = source.tokens
    for i in range(place, 0, -1):
        if tokens[i] != word or not (tokens[i - 1] in "*&" or tokens[i - 1].isidentifier()):
            continue
        if tokens[i + 1] == "=":
            return None  # a local variable
        if tokens[i + 1] not in (",", ")"):
            continue
        depth, index, j = 0, 0, i
        while j >= 0 and depth <= 0:
            j -= 1
            depth += (tokens[j] in ("(", "{", "[")) - (tokens[j] in (")", "}", "]"))
            index += depth == 0 and tokens[j] == ","
        before = j - 1
        if tokens[before] == "]":  # a lambda: its name is before `= [...]`
            while tokens[before] != "[":
                before -= 1
            before -= 2
        # A use as an argument looks the same but for the type before it.
        if tokens[i - 1] != "return" and tokens[before].isidentifier():
            return tokens[before], index
    return None


def passed(source, function, index):
    """What stands as argument `index` wherever `function` stands: its calls,
    and the parameter itself."""
    for i in source.find(function, "("):
        arguments, _ = source.arguments(i + 1)
        if len(arguments) > index:
            yield arguments[index]


def names_and_helps(arguments, source, place):
    """(name, help) that a registration with these arguments makes: one, or one
    for each call of a function around it that is told them."""
    if len(arguments) == 2 and len(arguments[0]) == 1 and arguments[0][0].isidentifier():
        found = [parameter(source, a[0], place) for a in arguments]
        if all(found) and found[0][0] == found[1][0]:
            both = zip(*(passed(source, *each) for each in found))
            return [(name_of(n, source.path), literal(h)) for n, h in both
                    if n[-1] != arguments[0][0]]
    if len(arguments) != 2 or literal(arguments[1]) is None:
        raise Unreadable(f"{source.path}: {' '.join(arguments[0])}: no help text")
    return [(name_of(arguments[0], source.path), literal(arguments[1]))]


def values_of(tokens, source, place):
    """What a label's value can be, as far as the file says; else None."""
    if (value := literal(tokens)) is not None:
        return [value]
    if len(tokens) > 3 and tokens[1] == "[" and tokens[-1] == "]":
        for i in source.find(tokens[0], "=", "{"):
            names = [literal(a) for a in source.arguments(i + 2)[0]]
            return None if None in names else names
    if len(tokens) != 1 or not (found := parameter(source, tokens[0], place)):
        return None
    values = [literal(a) for a in passed(source, *found) if a[-1] != tokens[0]]
    return None if not values or None in values else values


def read_labels(family, source, opening, told):
    """Adds the labels of a call of Add(), whose bracket is at `opening`. `told`
    has the arguments of the function around it, by the names it has for them."""
    def argument(tokens):
        return told.get(tokens[0], tokens) if len(tokens) == 1 else tokens

    arguments, _ = source.arguments(opening)
    if not arguments or arguments[0][0] != "{":
        raise Unreadable(f"{source.path}: {family.name}: labels are to be in braces")
    # The tokens of the argument as a source, to divide it further.
    inner = Source(source.path, "")
    inner.tokens = arguments[0]
    for pair in inner.arguments(0)[0]:
        pair_source = Source(source.path, "")
        pair_source.tokens = pair
        parts = pair_source.arguments(0)[0]
        label = literal(argument(parts[0])) if len(parts) == 2 else None
        if label is None:
            raise Unreadable(f"{source.path}: {family.name}: label {' '.join(pair)}")
        family.label(label, values_of(argument(parts[1]), source, opening))


def bound_to(source, place):
    """(name, whether a member) that what begins at `place` is given to; more than
    one where a function returns it."""
    tokens = source.tokens
    start = place
    while tokens[start - 1] in (".", "->") or (
            tokens[start - 1].isidentifier() and tokens[start - 1] != "return"):
        start -= 1
    before = tokens[start - 1]
    if before in ("=", "(", "{") and tokens[start - 2].isidentifier():
        return [(tokens[start - 2], before != "=" or tokens[start - 3] == ".")]
    if tokens[start - 3:start] == [")", "{", "return"]:
        opening, depth = start - 3, -1
        while depth < 0:
            opening -= 1
            depth += (tokens[opening] == "(") - (tokens[opening] == ")")
        calls = [i for i in source.find(tokens[opening - 1], "(") if i != opening - 1]
        if calls:
            return [found for i in calls for found in bound_to(source, i)]
    raise Unreadable(f"{source.path}: what is {tokens[place + 2]} of?")


def parameters(source, function, count):
    """Names of the `count` parameters of a function or lambda of the file."""
    for i in source.find(function, "=", "["):
        _, end = source.arguments(i + 2)
        if source.tokens[end + 1] == "(":
            return [p[-1] for p in source.arguments(end + 1)[0]]
    for i in source.find(function, "("):
        found, _ = source.arguments(i + 1)
        if len(found) == count and all(len(p) > 1 and "." not in p for p in found):
            return [p[-1] for p in found]
    return []


def handed_on(source, name):
    """Calls of Add() in functions of the file that are told the family `name`:
    (place of the bracket, their arguments by name)."""
    tokens = source.tokens
    for i, token in enumerate(tokens):
        if token != name or tokens[i - 1] not in (".", "->") or tokens[i + 1] not in (",", ")"):
            continue
        opening, depth = i, 0
        while depth <= 0:
            opening -= 1
            depth += (tokens[opening] in ("(", "{", "[")) - (tokens[opening] in (")", "}", "]"))
        arguments, _ = source.arguments(opening)
        names = parameters(source, tokens[opening - 1], len(arguments))
        for parameter_name, argument in zip(names, arguments):
            if argument[-1] == name:
                for j in source.find(parameter_name, ".", "Add", "("):
                    yield j + 3, dict(zip(names, arguments))


def part(path):
    """The folder of common/ or services/ that a file belongs to."""
    return "/".join(path.split("/")[:2])


def registrations(sources):
    """Families as the sources register them, in their order; names may hold
    SERVICE. Yields (family, source)."""
    for source in sources:
        places = [i for i, token in enumerate(source.tokens)
                  if token in KINDS and source.tokens[i - 1] in (".", "->")]
        bound = {}
        for i in places:
            _, end = source.arguments(i + 1)
            if source.tokens[end + 1:end + 4] != [".", "Add", "("]:
                bound[i] = bound_to(source, i)
        for i in places:
            arguments, end = source.arguments(i + 1)
            made = [Family(name, KINDS[source.tokens[i]], text)
                    for name, text in names_and_helps(arguments, source, i)]
            uses = []
            if i not in bound:
                uses = [(source, end + 3, {})]
            else:
                touched = False
                for name, member in bound[i]:
                    if member:
                        more, used = uses_of_member(name, source, sources)
                        uses, touched = uses + more, touched or used
                    else:
                        touched = True
                        last = min((j for j in places if j > i
                                    and (name, False) in bound.get(j, [])),
                                   default=len(source.tokens))
                        uses += [(source, j + 3, {}) for j in source.find(name, ".", "Add", "(")
                                 if i < j < last]
                if not touched:
                    continue  # no series ever
            for family in made:
                if not uses:
                    raise Unreadable(f"{source.path}: {family.name}: no Add() of it is seen")
                for use in uses:
                    read_labels(family, *use)
                yield family, source


def uses_of_member(name, source, sources):
    """Calls of Add() on the member `name`, as read_labels() wants them, in the
    part that `source` belongs to; and whether anything there uses it at all."""
    uses, touched = [], False
    for other in sources:
        if part(other.path) == part(source.path):
            uses += [(other, j + 3, {}) for j in other.find(name, ".", "Add", "(")]
            uses += [(other, *use) for use in handed_on(other, name)]
            touched = touched or bool(other.find(".", name) + other.find("->", name))
    return uses, touched or bool(uses)


def services_of(source, sources):
    """Names of the services that stand for SERVICE in `source`: those that a
    file sets as `service` which includes it, or what includes it in common/."""
    def module(path):
        return re.sub(r"\.(h|cc)$", "", path)
    users = collections.defaultdict(set)
    for other in sources:
        for include in other.includes:
            users[module(include)].add(other.path)
    reached, waiting = set(), [module(source.path)]
    while waiting:
        for path in users[waiting.pop()] - reached:
            reached.add(path)
            if path.startswith("common/"):
                waiting.append(module(path))
    names = set()
    for other in sources:
        if other.path in reached and other.path.startswith("services/"):
            for i in other.find("service", "="):
                names.add(literal(other.tokens[i + 2:i + 3]))
    if not names or None in names:
        raise Unreadable(f"{source.path}: which services register its metrics?")
    return sorted(names)


def families(files=None):
    """All metrics by name. `files` is {path: text}; by default the sources."""
    if files is None:
        files = {p: (ROOT / p).read_text()
                 for p in tracked("common/*.h", "common/*.cc", "services/*.h", "services/*.cc")
                 if not NOT_OURS.fullmatch(p)}
    sources = [Source(path, text) for path, text in sorted(files.items())]
    found = {}
    for family, source in registrations(sources):
        names = [family.name]
        if SERVICE in family.name:
            names = [family.name.replace(SERVICE, s) for s in services_of(source, sources)]
        for name in names:
            each = Family(name, family.kind, family.help, dict(family.labels))
            if name in found:
                found[name].merge(each)
            else:
                found[name] = each
    for family in found.values():
        if not family.help:
            raise Unreadable(f"{family.name} has no help text")
    return found
