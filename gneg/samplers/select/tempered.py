"""Candidates in proportion to the exponential of their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gneg import checks
from gneg.rng import split_seed
from gneg.samplers.pool import Pool, gumbel
from gneg.samplers.query import IntArray
from gneg.samplers.select.rule import SelectionRule

LEAST = 1e-9  # scores over it are numbers in single precision


@dataclass(frozen=True)
class Tempered(SelectionRule):
    """Keeps K candidates drawn in proportion to exp(score / temperature), without replacement.

    Self-adversarial sampling (Sun et al., ICLR 2019, equation 5, as a draw instead of a weight;
    for the weights see :class:`~gneg.losses.SelfAdversarial`). A temperature near 0 is
    ``Hardest``, a high one the wrapped sampler.

    Attributes:
        temperature: Scores are divided by it, >= 1e-9.

    Raises:
        ValueError: If ``temperature`` is out of range.
    """

    temperature: float = 1.0

    name = "tempered"
    on_device = True
    tunable: ClassVar = {"temperature": float}

    def __post_init__(self) -> None:
        """Check the settings."""
        self._set("temperature", checks.number("temperature", self.temperature, LEAST))

    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return the K candidates with the largest noisy scores."""
        noise = pool.query.array(gumbel(pool.index.shape, split_seed(seed, 1)))
        return pool.top(pool.scores / self.temperature + noise, k)
