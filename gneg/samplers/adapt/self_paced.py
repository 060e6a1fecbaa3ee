"""Difficulty that follows the model's own confidence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gneg import checks
from gneg.graph import KnownEdges
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Need, Query, Sampler, Score
from gneg.samplers.negatives import Vectors
from gneg.samplers.state import entries, finite, sequence
from gneg.samplers.wrapper import Wrapper

ROWS = 1_024  # of each call that are scored to measure the share


class SelfPaced(Wrapper):
    """Keeps the share of violating negatives at a target by making them harder or easier.

    A negative violates when it scores above its positive. Their share, measured on up to 1,024 rows
    of each call and averaged over calls, drives an integral controller on the difficulty d in
    [0, 1], and the setting is ``easy + d * (hard - easy)``. Self-paced in the sense of Kumar et
    al. (NeurIPS 2010): a model that is sure of itself gets harder negatives, one that struggles
    gets easier ones. `report` has the curve, epoch by epoch.

    Args:
        sampler: The sampler whose setting is controlled, however deep it is inside.
        setting: The name of the setting, one of ``sampler.settings()``.
        target: Wanted share of violating negatives, in (0, 1).
        easy: Value of the setting at d = 0.
        hard: Value of the setting at d = 1.
        rate: Change of d for each step and unit of deviation, > 0.
        smooth: Weight of the past in the averaged share, in [0, 1).
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the sampler has no such setting, an argument is out of range, or ``sample``
            is not given ``score``.
    """

    name = "selfpaced"
    of_positives = True
    combines = True

    def __init__(
        self,
        sampler: Sampler,
        setting: str = "quantile",
        *,
        target: float = 0.2,
        easy: float = 0.0,
        hard: float = 1.0,
        rate: float = 0.1,
        smooth: float = 0.9,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(sampler, known=known, corrupt=corrupt, unique=unique)
        checks.instance("setting", setting, (str,))
        self.setting = setting
        self.target = checks.number("target", target, 0, 1, open_low=True)
        self.easy = checks.number("easy", easy, -math.inf)
        self.hard = checks.number("hard", hard, -math.inf)
        self.rate = checks.number("rate", rate, 0, open_low=True)
        self.smooth = checks.number("smooth", smooth, 0, 1)
        if smooth == 1:
            checks.fail("smooth", "a number in [0, 1)", smooth)
        self.proposes = sampler.proposes
        self.violating = self.target
        self.difficulty = 0.0
        self.curve: list[dict[str, float]] = []
        self.sampler.tune(setting, self.hard)  # a value out of range is refused here, not in a run
        self._apply()

    @property
    def needs(self) -> frozenset[Need]:
        """The current model, and what the wrapped sampler needs."""
        return self.sampler.needs | {"score"}

    @property
    def value(self) -> float:
        """The current value of the setting."""
        return self.easy + self.difficulty * (self.hard - self.easy)

    def _apply(self) -> None:
        self.sampler.tune(self.setting, self.value)

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw by the wrapped sampler, and record how many negatives violate."""
        index = self.sampler.candidates(query, k, seed)
        measured = query.array(np.arange(0, len(index), max(1, len(index) // ROWS)))
        part = query.take(measured)
        above = part.scores(index[measured]) > part.scores(part.targets[:, None])
        drawn = index[measured] >= 0
        self.remember(query, query.xp.stack([above.sum(), drawn.sum()]).tolist())
        return index

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the wrapped sampler's log density."""
        return self.sampler.checked_density(query, index)

    def step(self, *, score: Score | None = None) -> None:
        """Make the next negatives harder if too few of the last violated, else easier."""
        super().step(score=score)
        records = [record for _, record in self.recall()]
        drawn = sum(size for _, size in records)
        if not drawn:
            return
        share = sum(above for above, _ in records) / drawn
        self.violating = self.smooth * self.violating + (1 - self.smooth) * share
        change = self.rate * (self.target - self.violating)
        self.difficulty = min(max(self.difficulty + change, 0.0), 1.0)
        self._apply()

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Add a point to the curve."""
        super().end_epoch(z=z)
        self.curve.append({"violating": self.violating, self.setting: self.value})

    def report(self) -> dict[str, Any]:
        """Return the curve: share of violating negatives and value of the setting by epoch."""
        return {**self.sampler.report(), "self_paced": self.curve}

    def _state(self) -> dict[str, Any]:
        return {
            "violating": self.violating,
            "difficulty": self.difficulty,
            "curve": list(self.curve),
        }

    def _load(self, state: dict[str, Any]) -> None:
        violating = finite("violating", state["violating"], 0, 1)
        difficulty = finite("difficulty", state["difficulty"], 0, 1)
        names = ["violating", self.setting]
        curve = [entries(point, names) for point in sequence("curve", state["curve"])]
        self.violating, self.difficulty, self.curve = violating, difficulty, curve
        self._apply()
