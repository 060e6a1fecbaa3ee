"""Candidates of a query, their scores, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg.graph.lazy import cached_property
from gneg.graph.sizes import with_sizes
from gneg.samplers.query import MEMORY_MB, FloatArray, IntArray, Query, ScoreArray


def gumbel(shape: tuple[int, ...], seed: int) -> FloatArray:
    """Return standard Gumbel noise.

    Added to log weights, the largest k are a draw without replacement (Vieira 2014; Kool et al.,
    ICML 2019).
    """
    return np.random.Generator(np.random.Philox(seed)).gumbel(size=tuple(shape))


@dataclass(frozen=True)
class Pool:
    """The candidates of each row, with the current model's scores when they are first read.

    Attributes:
        query: The query of each row, with the graph and the known edges.
        index: ``[B, M]``, usable targets, each once, -1 after them.
        memory_mb: Memory for scoring at once, in megabytes.
    """

    query: Query
    index: IntArray
    memory_mb: int = MEMORY_MB

    __repr__ = with_sizes

    @cached_property
    def scores(self) -> ScoreArray:
        """``[B, M]``, the current model's scores; -inf where there is no candidate."""
        return self.query.scores(self.index, self.memory_mb)

    @cached_property
    def positive(self) -> ScoreArray:
        """``[B, 1]``, scores of the positives."""
        return self.query.scores(self.query.targets[:, None], self.memory_mb)

    def top(self, key: npt.NDArray[Any], k: int) -> IntArray:
        """Return the ``k`` candidates of each row with the highest ``key [B, M]``, highest first.

        -1 where a row has fewer.
        """
        return self.query.top(self.index, key, k)
