"""Tables and figures as the command line prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from gneg.cli.app import console
from gneg.evaluation.metrics import MEAN_RANKS


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1
) -> None:
    """Print a table whose first ``text_columns`` hold text and whose other columns hold numbers."""
    table = Table(title=escape(title))
    for i, column in enumerate(columns):
        justify: Any = "right" if i >= text_columns else "left"
        table.add_column(escape(column), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
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
