"""Lines of a text: rows, comments, and rows that a quoted value spreads over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gneg.datasets.sources.separators import SAMPLE, alike

_QUOTED = re.compile(r'(^|[,;|\t])\s*"(?:[^"]|"")*"')
_OPENING = re.compile(r'(?:^|[,;|\t])\s*"')
_BLANK_OR_COMMENT = re.compile(r"\n(?:#|[^\S\n]*\n)")
_CLOSING = re.compile(r'^(?:[^"]|"")*"\s*(?:$|[,;|\t])')


def rows_and_comments(text: str, *, quotes: bool = True) -> tuple[list[str], list[str], int]:
    """Return the rows of a text, the comments before them, and the number of those among them.

    Lines that begin with ``#`` (before the first row also ``%``) are comments, unless such names
    occur; blank lines are passed over.

    Args:
        text: The text.
        quotes: Whether values may be quoted, and then hold line ends.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if quotes and '"' in text:
        lines = list(_joined(lines))
    comments = []
    start = 0
    for start, line in enumerate(lines):
        word = line[1:2].strip()
        if line.strip() and not (
            line.startswith(("#", "%")) and not (word and _same(lines, start))
        ):
            break
        comments += [line] if line.strip() else []
    if _BLANK_OR_COMMENT.search(text, 0, len(text.rstrip())):  # else no line is looked at
        rows = [line for line in lines[start:] if line.strip()]
        content = _without_comments(rows)
        return content, comments, len(rows) - len(content)
    rows = lines[start:]
    while rows and not rows[-1].strip():
        rows.pop()
    return rows, comments, 0


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines; those that a quoted value spreads over are one.

    A quote that opens a value counts if the next line with an odd number of quotes closes it, and
    the lines differ from the first of the text in their tabs: between tabs a quote may be text.
    """
    shape = next((line.count("\t") for line in lines if not line.startswith(("#", "%"))), 0)
    i = 0
    while i < len(lines):
        end = _end(lines, i) if _is_open(lines[i]) else i
        pieces = lines[i : end + 1]
        if shape and all(piece.count("\t") == shape for piece in pieces):
            pieces, end = lines[i : i + 1], i
        yield "\n".join(pieces)
        i = end + 1


def _is_open(line: str) -> bool:
    """Return whether a line ends within a quoted value."""
    if line.count('"') % 2 == 0 or line.startswith(("#", "%")):
        return False
    return _OPENING.search(_QUOTED.sub(r"\1", line)) is not None


def _end(lines: Sequence[str], start: int) -> int:
    """Return the position of the line that closes the value that one leaves open; else its own."""
    for i in range(start + 1, len(lines)):
        if lines[i].count('"') % 2:
            return i if _CLOSING.match(lines[i]) else start
    return start


def _without_comments(lines: list[str]) -> list[str]:
    """Return the lines without comments: those that begin with ``#``, unless such names occur.

    A ``#`` begins a name where lines that begin with it, and no space after it, are of as many
    words as a line beside them.
    """
    marked = [i for i, line in enumerate(lines) if line[0] == "#"] if len(lines) > 1 else []
    named = [i for i in marked if lines[i][1:2].strip(" #")]
    names = [i for i in named if alike(lines[i], lines[abs(i - 1)])]
    if len(names) == len(marked) or 2 * len(named) > len(lines):
        return lines
    return [line for line in lines if line[0] != "#"]


def _same(lines: Sequence[str], start: int) -> bool:
    """Return whether a first line that begins with a sign is a row: so do others of its form."""
    line = lines[start]
    sample = lines[start : start + SAMPLE]
    if 2 * sum(row[:1] == line[0] and not row[1:2].isspace() for row in sample) > len(sample):
        return True
    return any(
        row[:1] == line[0] and not row[1:2].isspace() and alike(line, row)
        for row in lines[start + 1 : start + SAMPLE]
    )
