"""What MkDocs does not do by itself for pages that are also read on a forge."""

import pathlib
import posixpath
import re

FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\((\.\./[^)\s]+)\)")


def on_config(config):
    """In `nav`, `folder/` stands for all pages of the folder, its README first."""
    docs = pathlib.Path(config["docs_dir"])
    for entry in config["nav"]:
        for title, value in entry.items():
            if isinstance(value, str) and value.endswith("/"):
                pages = sorted((docs / value).glob("*.md"),
                               key=lambda page: (page.name != "README.md", page.name))
                entry[title] = [f"{value}{page.name}" for page in pages]
    return config


def deepen(markdown):
    """What belongs to an item of a numbered list is indented by three columns, as
    on a forge; MkDocs wants four, and a blank line after an item that has any."""
    lines, within, blank = [], False, False
    for line in markdown.split("\n"):
        if re.match(r"\d+\. ", line):
            if within and blank:
                lines.append("")
            within, blank = True, False
        elif line and not line.startswith("   "):
            within = False
        elif line and within:
            line = " " + line
        else:
            blank = True
        lines.append(line)
    return "\n".join(lines)


def on_page_markdown(markdown, page, config, **_):
    """Links out of docs/ lead to the repository, whose address is extra.repository;
    without one they become text that names the file."""
    folder = posixpath.dirname(page.file.src_uri)

    def outside(match):
        text, target = match.groups()
        path = posixpath.normpath(posixpath.join("docs", folder, target.partition("#")[0]))
        if path.startswith("docs/"):
            return match.group()
        if repository := config["extra"].get("repository"):
            return f"[{text}]({repository.rstrip('/')}/{path})"
        return text if path in text.strip("`") else f"{text} (`{path}`)"

    # Not within blocks of code.
    parts, last = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(outside, markdown[last:fence.start()]), fence.group()]
        last = fence.end()
    return deepen("".join(parts + [LINK.sub(outside, markdown[last:])]))
