"""Pages from the READMEs: each chapter is a page, and links between files become links of pages."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from markdown.extensions.toc import slugify

from examples.site import api

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "examples" / "pictures"
README, GUIDE, RESULTS = "README.md", "examples/README.md", "benchmarks/README.md"
#: Chapters of the README that are pages of their own.
PROJECT = ("Contributing", "Stability", "Changelog")
FOLDERS = {README: "project", GUIDE: "guide", RESULTS: "results"}

FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
LINK = re.compile(r"\[([^][]*)\]\(([^)\s]+)\)")
NAME = re.compile(r"(?<!\[)`(gneg(?:\.\w+)+|[A-Z]\w+)(\([^`]*\))?`")


@cache
def chapters(source: str) -> dict[str, str]:
    """Return the chapters of a file by title; the text before the first one is called ""."""
    title, texts = "", {"": ""}
    for part in FENCE.split((ROOT / source).read_text()):
        if part.startswith("```"):
            texts[title] += part
            continue
        for line in part.splitlines(keepends=True):
            if line.startswith("## "):
                title = line[3:].strip()
                texts[title] = ""
            texts[title] += line
    return texts


@cache
def places() -> dict[tuple[str, str], str]:
    """Return the page, with an anchor, of each heading of the files."""
    pages = {(README, ""): "index.md", (GUIDE, ""): "guide/index.md"}
    pages[RESULTS, ""] = "results/index.md"
    for source in FOLDERS:
        for title, text in chapters(source).items():
            page = page_of(source, title)
            for marks, heading in HEADING.findall(FENCE.sub("", text)):
                anchor = slugify(heading, "-")
                own = page == "index.md" or len(marks) > 2
                pages[source, anchor] = f"{page}#{anchor}" if own else page
    return pages


def page_of(source: str, title: str) -> str:
    """Return the page of a chapter."""
    if source == README and title not in PROJECT:
        return "index.md"
    return f"{FOLDERS[source]}/{slugify(title, '-') or 'index'}.md"


def front() -> dict[str, str]:
    """Return the front page: the README without what has a page of its own."""
    texts = chapters(README)
    text = "".join(texts[title] for title in texts if title not in PROJECT)
    title, introduction, rest = linked(text, README, "index.md").split("\n\n", 2)
    doors = (Path(__file__).parent / "doors.md").read_text()
    top = "---\ntitle: gneg\nhide: [navigation]\n---"
    return {"index.md": "\n\n".join([top, title, introduction, doors, rest])}


def guide() -> dict[str, str]:
    """Return the chapters of the guide."""
    return book(GUIDE, "# Guide")


def results() -> dict[str, str]:
    """Return the chapters of the benchmarks."""
    return book(RESULTS, chapters(RESULTS)[""])


def project() -> dict[str, str]:
    """Return the chapters of the README about the project."""
    return {page_of(README, title): chapter(README, title) for title in PROJECT}


def book(source: str, top: str) -> dict[str, str]:
    """Return the chapters of a file, after a page that lists them."""
    titles = [title for title in chapters(source) if title]
    contents = "\n".join(f"* [{title}](#{slugify(title, '-')})" for title in titles)
    index = page_of(source, "")
    pages = {index: linked(f"{top}\n\n{contents}\n", source, index)}
    return pages | {page_of(source, title): chapter(source, title) for title in titles}


def chapter(source: str, title: str) -> str:
    """Return the page of a chapter, whose headings are one level higher than in the file."""
    parts = FENCE.split(chapters(source)[title])
    parts[::2] = [re.sub(r"^##", "#", part, flags=re.MULTILINE) for part in parts[::2]]
    return linked("".join(parts), source, page_of(source, title))


def linked(text: str, source: str, page: str) -> str:
    """Return the text of a page with its links, and links from names of the API to their pages."""

    def to_page(match: re.Match[str]) -> str:
        text, target = match.groups()
        if "://" in target:
            return match[0]
        place = place_of(target, source)
        if place is None:
            return text
        return f"[{text}]({posixpath.relpath(place, posixpath.dirname(page) or '.')})"

    def to_api(match: re.Match[str]) -> str:
        name = match[1]
        path = api.identifier(name) if "." in name else api.classes().get(name)
        return f"[{match[0]}][{path}]" if path else match[0]

    parts = FENCE.split(text)
    parts[::2] = [NAME.sub(to_api, LINK.sub(to_page, part)) for part in parts[::2]]
    parts[::2] = [re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", part) for part in parts[::2]]
    return "".join(parts)


def place_of(target: str, source: str) -> str | None:
    """Return the page or picture that a link of a file leads to; None: a script without a page.

    Raises:
        ValueError: If the target does not exist.
    """
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
    if (path, anchor) in places():
        return places()[path, anchor]
    if anchor or not (ROOT / path).exists():
        raise ValueError(f"{source} links to {target}, which does not exist")
    if path.startswith("examples/pictures/"):
        return path.removeprefix("examples/")
    if path.startswith("examples/"):
        return str(Path(path).with_suffix(".md"))
    return api.page_of(path) if path.startswith("gneg/") else None
