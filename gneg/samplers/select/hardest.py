"""The hardest of M candidates."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.graph import KnownEdges
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Wrapper


class Hardest(Wrapper):
    """Keeps the K candidates that the current model scores highest.

    Dynamic negative sampling (Zhang et al., SIGIR 2013). ``quantile`` below 1 keeps those around
    that quantile of the candidates' scores instead: 0.5 those in the middle, 0 the easiest.
    Hardest-only mining loses the easy region: mix it,
    ``Mixture([Uniform(graph), Hardest(Walk(graph))], [0.75, 0.25])``.

    Args:
        sampler: Where candidates come from.
        m: Number of candidates, M; at least K.
        quantile: Which part of the ranking to keep, in [0, 1].
        memory_mb: Memory for scoring at once, in megabytes.
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "hardest"
    scores = True
    complete = True
    tunable: ClassVar = {
        "quantile": lambda value: checks.number("quantile", value, 0, 1),
        **TUNABLE_M,
    }

    def __init__(
        self,
        sampler: Sampler,
        m: int = 64,
        *,
        quantile: float = 1.0,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.quantile = checks.number("quantile", quantile, 0, 1)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        pool = self._pool(query, k, seed)
        if self.quantile == 1:
            return pool.top(pool.scores, k)
        ranked = pool.top(pool.scores, pool.index.shape[1])
        spare = np.maximum((ranked >= 0).sum(axis=1, keepdims=True) - k, 0)
        first = np.round((1 - self.quantile) * spare).astype(np.int64)
        return np.take_along_axis(ranked, first + np.arange(k), axis=1)
