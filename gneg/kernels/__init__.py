"""CPU kernels on plain NumPy arrays, compiled by numba at first use and cached on disk.

Submodules are imported when first touched, so that ``import gneg`` does not bring in numba.
Every kernel releases the GIL; rows are split over a small thread pool (``threads.py``). Node ids
are int32 where they fit, offsets are int64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gneg import lazy

if TYPE_CHECKING:
    from gneg.kernels import (
        alias,
        ball,
        blocks,
        complement,
        csr,
        distances,
        dots,
        frontier,
        groups,
        heart,
        heuristics,
        katz,
        listed_walks,
        logs,
        long_walks,
        nearby,
        neighbors,
        pools,
        ppr,
        random_edges,
        ranking,
        row_adam,
        second_neighbors,
        shells,
        single_walks,
        threads,
        vectors,
        walks,
        weighted_walks,
    )

#: Called before the first kernel of a process is compiled; not where all come from the cache.
before_compiling: list[Callable[[], None]] = []

__all__ = [
    "alias",
    "ball",
    "blocks",
    "complement",
    "csr",
    "distances",
    "dots",
    "frontier",
    "groups",
    "heart",
    "heuristics",
    "katz",
    "listed_walks",
    "logs",
    "long_walks",
    "nearby",
    "neighbors",
    "pools",
    "ppr",
    "random_edges",
    "ranking",
    "row_adam",
    "second_neighbors",
    "shells",
    "single_walks",
    "threads",
    "vectors",
    "walks",
    "weighted_walks",
]

__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(__all__))
