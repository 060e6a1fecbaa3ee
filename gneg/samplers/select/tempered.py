"""Candidates in proportion to the exponential of their scores."""

from __future__ import annotations

from typing import ClassVar

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Wrapper, gumbel


class Tempered(Wrapper):
    """Keeps K candidates drawn in proportion to exp(score / temperature), without replacement.

    Self-adversarial sampling (Sun et al., ICLR 2019, equation 5, as a draw instead of a weight;
    for the weights see :class:`~gneg.losses.SelfAdversarial`). A temperature near 0 is
    ``Hardest``, a high one the wrapped sampler.

    Args:
        sampler: Where candidates come from.
        m: Number of candidates, M; at least K.
        temperature: Scores are divided by it, > 0.
        memory_mb: Memory for scoring at once, in megabytes.
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "tempered"
    scores = True
    complete = True
    tunable: ClassVar = {
        "temperature": lambda value: checks.number("temperature", value, 0, open_low=True),
        **TUNABLE_M,
    }

    def __init__(
        self,
        sampler: Sampler,
        m: int = 64,
        *,
        temperature: float = 1.0,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        pool = self._pool(query, k, seed)
        noise = gumbel(pool.index.shape, split_seed(seed, 1))
        return pool.top(pool.scores / self.temperature + noise, k)
