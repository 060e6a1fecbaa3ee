"""Candidates that pass every guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from gneg import checks, kernels
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Need, Query, Sampler
from gneg.samplers.guard.guards import BoolArray, Guard
from gneg.samplers.pool import Pool
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import TUNABLE_M, Wrapper


class Guarded(Wrapper):
    """Keeps the first K of M candidates that no guard drops.

    Around a selector (``Guarded(Select(Walk(graph), Hardest()), [AbsoluteMargin(0.1)])``)
    candidates come hardest first, so a dropped candidate is replaced by the next easier one. A row
    for which all M do not suffice draws M more uniformly, the easiest there are, under the same
    guards; if it is still short it takes dropped candidates, the last first, unless a *strict*
    guard (``NodeTime``) dropped them: before a strict guard leaves a row short, all its non-edges
    are searched.

    Each guard counts the candidates that it dropped and those before it had not
    (``Negatives.counts["dropped rank"]``), beside ``guarded`` (candidates checked), ``easier``
    (slots filled uniformly) and ``starved`` (slots that a dropped candidate had to fill, or none).

    Args:
        sampler: The sampler that proposes candidates.
        guards: One or more, in the order in which they count.
        m: Number of candidates, M; at least K.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If there is no guard, an argument is out of range, or a guard needs ``score``
            and ``sample`` is not given it.
    """

    name = "guarded"
    proposes = "full rows"
    tunable: ClassVar = TUNABLE_M

    def __init__(
        self,
        sampler: Sampler,
        guards: Sequence[Guard],
        m: int = 32,
        *,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.guards = list(guards)
        if not self.guards or not all(isinstance(guard, Guard) for guard in self.guards):
            checks.fail("guards", "one or more guards", guards)

    @property
    def needs(self) -> frozenset[Need]:
        """The current model if a guard looks at scores, and what the wrapped sampler needs."""
        own: tuple[Need, ...] = ("score",) if any(one.needs_score for one in self.guards) else ()
        return self.sampler.needs | frozenset(own)

    def _dropped(self, pool: Pool) -> tuple[BoolArray, BoolArray]:
        """Candidates that some guard drops, and those that a strict one drops; counted."""
        held = pool.index >= 0
        dropped, banned = ~held, ~held
        pool.query.counts["guarded"] += int(held.sum())
        for guard in self.guards:
            mine = guard.drops(pool) & held
            pool.query.counts[f"dropped {guard.name}"] += int((mine & ~dropped).sum())
            dropped = dropped | mine
            banned = banned | mine if guard.strict else banned
        return dropped, banned

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return the first K candidates that no guard drops."""
        pool = self.draw_pool(query, k, seed)
        dropped, banned = self._dropped(pool)
        index = pool.top(_in_order(dropped), k)
        kept = (~dropped).sum(axis=1)
        index[np.arange(k) >= kept[:, None]] = -1
        lacking = np.flatnonzero(kept < np.minimum(k, query.num_free))
        if len(lacking):
            spare = np.where(banned, -1, pool.index)[lacking][:, ::-1]
            part = query.take(lacking)
            index[lacking] = self._easier(part, index[lacking], spare, split_seed(seed, 1))
        return index

    def _easier(self, query: Query, index: IntArray, spare: IntArray, seed: int) -> IntArray:
        """Complete rows from uniform candidates, then from ``spare``, dropped ones."""
        known = query.known
        fill = *known.arrays, known.num_dst, known.no_self, True
        more = query.blank(max(self.m, index.shape[1]))
        query.run(kernels.pools.fill, more, *fill, seed)
        pool = Pool(query, more, self.memory_mb)
        lacking = _lacking(query, index)
        dropped, banned = self._dropped(pool)
        query.exclude(index, np.where(dropped, -1, more), unique=True)
        still = _lacking(query, index)
        query.counts["easier"] += int((lacking - still).sum())
        query.counts["starved"] += int(still.sum())
        others = np.concatenate([spare, np.where(banned, -1, more)], axis=1)
        query.exclude(index, np.ascontiguousarray(others), unique=True)
        if any(guard.strict for guard in self.guards):
            self._search(query, index, seed)
        else:
            query.run(kernels.pools.fill, index, *fill, split_seed(seed, 1))
        return _packed(index)

    def _search(self, query: Query, index: IntArray, seed: int) -> None:
        """Look through all non-edges of the rows that a strict guard leaves short."""
        random = np.random.Generator(np.random.Philox(split_seed(seed, 2)))
        known = query.known
        every = np.arange(known.num_dst)[None]
        strict = [guard for guard in self.guards if guard.strict]
        for row in np.flatnonzero(_lacking(query, index)):
            part = query.take(np.array([row]))
            allowed = np.ones(known.num_dst, bool)
            for guard in strict:
                allowed &= ~guard.drops(Pool(part, every, self.memory_mb))[0]
            found = random.permutation(np.flatnonzero(allowed))[None]
            some = index[row : row + 1]
            part.exclude(some, found, unique=True)


def _in_order(dropped: BoolArray) -> IntArray:
    """A key that ranks what is kept before what is dropped, both in the order of the pool."""
    width = dropped.shape[1]
    key: IntArray = np.arange(width, 0, -1) - (width + 1) * dropped
    return key


def _lacking(query: Query, index: IntArray) -> IntArray:
    """Slots of each row that are empty though the row has a non-edge left for them."""
    wanted = np.minimum(index.shape[1], query.num_free)
    lacking: IntArray = np.maximum(wanted - (index >= 0).sum(axis=1), 0)
    return lacking


def _packed(index: IntArray) -> IntArray:
    """The same rows with their empty slots at the end."""
    order = np.argsort(index < 0, axis=1, kind="stable")
    return np.take_along_axis(index, order, axis=1)
