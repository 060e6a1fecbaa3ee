"""Delimited text as people have it: compression, encoding, separator, quotes and header."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from gneg import checks, files
from gneg.datasets.sources import frame, short_headers
from gneg.datasets.sources.columns import is_number
from gneg.datasets.sources.lines import rows_and_comments
from gneg.datasets.sources.separators import (
    QUOTED_BY_VALUE,
    SEPARATORS,
    STAND_IN,
    fields,
    find,
    words,
)

#: What the separators are called in a sentence.
SPOKEN = {"tab": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
LINE_END = "\x1e"  # stands for one within a value while a table is parsed
COUNTS = "holds counts and is left out"  # said of a first line
KIND = "a file with a table of edges"
TRIPLES = "a file of triples"
IN_UTF8 = "save it as UTF-8 text, plain or compressed"


class Text(NamedTuple):
    """Delimited text as columns of strings.

    Attributes:
        columns: The columns of the rows below the header, by position.
        header: The names in the header; None: the file has none.
        separator: Name of the separator, a key of :data:`SEPARATORS`, or the character itself.
        comments: The comment lines before the first row.
        surplus: Number of the last columns that the header has no name for.
        notes: What else the user should know.
    """

    columns: list[pa.Array]
    header: list[str] | None
    separator: str
    comments: list[str]
    surplus: int = 0
    notes: tuple[str, ...] = ()


def read(
    path: Path,
    *,
    separator: str | None = None,
    is_header: Any = None,
    header: bool | None = None,
    quotes: bool = True,
    kind: str = KIND,
    encoding: str | None = None,
    remedy: str = IN_UTF8,
    limit: int | None = None,
) -> Text:
    """Read a text file of rows of columns; all values are strings without spaces at their ends.

    Lines that begin with ``#`` (before the first row also ``%``) are comments, blank lines are
    passed over; a line of counts above the rows and footers such as ``(40 rows)`` are left out.

    Args:
        path: The file: UTF-8 or UTF-16, plain or compressed by gzip, bzip2 or zstd.
        separator: The separator, a key of :data:`SEPARATORS` or a character; found if None.
        is_header: Called as ``is_header(first row, columns below it)`` if ``header`` is None.
        header: Whether the first row names the columns; found if None.
        quotes: Whether values may be quoted; else quotes are part of them.
        kind: What the file should be, for errors.
        encoding: Encoding of the text; None: UTF-8, or as its first bytes say.
        remedy: What to do about a file in another encoding.
        limit: Number of bytes to read the first lines of; None: all.

    Raises:
        ValueError: If the file is empty, is no text, or rows have different numbers of columns.
    """
    text = decoded(path, kind, encoding, remedy, limit=limit)
    lines, comments, left_out = rows_and_comments(text, quotes=quotes)
    _check_text(lines, path, kind)
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:  # as Excel writes it
        separator, lines = separator or lines[0][4], lines[1:]
    lines, notes = frame.without_footers(lines, path, kind)
    if left_out:
        notes.append(f"{left_out:,} lines between rows begin with # and are left out as comments")
    lines, drawn = frame.without_rules(lines)
    if drawn and header is None:
        header = True
    if not lines:
        checks.fail("dataset", kind, f"{path}, which is empty")
    several = _of_several_lines(lines)
    notes += _line_ends(several)
    name = _separator(lines, separator, path, kind)
    character = SEPARATORS.get(name, name)
    if frame.is_counts(lines, lambda line: fields(line, character)):
        notes.append(f"the first line, {lines[0].strip()!r}, {COUNTS}")
        lines = lines[1:]
    names, surplus = None, 0
    if header is not False:
        names, surplus = _short_header(lines, character, path, kind)
    rows = lines if names is None else lines[1:]
    columns = [
        _trimmed(column) for column in _parsed(rows, character, path, quotes, bool(several), kind)
    ]
    if names is None:
        first = [column[0].as_py() for column in columns]
        below, repeated = _without_repeats(first, [column[1:] for column in columns])
        if header is True or (header is None and is_header(first, below)):
            names, columns = first, below
            if repeated:
                notes.append(f"{repeated:,} further rows repeat the header and are left out")
        else:
            names = _named_by_comment(comments, character, len(columns))
    return Text(columns, names, name, comments, surplus, tuple(notes))


def _check_text(lines: Sequence[str], path: Path, kind: str) -> None:
    """Refuse JSON and the like."""
    if lines and lines[0][:1] in "{[(":
        allowed = f"{kind}: text in columns, Parquet, Arrow, NumPy, MatrixMarket, GraphML or GML"
        checks.fail("dataset", allowed, f"{path} with the line {lines[0][:60]!r}")


def _of_several_lines(rows: Sequence[str]) -> list[str]:
    return [row for row in rows if "\n" in row]


def _line_ends(several: Sequence[str]) -> list[str]:
    """Return what to say of rows of several lines: names rarely are, and a quote may be missing."""
    if not several:
        return []
    longest = max(several, key=lambda line: line.count("\n"))
    ends = f"line ends inside quotes, up to {longest.count(chr(10)):,} each"
    return [f"{len(several):,} rows have {ends} (is a quote missing?): {longest[:60]!r}"]


def _without_repeats(first: Sequence[str], below: list[pa.Array]) -> tuple[list[pa.Array], int]:
    """Return the rows below the first without those equal to it, and the number of these."""
    if any(value[-1:].isdigit() for value in first):
        return below, 0
    same = functools.reduce(pc.and_, map(pc.equal, below, first))
    if not pc.any(same).as_py():
        return below, 0
    return [column.filter(pc.invert(same)) for column in below], pc.sum(same).as_py()


def decoded(
    path: Path,
    kind: str = KIND,
    encoding: str | None = None,
    remedy: str = IN_UTF8,
    *,
    limit: int | None = None,
) -> str:
    """Return the text of a file, decompressed and decoded; with a limit its first lines.

    Args:
        path: The file.
        kind: What it should be, for errors.
        encoding: Its encoding; None: UTF-8, or as its first bytes say.
        remedy: What to do about a file in another encoding.
        limit: Number of bytes to read the first lines of; None: all.

    Raises:
        ValueError: If it cannot be read, or is in another encoding.
    """
    with files.reading("dataset", path, kind, remedy):
        with path.open("rb") as file:
            start = file.read(max(map(len, COMPRESSED)))
            codecs = [codec for magic, codec in COMPRESSED.items() if start.startswith(magic)]
            file.seek(0)
            content: bytes
            if codecs:
                with pa.input_stream(file, compression=codecs[0]) as stream:
                    content = stream.read(limit)
            else:
                content = file.read(limit)
        if limit is not None and len(content) >= limit and not content.startswith(b"\xff\xfe"):
            content = content[: content.rfind(b"\n") + 1]
        encodings = [name for mark, name in ENCODINGS.items() if content.startswith(mark)]
        text = content.decode(encoding or (encodings or ["utf-8"])[0]).removeprefix("\ufeff")
        if "\0" in text:
            checks.fail("content", "text", "NUL characters")
    return text


def _separator(lines: Sequence[str], separator: str | None, path: Path, kind: str) -> str:
    """Return the name of the separator that the caller gives, else that the lines have."""
    name = find(lines) if separator is None else separator
    if name is None:
        allowed = f"{kind}, its columns separated by {', '.join(SEPARATORS)}"
        value = f"{path} with the line {lines[0][:60]!r}"
        checks.fail("dataset", allowed, value, hint=frame.hint_without_separator(lines))
    character = SEPARATORS.get(name, name)
    if len(character) != 1 and character != "::":
        checks.fail("sep", f"a character or one of {', '.join(SEPARATORS)}", repr(name))
    return name


def _short_header(
    lines: Sequence[str], character: str, path: Path, kind: str
) -> tuple[list[str] | None, int]:
    """Return the names of a header that has fewer than the rows have values, and their surplus."""
    header = fields(lines[0], character)
    width = len(fields(lines[1], character)) if len(lines) > 2 else 0
    if not 1 < len(header) < width:
        return None, 0
    sample = [words(line) if character == " " else line.split(character) for line in lines[1:1001]]
    cleaned = [name.strip().strip('"') for name in header]
    return short_headers.names_of(cleaned, sample, width, path, kind) or (None, 0)


def _parsed(
    lines: list[str], character: str, path: Path, quotes: bool, in_lines: bool, kind: str
) -> list[pa.Array]:
    """Return the columns of lines as strings; ``in_lines``: whether values may hold line ends."""
    if character == " ":
        lines = ["\t".join(words(line)) for line in lines]
    elif character == "::":
        lines = [line.replace("::", STAND_IN) for line in lines]
    delimiter = {" ": "\t", "::": STAND_IN}.get(character, character)
    by_value = quotes and character in QUOTED_BY_VALUE
    if by_value and in_lines:
        lines = [line.replace("\n", LINE_END) for line in lines]
    names = [str(i) for i in range(len(fields(lines[0], delimiter)))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader("\n".join(lines).encode()),
            read_options=arrow_csv.ReadOptions(column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quotes and not by_value else False,
                newlines_in_values=in_lines and not by_value,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except Exception as error:
        _check_widths(lines, delimiter, path, kind)
        with files.reading("dataset", path, kind, "see gneg.datasets.load for the forms of files"):
            raise error
    if len(table) != len(lines):
        _check_widths(lines, delimiter, path, kind)
    columns = [column.combine_chunks() for column in table.columns]
    if not by_value:
        return columns
    columns = [unquoted(column) for column in columns]
    return [pc.replace_substring(column, LINE_END, "\n") for column in columns]


def unquoted(values: pa.Array) -> pa.Array:
    """Return strings without the quotes around those that are quoted as a whole."""
    if not pc.any(pc.match_substring(values, '"')).as_py():
        return values
    pattern = r'^\s*"((?:[^"]|"")*)"\s*$'
    quoted = pc.match_substring_regex(values, pattern)
    inner = pc.replace_substring(pc.replace_substring_regex(values, pattern, r"\1"), '""', '"')
    return pc.if_else(quoted, inner, values)


def _check_widths(lines: Sequence[str], delimiter: str, path: Path, kind: str) -> None:
    """Refuse rows with different numbers of columns."""
    width = len(fields(lines[0], delimiter))
    for row, line in enumerate(lines):
        if line.count(delimiter) != width - 1 and len(fields(line, delimiter)) != width:
            allowed = f"{kind}, {width} columns in each row as in its first"
            value = f"{path}, row {row + 1}: {line[:60]!r}"
            hint = "is the separator right? --sep sets that of a dataset"
            if row == 1:
                hint = f"begin row 1, {lines[0][:60]!r}, with # if it is no row; "
                hint += "else --sep sets the separator of a dataset"
            checks.fail("dataset", allowed, value, hint=hint)


def _trimmed(column: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(column)


def _named_by_comment(comments: Sequence[str], character: str, width: int) -> list[str] | None:
    """Return the names in the last comment, ``# FromNodeId ToNodeId``, if it has one a column."""
    if not comments:
        return None
    names = [name.strip() for name in fields(re.sub(r"^[#%]+\s*", "", comments[-1]), character)]
    # KONECT has counts there.
    return names if len(names) == width and not any(map(is_number, names)) else None
