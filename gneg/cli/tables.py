"""Tables and figures as the command line prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from gneg.cli.app import console
from gneg.evaluation.metrics import MEAN_RANKS


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    text_columns: int = 1,
    *,
    last: int = 0,
) -> None:
    """Print a table whose first ``text_columns`` and ``last`` columns hold text, others numbers."""
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, column in enumerate(columns):
        justify: Any = "right" if text_columns <= i < len(columns) - last else "left"
        word = max(map(len, column.split()), default=0)  # headings break between words only
        table.add_column(Text(column), justify=justify, overflow="fold", min_width=word)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def mean_std(value: dict[str, Any], metric: str = "") -> str:
    """Return ``mean ± std`` (the mean alone of a single run), in percent unless it is a rank."""
    mean, std = value["mean"], value["std"]
    if metric in MEAN_RANKS:
        return f"{mean:.3g}" + (f" ± {std:.2g}" if std is not None else "")
    return f"{100 * mean:.2f}" + (f" ± {100 * std:.2f}" if std is not None else "")


def percent(value: float) -> str:
    """Return a share in percent; ``-`` for one that is not known yet, below 0."""
    return f"{100 * value:.2f} %" if value >= 0 else "-"


def count_of(count: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is 1."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
