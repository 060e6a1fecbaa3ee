"""Tables and graphs of any format as columns, read by the libraries that know the format."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks, files
from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import delimited, unsupported
from gneg.datasets.sources.delimited import KIND
from gneg.datasets.table_options import TableOptions

FORMS = "text in columns, Parquet, Arrow, NumPy, MatrixMarket, GraphML, GML or N-Triples"
#: What to do about text in another encoding than UTF-8.
ENCODING = "give its encoding, such as latin-1, with --encoding, or save it as UTF-8 text"
#: How much of a file its first rows are.
HEAD_BYTES, HEAD_ROWS = 2**20, 20_000
REMEDY = "see gneg.datasets.load for the forms of files"


class RawTable(NamedTuple):
    """Columns of a table, or the edges of a graph as a table.

    Attributes:
        columns: The columns, of strings or integers, by position.
        names: Their names; None: there is no header.
        form: The form of the file, for people.
        sizes: Numbers of rows and columns of a matrix, whose ids are positions; None: a table.
        bipartite: Whether the file says that its ends are of two kinds.
        directed: Whether the file says that its edges have a direction; None: it does not say.
        nodes: Names of all nodes, where the file lists them; None: those of the edges.
        separator: Name of the separator of text, as :mod:`.separators` calls it.
        notes: What else the user should know of the text.
    """

    columns: list[pa.Array]
    names: list[str] | None
    form: str
    sizes: tuple[int, int] | None = None
    bipartite: bool = False
    directed: bool | None = None
    nodes: list[str] | None = None
    separator: str | None = None
    notes: tuple[str, ...] = ()


def read(
    path: Path,
    options: TableOptions,
    is_header: Callable[[Sequence[str], Sequence[pa.Array]], bool] = roles.is_header,
    kind: str = KIND,
    remedy: str = ENCODING,
) -> RawTable:
    """Read a file by its suffix; what has none that is known is taken as delimited text.

    Args:
        path: The file.
        options: What the caller says of the encoding, the separator and the header.
        is_header: Called with the first row of a text and the columns below it: whether it is a
            header.
        kind: What the file should be, for errors.
        remedy: What to do about text in another encoding than UTF-8.

    Raises:
        ValueError: If the file is missing, empty or damaged.
    """
    if path.is_dir() or not path.exists():
        checks.fail("dataset", "an existing file", f"{path}{', a folder' if path.is_dir() else ''}")
    unsupported.check("dataset", path, FORMS)
    for suffix, reader in READERS.items():
        if suffix in path.suffixes:
            for name in ("sep", "header", "encoding"):
                if getattr(options, name) is not None:
                    checks.fail(name, f"left out for {suffix}, which says so itself", str(path))
            return reader(path, kind)
    return text(path, options, is_header, kind, remedy=remedy)


def head(
    path: Path,
    options: TableOptions,
    is_header: Callable[[Sequence[str], Sequence[pa.Array]], bool],
) -> RawTable | None:
    """Return the first rows of a text or a table; None: the file is of another format or damaged.

    Args:
        path: The file.
        options: What the caller says of the separator and the header.
        is_header: As for :func:`read`.
    """
    try:
        if ".parquet" in path.suffixes:
            return parquet(path, rows=HEAD_ROWS)
        if {".arrow", ".feather"} & set(path.suffixes):
            return arrow(path)
        if not path.is_file() or has_reader(path):
            return None
        unsupported.check("dataset", path, FORMS)
        return text(path, options, is_header, KIND, limit=HEAD_BYTES)
    except ValueError:  # as reading the whole file will say
        return None


def has_reader(path: Path) -> bool:
    """Return whether a file is read by a library that knows its format: it is no text."""
    return bool(set(READERS) & set(path.suffixes))


def text(
    path: Path,
    options: TableOptions,
    is_header: Callable[[Sequence[str], Sequence[pa.Array]], bool],
    kind: str,
    *,
    remedy: str = ENCODING,
    limit: int | None = None,
) -> RawTable:
    """Read delimited text, or its first lines.

    Args:
        path: The file.
        options: What the caller says of the encoding, the separator and the header.
        is_header: As for :func:`read`.
        kind: What the file should be, for errors.
        remedy: As for :func:`read`.
        limit: Number of bytes to read the first lines of; None: all.
    """
    named = {name for name in options.columns().values() if name and not name.isdigit()}

    def has_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
        return bool(named & set(first)) or is_header(first, below)

    text = delimited.read(
        path,
        separator=options.sep,
        header=options.header,
        is_header=has_header,
        kind=kind,
        encoding=options.encoding,
        remedy=remedy,
        limit=limit,
    )
    separator = delimited.SPOKEN.get(text.separator, text.separator)
    form = f"text separated by {separator}"
    form += f" in {options.encoding}" if options.encoding else ""
    bipartite = any(comment.split()[:2] == ["%", "bip"] for comment in text.comments)
    directed = any(re.search(r"\bdirected graph", line.lower()) for line in text.comments) or None
    columns, names, notes = text.columns, text.header, text.notes
    if names is not None and text.surplus:
        names, columns = (values[: -text.surplus] for values in (names, columns))
        notes += (f"columns not used: {text.surplus:,} after {names[-1]}, without a name",)
    return RawTable(
        columns,
        names,
        form,
        bipartite=bipartite,
        directed=directed,
        separator=text.separator,
        notes=notes,
    )


def parquet(
    path: Path, kind: str = KIND, *, rows: int | None = None, index: bool = False
) -> RawTable:
    """Read a Parquet file, or its first rows, with or without the index of pandas."""
    import pyarrow.parquet

    with files.reading("dataset", path, kind, REMEDY):
        file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
        if rows is None:
            table = file.read()
        else:
            batches = itertools.islice(file.iter_batches(rows), 1)
            table = pa.Table.from_batches(list(batches), file.schema_arrow)
        return of_arrow(table, "parquet", index)


def arrow(path: Path, kind: str = KIND, *, index: bool = False) -> RawTable:
    """Read an Arrow or Feather file, with or without the index of pandas."""
    import pyarrow.feather

    with files.reading("dataset", path, kind, REMEDY):
        table = pyarrow.feather.read_table(path)
        return of_arrow(table, "Arrow", index)


def of_arrow(table: pa.Table, form: str, index: bool) -> RawTable:
    """Return a table of Arrow as strings, with or without the index of pandas."""
    table = _with_index(table) if index else table
    columns, names = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = (
                pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], "string")
            )
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if not pa.types.is_nested(values.type) and not name.startswith("__index_level"):
            text = values if pa.types.is_string(values.type) else values.cast(pa.string())
            columns.append(pc.fill_null(text, ""))
            names.append(name)
    return RawTable(columns, names, form)


def _with_index(table: pa.Table) -> pa.Table:
    """Return a table whose first column, without a name, is the index of pandas, if it has one."""
    metadata = (table.schema.pandas_metadata or {}).get("index_columns", [])
    if len(metadata) != 1:
        return table
    if isinstance(metadata[0], dict):
        start, stop, step = (metadata[0][key] for key in ("start", "stop", "step"))
        if (start, step) == (0, 1) or len(range(start, stop, step)) != len(table):
            return table  # it counts the rows
        return table.add_column(0, "", pa.array(range(start, stop, step)))
    names = ["" if name == metadata[0] else name for name in table.column_names]
    order = sorted(range(len(names)), key=lambda i: names[i] != "")
    return table.rename_columns(names).select(order)


def matrix_market(path: Path, kind: str = KIND) -> RawTable:
    """Read a MatrixMarket file: an adjacency or, if it is not square, a biadjacency matrix."""
    import scipy.io

    with files.reading("dataset", path, kind, REMEDY):
        symmetry = scipy.io.mminfo(path)[5]
        matrix = scipy.io.mmread(path)
    return _of_matrix(matrix, "MatrixMarket", directed=None if symmetry == "general" else False)


def scipy_sparse(path: Path, kind: str = KIND) -> RawTable:
    """Read a SciPy sparse matrix: an adjacency or, if it is not square, a biadjacency matrix."""
    import scipy.sparse

    with files.reading("dataset", path, kind, REMEDY):
        matrix = scipy.sparse.load_npz(path)
    return _of_matrix(matrix, "SciPy sparse matrix")


def _of_matrix(matrix: Any, form: str, directed: bool | None = None) -> RawTable:
    import scipy.sparse

    entries = scipy.sparse.coo_matrix(matrix)
    ends = [pa.array(end.astype(np.int64)) for end in (entries.row, entries.col)]
    names = ["source", "target"]
    if entries.data.dtype.kind in "iuf" and (entries.data != entries.data[:1]).any():
        ends.append(pa.array(entries.data.astype(np.float64)).cast(pa.string()))
        names.append("weight")
    rows, columns = (int(size) for size in entries.shape)
    return RawTable(ends, names, form, (rows, columns), rows != columns, directed)


def networkx_file(path: Path, kind: str = KIND) -> RawTable:
    """Read a GraphML or GML file."""
    import networkx

    read: Callable[..., Any] = (
        networkx.read_gml if ".gml" in path.suffixes else networkx.read_graphml
    )
    with files.reading("dataset", path, f"{kind}, in GraphML or GML", REMEDY):
        graph = read(path)
    kinds = {str(node): str(data.get("bipartite")) for node, data in graph.nodes(data=True)}
    rows = [(str(u), str(v), data) for u, v, data in graph.edges(data=True)]
    bipartite = set(kinds.values()) == {"0", "1"} and all(kinds[u] != kinds[v] for u, v, _ in rows)
    if bipartite:  # as networkx marks two kinds of nodes
        rows = [(u, v, data) if kinds[u] == "0" else (v, u, data) for u, v, data in rows]
    if not rows:
        checks.fail("dataset", "a graph with edges", f"{path} with none")
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in (0, 1)]
    names = ["source", "target"]
    for name in rows[0][2]:
        if all(name in data for _, _, data in rows):
            columns.append(pa.array([str(data[name]) for *_, data in rows], pa.string()))
            names.append(name)
    form = "GML" if ".gml" in path.suffixes else "GraphML"
    nodes = None if bipartite else [str(node) for node in graph]
    directed = None if bipartite else graph.is_directed()
    return RawTable(columns, names, form, directed=directed, nodes=nodes, bipartite=bipartite)


READERS: dict[str, Callable[[Path, str], RawTable]] = {
    ".parquet": parquet,
    ".arrow": arrow,
    ".feather": arrow,
    ".mtx": matrix_market,
    ".npz": scipy_sparse,
    ".graphml": networkx_file,
    ".gml": networkx_file,
}
