"""Some of the hardest of M candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gneg import checks
from gneg.rng import split_seed
from gneg.samplers.pool import Pool, gumbel
from gneg.samplers.query import IntArray
from gneg.samplers.select.rule import SelectionRule


@dataclass(frozen=True)
class DNS(SelectionRule):
    """Keeps a random K of the N candidates that the current model scores highest.

    DNS(M, N) (Shi et al., WWW 2023, "On the Theories Behind Hard Negative Sampling for
    Recommendation"): N sets how far into the tail of the ranking the negatives reach, and the draw
    among them spares the single hardest, which is the likeliest false negative.

    Attributes:
        n: Number of highest scores to draw from, N, >= 1; K if that is more.

    Raises:
        ValueError: If ``n`` is out of range.
    """

    n: int = 16

    name = "dns"
    on_device = True
    tunable: ClassVar = {"n": round}

    def __post_init__(self) -> None:
        """Check the settings."""
        self._set("n", checks.integer("n", self.n, 1))

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return K random candidates of the N hardest."""
        hardest = pool.top(pool.scores, min(max(self.n, k), pool.index.shape[1]))
        noise = pool.query.array(gumbel(hardest.shape, split_seed(seed, 1)))
        return Pool(pool.query, hardest).top(noise, k)
