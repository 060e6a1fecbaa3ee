"""The hardest candidates that are still below the positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.rng import split_seed
from gneg.samplers.pool import Pool
from gneg.samplers.query import IntArray
from gneg.samplers.select.rule import SelectionRule


@dataclass(frozen=True)
class SemiHard(SelectionRule):
    """Keeps the hardest candidates that score below the positive by a margin.

    Semi-hard mining (Schroff et al., CVPR 2015, equation 4): what scores above the positive is
    likely a false negative, or so hard that the model collapses. With ``band`` the draw is uniform
    from scores in [positive - margin - band, positive - margin] instead of the hardest. A row
    that has too few such candidates takes the next easier ones, and, if none is below the
    positive, the easiest (``Negatives.counts["above"]``).

    Attributes:
        margin: Distance to keep from the positive's score, >= 0.
        band: Width of the band to draw from, > 0; None: the hardest.

    Raises:
        ValueError: If a setting is out of range.
    """

    margin: float = 0.0
    band: float | None = None

    name = "semihard"
    of_positives = True
    on_device = True
    tunable: ClassVar = {"margin": float}

    def __post_init__(self) -> None:
        """Check the settings."""
        self._set("margin", checks.number("margin", self.margin, 0))
        if self.band is not None:
            self._set("band", checks.number("band", self.band, 0, open_low=True))

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return K candidates below the positive's score less the margin."""
        xp, array = pool.query.xp, pool.query.array
        scores = xp.asarray(pool.scores, dtype=xp.float64)
        ceiling = pool.positive - self.margin
        below = scores < ceiling
        # One key ranks them all: below the ceiling from the highest down, and after those what is
        # above it, from the lowest up.
        floor = xp.amin(xp.where(xp.isfinite(scores), scores, xp.inf), 1)[:, None]
        key = xp.where(below, scores, 2 * xp.minimum(floor, ceiling) - scores - 1)
        if self.band is not None:
            inside = below & (scores >= ceiling - self.band)
            random = np.random.Generator(np.random.Philox(split_seed(seed, 1)))
            key = xp.where(inside, ceiling + array(random.random(tuple(key.shape))), key)
        candidates = pool.index >= 0
        above = (k - (below & candidates).sum(axis=1)).clip(min=0)
        pool.query.counts["above"] += int(xp.minimum(above, candidates.sum(axis=1)).sum())
        return pool.top(key, k)
