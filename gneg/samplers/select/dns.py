"""Some of the hardest of M candidates."""

from __future__ import annotations

from typing import ClassVar

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Pool, Wrapper, gumbel


class DNS(Wrapper):
    """Keeps K random ones of the N candidates that the current model scores highest.

    DNS(M, N) (Shi et al., WWW 2023, "On the Theories Behind Hard Negative Sampling for
    Recommendation"): N sets how far into the tail of the ranking the negatives reach, and the draw
    among them spares the single hardest, which is the likeliest false negative.

    Args:
        sampler: Where candidates come from.
        m: Number of candidates, M; at least K.
        n: Number of highest scores to draw from, N; at least K.
        memory_mb: Memory for scoring at once, in megabytes.
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "dns"
    scores = True
    complete = True
    tunable: ClassVar = {"n": lambda value: checks.integer("n", round(value), 1), **TUNABLE_M}

    def __init__(
        self,
        sampler: Sampler,
        m: int = 64,
        *,
        n: int = 16,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.n = checks.integer("n", n, 1)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        pool = self._pool(query, k, seed)
        hardest = pool.top(pool.scores, min(max(self.n, k), pool.index.shape[1]))
        noise = gumbel(hardest.shape, split_seed(seed, 1))
        return Pool(query, hardest).top(noise, k)
