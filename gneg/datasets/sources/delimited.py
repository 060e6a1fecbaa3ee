"""Delimited text as people have it: compression, encoding, comments, separator and header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from gneg import checks, files

#: What the separators are called in a sentence.
SPOKEN = {"tab": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
#: Separators in the order in which they are tried: the less likely inside a name comes first.
SEPARATORS = {"tab": "\t", "::": "::", ";": ";", "|": "|", ",": ",", "spaces": " "}
csv.field_size_limit(2**31 - 1)  # abstracts and features stand in a column
SAMPLE = 200  # lines that the separator is found by
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_STAND_IN = "\x1f"  # a single character for a separator of several
KIND = "a file with a table of edges"


class Text(NamedTuple):
    """Delimited text as columns of strings.

    Attributes:
        columns: The columns of the rows below the header, by position.
        header: The names in the header; None: the file has none.
        separator: Name of the separator, a key of :data:`SEPARATORS`, or the character itself.
        comments: The comment lines before the first row.
    """

    columns: list[pa.Array]
    header: list[str] | None
    separator: str
    comments: list[str]


def read(
    path: Path,
    *,
    separator: str | None = None,
    is_header: Any = None,
    header: bool | None = None,
    quotes: bool = True,
) -> Text:
    """Read a text file of rows of columns; all values are strings without spaces at their ends.

    Lines that begin with ``#`` (before the first row also ``%``) are comments, blank lines are
    passed over.

    Args:
        path: The file: UTF-8 or UTF-16, plain or compressed by gzip, bzip2 or zstd.
        separator: The separator, a key of :data:`SEPARATORS` or a character; found if None.
        is_header: Called as ``is_header(first row, columns below it)`` if ``header`` is None.
        header: Whether the first row names the columns; found if None.
        quotes: Whether values may be quoted; else quotes are part of them.

    Raises:
        ValueError: If the file is empty, is no text, or rows have different numbers of columns.
    """
    remedy = "give the separator with --sep"
    lines, comments = _lines(decoded(path))
    if lines and lines[0][:1] in "{[(":
        allowed = f"{KIND}: text in columns, Parquet, Arrow, NumPy, MatrixMarket, GraphML or GML"
        checks.fail("dataset", allowed, f"{path} with the line {lines[0][:60]!r}")
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:  # as Excel writes it
        separator, lines = separator or lines[0][4], lines[1:]
    if not lines:
        checks.fail("dataset", KIND, f"{path}, which is empty")
    name = _separator(lines) if separator is None else separator
    if name is None:
        allowed = f"{KIND}, its columns separated by {', '.join(SEPARATORS)}"
        checks.fail("dataset", allowed, f"{path} with the line {lines[0][:60]!r}", hint=remedy)
    character = SEPARATORS.get(name, name)
    if len(character) != 1 and character != "::":
        checks.fail("sep", f"a character or one of {', '.join(SEPARATORS)}", repr(name))
    columns = [_trimmed(column) for column in _parsed(lines, character, path, quotes)]
    first = [column[0].as_py() for column in columns]
    below = [column[1:] for column in columns]
    named = is_header(first, below) if header is None else header
    if not named:
        return Text(columns, _named_by_comment(comments, character, len(columns)), name, comments)
    return Text(below, first, name, comments)


def _rows_and_comments(lines: list[str]) -> list[str]:
    """Return the lines without comments: those that begin with ``#``, unless such names occur.

    A ``#`` begins a name where lines that begin with it, and no space after it, are of as many
    words as a line beside them.
    """
    marked = [i for i, line in enumerate(lines) if line[0] == "#"] if len(lines) > 1 else []
    names = [i for i in marked if lines[i][1:2].strip(" #") and _alike(lines[i], lines[abs(i - 1)])]
    if len(names) == len(marked):
        return lines
    return [line for line in lines if line[0] != "#"]


def _alike(line: str, other: str) -> bool:
    """Return whether two lines have as many of a separator."""
    marks = ("\t", ",", ";", "|", "::")
    return any(line.count(mark) == other.count(mark) > 0 for mark in marks)


def decoded(path: Path) -> str:
    """Return the text of a file, decompressed and decoded.

    Raises:
        ValueError: If it cannot be read, or is neither UTF-8 nor UTF-16.
    """
    with files.reading("dataset", path, KIND, "save it as UTF-8 text, plain or compressed"):
        content = path.read_bytes()
        for magic, codec in _COMPRESSED.items():
            if content.startswith(magic):
                with pa.input_stream(pa.py_buffer(content), compression=codec) as stream:
                    content = stream.read()
        encodings = [name for mark, name in _ENCODINGS.items() if content.startswith(mark)]
        text = content.decode((encodings or ["utf-8"])[0])
        if "\0" in text:
            checks.fail("content", "text", "NUL characters")
    return text


def _lines(text: str) -> tuple[list[str], list[str]]:
    """Return the rows of a text and the comments before the first of them."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    comments = []
    start = 0
    for start, line in enumerate(lines):
        word = line[1:2].strip()
        if line.strip() and not (
            line.startswith(("#", "%")) and not (word and _same(lines, start))
        ):
            break
        comments += [line] if line.strip() else []
    if "\n#" in text or "\n\n" in text or any(not line.strip() for line in lines[-1:]):
        return _rows_and_comments([line for line in lines[start:] if line.strip()]), comments
    return lines[start:], comments


def _same(lines: Sequence[str], start: int) -> bool:
    """Return whether a first line that begins with a sign is a row: so do others of its form."""
    line = lines[start]
    return any(
        other[:1] == line[0] and not other[1:2].isspace() and _alike(line, other)
        for other in lines[start + 1 : start + SAMPLE]
    )


def _separator(lines: Sequence[str]) -> str | None:
    """Return the first separator that splits all lines of a sample alike; None: there is none."""
    sample = lines[:SAMPLE]
    nearly = None
    for name, character in SEPARATORS.items():
        widths = Counter(len(_fields(line, character)) for line in sample)
        width, count = widths.most_common(1)[0]
        if width > 1 and count == len(sample):
            return name
        if width > 1 and count >= 0.9 * len(sample) and nearly is None:
            nearly = name  # the lines that differ are then named
    return nearly


def _fields(line: str, character: str) -> list[str]:
    if character == " ":
        return line.split()
    if character in ("\t", "::", _STAND_IN):
        return line.split(character)
    return next(csv.reader([line], delimiter=character, skipinitialspace=True))


def _parsed(lines: list[str], character: str, path: Path, quotes: bool) -> list[pa.Array]:
    """Return the columns of lines as strings."""
    if character == " ":
        lines = ["\t".join(line.split()) for line in lines]
    elif character == "::":
        lines = [line.replace("::", _STAND_IN) for line in lines]
    delimiter = {" ": "\t", "::": _STAND_IN}.get(character, character)
    # Between tabs and spaces quotes count where every one of them opens or closes a value.
    quoted = quotes and (
        character not in ("\t", " ")
        or all(
            re.fullmatch('"[^"]*"', value.strip())
            for line in lines
            if '"' in line
            for value in line.split(delimiter)
            if '"' in value
        )
    )
    width = len(_fields(lines[0], delimiter))
    for row, line in enumerate(lines):
        if line.count(delimiter) != width - 1 and len(_fields(line, delimiter)) != width:
            allowed = f"{KIND}, {width} columns in each row as in its first"
            value = f"{path}, row {row + 1}: {line[:60]!r}"
            checks.fail("dataset", allowed, value, hint="is the separator right? see --sep")
    names = [str(i) for i in range(width)]
    with files.reading("dataset", path, KIND, "see gneg.datasets.load for the forms of files"):
        table = arrow_csv.read_csv(
            pa.BufferReader("\n".join(lines).encode()),
            read_options=arrow_csv.ReadOptions(column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if quoted else False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    return [column.combine_chunks() for column in table.columns]


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(column)


def _named_by_comment(comments: Sequence[str], character: str, width: int) -> list[str] | None:
    """Return the names in the last comment, ``# FromNodeId ToNodeId``, if it has one a column."""
    if not comments:
        return None
    names = [name.strip() for name in _fields(re.sub(r"^[#%]+\s*", "", comments[-1]), character)]
    return names if len(names) == width else None
