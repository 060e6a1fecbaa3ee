"""Columns of times: numbers since 1970, and dates."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources import values

IntArray = npt.NDArray[np.int64]
#: Dates as 31/12/2020 or 12/31/2020, perhaps with a time of day.
_SLASHED = r"^(?P<first>\d{1,2})[/.\-](?P<second>\d{1,2})[/.\-](?P<year>\d{4})(?P<rest>[ T,].*)?$"
_ISO = r"^\d{4}-?\d\d-?\d\d([T ].*)?$|^\d{4}(-\d\d)?$"
_ZONE = r"(Z|z|[+-]\d\d(:?\d\d)?)$"
#: Units that numbers since 1970 may be in, and the least of each that is later than 1973.
_UNITS = {"seconds": 1e8, "milliseconds": 1e11, "microseconds": 1e14, "nanoseconds": 1e17}
DATES = "a column of numbers or of dates as 2020-12-31 or 2020-12-31T23:59:00Z"


def times(column: pa.Array, path: Path, day_first: bool | None) -> IntArray:
    """Return a column of times as integers that sort as they do.

    Numbers are taken as they are, in one unit; dates in ISO 8601 as points in time, those without
    a zone as UTC. Dates such as 03/04/2020 are read only where all values fit one order of day and
    month, or the caller says which.

    Args:
        column: The column.
        path: The file, for errors.
        day_first: Whether dates begin with the day; None: not said.

    Raises:
        ValueError: If a value is missing, is no time, is of another form than the others, or the
            order of day and month is open.
    """
    missing = pc.sum(pc.equal(column, "")).as_py()
    if missing:
        checks.fail("time", f"present in every row of {path}", f"{missing:,} rows without")
    if values.is_float(column[0].as_py()):
        return _numbers(column, path)
    slashed = re.match(_SLASHED, column[0].as_py()) is not None
    odd = column.filter(pc.invert(pc.match_substring_regex(column, _SLASHED if slashed else _ISO)))
    if len(odd):
        allowed = "a column of dates of one form" if slashed else DATES
        checks.fail("time", allowed, f"{odd[0].as_py()!r} in {path}")
    _check_zones(column, path)
    return _dates(column, path, _day_first(column, path, day_first) if slashed else None)


def _numbers(column: pa.Array, path: Path) -> IntArray:
    """Return times that are numbers as their ranks, which no rounding makes equal."""
    if pc.all(pc.match_substring_regex(column, r"^-?\d{1,18}$|^1\d{18}$")).as_py():
        exact = column.cast(pa.int64()).to_numpy()
    else:
        exact = values.numbers("time", column, path)
    numbers = exact.astype(np.float64)
    later = numbers[numbers > 0]
    units = [
        name for name, least in _UNITS.items() if ((later >= least) & (later < 1000 * least)).any()
    ]
    if len(units) > 1:
        value = f"{numbers.min():.0f} beside {numbers.max():.0f} in {path}"
        checks.fail("time", f"a column of {' or of '.join(units)}", value)
    if units and (numbers <= 0).any() and (later >= _UNITS["seconds"]).all():
        hint = "leave these rows out if 0 or -1 stands for an unknown time"
        value = f"{numbers.min():.0f} in {path}"
        checks.fail("time", f"a column of {units[0]} since 1970, > 0", value, hint=hint)
    rank: IntArray = np.unique(exact, return_inverse=True)[1].astype(np.int64)
    return rank


def _check_zones(column: pa.Array, path: Path) -> None:
    """Refuse times of day of which some have a zone and others have none."""
    of_day = column.filter(pc.match_substring(column, ":"))
    zoned = pc.match_substring_regex(of_day, _ZONE)
    if len(of_day) and pc.any(zoned).as_py() and not pc.all(zoned).as_py():
        without = of_day.filter(pc.invert(zoned))[0].as_py()
        checks.fail(
            "time", "a column of times that all have a zone or none", f"{without!r} in {path}"
        )


def _dates(column: pa.Array, path: Path, day_first: bool | None) -> IntArray:
    import pandas as pd

    series = pd.Series(column.to_pylist(), dtype=object)
    try:
        dates = (
            pd.to_datetime(series, format="ISO8601", utc=True)
            if day_first is None
            else pd.to_datetime(series, dayfirst=day_first, format="mixed", utc=True)
        )
    except (ValueError, OverflowError) as error:
        wrong = next((value for value in series if repr(value) in str(error)), str(error)[:80])
        checks.fail("time", DATES, f"{wrong!r} in {path}")
    result: IntArray = dates.astype("int64").to_numpy()
    return result


def _day_first(column: pa.Array, path: Path, said: bool | None) -> bool:
    """Return whether dates begin with the day, where only one order is possible or it is said.

    Raises:
        ValueError: If both orders are possible and none is said, or the values contradict it.
    """
    parts = pc.extract_regex(pc.unique(column), _SLASHED)
    first, second = (
        pc.max(parts.field(name).cast(pa.int64())).as_py() for name in ("first", "second")
    )
    possible: dict[bool, bool] = {True: second <= 12, False: first <= 12}
    if said is not None:
        if not possible[said]:
            order = "the day" if said else "the month"
            value = f"a month {second if said else first} in {path}"
            checks.fail(
                "day_first", f"as in the file, whose dates do not begin with {order}", value
            )
        return said
    if possible[True] and possible[False]:
        allowed = "dates of which the day is known from the month"
        hint = "give --day-first or --month-first, or write them as 2020-12-31"
        checks.fail("time", allowed, f"{column[0].as_py()!r} in {path}", hint=hint)
    return possible[True]
