"""Several proposals at once, each with its share of the draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import (
    DENSITY_KINDS,
    Corrupt,
    FloatArray,
    IntArray,
    Need,
    Query,
    Sampler,
    Score,
)
from gneg.samplers.negatives import Negatives, Vectors
from gneg.samplers.state import entries, load_all


class Mixture(Sampler):
    """Draws each negative from one of several samplers.

    Every row gets the integer part of ``weight * K`` from each sampler, and what remains of K at
    random, so that each share is met exactly on average and as closely as K allows in every row.
    ``log_q`` is that of the mixture, log sum w_i q_i, if every part has one.

    The parts' proposals are used with the mixture's own ``known``, ``corrupt`` and ``unique``.

    Args:
        samplers: One or more samplers over the same nodes.
        weights: Their shares, positive; equal if None.
        known: The edges never to return; those of the first sampler if None.
        corrupt: The end to replace; that of the first sampler if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If there is no sampler, or weights or graphs do not match.
    """

    name = "mixture"
    combines = True
    tunable: ClassVar = {"share": lambda value: checks.number("share", value, 0, 1)}

    def __init__(
        self,
        samplers: Sequence[Sampler],
        weights: Sequence[float] | None = None,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        self.samplers: list[Sampler] = checks.items("samplers", samplers, "one or more samplers")
        if not self.samplers or not all(isinstance(part, Sampler) for part in self.samplers):
            checks.fail("samplers", "one or more samplers", samplers)
        first = self.samplers[0]
        super().__init__(
            first.graph,
            known=first.known if known is None else known,
            corrupt=first.corrupt if corrupt is None else corrupt,
            unique=unique,
        )
        for part in self.samplers[1:]:
            sizes = part.graph.num_src, part.graph.num_dst
            if sizes != (self.graph.num_src, self.graph.num_dst):
                checks.fail("samplers", f"over the nodes of {self.graph}", part.graph)
        self.density = max((part.density for part in self.samplers), key=DENSITY_KINDS.index)
        shares = [1.0] * len(self.samplers)
        if weights is not None:
            shares = checks.items("weights", weights, "one for each sampler")
        if len(shares) != len(self.samplers):
            checks.fail("weights", f"one for each of {len(self.samplers)} samplers", shares)
        shares = [checks.number("weights", share, 0, open_low=True) for share in shares]
        total = sum(shares)
        self.weights = [share / total for share in shares]
        if not math.isfinite(total) or not all(self.weights):
            checks.fail("weights", "of a finite sum, of which each is a share", shares)
        self._proportions = self.weights[:-1]  # of all but the last part, as its share changes
        unfiltered = any(part.proposes == "anything" for part in self.samplers)
        self.proposes = "anything" if unfiltered else "non-edges"

    @property
    def needs(self) -> frozenset[Need]:
        """What the parts need."""
        return frozenset[Need]().union(*(part.needs for part in self.samplers))

    @property
    def momentum(self) -> float:
        """The highest decay of the moving average that a part needs."""
        return max(part.momentum for part in self.samplers)

    @property
    def share(self) -> float:
        """The last part's share; a new one scales the others."""
        return self.weights[-1]

    @share.setter
    def share(self, value: float) -> None:
        if len(self.weights) == 1:
            checks.fail("share", "left alone in a mixture of one", value)
        total = sum(self._proportions)
        self.weights = [(1 - value) * weight / total for weight in self._proportions] + [value]

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw each part's share of every row."""
        index = query.blank(k)
        filled = np.zeros(len(query.rows), np.int64)
        # Once for each number of draws, so that a part that scores candidates does so once a row.
        for i, (part, counts) in enumerate(
            zip(self.samplers, self._counts(query, k, seed), strict=True)
        ):
            fewest, most = (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)
            for count in range(max(fewest, 1), most + 1):
                whole = fewest == most
                rows = np.arange(len(counts)) if whole else np.flatnonzero(counts == count)
                if len(rows) == 0:
                    continue
                subset = query if whole else query.take(rows)
                drawn = part.candidates(subset, count, split_seed(seed, i * (k + 1) + count))
                first = filled[rows]
                if whole and (first == first[0]).all():  # a block of columns
                    index[:, first[0] : first[0] + count] = drawn
                else:
                    index[rows[:, None], first[:, None] + np.arange(count)] = drawn
                filled[rows] += count
        # A caller that takes the front of a row must not get the first part's draws only.
        query.shuffle(index, split_seed(seed, -2))
        return index

    def _counts(self, query: Query, k: int, seed: int) -> list[IntArray]:
        """Return how many of its K each row draws from each part, the fractions at random."""
        shares = np.array(self.weights) * k
        whole = np.floor(shares + 1e-9).astype(np.int64)
        counts = np.repeat(whole[:, None], len(query.rows), axis=1)
        left = k - int(whole.sum())
        if left:
            fractions = np.maximum(shares - whole, 0)
            random = np.random.Generator(np.random.Philox(split_seed(seed, -1)))
            p = fractions / fractions.sum()
            choice = random.choice(len(p), (len(query.rows), left), p=p)
            for i in range(len(p)):
                counts[i] += (choice == i).sum(axis=1)
        return list(counts)

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log of the weighted sum of the parts' densities; None if a part has none."""
        total: FloatArray | None = None
        for part, weight in zip(self.samplers, self.weights, strict=True):
            density = part.checked_density(query, index)
            if density is None:
                return None
            weighted = density + (math.log(weight) if weight else -math.inf)
            total = weighted if total is None else query.xp.logaddexp(total, weighted)
        return total

    def step(self, *, score: Score | None = None) -> None:
        """Pass the step on to every part."""
        for part in self.samplers:
            part.step(score=score)

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Pass the epoch's end on to every part."""
        for part in self.samplers:
            part.end_epoch(z=z)

    def report(self) -> dict[str, Any]:
        """Return the parts' reports under their names."""
        reports = {f"{i}:{part.name}": part.report() for i, part in enumerate(self.samplers)}
        return {name: report for name, report in reports.items() if report}

    def settings(self) -> list[str]:
        """Return ``share``, that of the last part, and the settings of the parts."""
        of_parts = [name for part in self.samplers for name in part.settings()]
        return list(dict.fromkeys([*super().settings(), *of_parts]))

    def tune(self, setting: str, value: float) -> None:
        """Change the ``share``, or a setting of every part that has it."""
        parts = [part for part in self.samplers if setting in part.settings()]
        if setting in self.tunable or not parts:
            super().tune(setting, value)
            return
        for part in parts:
            part.tune(setting, value)

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Let every part add stored or mixed embeddings."""
        for i, part in enumerate(self.samplers):
            negatives = part.finish(negatives, split_seed(seed, i))
        return negatives

    def state_dict(self) -> dict[str, Any]:
        """Return the parts' states under their positions."""
        return {str(i): part.state_dict() for i, part in enumerate(self.samplers)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore every part.

        Raises:
            ValueError: If it is that of other samplers.
        """
        state = entries(state, [str(i) for i in range(len(self.samplers))])
        load_all(self.samplers, [state[str(i)] for i in range(len(self.samplers))])
