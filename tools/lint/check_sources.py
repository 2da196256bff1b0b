"""Rules of STYLE.md that a line of C++ can break."""

import re
import sys

from files import ROOT, tracked

MAX_LINES = 400

# (what must not stand there, the files where it may, what to do instead)
RULES = [
    (re.compile(r"::now\(\)|\babsl::Now\(|\babsl::GetCurrentTimeNanos\("),
     re.compile(r"common/time/clock\.cc|common/grpc/.*_test\.cc"),
     "ask a Clock for the time"),
    (re.compile(r"\bthrow\b"),
     re.compile(r".*_test\.cc|.*/testing/.*"),
     "nothing we write throws: return a Status"),
    (re.compile(r'#include [<"](librdkafka/)?rdkafka(_mock)?\.h[>"]'),
     re.compile(r"common/kafka/.*"),
     "only common/kafka knows librdkafka: use Producer or Consumer"),
    (re.compile(r'#include [<"]curl/'),
     re.compile(r"common/http/.*"),
     "only common/http knows libcurl: use HttpClient"),
    (re.compile(r"\bstd::this_thread::sleep_|\babsl::SleepFor\(|\bu?sleep\("),
     None,
     "wait for the event, with a deadline"),
    (re.compile(r"\busing namespace\b(?! std::(chrono|string)_literals)"),
     None,
     "name what is used"),
]

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def blank(text):
    """`text` without comments and literals, each line where it was.

    The names of included files stay.
    """
    def keep_lines(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if text.startswith("#include", start) and match.group().startswith('"'):
            return match.group()
        return '""' + "\n" * match.group().count("\n")
    return TOKEN.sub(keep_lines, text)


def problems(path, text):
    """What is wrong with one file, a line each."""
    found = []
    if text.count("\n") > MAX_LINES:
        found.append(f"{path}: has more than {MAX_LINES} lines: split it")
    for number, line in enumerate(blank(text).split("\n"), 1):
        for pattern, allowed, advice in RULES:
            if pattern.search(line) and not (allowed and allowed.fullmatch(path)):
                found.append(f"{path}:{number}: {advice}")
    return found


def main():
    found = []
    for path in tracked("*.h", "*.cc"):
        found += problems(path, (ROOT / path).read_text())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
