"""Whether a table holds edges or triples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import formats, numbering, triple_columns
from gneg.datasets.sources.formats import RawTable
from gneg.datasets.table_options import TableOptions

Kind = Literal["edges", "triples", "either"]
ROWS = 20_000  # the kind is found by
#: Names of the two ends that only triples have.
_ENDS_OF_TRIPLES = ({"head", "tail"}, {"subject", "object"}, {"h", "t"}, {"s", "o"})


def of_path(path: Path, options: TableOptions) -> Kind | None:
    """Return what a file holds, by its first rows; None: it is of another format or damaged."""
    raw = formats.head(path, options, _is_header)
    return None if raw is None else of(raw, options)


def _is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
    return triple_columns.is_header(first, below) or roles.is_header(first, below)


def of(raw: RawTable, options: TableOptions) -> Kind:
    """Return what a table holds, as the caller, its header or else its values say.

    ``triples`` and ``edges`` are clear cases; ``either`` is a table of three columns or more that
    may be read as both.

    Args:
        raw: The table.
        options: What the caller says of its columns: a relation is of triples, ends without one
            are of edges.
    """
    if options.relation is not None:
        return "triples"
    if options.source is not None or options.target is not None or len(raw.columns) < 3:
        return "edges"
    ends = None if raw.names is None else roles.ends_of(raw.names)
    columns = [column[:ROWS] for column in raw.columns]
    if raw.names is None or ends is None:
        return _by_values(columns[:3])
    words = {roles.plain(raw.names[i]).removesuffix("id").removesuffix("name") for i in ends}
    of_triples = words in _ENDS_OF_TRIPLES
    if not any(
        _may_be_relation(roles.role_of(name), column, of_triples)
        for i, (name, column) in enumerate(zip(raw.names, columns, strict=True))
        if i not in ends
    ):
        return "edges"
    return "triples" if of_triples else "either"


def _may_be_relation(role: roles.Role | None, column: pa.Array, of_triples: bool) -> bool:
    """Return whether a column beside named ends, which only triples may have, holds relations."""
    if role == "label":
        words = _words(column)
        return words is not None and not set(words.to_pylist()) <= set(roles.PARTS)
    if role is None:
        return _words(column) is not None if of_triples else recur(column)
    return role == "relation"


def notes(raw: RawTable, used: Mapping[roles.Role, int], options: TableOptions) -> list[str]:
    """Return a note where a table that is read as one of edges has a column like relations.

    Args:
        raw: The table.
        used: The column of each role that it is read by.
        options: What the caller says of its columns.
    """
    if options.source is not None or options.target is not None:
        return []
    for i, column in enumerate(raw.columns):
        name = str(i + 1) if raw.names is None else raw.names[i]
        unused = i not in used.values() or (raw.names is None and i == used["target"] == 1)
        several = len(pc.unique(column[:ROWS])) > 1
        like = several and recur(column[:ROWS]) and of(raw, options) == "either"
        if unused and like and len(raw.columns) > 2:
            return [f"column {name} looks like relations: triples are read by gneg kg"]
    return []


def recur(column: pa.Array) -> bool:
    """Return whether a column is of words of which few are different, as relations are."""
    values = pc.unique(column.cast(pa.string()))
    if not len(column) or any(roles.is_number(value) for value in values[:50].to_pylist()):
        return False
    return len(values) < max(2, 0.1 * len(column))


def _by_values(columns: Sequence[pa.Array]) -> Kind:
    """Return what a table of three columns without names of ends holds."""
    source, middle, target = (_words(column) for column in columns)
    measured = target is None or roles.is_measure(columns[2])
    if source is not None and middle is not None:
        if measured and _shared(source, middle):
            return "edges"  # ann, bob, 3
        repeated = len(middle) < len(columns[1])
        if not measured and repeated and _shared(source, target):
            apart = not _shared(source, middle) and not _shared(target, middle)
            return "triples" if apart else "either"
    ends = numbering.typed([column.cast(pa.string()) for column in columns[:2]])
    whole = pa.types.is_integer(ends[0].type)
    return "edges" if whole and roles.is_measure(columns[2]) else "either"  # 1, 2, 0.5


def _words(column: pa.Array) -> pa.Array | None:
    """Return the different values of a column of names; None: it is of numbers."""
    values = pc.unique(column.cast(pa.string()))
    sample = values[:50].to_pylist()
    return None if all(roles.is_number(value) for value in sample if value) else values


def _shared(values: pa.Array, others: pa.Array) -> bool:
    return bool(pc.any(pc.is_in(values, value_set=others)).as_py())
