"""Columns of weights, times, labels and splits, from text."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources.columns import PARTS

FloatArray = npt.NDArray[np.float64]
#: Forms of dates that are read without being told, beside ISO 8601.
_SLASHED = r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})"


def numbers(role: str, column: pa.Array, path: Path) -> FloatArray:
    """Return a column of numbers.

    Raises:
        ValueError: If a value is none, or is not finite.
    """
    try:
        values: FloatArray = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        wrong = next((value for value in column.to_pylist() if not _is_float(value)), "")
        checks.fail(role, "a column of numbers", f"{wrong!r} in {path}")
    if not np.isfinite(values).all():
        checks.fail(role, "a column of finite numbers", f"NaN or infinity in {path}")
    return values


def times(column: pa.Array, path: Path, day_first: bool | None) -> npt.NDArray[np.int64]:
    """Return a column of times as integers that sort as they do.

    Numbers are taken as they are (seconds or milliseconds alike), dates in ISO 8601 as points in
    time, those without a zone as UTC. Dates such as 03/04/2020 are read only where all values fit
    one order of day and month, or the caller says which.

    Args:
        column: The column.
        path: The file, for errors.
        day_first: Whether dates begin with the day; None: not said.

    Raises:
        ValueError: If a value is missing, is no time, or the order of day and month is open.
    """
    import pandas as pd

    missing = pc.sum(pc.equal(column, "")).as_py()
    if missing:
        checks.fail("time", f"present in every row of {path}", f"{missing:,} rows without")
    first = column[0].as_py()
    if _is_float(first):
        values = numbers("time", column, path)
        if ((values > 1e8) & (values < 1e10)).any() and (values > 1e11).any():
            allowed = "a column of seconds or of milliseconds"
            checks.fail("time", allowed, f"{values.min():.0f} beside {values.max():.0f} in {path}")
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    slashed = re.match(_SLASHED, first)
    if slashed:
        day_first = _day_first(column, path) if day_first is None else day_first
    series = pd.Series(column.to_pylist(), dtype=object)
    try:
        dates = (
            pd.to_datetime(series, dayfirst=bool(day_first), format="mixed", utc=True)
            if slashed
            else pd.to_datetime(series, format="ISO8601", utc=True)
        )
    except (ValueError, OverflowError):
        wrong = next(value for value in series if not _is_iso(value))
        allowed = "a column of numbers or of dates as 2020-12-31 or 2020-12-31T23:59:00Z"
        checks.fail("time", allowed, f"{wrong!r} in {path}")
    result: npt.NDArray[np.int64] = dates.astype("int64").to_numpy()
    return result


def _day_first(column: pa.Array, path: Path) -> bool:
    """Return whether dates begin with the day, where only one order is possible."""
    groups = [re.match(_SLASHED, value) for value in pc.unique(column).to_pylist()]
    ends = [(int(group[1]), int(group[2])) for group in groups if group]
    day_first = all(month <= 12 for _, month in ends)
    month_first = all(month <= 12 for month, _ in ends)
    if day_first and month_first:
        allowed = "dates of which the day is known from the month"
        hint = "give --day-first or --month-first, or write them as 2020-12-31"
        checks.fail("time", allowed, f"{column[0].as_py()!r} in {path}", hint=hint)
    return day_first


_TRUE = {"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0}


def fault_of_labels(column: pa.Array) -> str | None:
    """Return why a column that is called a label may hold none of edges; None: it does."""
    kinds = {value.strip().lower().removesuffix(".0") for value in pc.unique(column).to_pylist()}
    if not kinds <= set(_TRUE):
        return f"the label {sorted(kinds - set(_TRUE))[0]!r} is neither 0 nor 1"
    if not kinds & {"1", "true"}:
        return "no label is 1"
    positive = pc.sum(pc.is_in(column, pa.array(["1", "1.0", "true", "True"]))).as_py()
    if positive < 0.01 * len(column):
        return f"of {len(column):,} labels only {positive:,} are 1"
    return None


def labels(column: pa.Array, path: Path) -> npt.NDArray[np.bool_]:
    """Return a column of labels, 0 or 1, as whether a row is a positive.

    Raises:
        ValueError: If a value is neither.
    """
    lower = pc.utf8_lower(column)
    column = pc.if_else(
        pc.equal(lower, "true"), "1", pc.if_else(pc.equal(lower, "false"), "0", column)
    )
    values = numbers("label", column, path)
    wrong = values[(values != 0) & (values != 1)]
    if len(wrong):
        hint = "a column of ratings? see --rating and --min-rating"
        checks.fail("label", "a column of 0 and 1", f"{wrong[0]:g} in {path}", hint=hint)
    positive: npt.NDArray[np.bool_] = values == 1
    return positive


def parts(column: pa.Array, path: Path) -> npt.NDArray[np.str_]:
    """Return a column of parts as train, valid or test.

    Raises:
        ValueError: If a value is no part.
    """
    names = {name: PARTS.get(name.lower()) for name in pc.unique(column).to_pylist()}
    unknown = sorted(name for name, part in names.items() if part is None)
    if unknown:
        allowed = "train, valid (val, dev) or test"
        checks.fail("split", allowed, f"{', '.join(unknown[:3])} in {path}")
    values: npt.NDArray[np.str_] = np.array([names[name] for name in column.to_pylist()], "U5")
    return values


def _is_float(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
