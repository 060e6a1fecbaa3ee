"""The report page in a browser: no network, sortable tables, contrast, small screens."""

from __future__ import annotations

import html
import json

import pytest

from gneg.datasets import Reading
from gneg.experiments.report import figures, page, style, write_page
from gneg.experiments.report.tables import main_table
from tests.browsing import contrast, needs_browser

LONG = "guarded(hardest(mixture(uniform:0.5, walk:0.5), m=16), relative_margin=0.05)"
# Texts of figures that leave the window, and pairs of them that cover each other.
MISPLACED = """() => {
  const width = document.documentElement.clientWidth, wrong = [];
  const outside = (box) => box.left < -1 || box.right > width + 1;
  const apart = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 2;
  const parts = [".xtick text", ".x2tick text", ".ytick text", ".y2tick text",
    ".infolayer text[class$='title']", ".annotation-text", ".legend button"].join();
  for (const figure of document.querySelectorAll(".figure")) {
    const texts = [...figure.parentElement.querySelectorAll(parts)];
    const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([text, a], i) => {
      if (outside(a)) wrong.push(`${figure.id}: outside: ${text}`);
      for (const [other, b] of boxes.slice(i + 1))
        if (!apart(a, b) && !apart(b, a)) wrong.push(`${figure.id}: ${text} | ${other}`);
    });
  }
  return wrong;
}"""


@pytest.fixture(scope="module")
def results(compared):
    return compared[3]


@pytest.fixture(scope="module")
def text(results):
    return page(results)


@pytest.fixture(scope="module")
def report(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    rows = list(results["rows"])
    rows[1] = {**rows[1], "sampler": LONG}
    write_page({**results, "rows": rows, "seeds": 3}, path)
    return path


@pytest.fixture(scope="module")
def tabs(browser, report):
    """The page, drawn once for each width of the window, and what it should not have done.

    Of a phone it is dark. Tests that change a page leave it as it was.
    """
    tabs = {390: drawn(browser, report, 390, "dark"), 1200: drawn(browser, report, 1200, "light")}
    yield tabs
    for tab in tabs.values():
        tab.close()


def drawn(browser, report, width: int, scheme: str):
    """Open the page, with its console messages, errors and network requests in ``trouble``."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.trouble = []
    tab.on("console", lambda m: tab.trouble.append(m.text) if m.type != "log" else None)
    tab.on("pageerror", lambda error: tab.trouble.append(str(error)))
    tab.on("request", lambda r: tab.trouble.append(r.url) if r.url != report.as_uri() else None)
    tab.goto(report.as_uri())
    tab.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length > 0")
    return tab


@pytest.fixture
def opened(tabs):
    return tabs[1200]


def test_the_page_is_one_file_and_escapes_html(results):
    text = page({**results, "command": "gneg compare '<script>alert(1)</script>'"})
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
    for part in ('src="http', 'href="http', "@import"):
        assert part not in text.split("<script>")[0]


def test_what_was_understood_of_a_file_is_said(results, text):
    assert ">File<" not in text
    reading = Reading(
        "edges.csv", "parquet", True, {"source": "a"}, ("rank",), "names", ("a note",)
    )
    expected = "parquet, with a header; source = a; columns not used: rank; ids are names; a note"
    assert f"<dt>File</dt><dd>{expected}</dd>" in page({**results, "reading": reading.record()})


def test_two_seeds_are_not_tested(results, text):
    tests = results["rows"][1]["against"]["negatives"]["tests"]
    assert tests["hard"]["mrr"]["p"] is None
    assert 'id="parts"' not in text
    sentence = "Differences are not tested: two runs of each"
    assert text.count(sentence) == 2  # in the summary and beside the table
    assert sentence not in page({**results, "seeds": 3})


def test_the_page_says_what_each_part_is_worth(results):
    effects = json.loads(json.dumps(results["effects"]))
    for effect in effects:
        tested = {"low": -0.01, "high": 0.03, "p": 0.004, "corrected_p": 0.008, "mark": "**"}
        effect["tests"]["hard"]["mrr"] |= {"difference": 0.01, **tested}
        effect["tests"]["uniform"]["mrr"] |= {"low": -0.1, "high": 0.1}
    text = page({**results, "seeds": 3, "effects": effects})
    assert "<td>loss</td><td>bce instead of softmax</td>" in text
    assert text.count('+1.00 (-1.00 to +3.00)<b class="better">\u2191**</b>') == 2
    assert "loss bce instead of softmax (+1.00 points)" in text
    assert html.escape(results["best"]["sentence"][1:]) in text


def test_the_weight_of_a_base_measure_has_a_column(results, text):
    assert "weight of log q" not in text
    rows = [{**row, "base_weights": [0.25, 0.5]} for row in results["rows"]]
    config = {**results["config"], "base_measure": "sampler"}
    table = main_table({**results, "rows": rows})
    assert table["columns"][-1]["name"] == "weight of log q"
    assert table["rows"][0]["cells"][-1]["text"] == "0.38"
    assert all(len(row["cells"]) == len(table["columns"]) for row in table["rows"])
    assert "the log density of each sampler" in page({**results, "rows": rows, "config": config})


@pytest.mark.parametrize(("sets", "visible"), [(1, 3), (3, 2), (4, 1), (9, 1)])
def test_as_many_metrics_are_visible_as_there_is_room_for(results, sets, visible):
    figure = {"mean": 0.5, "std": None}
    names = ("hits@50", "auc", "hits@10", "mrr")
    summary = {f"set {i}": dict.fromkeys(names, figure) for i in range(sets)}
    rows = [{**row, "summary": summary, "against": {}} for row in results["rows"]]
    table = main_table({**results, "metric": "hits@50", "rows": rows, "heuristics": {}})
    assert table["visible"] == ["hits@50", "mrr", "hits@10"][:visible]


def test_legends_have_the_best_rows_by_validation_alone(results, text):
    rows = [
        {**results["rows"][0], "encoder": f"encoder {i}", "valid": [i / 20], "curves": curves}
        for i in range(10)
        for curves in [[[{**results["rows"][0]["curves"][0][0], "loss": float(i)}]]]
    ]
    many = {**results, "rows": rows}
    best = [f"encoder {i}" for i in range(2, 10)]
    for name in ("risk-and-hardness", "curves"):
        names = dict.fromkeys(trace.name for trace in figures.comparison(many)[name].data)
        assert list(names) == best
    sentence = "Drawn are the best 8 of 10 configurations by validation."
    assert page(many).count(sentence) == 2
    assert sentence not in text


@pytest.mark.slow
@needs_browser
def test_no_errors_and_no_requests(tabs):
    tabs[1200].wait_for_timeout(500)
    assert [tab.trouble for tab in tabs.values()] == [[], []]


@pytest.mark.slow
@needs_browser
def test_every_figure_is_drawn_and_named(opened, results):
    plots = opened.locator(".figure")
    assert plots.count() == len(figures.comparison(results)) == 6
    for i in range(plots.count()):
        assert plots.nth(i).locator(".main-svg").count() > 0
        assert plots.nth(i).bounding_box()["height"] > 200
        label = plots.nth(i).get_attribute("aria-labelledby")
        assert opened.locator(f"#{label}").inner_text()


def column(tab, i: int) -> list[str]:
    return tab.eval_on_selector_all(
        "#results tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{i}].dataset.value)"
    )


@needs_browser
@pytest.mark.slow
def test_tables_sort_by_mouse_and_keyboard(opened):
    heads = opened.locator("#results thead th")
    number = next(
        i for i in range(heads.count()) if heads.nth(i).inner_text().startswith("mrr (hard)")
    )
    heads.nth(number).locator("button").click()
    assert heads.nth(number).get_attribute("aria-sort") == "descending"
    values = [float(value) for value in column(opened, number)]
    assert values == sorted(values, reverse=True)
    heads.nth(number).locator("button").press("Enter")
    assert heads.nth(number).get_attribute("aria-sort") == "ascending"
    assert [float(value) for value in column(opened, number)] == sorted(values)
    heads.nth(1).locator("button").click()
    assert heads.nth(number).get_attribute("aria-sort") == "none"
    assert column(opened, 1) == sorted(column(opened, 1), key=str.lower)


@needs_browser
@pytest.mark.slow
def test_rows_are_filtered_and_metrics_chosen(opened, results):
    total = len(column(opened, 0))
    assert total == len(results["rows"]) + len(results["heuristics"])
    opened.fill("#filter", "mixture bce")
    assert column(opened, 0) == ["mixture(uniform:0.75, walk:0.25)"]
    assert opened.inner_text("#shown") == f"1 of {total} rows shown"
    opened.fill("#filter", "")
    assert len(column(opened, 0)) == total
    head = opened.locator("#results th[data-metric='auc']").first
    assert not head.is_visible()
    opened.check("input[value='auc']")
    assert head.is_visible()
    opened.uncheck("input[value='auc']")
    assert not head.is_visible()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_light_and_dark_have_contrast(tabs, scheme):
    tab = tabs[390 if scheme == "dark" else 1200]
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    for theme in (scheme, "dark" if scheme == "light" else "light"):
        assert tab.evaluate("document.documentElement.dataset.theme") == theme
        for selector in ("body", ".note", "b.better", "dt"):
            assert contrast(tab, selector) >= 4.5, (theme, selector)
        tab.click("#theme")


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1200])
def test_no_text_is_covered_or_outside_the_window(tabs, width):
    tab = tabs[width]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(MISPLACED) == []
    edges = "cells => cells.map(c => c.getBoundingClientRect()).map(b => [b.left, b.right])"
    for left, right in tab.eval_on_selector_all("#results td:not([hidden])", edges):
        assert 0 <= left <= right <= width
    assert LONG in tab.inner_text("#risk-and-hardness + .legend")


@needs_browser
@pytest.mark.slow
def test_figures_follow_the_window_and_the_legend(opened):
    opened.set_viewport_size({"width": 390, "height": 900})
    opened.wait_for_selector("#time .annotation-text")
    assert opened.evaluate(MISPLACED) == []
    bars = "[...document.querySelectorAll('#time .trace.bars')].length"
    before = opened.evaluate(bars)
    entry = opened.locator("#time + .legend button").first
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert opened.evaluate(bars) == before - 1
    entry.click()
    assert opened.evaluate(bars) == before
    opened.set_viewport_size({"width": 1200, "height": 900})


@pytest.mark.slow
@needs_browser
def test_figures_are_files_too(results, tmp_path):
    plots = {"time": figures.comparison(results)["time"]}
    done = []
    paths = style.write(plots, tmp_path, lambda *counts: done.append(counts))
    assert done == [(1, 1)]
    assert [path.name for path in paths] == ["time.png", "time.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in paths[1].read_text()
