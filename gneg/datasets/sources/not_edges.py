"""Tables that are no list of edges, and values of ends that hardly belong to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources import unnamed
from gneg.datasets.sources.columns import Role, is_number, role_of
from gneg.datasets.sources.formats import RawTable
from gneg.datasets.table_options import TableOptions

ENDS: tuple[Role, Role] = ("source", "target")
_WHOLE = r"^-?\d+(\.0*)?$"


def check_no_matrix(raw: RawTable, path: Path) -> None:
    """Refuse a matrix: a square of numbers, or rows that are named as the columns are.

    Raises:
        ValueError: If the table is one.
    """
    values, names = raw.columns, raw.names
    if raw.sizes is not None or len(values) < 5 or abs(len(values[0]) - len(values)) > 1:
        return
    if names is None and values[0][0].as_py() == "":
        # The names of rows, which come again, keep the first line from being seen as a header.
        names, values = [column[0].as_py() for column in values], [column[1:] for column in values]
    if names is not None and names[1:] == values[0].to_pylist():
        values = values[1:]
    size = len(values[0])
    square = len(values) == size and all(
        is_number(str(value)) for column in values for value in column.to_pylist()
    )
    if square:
        allowed = "a table with a row for each edge"
        hint = "save it by scipy.sparse.save_npz, or write a row for each edge"
        checks.fail("dataset", allowed, f"{path}, a matrix of {size:,} rows", hint=hint)


def unread(raw: RawTable, used: Mapping[Role, int], options: TableOptions, path: Path) -> list[str]:
    """Return notes on columns that are not used and look as if they should be.

    Raises:
        ValueError: If the only column beside the ends holds 0 and 1, and nothing says whether 0
            is an edge.
    """
    if raw.sizes is not None or (options.source is not None and options.target is not None):
        return []
    notes = []
    for i, column in enumerate(raw.columns):
        name = raw.names[i] if raw.names is not None else str(i + 1)
        if (
            i in used.values()
            or not name
            or (raw.names and role_of(name) not in (None, "relation"))
        ):
            continue
        if set(pc.unique(column.cast(pa.string())).to_pylist()) == {"0", "1"}:
            if len(raw.columns) == 3:
                ends = " ".join(f"--{end} {_shown(raw, used[end])}" for end in ENDS)
                hint = f"--label {name} if 0 is no edge, {ends} if every row is one"
                allowed = "named where a column holds only 0 and 1"
                checks.fail("label", allowed, f"column {name} of {path}", hint=hint)
            notes.append(f"column {name} holds only 0 and 1: if 0 is no edge, see --label {name}")
        elif raw.names is not None and "time" not in used and unnamed.may_be_times(column):
            notes.append(f"column {name} may hold times: see --time {name}")
    return notes


def _shown(raw: RawTable, position: int) -> str:
    return str(position + 1) if raw.names is None else raw.names[position]


def odd_ends(ends: Sequence[pa.Array]) -> list[str]:
    """Return a note where few ends among integers are none, as in a line of totals."""
    if not all(pa.types.is_string(end.type) for end in ends) or len(ends[0]) < 30:
        return []
    if pc.sum(pc.match_substring_regex(ends[0][:100], _WHOLE)).as_py() < 0.9 * len(ends[0][:100]):
        return []
    values = pa.chunked_array(ends).combine_chunks()
    odd = values.filter(pc.invert(pc.match_substring_regex(values, _WHOLE)))
    if not 0 < len(odd) <= max(3, 0.01 * len(values)):
        return []
    return [f"{len(odd):,} of {len(values):,} ends are no integers, such as {odd[0].as_py()!r}"]
