"""The rows of a call that replace one side, and the coins that decide which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg.graph.sizes import with_sizes
from gneg.samplers.negatives import Side
from gneg.samplers.query import Corrupt, IntArray, Query


@dataclass(frozen=True)
class Part:
    """The rows of a call whose negatives replace one side.

    Attributes:
        query: The query of the rows.
        positions: ``[b]``, their positions among the B positives.
        index: ``[b, K]``, the targets that were drawn; -1 where there is none.
    """

    query: Query
    positions: npt.NDArray[Any]
    index: IntArray

    __repr__ = with_sizes


def split_sides(corrupt: Corrupt, size: int, seed: int) -> list[tuple[Side, npt.NDArray[Any]]]:
    """Return each side to replace, with the positions of its positives.

    Args:
        corrupt: ``"dst"``, ``"src"``, or ``"both"`` (a fair coin per positive).
        size: Number of positives.
        seed: Seed of the coins.
    """
    if corrupt != "both":
        return [("src" if corrupt == "src" else "dst", np.arange(size))]
    coin = np.random.Generator(np.random.Philox(seed)).random(size) < 0.5
    return [("dst", np.flatnonzero(~coin)), ("src", np.flatnonzero(coin))]
