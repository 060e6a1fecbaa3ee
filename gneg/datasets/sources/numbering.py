"""Ids for the ends of edges, numbered by what occurs in a file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg.datasets.names import Names

IntArray = npt.NDArray[np.int64]
# As text first: 007 is a name, and where one value is, all of them are.
_INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})(\.0*)?$"


def typed(columns: Sequence[pa.Array]) -> list[pa.Array]:
    """Return columns of one kind of name as integers if all of their values are, else as they are.

    ``7.0`` is the integer 7 (a column with a gap, as pandas writes it) where all values are whole
    numbers; a leading zero makes all of them text.
    """
    pattern = _pattern(columns)
    if pattern is None or all(pa.types.is_integer(column.type) for column in columns):
        return list(columns)
    if pattern == _WHOLE:
        columns = [pc.replace_substring_regex(column, r"\.0*$", "") for column in columns]
    return [column.cast(pa.int64()) for column in columns]


def are_integers(columns: Sequence[pa.Array]) -> bool:
    """Return whether :func:`typed` makes integers of columns."""
    return _pattern(columns) is not None


def _pattern(columns: Sequence[pa.Array]) -> str | None:
    """Return the pattern of integers that all values have; None: there is none."""
    if all(pa.types.is_integer(column.type) for column in columns):
        return _INTEGER
    for pattern in (_INTEGER, _WHOLE):
        matches = [pc.all(pc.match_substring_regex(column, pattern)).as_py() for column in columns]
        if all(match is not False for match in matches):
            return pattern
    return None


def number(columns: Sequence[pa.Array], *, as_text: bool = False) -> tuple[list[IntArray], Names]:
    """Return ids of the values of columns that share their names, and the names, sorted.

    Args:
        columns: Columns of strings or of integers.
        as_text: Whether strings stay text where all of them are integers.
    """
    if not as_text and any(pa.types.is_string(column.type) for column in columns):
        columns = typed([column.cast(pa.string()) for column in columns])
    joined = pa.chunked_array(columns, columns[0].type).combine_chunks()
    encoded = joined.dictionary_encode()
    values = encoded.dictionary
    _warn_of_forms(values)
    order = pc.array_sort_indices(values).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    ids = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    bounds = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(ids, bounds), Names(values.take(pa.array(order)))


def _warn_of_forms(names: pa.Array) -> None:
    """Warn of names that are the same to a reader, and differ in their Unicode form alone."""
    if not pa.types.is_string(names.type):
        return
    accented = names.filter(pc.invert(pc.string_is_ascii(names)))
    composed = pc.utf8_normalize(accented, "NFC")
    twice = pc.value_counts(composed)
    shared = twice.field("values").filter(pc.greater(twice.field("counts"), 1))
    if len(shared):
        rest = f" and {len(shared) - 1:,} more" if len(shared) > 1 else ""
        warnings.warn(
            f"{shared[0].as_py()!r}{rest}: in the data in several Unicode forms, each a name of "
            "its own; write them in one (NFC)",
            stacklevel=2,
        )
