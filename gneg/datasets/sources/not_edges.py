"""Tables that are no list of edges, and values of ends that hardly belong to one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources.columns import is_number
from gneg.datasets.sources.formats import RawTable

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
