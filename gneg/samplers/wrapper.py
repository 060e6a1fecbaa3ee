"""Samplers around a sampler: what selectors, schedules and guards share."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, Need, Proposes, Query, Sampler, Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.samplers.pool import Pool
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.state import entries

_OF_NEGATIVES = ("filled", "short")  # counts of the returned negatives, not of candidates

#: How schedules may change the number of candidates, M.
TUNABLE_M = {"m": lambda value: checks.integer("m", round(value), 1)}


def add_counts(query: Query, part: Query) -> None:
    """Add to a query's counts those of a part of it by which a sampler drew candidates."""
    query.counts.update({name: n for name, n in part.counts.items() if name not in _OF_NEGATIVES})


class Wrapper(Sampler):
    """A sampler that draws through another one and hands everything else on to it.

    Wrappers that select draw M candidates for each row, score the distinct ones, without a gradient
    and in chunks, and return K. A model's selection has no closed-form ``log_q``. Every wrapper
    takes, beside its own arguments:

    Args:
        sampler: The sampler that proposes candidates: a proposal, or a wrapper again.
        m: Number of candidates of wrappers that select, M; at least K.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.
    """

    proposes: Proposes = "non-edges"

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
        self.density = sampler.density
        self.m = checks.integer("m", m, 1)
        self.memory_mb = checks.integer("memory_mb", memory_mb, 1)

    def draw_pool(self, query: Query, k: int, seed: int) -> Pool:
        """Return distinct usable candidates: those among M draws, and at least ``k`` a row.

        Repeats are dropped, not drawn again: where a proposal keeps to a few targets that would
        cost more than scoring them. What a row then lacks to ``k`` is filled uniformly.
        """
        m = max(self.m, k)
        checks.memory("m", 3 * 8 * m * len(query.rows), f"{m} for {len(query.rows)} positives")
        part = replace(query, unique=True, counts=Counter())
        seeds = [split_seed(seed, i) for i in range(2)]
        if self.sampler.proposes == "full rows":
            index = self.sampler.draw(part, m, seeds[0])
        else:
            proposed = self.sampler.candidates(part, m, seeds[0])
            index = query.blank(m)
            part.exclude(index, proposed, unique=True)
            front = query.front(index, k)
            filled, _ = part.fill(front, seeds[1], unique=True)
            part.counts["pool_filled"] += filled
            index[:, :k] = front
        add_counts(query, part)
        return Pool(query, index, self.memory_mb)

    # -- state: its own beside that of the wrapped sampler ---------------------------------------

    def _state(self) -> dict[str, Any]:
        """Return the wrapper's own state."""
        return {}

    def _load(self, state: dict[str, Any]) -> None:
        """Restore what `_state` returned; called with a state that has the right keys.

        Raises:
            ValueError: If an entry is out of range.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return the wrapped sampler's state and the wrapper's own."""
        return {"sampler": self.sampler.state_dict(), **self._state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore both.

        Raises:
            ValueError: If it is that of another sampler or graph, or an entry is out of range.
        """
        names = self._state()
        fingerprint = names.pop("graph", None)
        state = entries(state, ["sampler", *names], fingerprint)
        before = self._state()
        self._load(state)
        try:
            self.sampler.load_state_dict(state["sampler"])
        except ValueError:
            self._load(before)
            raise

    # -- handed on -------------------------------------------------------------------------------

    @property
    def needs(self) -> frozenset[Need]:
        """What the wrapped sampler needs."""
        return self.sampler.needs

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder that the wrapped sampler needs."""
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
        """Return the names of the wrapper's own settings and of the wrapped sampler's."""
        return list(dict.fromkeys([*self.tunable, *self.sampler.settings()]))

    def tune(self, setting: str, value: float) -> None:
        """Change a setting of the wrapper or, if it has none of that name, of what it wraps."""
        if setting in self.tunable or setting not in self.sampler.settings():
            super().tune(setting, value)
        else:
            self.sampler.tune(setting, value)

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Let the wrapped sampler add stored or mixed embeddings."""
        return self.sampler.finish(negatives, seed)
