"""Tables of edges, read in pieces: text in columns, Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks, files
from gneg.datasets.ingest.database import BATCH
from gneg.datasets.ingest.source import Edges, ends
from gneg.datasets.ingest.text import Layout
from gneg.datasets.sources import columns as names_of_columns
from gneg.datasets.sources import formats, not_edges, unsupported, values
from gneg.datasets.sources.columns import Role
from gneg.datasets.sources.delimited import KIND
from gneg.datasets.sources.edges import check_ends, column_roles, fault_of_labels
from gneg.datasets.sources.formats import HEAD_BYTES, HEAD_ROWS, REMEDY, RawTable
from gneg.datasets.table_options import TableOptions

FORMS = "text in columns, Parquet, Arrow or NumPy"
ARROW = (".arrow", ".feather")


@dataclass(frozen=True)
class TableSource:
    """The edges of a table in a file.

    Attributes:
        path: The file.
        raw: Its first rows.
        role: Position of the column of each role that is used.
        options: What the caller says of it.
        layout: How the lines of a text are read; None: it is no text.
    """

    path: Path
    raw: RawTable
    role: Mapping[Role, int]
    options: TableOptions
    layout: Layout | None

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def weighted(self) -> bool:
        """Whether there is a column of weights."""
        return "weight" in self.role

    @property
    def bipartite(self) -> bool:
        """Whether the file, or the names of its ends, say that these are of two kinds."""
        if self.raw.bipartite or self.raw.names is None:
            return self.raw.bipartite
        return names_of_columns.two_kinds(self.raw.names, self.role)

    def settings(self) -> Any:
        """Return the path, size and time of the file, and the columns that are used."""
        status = self.path.stat()
        text = [self.options.sep, self.options.header, self.options.encoding]
        rows = [self.options.min_rating, *text]
        return [str(self.path), status.st_size, status.st_mtime_ns, dict(self.role), *rows]

    def lines(self) -> list[str]:
        """Return the form of the file and the column of each role."""
        names = self.raw.names or [str(i + 1) for i in range(len(self.raw.columns))]
        columns = ", ".join(f"{role} = {names[i]}" for role, i in self.role.items())
        header = "" if self.layout is None else ", without a header"
        header = ", with a header" if header and self.raw.names is not None else header
        unused = [name for i, name in enumerate(names) if i not in self.role.values()]
        text = f"{self.name}: {self.raw.form}{header}; {columns}"
        return [text, *([f"columns not used: {', '.join(unused)}"] if unused else [])]

    def batches(self, *, text: bool) -> Iterator[Edges]:
        """Yield the edges; see :class:`gneg.datasets.ingest.source.Source`."""
        before = 0
        for columns in self._columns():
            where = self.path
            if before:
                where = self.path.with_name(f"{self.name} (rows counted from {before + 1:,})")
            table = dict(zip(self.role, columns, strict=True))
            before += len(columns[0])
            yield self._edges(self._without_headers(table), where, text)

    def _columns(self) -> Iterator[list[pa.Array]]:
        """Yield the columns of the roles, piece by piece."""
        positions = list(self.role.values())
        if self.layout is not None:
            yield from self.layout.batches(positions)
            return
        assert self.raw.names is not None
        wanted = [self.raw.names[i] for i in positions]
        with files.reading("edges", self.path, KIND, REMEDY):
            if ".parquet" in self.path.suffixes:
                import pyarrow.parquet

                file = pyarrow.parquet.ParquetFile(self.path, page_checksum_verification=True)
                batches = file.iter_batches(BATCH, columns=wanted)
            else:
                opened = pa.ipc.open_file(pa.memory_map(str(self.path)))
                batches = (opened.get_batch(i) for i in range(opened.num_record_batches))
            for batch in batches:
                for start in range(0, batch.num_rows, BATCH):
                    piece = batch.slice(start, BATCH)
                    yield [_plain(piece.column(name)) for name in wanted]

    def _without_headers(self, table: dict[Role, pa.Array]) -> dict[Role, pa.Array]:
        """Leave out rows that repeat the header, as in files that were joined."""
        if self.layout is None or self.raw.names is None:
            return table
        same = pc.and_(
            *(pc.equal(table[end], self.raw.names[self.role[end]]) for end in not_edges.ENDS)
        )
        if not pc.any(same).as_py():
            return table
        return {role: column.filter(pc.invert(same)) for role, column in table.items()}

    def _edges(self, table: dict[Role, pa.Array], where: Path, text: bool) -> Edges:
        """Return the rows of a piece that are edges."""
        check_ends((table["source"], table["target"]), where)
        rows = np.ones(len(table["source"]), bool)
        if "rating" in table and self.options.min_rating is not None:
            rows &= values.numbers("rating", table["rating"], where) >= self.options.min_rating
        if "label" in table:
            rows &= values.labels(table["label"].cast(pa.string()), where)
        weight = values.weights(table["weight"], where, rows) if "weight" in table else None
        pair = [table[end] for end in not_edges.ENDS]
        if not rows.all():
            pair = [end.filter(pa.array(rows)) for end in pair]
        return Edges(*ends(*pair, text=text), weight)


def _plain(column: pa.Array) -> pa.Array:
    """Return a column without a dictionary and gaps."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = column.cast(pa.string())
    if column.null_count and not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return pc.fill_null(column, "") if column.null_count else column


def table_source(path: Path, options: TableOptions) -> TableSource:
    """Return the reader of a table, by its first rows.

    Args:
        path: The file.
        options: How to read it, where that is not to be found out.

    Raises:
        ValueError: If it cannot be read in pieces, or has no columns of edges.
    """
    unsupported.check("edges", path, FORMS)
    unread = set(path.suffixes) & (set(formats.READERS) - {".parquet", *ARROW})
    if unread:
        hint = "read it whole: gneg.datasets.load(path).graph.save(folder)"
        checks.fail("edges", f"{FORMS}, which can be read in pieces", str(path), hint=hint)
    raw, layout = _head(path, options)
    not_edges.check_no_matrix(raw, path)
    role, _ = column_roles(raw, options)
    used: dict[Role, int] = {end: role[end] for end in not_edges.ENDS}
    if "weight" in role:
        used["weight"] = role["weight"]
    if "rating" in role and options.min_rating is not None:
        used["rating"] = role["rating"]
    elif "rating" in role:
        values.check_ratings(raw.columns[role["rating"]], path)
    elif options.min_rating is not None:
        checks.fail("min_rating", "left out where there is no column of ratings", str(path))
    if "label" in role and fault_of_labels(raw, path, role, options) is None:
        used["label"] = role["label"]
    return TableSource(path, raw, used, options, layout)


def _head(path: Path, options: TableOptions) -> tuple[RawTable, Layout | None]:
    """Return the first rows of a file and, of a text, how its lines are read."""
    for name in ("sep", "header", "encoding"):
        binary = {".parquet", *ARROW} & set(path.suffixes)
        if binary and getattr(options, name) is not None:
            checks.fail(name, f"left out for {binary.pop()}, which says so itself", str(path))
    if ".parquet" in path.suffixes:
        return _checked(formats.parquet(path, rows=HEAD_ROWS), path), None
    if set(ARROW) & set(path.suffixes):
        with files.reading("edges", path, KIND, REMEDY):
            opened = pa.ipc.open_file(pa.memory_map(str(path)))
            batches = [opened.get_batch(0)] if opened.num_record_batches else []
            table = pa.Table.from_batches(batches, opened.schema).slice(0, HEAD_ROWS)
            raw = formats.of_arrow(table, "Arrow", False)
        return _checked(raw, path), None
    raw = formats.text(path, options, names_of_columns.is_header, KIND, limit=HEAD_BYTES)
    return _checked(raw, path), Layout.of(path, raw, options.encoding)


def _checked(raw: RawTable, path: Path) -> RawTable:
    """Return the first rows of a file if they are edges."""
    if len(raw.columns) < 2 or not len(raw.columns[0]):
        checks.fail("edges", "a table of at least one edge and two columns", str(path))
    return raw
