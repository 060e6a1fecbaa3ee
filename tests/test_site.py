"""The documentation as a site: it builds without a warning, and every page holds in a browser."""

from __future__ import annotations

import html
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from gneg import LinkConfig
from gneg.training.options import settings
from tests.browsing import needs_browser

pytest.importorskip("mkdocs", reason="the site needs the extra docs")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "examples.site", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


class Page(HTMLParser):
    """The anchors of a page, its links, and the files that it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = {""}, [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif "src" in values or (tag == "link" and values.get("rel") != "canonical"):
            self.loaded.append(values.get("src") or values["href"])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_every_link_leads_to_a_page_and_an_anchor(pages):
    broken, external = [], set()
    for path, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.scheme:
                external.add((parts.scheme, link in page.loaded))
            elif not target.is_file() or (
                target in pages and unquote(parts.fragment) not in pages[target].anchors
            ):
                broken.append((path.name, link))
    assert broken == []
    assert external <= {("https", False), ("http", False), ("data", True)}


def test_every_command_sampler_and_example_has_its_place(site, pages):
    text = html.unescape((site / "commands" / "train.html").read_text())
    for name in ("lr", "epochs", "batch_size"):
        assert f"<code>--{name.replace('_', '-')}</code>" in text
        assert settings(LinkConfig)[name].help in text
    assert "gneg.samplers.Walk" in pages[site / "api" / "gneg.samplers.html"].anchors
    for path in (ROOT / "examples").glob("[!_]*.py"):
        assert (site / "examples" / f"{path.stem}.html") in pages


def watched(browser, site, **options):
    """Open a tab that notes console messages, errors and requests beyond the site's folder."""
    tab = browser.new_page(**options)
    tab.trouble = []
    tab.on("console", lambda message: tab.trouble.append(message.text))
    tab.on("pageerror", lambda error: tab.trouble.append(str(error)))
    inside = (site.as_uri(), "data:", "blob:", "about:")
    tab.on("request", lambda r: None if r.url.startswith(inside) else tab.trouble.append(r.url))
    return tab


@needs_browser
def test_pages_fit_a_phone_and_load_nothing_from_elsewhere(browser, site, pages):
    """The longest of each folder, whose pages are alike."""
    folders = {path.parent: [] for path in pages}
    for path in sorted(pages, key=lambda path: path.stat().st_size, reverse=True):
        folders[path.parent].append(path)
    tab = watched(browser, site, viewport={"width": 390, "height": 844})
    wide = []
    for path in [path for group in folders.values() for path in group[:3]]:
        tab.goto(path.as_uri())
        if tab.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(path.name)
    assert wide == []
    assert tab.trouble == []
    tab.close()


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_search_works_from_a_disk(browser, site, width):
    tab = watched(browser, site, viewport={"width": width, "height": 900})
    tab.goto((site / "guide" / "losses.html").as_uri())
    if width < 600:
        tab.click("label[for=__search]:visible")
    tab.click("input.md-search__input")
    tab.keyboard.type("walk")
    tab.wait_for_selector(".md-search-result__item a")
    tab.click(".md-search-result__item a[href*='samplers.Walk']")
    tab.wait_for_url("**/api/gneg.samplers.html*")
    assert tab.trouble == []
    tab.close()
