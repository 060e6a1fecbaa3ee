"""Headers of fewer names than the rows below have values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gneg import checks
from gneg.datasets.sources.columns import is_number, plain

#: Names of a last column that stands for all values that follow, as JODIE and TGB have it.
_LISTS = re.compile(r"list|feat|vector|embedding")


def names_of(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int, path: Path, kind: str
) -> tuple[list[str], int] | None:
    """Return a name for each column, and how many of the last ones the header has no name for.

    The header may end in a name for a list of values, ``comma_separated_list_of_features``, or
    begin with the second column, where the first are row names, as R writes them.

    Args:
        header: The values of the first line.
        rows: Values of the lines below it, as they stand in the file; at least a sample.
        width: Number of columns of the rows, more than the header has.
        path: The file, for errors.
        kind: What the file should be, for errors.

    Returns:
        The names; None: the first line is no header.

    Raises:
        ValueError: If it is not clear which column has no name.
    """
    if any(is_number(name) for name in header):
        return None
    surplus = width - len(header)
    if _LISTS.search(plain(header[-1])):
        suffixes = [f"{header[-1]}.{i + 1}" for i in range(surplus)]
        return [*header, *suffixes], surplus
    if surplus == 1 and all(not row[-1].strip() for row in rows):  # a separator ends each row
        return [*header, "empty"], 1
    if surplus == 1 and _are_row_names([row[0] for row in rows]):
        return ["", *header], 0
    allowed = f"{kind}, with a name in its header for each of {width} columns"
    hint = "name the others too, or leave the header out"
    return checks.fail("dataset", allowed, f"{path} with {len(header)}", hint=hint)


def _are_row_names(values: Sequence[str]) -> bool:
    """Return whether values are row names as R writes them: quoted or growing, each once."""
    inner = [value.strip('"') for value in values]
    if len(set(inner)) < len(inner):
        return False
    if all(value.isdecimal() for value in inner):
        numbers = [int(value) for value in inner]
        return numbers == sorted(numbers)
    return all(value.startswith('"') for value in values)
