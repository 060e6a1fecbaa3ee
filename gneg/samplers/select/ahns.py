"""Hardness that follows the score of the positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

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
    for them, and before that relative to the middle between the median positive and the median
    candidate of the call: close to 0 for calibrated logits, and far below for distances, whose
    scores are all negative. A constant added to all scores changes nothing.

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
    tunable: ClassVar = {"beta": float}

    def __post_init__(self) -> None:
        """Check the settings."""
        checks.number("alpha", self.alpha, 0, open_low=True)
        checks.number("beta", self.beta, 0, open_low=True)
        checks.number("p", self.p, -10, 10)

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return the K candidates whose scores are nearest to the wanted one."""
        candidates = pool.scores[pool.index >= 0]
        # Not the row's own positive: hardness must fall as its score rises above those of others.
        # Medians, because they are the same in any order of summation.
        middle = 0.0
        if len(candidates):
            middle = (np.median(pool.positive) + np.median(candidates)) / 2
        wanted = self.beta * (expit(pool.positive - middle) + self.alpha) ** (self.p + 1)
        return pool.top(-np.abs(expit(pool.scores - middle) - wanted), k)
