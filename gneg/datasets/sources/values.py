"""Columns of weights, times, labels and splits, from text."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gneg import checks
from gneg.datasets.sources.columns import PARTS

FloatArray = npt.NDArray[np.float64]


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
        wrong = next((value for value in column.to_pylist() if not is_float(value)), "")
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


_TRUE = {"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0}


def fault_of_labels(column: pa.Array, path: Path, *, may_be_few: bool) -> str | None:
    """Return why a column that is called a label may hold none of edges; None: it does.

    Args:
        column: The column.
        path: The file, for errors.
        may_be_few: Whether a column with hardly any 1 is passed over, instead of refused.

    Raises:
        ValueError: If it holds signs, of which -1 is no edge, or hardly any 1.
    """
    kinds = {value.strip().lower().removesuffix(".0") for value in pc.unique(column).to_pylist()}
    if "-1" in kinds and kinds <= {"-1", "0", "1", "+1"}:
        hint = "signs? --rating takes a column of them, --min-rating 1 the positive ones as edges"
        checks.fail("label", "a column of 0 and 1", f"-1 in {path}", hint=hint)
    if not kinds <= set(_TRUE):
        return f"the label {sorted(kinds - set(_TRUE))[0]!r} is neither 0 nor 1"
    positive = pc.sum(pc.is_in(column, pa.array(["1", "1.0", "true", "True"]))).as_py()
    if positive < 0.01 * len(column):
        if may_be_few:
            return f"of {len(column):,} labels only {positive:,} are 1"
        hint = "name the column with --label if 0 is no edge, and both ends with --source and "
        hint += "--target if every row is an edge"
        value = f"{positive:,} of {len(column):,} in {path}"
        checks.fail("label", "a column of which at least 1 % are 1", value, hint=hint)
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


def is_float(value: str) -> bool:
    """Return whether a text is a number as Python reads it, NaN and infinity included."""
    try:
        float(value)
    except ValueError:
        return False
    return True
