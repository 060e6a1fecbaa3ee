"""Hardness that follows the score of the positive."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit

from gneg import checks
from gneg.graph import KnownEdges
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Wrapper


class AHNS(Wrapper):
    """Keeps candidates whose hardness answers to the score of their positive.

    Adaptive hardness (Lai et al., AAAI 2024): the wanted score is ``beta * (s_pos + alpha) ** (p +
    1)`` and the candidates nearest to it are kept. With ``p < -1`` a positive that already scores
    high gets easier negatives (no false negatives), one that scores low harder ones. Scores are
    taken through a sigmoid, so that the power is defined for logits; the paper's are cosines.

    Args:
        sampler: Where candidates come from.
        m: Number of candidates, M; at least K.
        alpha: Added to the positive's score, > 0.
        beta: Scale of the wanted score, > 0.
        p: Exponent, < 0 in the paper.
        memory_mb: Memory for scoring at once, in megabytes.
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "ahns"
    scores = True
    complete = True
    tunable: ClassVar = {
        "beta": lambda value: checks.number("beta", value, 0, open_low=True),
        **TUNABLE_M,
    }

    def __init__(
        self,
        sampler: Sampler,
        m: int = 64,
        *,
        alpha: float = 0.5,
        beta: float = 0.5,
        p: float = -2.0,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.alpha = checks.number("alpha", alpha, 0, open_low=True)
        self.beta = checks.number("beta", beta, 0, open_low=True)
        self.p = checks.number("p", p, -10, 10)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        pool = self._pool(query, k, seed)
        wanted = self.beta * (expit(pool.positive) + self.alpha) ** (self.p + 1)
        return pool.top(-np.abs(expit(pool.scores) - wanted), k)
