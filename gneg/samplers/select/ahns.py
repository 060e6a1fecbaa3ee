"""Hardness that follows the score of the positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.samplers.pool import Pool
from gneg.samplers.query import IntArray
from gneg.samplers.select.rule import SelectionRule


@dataclass(frozen=True)
class AHNS(SelectionRule):
    """Keeps candidates whose hardness adapts to the score of their positive.

    Adaptive hardness (Lai et al., AAAI 2024): the wanted score is ``beta * (s_pos + alpha) ** (p +
    1)`` and the candidates nearest to it are kept. With ``p < -1`` a positive that already scores
    high gets easier negatives (no false negatives), one that scores low harder ones.

    The paper's scores are cosines. Others are taken through a sigmoid, so that the power is defined
    for them: logits as they are, where 0 separates the median positive of the call from its median
    candidate, as it does for calibrated logits; else, as for distances, whose scores are all
    negative, relative to the middle between the two medians.

    Attributes:
        alpha: Added to the positive's score, > 0.
        beta: Scale of the wanted score, > 0.
        p: Exponent, in [-10, 10]; < 0 in the paper.

    Raises:
        ValueError: If a setting is out of range.
    """

    alpha: float = 0.5
    beta: float = 0.5
    p: float = -2.0

    name = "ahns"
    of_positives = True
    tunable: ClassVar = {"beta": float}

    def __post_init__(self) -> None:
        """Check the settings."""
        self._set("alpha", checks.number("alpha", self.alpha, 0, open_low=True))
        self._set("beta", checks.number("beta", self.beta, 0, open_low=True))
        self._set("p", checks.number("p", self.p, -10, 10))

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return the K candidates whose scores are nearest to the wanted one."""
        from scipy.special import expit  # slow to import

        middle = _middle(pool)
        wanted = self.beta * (expit(pool.positive - middle) + self.alpha) ** (self.p + 1)
        return pool.top(-np.abs(expit(pool.scores - middle) - wanted), k)


def _middle(pool: Pool) -> float:
    """Return the score that becomes 1/2.

    Of the whole call, not of the row: hardness must fall as a positive's score rises above those of
    others. Medians, because they are the same in any order of summation.
    """
    candidates = pool.scores[pool.index >= 0]
    if not len(candidates):
        return 0.0
    positive, candidate = float(np.median(pool.positive)), float(np.median(candidates))
    return 0.0 if candidate <= 0.0 <= positive else (positive + candidate) / 2
