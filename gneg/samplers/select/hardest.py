"""The hardest of M candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.samplers.pool import Pool
from gneg.samplers.query import IntArray
from gneg.samplers.select.rule import SelectionRule


@dataclass(frozen=True)
class Hardest(SelectionRule):
    """Keeps the K candidates that the current model scores highest.

    Dynamic negative sampling (Zhang et al., SIGIR 2013). ``quantile`` below 1 keeps those around
    that quantile of the candidates' scores instead: 0.5 those in the middle, 0 the easiest.
    Hardest-only mining loses the easy region: mix it,
    ``Mixture([Uniform(graph), Select(Walk(graph), Hardest())], [0.75, 0.25])``.

    Attributes:
        quantile: The part of the ranking to keep, in [0, 1].

    Raises:
        ValueError: If ``quantile`` is out of range.
    """

    quantile: float = 1.0

    name = "hardest"
    on_device = True
    tunable: ClassVar = {"quantile": float}

    def __post_init__(self) -> None:
        """Check the settings."""
        self._set("quantile", checks.number("quantile", self.quantile, 0, 1))

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return the K candidates around the quantile, highest scores first."""
        if self.quantile == 1:
            return pool.top(pool.scores, k)
        ranked = pool.top(pool.scores, pool.index.shape[1])
        query, xp = pool.query, pool.query.xp
        spare = ((ranked >= 0).sum(axis=1)[:, None] - k).clip(min=0)
        first = xp.round((1 - self.quantile) * xp.asarray(spare, dtype=xp.float64))
        return query.gather(ranked, first + query.array(np.arange(k)))
