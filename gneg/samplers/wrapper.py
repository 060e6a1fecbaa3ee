"""Samplers around a sampler: what selectors, schedules and guards share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gneg import checks, kernels
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Need, Query, Sampler, Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.samplers.query import MEMORY_MB, ScoreArray

_OWN = ("filled", "short")  # counts that belong to the negatives, not to the pool

#: What a pool of M may be set to by schedules.
TUNABLE_M = {"m": lambda value: checks.integer("m", round(value), 1)}


def gumbel(shape: tuple[int, ...], seed: int) -> FloatArray:
    """Standard Gumbel noise: added to log weights, the largest k are a draw without replacement.

    (Vieira 2014; Kool et al., ICML 2019.)
    """
    return np.random.Generator(np.random.Philox(seed)).gumbel(size=shape)


@dataclass(frozen=True)
class Pool:
    """Candidates and what the current model says of them.

    Attributes:
        query: What was asked.
        index: ``[B, M]``, usable targets, each once, -1 after them.
        memory_mb: For the scores, in megabytes.
    """

    query: Query
    index: IntArray
    memory_mb: int = MEMORY_MB

    @cached_property
    def scores(self) -> ScoreArray:
        """``[B, M]``; -inf where there is no candidate."""
        return self.query.scores(self.index, self.memory_mb)

    @cached_property
    def positive(self) -> ScoreArray:
        """``[B, 1]``, scores of the positives."""
        return self.query.scores(self.query.others[:, None], self.memory_mb)

    def top(self, key: npt.NDArray[Any], k: int) -> IntArray:
        """The ``k`` candidates of each row with the highest ``key [B, M]``, highest first."""
        if 8 * k > key.shape[1] > 64:  # insertion would be slow
            order = np.argsort(np.where(self.index < 0, np.inf, -key), axis=1, kind="stable")
            return np.take_along_axis(self.index, order[:, :k], axis=1)
        best = self.query.blank(k)
        self.query.run(kernels.pools.top, best, self.index, key)
        return best


class Wrapper(Sampler):
    """A sampler that draws through another one and hands everything else on to it.

    Those that select draw M candidates for each row, score the distinct ones, without a gradient
    and in chunks, and keep K. What a model selects has no closed-form ``log_q``. Every wrapper
    takes, beside its own arguments:

    Args:
        sampler: Where candidates come from: a proposal, or a wrapper again.
        m: Number of candidates of those that select, M; at least K.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges never to return; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.
    """

    exact = True
    #: Whether it needs the current model.
    scores: ClassVar[bool] = False

    def __init__(
        self,
        sampler: Sampler,
        *,
        m: int = 64,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        if not isinstance(sampler, Sampler):
            checks.fail("sampler", "a gneg sampler", type(sampler).__name__)
        super().__init__(
            sampler.graph,
            known=sampler.known if known is None else known,
            corrupt=sampler.corrupt if corrupt is None else corrupt,
            unique=unique,
        )
        self.sampler = sampler
        self.slow_log_q = sampler.slow_log_q
        self.m = checks.integer("m", m, 1)
        self.memory_mb = checks.integer("memory_mb", memory_mb, 1)

    def _pool(self, query: Query, k: int, seed: int) -> Pool:
        """Distinct usable candidates: those among M draws, and at least ``k`` a row.

        Repeats are dropped, not drawn again: where a proposal keeps to a few targets that would
        cost more than scoring them. What a row then lacks to ``k`` is filled uniformly.
        """
        m = max(self.m, k)
        part = replace(query, unique=True, counts=type(query.counts)())
        known, seeds = query.known, [split_seed(seed, i) for i in range(2)]
        if self.sampler.complete:
            index = self.sampler._draw(part, m, seeds[0])
        else:
            proposed = self.sampler._propose(part, m, seeds[0])
            index = query.blank(m)
            part.exclude(index, proposed, unique=True)
            front = np.ascontiguousarray(index[:, :k])
            fill = *known.arrays, known.num_dst, known.no_self, True
            done = part.run(kernels.pools.fill, front, *fill, seeds[1])
            part.counts["pool_filled"] += sum(filled for filled, _ in done)
            index[:, :k] = front
        query.counts.update({name: n for name, n in part.counts.items() if name not in _OWN})
        return Pool(query, index, self.memory_mb)

    # -- state: its own beside that of the wrapped sampler ---------------------------------------

    def _state(self) -> dict[str, Any]:
        """What a wrapper with state of its own has to keep."""
        return {}

    def _load(self, state: dict[str, Any]) -> None:
        """Take back what `_state` returned."""

    def state_dict(self) -> dict[str, Any]:
        """Return the wrapped sampler's state and its own."""
        return {"sampler": self.sampler.state_dict(), **self._state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore both.

        Raises:
            ValueError: If keys are missing or unknown.
        """
        keys = {"sampler", *self._state()}
        if set(state) != keys:
            checks.fail("state", f"with the keys {sorted(keys)}", sorted(state))
        self.sampler.load_state_dict(state["sampler"])
        self._load(state)

    # -- handed on -------------------------------------------------------------------------------

    @property
    def needs(self) -> frozenset[Need]:
        """What the wrapped sampler needs, and the current model if it scores."""
        own: tuple[Need, ...] = ("score",) if self.scores else ()
        return self.sampler.needs | frozenset(own)

    @property
    def momentum(self) -> float:
        """The wrapped sampler's."""
        return self.sampler.momentum

    def step(self, *, score: Score | None = None) -> None:
        """Hand the step on."""
        self.sampler.step(score=score)

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Hand the epoch's end on."""
        self.sampler.end_epoch(z=z)

    def report(self) -> dict[str, Any]:
        """Return the wrapped sampler's report."""
        return self.sampler.report()

    def settings(self) -> list[str]:
        """Its own settings and the wrapped sampler's."""
        return list(dict.fromkeys([*super().settings(), *self.sampler.settings()]))

    def tune(self, setting: str, value: float) -> None:
        """Change a setting of its own or of the wrapped sampler."""
        if setting in self.tunable or setting not in self.sampler.settings():
            super().tune(setting, value)
        else:
            self.sampler.tune(setting, value)

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Let the wrapped sampler add what it adds."""
        return self.sampler.finish(negatives, seed)
