"""The hardest candidates that are still below the positive."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Wrapper


class SemiHard(Wrapper):
    """Keeps the hardest candidates that score below the positive by a margin.

    Semi-hard mining (Schroff et al., CVPR 2015, equation 4): what scores above the positive is
    likely a false negative, or so hard that the model collapses. With ``band`` the draw is uniform
    from scores in [positive - margin - band, positive - margin] instead of the hardest. A row
    that has too few such candidates takes the next easier ones, and, if none is below the
    positive, the easiest (``Negatives.counts["above"]``).

    Args:
        sampler: Where candidates come from.
        m: Number of candidates, M; at least K.
        margin: Distance to keep from the positive's score, >= 0.
        band: Width of the band to draw from, > 0; None: the hardest.
        memory_mb: Memory for scoring at once, in megabytes.
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "semihard"
    scores = True
    complete = True
    tunable: ClassVar = {"margin": lambda value: checks.number("margin", value, 0), **TUNABLE_M}

    def __init__(
        self,
        sampler: Sampler,
        m: int = 64,
        *,
        margin: float = 0.0,
        band: float | None = None,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.margin = checks.number("margin", margin, 0)
        self.band = None if band is None else checks.number("band", band, 0, open_low=True)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        pool = self._pool(query, k, seed)
        scores = pool.scores.astype(np.float64)
        ceiling = pool.positive - self.margin
        below = scores < ceiling
        # One key ranks them all: below the ceiling from the highest down, and after those what is
        # above it, from the lowest up.
        floor = np.where(np.isfinite(scores), scores, np.inf).min(axis=1, keepdims=True)
        key = np.where(below, scores, 2 * np.minimum(floor, ceiling) - scores - 1)
        if self.band is not None:
            inside = below & (scores >= ceiling - self.band)
            noise = np.random.Generator(np.random.Philox(split_seed(seed, 1))).random(key.shape)
            key = np.where(inside, ceiling + noise, key)
        candidates = pool.index >= 0
        query.counts["above"] += int(
            np.minimum(
                np.maximum(k - (below & candidates).sum(axis=1), 0), candidates.sum(axis=1)
            ).sum()
        )
        return pool.top(key, k)
