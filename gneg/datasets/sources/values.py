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
    """Return a column of numbers; 0,5 is read as 0.5.

    Raises:
        ValueError: If a value is none, is not finite, or may have commas between thousands.
    """
    if has_decimal_commas(column, role, path):
        column = pc.replace_substring(column, ",", ".")
    try:
        values: FloatArray = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        wrong = next((value for value in column.to_pylist() if not _is_float(value)), "")
        checks.fail(role, "a column of numbers", f"{wrong!r} in {path}")
    if not np.isfinite(values).all():
        checks.fail(role, "a column of finite numbers", f"NaN or infinity in {path}")
    return values


def has_decimal_commas(column: pa.Array, role: str, path: Path) -> bool:
    """Return whether a column holds numbers of which some have a decimal comma.

    Raises:
        ValueError: If all commas stand before three digits, as between thousands.
    """
    if not pa.types.is_string(column.type) or not pc.any(pc.match_substring(column, ",")).as_py():
        return False
    if not pc.all(pc.match_substring_regex(column, r"^[-+]?\d+(,\d+)?$")).as_py():
        return False
    if not pc.any(pc.match_substring_regex(column, r"^[-+]?0,|,(\d\d?|\d{4,})$")).as_py():
        value = column.filter(pc.match_substring(column, ","))[0].as_py()
        allowed = "a column of numbers without commas between thousands"
        checks.fail(role, allowed, f"{value!r} in {path}", hint="write 1.5 or 1500")
    return True


def weights(column: pa.Array, path: Path, rows: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the weights, > 0, of some rows.

    Args:
        column: The column ``[E]``.
        path: The file, for errors.
        rows: ``[E]`` whether a row is used; at least one is.

    Raises:
        ValueError: If a value is no number or not > 0.
    """
    values = numbers("weight", column, path)
    wrong = np.flatnonzero(rows & (values <= 0))
    if len(wrong):
        row = int(wrong[0])
        value = f"{values[row]:g} in row {row + 1} of {path}"
        hint = "give the column as --rating, and as --min-rating the lowest value of an edge"
        checks.fail("weight", "a column of numbers > 0", value, hint=hint)
    return values[rows]


def check_ratings(column: pa.Array, path: Path) -> None:
    """Refuse ratings below 0 where every rating is to count as an edge.

    Raises:
        ValueError: If there are any.
    """
    below = pc.match_substring_regex(
        pc.utf8_lower(column.cast(pa.string())), r"^-[0.,]*[1-9]|^(-|neg|negative)$"
    )
    if pc.any(below).as_py():
        row = pc.index(below, True).as_py()
        allowed = ">= 0 in every row where each row counts as an edge"
        hint = "--min-rating 1 takes the positive ones as edges, a lower number more"
        if not re.search("[0-9]", column[row].as_py()):
            hint = "leave out the rows that are no edges, or write 1 and -1"
        checks.fail("rating", allowed, f"{column[row]} in row {row + 1} of {path}", hint=hint)


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


def fault_of_labels(column: pa.Array, path: Path) -> str | None:
    """Return why a column that is called a label may hold none of edges; None: it does.

    Raises:
        ValueError: If it holds signs, of which -1 is no edge.
    """
    kinds = {value.strip().lower().removesuffix(".0") for value in pc.unique(column).to_pylist()}
    if "-1" in kinds and kinds <= {"-1", "0", "1", "+1"}:
        hint = "signs? --rating takes a column of them, --min-rating 1 the positive ones as edges"
        checks.fail("label", "a column of 0 and 1", f"-1 in {path}", hint=hint)
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
