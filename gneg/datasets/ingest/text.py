"""Delimited text, read in pieces as its first lines say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from gneg import checks, files
from gneg.datasets.sources import frame
from gneg.datasets.sources.delimited import COMPRESSED, ENCODINGS, KIND, decoded, unquoted
from gneg.datasets.sources.formats import HEAD_BYTES, REMEDY, RawTable
from gneg.datasets.sources.lines import rows_and_comments
from gneg.datasets.sources.separators import (
    QUOTED_BY_VALUE,
    SEPARATORS,
    STAND_IN,
    fields,
    find,
    words,
)

MARK = "\x01"  # before a comment
BLOCK = 2**22  # bytes that are parsed at once


@dataclass(frozen=True)
class Layout:
    """How the lines of a text are read.

    Attributes:
        path: The file.
        skipped: Number of lines before the first row.
        width: Number of columns.
        separator: The separator, a single character, ``"::"`` or a space for runs of blanks.
        by_value: Whether quotes count only where they are around a whole value, else as in csv.
        lines_in_values: Whether quoted values may hold line ends.
        encoding: The encoding.
        comments: Whether lines that begin with ``#`` are comments.
    """

    path: Path
    skipped: int
    width: int
    separator: str
    by_value: bool
    lines_in_values: bool
    encoding: str
    comments: bool

    @classmethod
    def of(cls, path: Path, raw: RawTable, encoding: str | None) -> Layout:
        """Return the layout of a text.

        Args:
            path: The file.
            raw: Its first rows, as :func:`gneg.datasets.sources.formats.text` reads them.
            encoding: The encoding that the caller says, or None.
        """
        text = decoded(path, KIND, encoding, limit=HEAD_BYTES)
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        name = raw.separator or find(lines) or ","
        separator = SEPARATORS.get(name, name)
        rows, _, left_out = rows_and_comments(text)
        start = next((i for i, line in enumerate(lines) if line == rows[0].split("\n")[0]), 0)
        if rows[0].lower().startswith("sep=") and len(rows[0]) == 5:
            rows, start = rows[1:], start + 1
        if any(frame.is_rule(line) for line in rows[:2]):
            allowed = "plain columns of text, for a file that is read in pieces"
            checks.fail("edges", allowed, f"{path}, a drawn table", hint="save it as csv")
        if frame.is_counts(rows, lambda line: fields(line, separator)):
            rows, start = rows[1:], start + 1
        first = [value.strip().strip('"') for value in fields(rows[0], separator)]
        if raw.names is not None and first == [name.strip() for name in raw.names[: len(first)]]:
            rows, start = rows[1:], start + 1
        start += next((i for i, line in enumerate(lines[start:]) if line.strip()), 0)
        in_lines, by_value = any("\n" in line for line in rows), separator in QUOTED_BY_VALUE
        if by_value and (in_lines or (separator == " " and any(map(_holds_blanks, rows)))):
            allowed = (
                "a table without blanks or line ends in values, for one that is read in pieces"
            )
            checks.fail("edges", allowed, str(path), hint="save it as csv")
        with path.open("rb") as file:
            mark = file.read(4)
        codec = encoding or next((ENCODINGS[m] for m in ENCODINGS if mark.startswith(m)), "utf-8")
        return cls(
            path,
            start,
            len(fields(rows[0], separator)),
            separator,
            by_value,
            in_lines,
            codec.removesuffix("-sig"),
            bool(left_out) or not any(line.startswith("#") for line in rows),
        )

    def batches(self, positions: Sequence[int]) -> Iterator[list[pa.Array]]:
        """Yield columns of strings, by position.

        Raises:
            ValueError: If a row has another number of columns than the first, or the file is
                damaged.
        """
        names = [str(i) for i in range(self.width)]
        wanted = [str(i) for i in dict.fromkeys([*positions, 0])]
        delimiter = {" ": "\t", "::": STAND_IN}.get(self.separator, self.separator)
        faults: list[str] = []

        def odd_row(row: Any) -> str:
            text = row.text.strip()
            if text.startswith(MARK) or frame.FOOTER.fullmatch(text) or text == "\\.":
                return "skip"
            faults.append(row.text[:60])
            return "error"

        with files.reading("edges", self.path, KIND, REMEDY), self._stream() as stream:
            try:
                reader = arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(
                        column_names=names, skip_rows=self.skipped, block_size=BLOCK
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=delimiter,
                        quote_char=False if self.by_value else '"',
                        newlines_in_values=self.lines_in_values,
                        invalid_row_handler=odd_row,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(names, pa.string()),
                        include_columns=wanted,
                        strings_can_be_null=False,
                    ),
                )
                for batch in reader:
                    columns = self._cleaned(batch)
                    yield [columns[wanted.index(str(i))] for i in positions]
            except pa.ArrowInvalid:
                if not faults:
                    raise
        if faults:
            allowed = f"a table with {self.width} columns in each row as in its first"
            value = f"{self.path} with the row {faults[0]!r}"
            checks.fail(
                "edges", allowed, value, hint="is the separator right? --sep sets that of a dataset"
            )

    def _cleaned(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """Return the columns of rows that are no comments, without quotes and blanks around."""
        comments = pc.starts_with(batch.column("0"), MARK)
        if pc.any(comments).as_py():
            batch = batch.filter(pc.invert(comments))
        columns = map(unquoted, batch.columns) if self.by_value else batch.columns
        if self.lines_in_values:  # of which one may begin with #
            columns = [pc.replace_substring(column, MARK, "") for column in columns]
        return [pc.utf8_trim_whitespace(column) for column in columns]

    def _stream(self) -> Any:
        """Return the text as a stream of UTF-8, with separators of one character."""
        with self.path.open("rb") as file:
            start = file.read(4)
        codec = next((COMPRESSED[mark] for mark in COMPRESSED if start.startswith(mark)), None)
        stream = pa.input_stream(str(self.path), compression=codec)
        if self.encoding != "utf-8":
            stream = pa.transcoding_input_stream(stream, self.encoding, "utf-8")
        if self.comments:
            stream = pa.TransformInputStream(stream, _Marked())
        if self.separator == " ":
            return pa.TransformInputStream(stream, _OneCharacter(rb"[ \t]+", b"\t", b" \t\r"))
        if self.separator == "::":
            return pa.TransformInputStream(stream, _OneCharacter(b"::", STAND_IN.encode(), b":"))
        return stream


def _holds_blanks(line: str) -> bool:
    """Return whether a quoted value of a line between blanks holds some."""
    return '"' in line and any(len(word.split()) > 1 for word in words(line))


class _Marked:
    """Puts :data:`MARK` before lines that begin with ``#``, block by block.

    A quoted name that begins so is no comment, and without its quotes could not be told from one.
    """

    def __init__(self) -> None:
        self.begins = True  # whether the next block begins with a line

    def __call__(self, block: Any) -> bytes:
        content = bytes(block)
        mark = MARK.encode() if self.begins and content.startswith(b"#") else b""
        self.begins = content.endswith(b"\n") if content else self.begins
        return mark + content.replace(b"\n#", b"\n" + MARK.encode() + b"#")


class _OneCharacter:
    """Replaces separators of several characters, block by block.

    Args:
        pattern: The separator.
        replacement: A single character.
        waiting: Characters that wait at the end of a block: the next may go on with them.
    """

    def __init__(self, pattern: bytes, replacement: bytes, waiting: bytes) -> None:
        self.pattern, self.replacement, self.waiting = re.compile(pattern), replacement, waiting
        self.waiting, self.begun = b"", False

    def __call__(self, block: Any) -> bytes:
        content = self.waiting + bytes(block)
        if not self.begun and self.replacement == b"\t":
            content = content.lstrip(b" \t")
        self.begun = True
        whole = content.rstrip(self.waiting)
        self.waiting = content[len(whole) :]
        if self.replacement == b"\t":
            whole = re.sub(rb"[ \t\r]*\n[ \t]*", b"\n", whole)
            if whole.endswith(b"\n"):  # the next block may begin with blanks
                whole, self.waiting = whole[:-1], b"\n" + self.waiting
        return self.pattern.sub(self.replacement, whole)
