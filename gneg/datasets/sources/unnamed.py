"""Roles of columns that have no names, by their values: times and ratings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg.datasets.sources.columns import Role

#: Seconds since 1970 that count as times where nothing says so: 1985 to 2035.
_EPOCHS = [datetime(year, 1, 1, tzinfo=timezone.utc).timestamp() for year in (1985, 2035)]
_NUMBER = r"^[-+]?\d+(\.\d*)?([eE][-+]?\d+)?$"
SAMPLE = 100  # values that most columns of another kind are told by
MAX_RATINGS = 21  # different values of a column of ratings, such as -10 to 10 or 0 to 5 by halves


def roles_of(
    columns: Sequence[pa.Array], roles: dict[Role, int]
) -> tuple[dict[Role, int], list[str]]:
    """Return the roles with times and ratings, where values leave no doubt, and notes on these.

    A column of seconds or milliseconds between 1985 and 2035 holds times, if it is the only one
    and the ends hold no such numbers. A column between the ends and the times that holds few small
    numbers, or one of small integers of either sign, holds ratings.

    Args:
        columns: The columns of a table without a header.
        roles: Position of each role that is known.
    """
    roles = dict(roles)
    ends = {roles["source"], roles["target"]}
    epochs = [i for i in range(len(columns)) if _seconds(columns[i]) is not None]
    times = [i for i in epochs if i not in roles.values()]
    doubtful = set(epochs) & ends or len(times) != 1 or not _is_varied(columns[times[0]])
    notes = []
    if "time" not in roles and times and not doubtful:
        roles["time"] = times[0]
    if roles.get("time") in epochs:
        notes.append(f"column {roles['time'] + 1} holds times ({_span(columns[roles['time']])})")
    elif "time" not in roles and epochs and len(columns) > 2 and not ends <= set(epochs):
        listed = " and ".join(str(i + 1) for i in epochs)
        notes.append(f"column {listed} may hold times, see --time {epochs[0] + 1}")
    free = [i for i in range(len(columns)) if i not in roles.values()]
    known = {"rating", "weight", "label"} & set(roles)
    if not known and free and _is_rating(columns[free[0]], signed="time" not in roles):
        roles["rating"] = free[0]
        notes.append(f"column {free[0] + 1} holds ratings")
    return roles, notes


def leading_times(columns: Sequence[pa.Array]) -> bool:
    """Return whether the first of the columns holds times that grow, before ends of one kind."""
    seconds = _seconds(columns[0]) if len(columns) > 2 else None
    if seconds is None or (np.diff(seconds) < 0).any() or not _is_varied(columns[0]):
        return False
    if any(_seconds(column) is not None for column in columns[1:3]):
        return False
    return bool(pc.any(pc.is_in(columns[1], columns[2])).as_py())


def _numbers(column: pa.Array) -> npt.NDArray[np.float64] | None:
    """Return the values of a column of numbers; None: it is none."""
    for part in (column[:SAMPLE], column):
        if not pa.types.is_string(part.type) or not len(part):
            return None
        if not pc.all(pc.match_substring_regex(part, _NUMBER)).as_py():
            return None
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _seconds(column: pa.Array) -> npt.NDArray[np.float64] | None:
    """Return a column of times since 1970 in seconds; None: it holds something else."""
    if len(column) > SAMPLE and _seconds(column[:SAMPLE]) is None:
        return None
    values = _numbers(column)
    if values is None:
        return None
    for seconds in (values, values / 1000):
        if _EPOCHS[0] <= seconds.min() <= seconds.max() < _EPOCHS[1]:
            return seconds
    return None


def _is_varied(column: pa.Array) -> bool:
    """Return whether a column has many different values, as times have."""
    different = pc.count_distinct(column).as_py()
    return bool(different >= 10 and different >= 0.01 * len(column)) or different > 1000


def _is_rating(column: pa.Array, *, signed: bool) -> bool:
    """Return whether a column holds few small numbers; ``signed``: integers of either sign."""
    values = _numbers(column)
    if values is None or np.abs(values).max() > 10 or (values * 2 % 1).any():
        return False
    if signed and not (values.min() < 0 < values.max() and not (values % 1).any()):
        return False
    return 1 < len(np.unique(values)) <= MAX_RATINGS


def is_unsigned(column: pa.Array) -> bool:
    """Return whether a column of numbers has none below 0."""
    values = _numbers(column)
    return values is not None and bool(values.min() >= 0)


def may_be_times(column: pa.Array) -> bool:
    """Return whether a column of unknown name holds dates, or seconds since 1970."""
    sample = [value for value in column[:SAMPLE].to_pylist() if value]
    dates = bool(sample) and all(re.match(r"\d{4}-\d\d-\d\d", str(value)) for value in sample)
    return dates or (_seconds(column) is not None and _is_varied(column))


def _span(column: pa.Array) -> str:
    """Return the first and the last day of a column of times."""
    seconds = _seconds(column)
    assert seconds is not None
    days = [
        datetime.fromtimestamp(end, timezone.utc).date() for end in (seconds.min(), seconds.max())
    ]
    return f"{days[0]} to {days[1]}"
