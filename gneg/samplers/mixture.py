"""Several proposals at once, each with its share of the draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from gneg import checks
from gneg.known import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler, Score


class Mixture(Sampler):
    """Draws each negative from one of several samplers.

    Every row gets the whole part of ``weight * K`` from each sampler, and what remains of K at
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

    def __init__(
        self,
        samplers: Sequence[Sampler],
        weights: Sequence[float] | None = None,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        self.samplers = list(samplers)
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
        shares = [1.0] * len(self.samplers) if weights is None else list(weights)
        if len(shares) != len(self.samplers):
            checks.fail("weights", f"one for each of {len(self.samplers)} samplers", shares)
        shares = [checks.number("weights", share, 0, open_low=True) for share in shares]
        self.weights = [share / sum(shares) for share in shares]
        self.exact = all(part.exact for part in self.samplers)

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        index = query.blank(k)
        whole = [int(weight * k + 1e-9) for weight in self.weights]
        start = 0
        for i, (part, count) in enumerate(zip(self.samplers, whole, strict=True)):
            if count:
                index[:, start : start + count] = part._propose(query, count, split_seed(seed, i))
                start += count
        if start == k:
            return index
        rest = np.array(self.weights) * k - whole
        random = np.random.Generator(np.random.Philox(split_seed(seed, -1)))
        shape = len(query.rows), k - start
        choice = random.choice(len(rest), shape, p=np.maximum(rest, 0) / np.maximum(rest, 0).sum())
        for i, part in enumerate(self.samplers):
            row, slot = np.nonzero(choice == i)
            if len(row):
                drawn = part._propose(query.take(row), 1, split_seed(seed, len(whole) + i))
                index[row, start + slot] = drawn[:, 0]
        return index

    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None:
        total: FloatArray | None = None
        for part, weight in zip(self.samplers, self.weights, strict=True):
            found = part._log_prob(query, index)
            if found is None:
                return None
            found = found + np.log(weight)
            total = found if total is None else np.logaddexp(total, found)
        return total

    def step(self, *, z: Tensor | None = None, score: Score | None = None) -> None:
        """Pass the epoch's end on to every part."""
        for part in self.samplers:
            part.step(z=z, score=score)

    def state_dict(self) -> dict[str, Any]:
        """Return the parts' states under their positions."""
        return {str(i): part.state_dict() for i, part in enumerate(self.samplers)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore every part.

        Raises:
            ValueError: If ``state`` has another number of parts.
        """
        if len(state) != len(self.samplers):
            checks.fail("state", f"of {len(self.samplers)} samplers", len(state))
        for i, part in enumerate(self.samplers):
            part.load_state_dict(state[str(i)])
