"""What a graph is built from: edges in batches, from a file or a generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


class NotIntegers(Exception):
    """Ids that were taken as integers are text; the source is read again as text."""


class Edges(NamedTuple):
    """A batch of edges.

    Attributes:
        source: ``[e]`` sources, int64 or strings.
        target: ``[e]`` targets, of the same type.
        weight: ``[e]`` weights, > 0; None: unweighted.
    """

    source: pa.Array
    target: pa.Array
    weight: npt.NDArray[np.float64] | None


class Source(Protocol):
    """A file, or anything else that yields edges."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def weighted(self) -> bool:
        """Whether its edges have weights."""

    @property
    def bipartite(self) -> bool:
        """Whether it says that its two ends are of different kinds."""

    def settings(self) -> Any:
        """Return what decides its edges, JSON: a file's size and time, a generator's seed."""

    def lines(self) -> list[str]:
        """Return what was understood of it, a fact a line."""

    def batches(self, *, text: bool) -> Iterator[Edges]:
        """Yield the edges.

        Args:
            text: Whether ids are text, whatever they look like.

        Raises:
            NotIntegers: If they are not to be text and an id is no integer.
            ValueError: If it cannot be read.
        """


MOST = 10**18  # integers from there on are text, as elsewhere in the datasets


def integers(column: pa.Array) -> pa.Array:
    """Return ids as int64.

    Raises:
        NotIntegers: If one is no integer in its plain form, such as 007, 7.0 or a7.
    """
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise NotIntegers from None
    if pa.types.is_string(column.type):
        if not pc.all(pc.equal(numbers.cast(pa.string()), column)).as_py():
            raise NotIntegers
    elif not pa.types.is_integer(column.type):
        raise NotIntegers
    column = numbers
    ends = pc.min_max(column)
    if len(column) and not -MOST < ends["min"].as_py() <= ends["max"].as_py() < MOST:
        raise NotIntegers
    return column


def ends(source: pa.Array, target: pa.Array, *, text: bool) -> tuple[pa.Array, pa.Array]:
    """Return two columns of ids as strings or as integers; see :meth:`Source.batches`."""
    first, second = (
        pc.utf8_trim_whitespace(end) if pa.types.is_string(end.type) else end
        for end in (source, target)
    )
    if text:
        return first.cast(pa.string()), second.cast(pa.string())
    return integers(first), integers(second)
