"""The common style of all figures: colours, names, menus, files."""

from __future__ import annotations

import asyncio
import functools
import statistics
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from gneg import checks, files
from gneg.experiments.parts import cell, columns

# The palette of Okabe and Ito, legible with any colour vision, on light and dark pages.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#B79F00")
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
DASHES = ("solid", "dot", "dash", "dashdot", "longdash")
EASY = "uniform negatives"
TIMES = {
    "sampling": "sampling",
    "scoring": "scoring candidates",
    "model": "model",
    "evaluation": "evaluation",
}
HEIGHT = 440


def wrapped(text: str, width: int = 52) -> str:
    """Return a name in lines of about ``width`` characters, broken at spaces, as Plotly reads it.

    Names are never cut: two that begin alike would share a bar.
    """
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return "<br>".join(lines)


def labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return short labels of rows: what is not the same in all."""
    texts = [[cell(name, row) for name in columns(rows)] for row in rows]
    return [wrapped(", ".join(text for text in row if text != "-")) for row in texts]


def best_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the best rows by validation, as many as colours tell apart, in their order."""
    order = sorted(range(len(rows)), key=lambda i: -statistics.fmean(rows[i]["valid"]))
    return [rows[i] for i in sorted(order[: len(COLORS)])]


def trained_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first row of each trained model: rows that differ in the stack share one."""
    firsts: list[Mapping[str, Any]] = []
    for row in rows:
        if all(row["curves"] != first["curves"] for first in firsts):
            firsts.append(row)
    return firsts


def row_colors(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a colour for each row: that of its sampler, or its own if that leaves rows alike."""
    if len({(row["sampler"], row["encoder"]) for row in rows}) < len(rows):
        return [COLORS[i % len(COLORS)] for i in range(len(rows))]
    colors = colors_of(rows)
    return [colors[row["sampler"]] for row in rows]


def height_of(ticks: Sequence[str]) -> int:
    """Return the height in pixels of horizontal bars with these names, of one line or several."""
    lines = max(1 + tick.count("<br>") for tick in ticks)
    return 120 + max(34, 8 + 17 * lines) * len(ticks)


def against_set(name: str) -> str:
    """Return the phrase for a set: "against hard negatives", "among all nodes"."""
    if name == "all":
        return "among all nodes"
    return f"against {name}" if name.startswith("all ") else f"against {name} negatives"


def ranked_sets(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the sets in which models rank, which have an MRR."""
    return [name for name, metrics in rows[0]["summary"].items() if "mrr" in metrics]


def colors_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a colour for each sampler, the same in every figure."""
    names = dict.fromkeys(row["sampler"] for row in rows)
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(names)}


def by_encoder(rows: Sequence[Mapping[str, Any]], values: Sequence[str]) -> dict[str, str]:
    """Return a symbol or a dash for each encoder, the same in every figure."""
    names = dict.fromkeys(row["encoder"] for row in rows)
    return {name: values[i % len(values)] for i, name in enumerate(names)}


def styled(figure: go.Figure, height: int = HEIGHT) -> go.Figure:
    """Apply the common style to a figure: no background, thin grid, legend above."""
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 64, "r": 16, "t": 24, "b": 56},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#1c2430"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
    )
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.4)"}
    figure.update_xaxes(**grid, automargin=True)
    figure.update_yaxes(**grid, automargin=True)
    return figure


def button(name: str, traces: dict[str, Any], layout: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of a menu that updates traces and layout."""
    label = name[:1].upper() + name[1:]
    return {"label": label, "method": "update", "args": [traces, layout]}


def with_menu(figure: go.Figure, buttons: list[dict[str, Any]]) -> go.Figure:
    """Add a menu by which readers choose the measure."""
    position = {"x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}
    return figure.update_layout(updatemenus=[{"buttons": buttons, **position}], margin={"t": 56})


def write(
    figures: Mapping[str, go.Figure],
    folder: Path,
    report: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write figures as PNG and SVG, for papers, and return the paths.

    Args:
        figures: Figures by name.
        folder: The folder to write to.
        report: Called with the number of figures written and that of all, after each figure.

    Raises:
        ValueError: If kaleido, or the Chrome or Chromium that it uses, is missing.
    """
    paths: list[Path] = []
    stopped = threading.Event()

    async def images() -> None:
        """Draw with one browser for all: to start one takes ten times as long as an image."""
        async with kaleido.Kaleido() as browser:
            for number, (name, figure) in enumerate(figures.items(), 1):
                plain = go.Figure(figure).update_layout(paper_bgcolor="white", width=900)
                plain.layout.updatemenus = ()
                for suffix, scale in (("png", 2), ("svg", 1)):
                    options = {"format": suffix, "scale": scale}
                    content = await browser.calc_fig(plain.to_dict(), opts=options)
                    if stopped.is_set():
                        return
                    paths.append(folder / f"{name}.{suffix}")
                    files.write_whole(paths[-1], functools.partial(_save, content=content))
                if report is not None:
                    report(number, len(figures))

    try:
        import kaleido

        with ThreadPoolExecutor(1) as pool:  # a notebook's own thread runs an event loop already
            try:
                pool.submit(lambda: asyncio.run(images())).result()
            finally:
                stopped.set()
    except (RuntimeError, ValueError, ImportError) as error:
        allowed = "written where kaleido and Chrome or Chromium are installed"
        checks.fail("figures", allowed, error)
    return paths


def _save(path: Path, content: bytes) -> None:
    path.write_bytes(content)
