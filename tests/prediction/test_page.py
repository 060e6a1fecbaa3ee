"""The page of answers in a browser: search, numbers, drawing, contrast, small screens, size."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from gneg.datasets import Names
from gneg.prediction.page import write_page
from tests import triple_worlds, worlds
from tests.browsing import contrast, needs_browser, open_page
from tests.prediction.answer_worlds import (
    BINS,
    CALIBRATION,
    HOSTILE,
    NAMES,
    answers,
    answers_of,
    bipartite,
    friends,
    neighbors,
    table_of,
)


@pytest.fixture(scope="module")
def data():
    return friends()


@pytest.fixture(scope="module")
def table(data):
    return answers(data)


@pytest.fixture(scope="module")
def report(data, table, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "answers.html"
    info = {"run": HOSTILE, "k": 5, "candidates": "all", "versions": {"gneg": "1"}}
    halves = [table[:100], table[100:]]
    write_page(path, halves, data, title="Friends", info=info, calibration=CALIBRATION)
    return path


@pytest.fixture
def opened(browser, report):
    tab = open_page(browser, report)
    yield tab
    tab.close()
    assert tab.trouble == []


def shows(tab, name: str) -> None:
    """Wait until the page shows a node."""
    from playwright.sync_api import expect

    expect(tab.locator("#page-name")).to_have_text(name)


def heading(tab) -> str:
    return tab.inner_text("#page-name")


def rows_of(tab) -> list[list[str]]:
    return tab.eval_on_selector_all(
        "#page-table tbody tr:not(.query)",
        "rows => rows.map(r => [...r.cells].map(c => c.dataset.value || c.innerText))",
    )


def drawn(tab, kind: str) -> list[str]:
    texts = tab.locator(f"#page-neighborhood a[data-list={kind}]")
    return [texts.nth(i).get_attribute("aria-label").split(",")[0] for i in range(texts.count())]


def test_names_are_escaped_and_nothing_is_fetched(report):
    text = report.read_text("utf-8")
    assert HOSTILE not in text
    assert "\\u003cscript>alert(1)" in text  # as a name
    assert "&lt;script&gt;alert(1)" in text  # in the table of facts
    for part in ('src="http', 'href="http', "@import", "url("):
        assert part not in text
    assert "default-src 'none'" in text


@pytest.mark.slow
@needs_browser
def test_the_page_starts_at_the_most_probable_answer(opened, table, data):
    assert heading(opened) == NAMES[7]
    expected = answers_of(table, NAMES[7])
    rows = rows_of(opened)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    for row, answer in zip(rows, expected, strict=True):
        assert row[1].split("\n") == [answer["target"], answer["why"]]
        assert np.float32(row[2]) == np.float32(answer["probability"])
        assert np.float32(row[3]) == np.float32(answer["score"])
    new = [answer["target"] for answer in expected]
    assert drawn(opened, "predicted") == new
    assert set(drawn(opened, "known")) == neighbors(data, 7)  # 12 at most
    ties = sum(len(neighbors(data, 7) & neighbors(data, NAMES.index(name))) for name in new)
    assert opened.locator("#page-neighborhood .tie").count() == ties > 0
    assert opened.locator("#page-neighborhood .spoke.predicted").count() == len(new)
    assert opened.locator("#page-reliability .point").count() == len(BINS)


@pytest.mark.slow
@needs_browser
def test_nodes_are_searched_by_keyboard_and_mouse(opened):
    opened.fill("#page-search", "PERSON 1")
    shown = opened.locator("#page-options li")
    assert shown.count() == 8
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        opened.press("#page-search", key)
    active = opened.get_attribute("#page-search", "aria-activedescendant")
    assert opened.get_attribute(f"#{active}", "aria-selected") == "true"
    assert opened.locator(f"#{active} span").first.inner_text() == "person 10"
    opened.press("#page-search", "Enter")
    shows(opened, "person 10")
    assert opened.evaluate("document.activeElement.id") == "page-name"
    assert opened.get_attribute("#page-search", "aria-expanded") == "false"
    opened.click("#page-search")  # the empty box lists the most probable answers
    assert shown.first.inner_text().startswith(NAMES[7])
    opened.fill("#page-search", "script>")
    shown.first.click()
    shows(opened, HOSTILE)
    opened.fill("#page-search", "nobody")
    assert shown.first.inner_text() == "No name contains this"
    opened.press("#page-search", "Escape")
    assert not opened.is_visible("#page-options")
    partner = opened.locator("#page-table a").first
    name = partner.inner_text()
    partner.click()
    shows(opened, name)
    opened.go_back()
    shows(opened, HOSTILE)


@pytest.mark.slow
@needs_browser
def test_an_address_names_a_node(browser, report, table, data):
    tab = open_page(browser, report, address="#50%25%20%26%20more%20%231")
    assert heading(tab) == NAMES[1]
    for name, marked in ((NAMES[9], False), (NAMES[8], True)):
        tab.evaluate("name => { location.hash = encodeURIComponent(name) }", name)
        shows(tab, name)
        assert (tab.locator("#page-table .known").count() == 1) == marked
    assert len(rows_of(tab)) == 5
    tab.evaluate("location.hash = 'no%one'")
    shows(tab, "No such node")
    assert tab.inner_text("#page-summary").endswith("the name no%one.")
    tab.close()
    assert tab.trouble == []


@pytest.mark.slow
@needs_browser
def test_a_node_without_candidates_says_so(browser, report):
    tab = open_page(browser, report, address="#person%209")
    assert rows_of(tab) == [["No answer is left: all are known."]]
    assert drawn(tab, "predicted") == []
    tab.close()
    assert tab.trouble == []


@pytest.mark.slow
@needs_browser
def test_light_and_dark_have_contrast(browser, report):
    tab = open_page(browser, report, scheme="dark")
    for theme in ("dark", "light"):
        assert tab.evaluate("document.documentElement.dataset.theme") == theme
        for selector in ("body", ".note", "dt", "th", ".why", "td a", "svg a text", "svg .soft"):
            assert contrast(tab, selector) >= 4.5, (theme, selector)
        tab.click("#page-theme")
    tab.close()


@pytest.mark.slow
@needs_browser
def test_a_phone_does_not_scroll_sideways(browser, report):
    tab = open_page(browser, report, width=360)
    tab.fill("#page-search", "p")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    right = "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    assert tab.eval_on_selector_all("td, .why, svg a text, svg a rect", right) <= 360
    tab.close()


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("looked_for", ["head", "relation", "tail"])
def test_triples_are_listed_by_query(browser, tmp_path, looked_for):
    data = triple_worlds.sparse_data()
    data = replace(data, entities=Names([f"e{i}" for i in range(data.num_entities)]))
    names = {"head": "e3", "relation": 0, "tail": "e4"}
    others = {"head": ["e5", "e6"], "relation": [2, 1], "tail": ["e5", "e6"]}
    columns = {name: [value] * 2 for name, value in names.items()}
    columns = {**columns, looked_for: others[looked_for], "score": [2.0, 1.0], "known": [False] * 2}
    table = pa.table({**columns, "probability": [0.5, 0.25]})
    info = {"looked_for": looked_for}
    path = tmp_path / "page.html"
    write_page(path, [table], data, title="Facts", info=info, calibration=None)
    tab = open_page(browser, path)
    assert heading(tab) == ("e4" if looked_for == "head" else "e3")
    query = tab.inner_text("#page-table tr.query")
    assert query == ("tail e4" if looked_for == "relation" else "relation 0")
    assert [row[:2] for row in rows_of(tab)] == [
        [str(i + 1), str(name)] for i, name in enumerate(others[looked_for])
    ]
    expected = ["e4"] if looked_for == "relation" else ["e5", "e6"]
    assert drawn(tab, "predicted") == expected
    label = tab.locator("#page-neighborhood a[data-list=predicted]").first
    triple = {**names, looked_for: others[looked_for][0]}
    spoken = " - ".join(str(triple[name]) for name in ("head", "relation", "tail"))
    assert spoken in label.get_attribute("aria-label")
    assert not tab.is_visible("#page-probabilities")
    tab.close()
    assert tab.trouble == []


@pytest.mark.slow
@needs_browser
def test_sources_and_targets_may_share_a_name(browser, tmp_path):
    data = bipartite()
    table = table_of(["2"], ["1"], [3.0])
    path = tmp_path / "page.html"
    write_page(path, [table], data, title="Shop", info={}, calibration=None)
    tab = open_page(browser, path)
    assert tab.inner_text("#page-summary") == "source · 1 known link · 1 predicted link"
    tab.locator("#page-table a").click()
    shows(tab, "1")
    assert tab.evaluate("decodeURIComponent(location.hash)") == "#1 (target)"
    assert tab.inner_text("#page-summary").startswith("target · 2 known links · no predicted")
    assert drawn(tab, "known") == ["0", "1"]
    tab.close()
    assert tab.trouble == []


@pytest.mark.slow
@needs_browser
def test_a_million_answers_open_within_seconds(browser, tmp_path):
    n, k = 50_000, 20
    generator = np.random.default_rng(0)
    none = torch.zeros(2, 0, dtype=torch.long)
    names = np.array([f"node number {i}" for i in range(n)], object)
    data = replace(
        bipartite(),
        num_nodes=n,
        num_src=None,
        undirected=True,
        train=torch.from_numpy(generator.integers(n, size=(2, 250_000))),
        valid=replace(worlds.toy().valid, pos=none),
        names=Names(names),
    )
    score = -np.sort(-generator.normal(size=(n, k)), axis=1).reshape(-1)
    source = np.repeat(names, k)
    table = table_of(source, names[generator.integers(n, size=n * k)], score)
    path = tmp_path / "page.html"
    start = time.perf_counter()
    write_page(path, [table], data, title="Many", info={}, calibration=CALIBRATION)
    written = time.perf_counter() - start
    assert path.stat().st_size < 25e6
    start = time.perf_counter()
    tab = open_page(browser, path, address="#node%20number%2049999")
    opened = time.perf_counter() - start
    assert heading(tab) == "node number 49999"
    assert [np.float32(row[3]) for row in rows_of(tab)] == score[-k:].astype(np.float32).tolist()
    start = time.perf_counter()
    tab.fill("#page-search", "number 4321")
    tab.press("#page-search", "Enter")
    shows(tab, "node number 4321")
    assert time.perf_counter() - start < 2
    assert opened < 10
    assert written < 30
    assert tab.trouble == []
    print(f"{path.stat().st_size / 1e6:.1f} MB, written in {written:.1f} s, open in {opened:.1f} s")
    tab.close()
