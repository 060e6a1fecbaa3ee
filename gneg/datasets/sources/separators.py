"""Separators of columns: which one a text has, and the values that it splits a line into."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

#: Separators in the order in which they are tried: the less likely inside a name comes first.
SEPARATORS = {"tab": "\t", "::": "::", ";": ";", "|": "|", ",": ",", "spaces": " "}
STAND_IN = "\x1f"  # a single character for a separator of several
#: Between these quotes may be text, and count only where they are around a whole value, so that a
#: name is the same in all files of a dataset, whatever else a file holds; elsewhere as in csv.
QUOTED_BY_VALUE = ("\t", " ")
SAMPLE = 200  # lines that the separator is found by
csv.field_size_limit(2**31 - 1)  # abstracts and features stand in a column
#: A value between spaces: quoted, as R writes names that hold spaces, or a word.
_WORD = re.compile(r'"(?:[^"\\]|\\.|"")*"(?!\S)|\S+')


def find(lines: Sequence[str]) -> str | None:
    """Return the first separator that splits all lines of a sample alike; None: there is none.

    One that splits nearly all of them alike, or all but one, is second best.
    """
    sample = lines[:SAMPLE]
    nearly = None
    for name, character in SEPARATORS.items():
        widths = [len(fields(line, character)) for line in sample]
        width, count = Counter(widths).most_common(1)[0]
        if name == "tab" and width > 1 and _are_spaces(sample):
            continue
        if width > 1 and count == len(sample):
            return name
        enough = min(0.9 * len(sample), len(sample) - 1) if len(sample) > 2 else len(sample)
        if nearly is None and width > 1 and count >= enough:
            nearly = name  # the lines that differ are then named
    return nearly


def _are_spaces(lines: Sequence[str]) -> bool:
    """Return whether lines with tabs are numbers between tabs and spaces, as KONECT mixes them."""
    values = [line.split() for line in lines]
    return (
        any(len(line) > text.count("\t") + 1 for line, text in zip(values, lines, strict=True))
        and len({len(line) for line in values}) == 1
        and all(re.fullmatch(r"-?\d+(\.\d+)?", value) for line in values for value in line)
    )


def fields(line: str, character: str) -> list[str]:
    """Return the values of a line."""
    if character == " ":
        return words(line)
    if character in ("\t", "::", STAND_IN):
        return line.split(character)
    line = line.replace("\n", " ")  # within quotes, which csv only knows for its own delimiter
    return next(csv.reader([line], delimiter=character, skipinitialspace=True))


def words(line: str) -> list[str]:
    """Return the values of a line between spaces; those that are quoted may hold spaces."""
    return _WORD.findall(line) if '"' in line else line.split()


def alike(line: str, other: str) -> bool:
    """Return whether two lines have as many of a separator."""
    marks = ("\t", ",", ";", "|", "::")
    return any(line.count(mark) == other.count(mark) > 0 for mark in marks)
