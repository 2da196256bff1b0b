"""The documentation builds as a site that needs nobody else."""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from observability import ROOT

SITE = ROOT / "tools/docs/site"
# What a page has a browser fetch by itself.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
# No proxy is there: whoever asks for anything from elsewhere fails.
OFFLINE = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")}


class Links(html.parser.HTMLParser):
    """What a page fetches, its classes, and the text of its paragraphs."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.classes, self.paragraphs, self.inside = [], set(), [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.classes.update((attributes.get("class") or "").split())
        if tag in FETCHED and attributes.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(attributes.get(FETCHED[tag]) or "")
        if tag == "p":
            self.inside = True
            self.paragraphs.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "p"

    def handle_data(self, data):
        if self.inside:
            self.paragraphs[-1] += data


def build(out, env=None):
    return subprocess.run([SITE, "build", out], env={**os.environ, **OFFLINE, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


class Site(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        env = subprocess.run([SITE, "env"], capture_output=True, text=True)
        if env.returncode != 0:
            raise unittest.SkipTest(f"MkDocs cannot be installed: {env.stderr.strip()[-300:]}")
        cls.out = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "site"
        result = build(cls.out)
        if result.returncode != 0:
            raise AssertionError(result.stdout + result.stderr)

    def pages(self):
        return [(str(path.relative_to(self.out)), Links(path.read_text()))
                for path in sorted(self.out.rglob("*.html"))]

    def test_has_every_page(self):
        for page in (ROOT / "docs").rglob("*.md"):
            name = page.relative_to(ROOT / "docs").with_suffix(".html")
            name = name.with_name("index.html") if name.stem == "README" else name
            self.assertTrue((self.out / name).is_file(), name)

    def test_fetches_nothing_from_other_hosts(self):
        for page, links in self.pages():
            for url in links.fetched:
                self.assertNotRegex(url, r"^(\w+:)?//", page)
        for path in self.out.rglob("*.css"):
            self.assertNotRegex(path.read_text(), r"(@import|url\()\s*[\"']?(\w+:)?//")
        for path in self.out.rglob("*.svg"):
            self.assertNotRegex(path.read_text(), r"(href|src)=\"(\w+:)?//")

    def test_switches_on_nothing_of_the_theme_that_would(self):
        # Its script fetches these when a page asks for them.
        for page, links in self.pages():
            self.assertEqual(links.classes & {"mermaid", "md-source"}, set(), page)

    def test_nothing_of_a_page_was_taken_for_plain_text(self):
        for page, links in self.pages():
            for paragraph in links.paragraphs:
                self.assertNotRegex(paragraph, r"(?m)^\s*([-*] |\d+\. |\||```|#+ )", page)

    def test_links_out_of_the_folder_lead_to_the_repository_if_it_is_named(self):
        page = (self.out / "security.html").read_text()
        self.assertNotIn('href="../SECURITY.md"', page)
        with tempfile.TemporaryDirectory() as out:
            result = build(out, {"LAMPLIGHTER_REPOSITORY": "https://forge.test/main/"})
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn('href="https://forge.test/main/SECURITY.md"',
                          (pathlib.Path(out) / "security.html").read_text())


class Strict(unittest.TestCase):
    """What is wrong with a page ends the build."""

    def built(self, change):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            shutil.copytree(ROOT / "docs", root / "docs")
            shutil.copytree(ROOT / "tools/docs", root / "tools/docs",
                            ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "mkdocs.yml", root)
            change(root / "docs")
            return subprocess.run(
                [root / "tools/docs/site", "build", root / "out"], env={**os.environ, **OFFLINE},
                capture_output=True, text=True, timeout=300)

    def test_a_link_an_anchor_or_a_page_that_is_not_there(self):
        if subprocess.run([SITE, "env"], capture_output=True).returncode != 0:
            self.skipTest("MkDocs cannot be installed")

        def append(text):
            def change(docs):
                with (docs / "guarantees.md").open("a") as page:
                    page.write(text)
            return change
        for change, words in (
                (append("\n[x](nowhere.md)\n"), "nowhere.md"),
                (append("\n[x](metrics.md#nowhere)\n"), "nowhere"),
                (lambda docs: (docs / "alone.md").write_text("# Alone\n"), "alone.md"),
                (lambda docs: (docs / "metrics.md").unlink(), "metrics.md")):
            result = self.built(change)
            self.assertNotEqual(result.returncode, 0, words)
            self.assertIn(words, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
