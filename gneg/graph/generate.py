"""Large random graphs in pieces, for measurements: R-MAT as in Graph500, and uniform edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg import checks, kernels
from gneg.rng import split_seed

PIECE = 2**20  # edges that are generated at once
GRAPH500 = (0.57, 0.19, 0.19)  # quadrants of its R-MAT graphs; the last is what is left of 1
IntArray = npt.NDArray[Any]


@dataclass(frozen=True)
class RandomEdges:
    """Edges that are drawn one by one, the same for the same seed on any number of threads.

    Self-loops and repeats are among them, as in Graph500.

    Attributes:
        scale: Log2 of the number of nodes, at most 40 (31 for uniform edges).
        num_edges: Number of edges.
        seed: Seed of all draws.
        initiator: Probabilities of the upper left, upper right and lower left quadrant of R-MAT;
            those of Graph500 by default. None: both ends of every edge are uniform.
        scramble: Whether R-MAT's nodes are permuted, so that the id of a node says nothing of its
            degree.
    """

    scale: int
    num_edges: int
    seed: int = 0
    initiator: tuple[float, float, float] | None = GRAPH500
    scramble: bool = True

    def __post_init__(self) -> None:
        """Check the arguments."""
        most = 31 if self.initiator is None else 40
        if checks.integer("scale", self.scale, 1) > most:
            checks.fail("scale", f"at most {most}", self.scale)
        checks.integer("num_edges", self.num_edges, 1)
        checks.integer("seed", self.seed, 0)
        for value in self.initiator or ():
            checks.number("initiator", value, 0, 1)
        if sum(self.initiator or ()) > 1 + 1e-9:
            checks.fail("initiator", "three probabilities that add up to at most 1", self.initiator)

    @property
    def num_nodes(self) -> int:
        """N, of which some have no edge."""
        return 1 << self.scale

    @property
    def id_type(self) -> np.dtype[Any]:
        """Type of the ids: 32 bits if they fit."""
        return np.dtype(np.int32 if self.scale <= 31 else np.int64)

    def pieces(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield sources and targets, ``[e]`` each."""
        for first in range(0, self.num_edges, PIECE):
            yield self.piece(first, min(PIECE, self.num_edges - first))

    def piece(self, first: int, size: int) -> tuple[IntArray, IntArray]:
        """Return ``size`` sources and targets from the edge ``first`` on."""
        src, dst = np.empty(size, self.id_type), np.empty(size, self.id_type)
        seed, run = split_seed(self.seed, 0), kernels.threads.run_rows
        work = size * self.scale
        if self.initiator is None:
            run(kernels.random_edges.uniform, size, work, src, dst, first, self.num_nodes, seed)
            return src, dst
        sums = np.round(np.cumsum(self.initiator) * 2**32)
        thresholds = np.minimum(sums, 2**32).astype(np.uint64)
        permute = split_seed(self.seed, 1) if self.scramble else -1
        law = self.scale, thresholds, permute, seed
        run(kernels.random_edges.rmat, size, work, src, dst, first, *law)
        return src, dst
