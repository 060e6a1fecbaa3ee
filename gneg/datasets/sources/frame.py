"""What stands around the rows of a text: counts above, rules of drawn tables, footers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from gneg import checks
from gneg.datasets.sources import separators

FOOTER = re.compile(r"\(?([\d,]+) (?:rows?|records?)(?: selected)?\.?\)?", re.IGNORECASE)
_RULE = re.compile(r"[\s|+:=-]+")
_DASHES = re.compile(r"[-=]{3}|[|+]:?-")


def without_footers(lines: list[str], path: Path, kind: str) -> tuple[list[str], list[str]]:
    r"""Return lines without ``\.`` and ``(40 rows)`` at their end, and notes on these.

    Raises:
        ValueError: If there are not as many rows as a footer says.
    """
    notes = []
    while lines:
        last = lines[-1].strip()
        match = FOOTER.fullmatch(last)
        if match is None and last != "\\.":
            break
        lines = lines[:-1]
        if match is not None:
            rows = sum(not is_rule(line) for line in lines)
            count = int(match[1].replace(",", "") or 0)
            if count not in (rows - 1, rows):  # with a header or without
                checks.fail(
                    "dataset", f"{kind}, of as many rows as its last line says",
                    f"{path} of {rows:,} lines above {last!r}", hint="is the file whole?",
                )  # fmt: skip
        notes.append(f"the last line, {last!r}, is left out")
    return lines, notes


def is_rule(line: str) -> bool:
    """Return whether a line is a rule below a header, such as ``|---|:--|`` or ``---+---``."""
    return _RULE.fullmatch(line) is not None and _DASHES.search(line) is not None


def without_rules(lines: list[str]) -> tuple[list[str], bool]:
    """Return the lines of a drawn table without rules and bars around it, and whether it is one.

    Markdown and Org, and what psql, MySQL and SQLite print, have a rule below the header.
    """
    if not any(is_rule(line) for line in lines[:2]):
        return lines, False
    rows = [line for line in lines if not is_rule(line)]
    if all(line.strip().startswith("|") and line.strip().endswith("|") for line in rows):
        rows = [line.strip()[1:-1] for line in rows]
    return rows, True


def is_counts(lines: Sequence[str], split: Callable[[str], list[str]]) -> bool:
    """Return whether a first line is no row but counts: of nodes, of edges, or of both.

    Its last number is that of the rows below, perhaps under a header, and those before it are large
    enough for the ids in the rows; a number by itself is either. Counts have no leading zeros.
    """
    values = split(lines[0])
    plain = all(value.isdecimal() and value == str(int(value)) for value in values)
    if not plain or not 1 <= len(values) <= 3:
        return False
    counts, rows = [int(value) for value in values], len(lines) - 1
    if len(counts) == 1 and counts[0] == rows > 1:
        return True
    headed = rows > 2 and counts[-1] == rows - 1
    if rows < 2 or (len(counts) > 1 and counts[-1] != rows and not headed):
        return False
    ends = [split(line)[:2] for line in lines[1:]]
    if any(len(pair) < 2 for pair in ends):
        return False
    names = [[pair[i] for pair in ends[headed:]] for i in (0, 1)]
    if headed and {*ends[0]} & {*names[0], *names[1]}:
        return False
    if len(counts) < 3:
        return _are_numbered(names[0] + names[1], counts[0])
    return _are_numbered(names[0], counts[0]) and _are_numbered(names[1], counts[1])


def _are_numbered(names: list[str], count: int) -> bool:
    """Return whether names may be those of so many nodes, numbered from 0 or 1."""
    largest = max((int(name) for name in names if name.isdecimal()), default=0)
    return count >= max(len(set(names)), largest)


def _odd_line(lines: Sequence[str]) -> str | None:
    """Return what to do where most lines have the first one's separators, and some have more."""
    for mark in ",;|":
        counts = [line.count(mark) for line in lines]
        longer = [i for i, count in enumerate(counts) if count > counts[0]]
        if counts[0] and longer and 2 * sum(count == counts[0] for count in counts) > len(lines):
            line = lines[longer[0]][:60]
            return (
                f"row {longer[0] + 1}, {line!r}, has {counts[longer[0]]} {mark!r}, the first "
                f"{counts[0]}: quote values that hold one"
            )
    return None


def hint_without_separator(lines: Sequence[str]) -> str:
    """Return what to do about a text whose lines no separator splits alike."""
    odd = _odd_line(lines[: separators.SAMPLE])
    if odd is not None:
        return odd
    widths = {len(separators.words(line)) for line in lines[: separators.SAMPLE]}
    if len(widths) > 2:
        return "lists of neighbours are not read: write a line for each edge"
    return "give the separator with --sep"
