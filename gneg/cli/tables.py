"""Tables and figures as the command line prints them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from gneg.cli.output import console, even_if_quiet
from gneg.evaluation.metrics import MEAN_RANKS

GAP = 2  # spaces between columns
PROSE = 24  # characters a line in which a description is still easy to read
#: Metrics that are no percentages, as tables call them.
LABELS = {"mr": "mean rank", "amr": "mean rank / that by chance"}


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    names: int = 1,
    *,
    prose: int = 0,
    result: bool = False,
) -> None:
    """Print a table in which no name is cut and no name and no number broken, at any width.

    Where it is too wide for the console, names stand on lines of their own above their numbers,
    and numbers that are still too many follow in further tables.

    Args:
        title: The line above the table.
        columns: Headings, which break between words only.
        rows: The cells of each row, one a column.
        names: Columns of names, the first ones; columns of numbers follow.
        prose: Columns of text that may break between words, the last ones.
        result: Whether it is what the command was asked for, and printed with ``--quiet`` too.
    """
    with even_if_quiet(result):
        if title:
            console.print(Text(title))
        _print_cells(_Cells(columns, rows, names, prose))


def _print_cells(table: _Cells) -> None:
    """Print the columns of a table as they fit."""
    columns, names = table.columns, table.names
    room = console.width - 1
    if table.width(range(len(columns))) <= room:
        _print_columns(table, range(len(columns)))
        return
    beside = table.groups(room - table.width(range(names)))
    below = table.groups(room - GAP)
    if table.prose or len(below) < len(beside):
        for group in below:
            _print_stacked(table, group)
        return
    for group in beside:
        _print_columns(table, [*range(names), *group])


@dataclass(frozen=True)
class _Cells:
    """Cells of names, then of numbers, then of prose, and the width that each column needs."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int
    prose: int

    @property
    def numbers(self) -> range:
        return range(self.names, len(self.columns) - self.prose)

    def least(self, i: int) -> int:
        """Return the width that a column needs: its longest cell, or that of its longest word."""
        cells = [row[i] for row in self.rows]
        full = max(map(cell_len, cells), default=0)
        if i >= self.numbers.stop:
            full = min(full, max(PROSE, *map(_longest_word, cells), 0))
        return max(full, _longest_word(self.columns[i]))

    def width(self, columns: Sequence[int]) -> int:
        """Return the width that some columns need side by side."""
        return sum(self.least(i) + GAP for i in columns)

    def widths(self, columns: Sequence[int]) -> dict[int, int]:
        """Return the widths of columns: headings share the room that is left, then prose."""
        widths = {i: self.least(i) for i in columns}
        left = console.width - 1 - self.width(columns)
        fixed = [i for i in columns if i < self.numbers.stop]
        for i in [*fixed, *reversed(columns[len(fixed) :])]:
            texts = [self.columns[i]]
            if i >= self.numbers.stop:
                texts += [row[i] for row in self.rows]
            extra = max(0, min(left, max(map(cell_len, texts)) - widths[i]))
            widths[i], left = widths[i] + extra, left - extra
        return widths

    def groups(self, room: int) -> list[list[int]]:
        """Return the columns of numbers in groups that fit side by side."""
        groups: list[list[int]] = [[]]
        for i in self.numbers:
            if groups[-1] and self.width([*groups[-1], i]) > room:
                groups.append([])
            groups[-1].append(i)
        return groups


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _print_columns(table: _Cells, columns: Sequence[int]) -> None:
    """Print some columns side by side."""
    grid = Table(box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0))
    for i, width in table.widths(columns).items():
        justify: Any = "right" if i in table.numbers else "left"
        head = Text(table.columns[i])
        grid.add_column(head, justify=justify, width=width, overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(row[i]) for i in columns))
    console.print(grid)


def _print_stacked(table: _Cells, columns: Sequence[int]) -> None:
    """Print the names of each row above its numbers, and prose below."""
    widths = table.widths(columns)
    heads = [textwrap.wrap(table.columns[i], widths[i]) for i in columns]
    height = max(map(len, heads), default=0)
    heads = [[""] * (height - len(head)) + head for head in heads]
    lines = ["", _joined(table.columns[: table.names])]
    lines += [_aligned(line, widths.values()) for line in zip(*heads, strict=True)]
    width = sum(widths.values()) + GAP * len(columns)
    lines.append(" " + "\u2500" * (width or len(lines[-1]) - 1))
    for row in table.rows:
        lines.append(_joined(row[: table.names]))
        if columns:
            lines.append(_aligned([row[i] for i in columns], widths.values()))
        if not columns or columns[-1] == table.numbers.stop - 1:
            for head, text in [*zip(table.columns, row, strict=True)][table.numbers.stop :]:
                lines += [_filled(f"{head}: {text}", "   ")] if text else []
    for line in [*lines, ""]:
        console.print(Text(line))


def _joined(names: Sequence[str]) -> str:
    return _filled(" \u00b7 ".join(name for name in names if name not in ("", "-")), " ")


def _filled(text: str, indent: str) -> str:
    """Return text in indented lines that break between words only."""
    return textwrap.fill(
        text,
        console.width - 1,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _aligned(cells: Sequence[str], widths: Iterable[int]) -> str:
    """Return cells in one line, each at the right of its column."""
    padded = (
        " " * (width - cell_len(cell)) + cell for cell, width in zip(cells, widths, strict=True)
    )
    return " " + "".join(" " * GAP + cell for cell in padded)


def mean_std(value: dict[str, Any], metric: str = "") -> str:
    """Return ``mean ± std`` (the mean alone of a single run), in percent unless it is a rank."""
    mean, std = value["mean"], value["std"]
    if metric in MEAN_RANKS:
        return f"{mean:.3g}" + (f" ± {std:.2g}" if std is not None else "")
    return f"{100 * mean:.2f}" + (f" ± {100 * std:.2f}" if std is not None else "")


def percent(value: float) -> str:
    """Return a share in percent; ``-`` for one that is not known yet, below 0."""
    return f"{100 * value:.2f} %" if value >= 0 else "-"


def seeds_of(count: int) -> str:
    """Return the number of seeds, and what stands in a table of several."""
    return "1 seed" if count == 1 else f"{count} seeds, mean ± standard deviation"
