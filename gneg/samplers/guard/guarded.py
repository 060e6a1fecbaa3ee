"""Candidates that pass every guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gneg import checks
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
        guards: One or more guards, in the order in which they count what they drop.
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
    combines = True
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
        self.guards = checks.items("guards", guards, "one or more guards")
        if not self.guards or not all(isinstance(guard, Guard) for guard in self.guards):
            checks.fail("guards", "one or more guards", guards)
        for guard in self.guards if self.graph.engine == "torch" else ():
            if not guard.on_device:
                allowed = "ones that need only scores where torch draws"
                checks.fail("guards", allowed, repr(guard))

    @property
    def needs(self) -> frozenset[Need]:
        """The current model if a guard uses scores, and what the wrapped sampler needs."""
        scores = any(guard.needs_score for guard in self.guards)
        return self.sampler.needs | frozenset[Need]({"score"} if scores else ())

    def _dropped(self, pool: Pool) -> tuple[BoolArray, BoolArray]:
        """Count and return the candidates that a guard drops, and that a strict guard drops."""
        present = pool.index >= 0
        dropped, banned = ~present, ~present
        pool.query.counts["guarded"] += int(present.sum())
        for guard in self.guards:
            drops = _checked(guard.drops(pool), type(guard).__name__, present) & present
            pool.query.counts[f"dropped {guard.name}"] += int((drops & ~dropped).sum())
            dropped = dropped | drops
            banned = banned | drops if guard.strict else banned
        return dropped, banned

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return the first K candidates that no guard drops."""
        pool = self.draw_pool(query, k, seed)
        dropped, banned = self._dropped(pool)
        index = pool.top(_in_order(query, dropped), k)
        passed = (~dropped).sum(axis=1)
        index[query.array(np.arange(k)) >= passed[:, None]] = -1
        lacking = query.where(passed < query.num_free.clip(max=k))
        if len(lacking):
            spare = query.reversed(query.xp.where(banned, -1, pool.index)[lacking])
            part = query.take(lacking)
            index[lacking] = self._easier(part, index[lacking], spare, split_seed(seed, 1))
        return index

    def _easier(self, query: Query, index: IntArray, spare: IntArray, seed: int) -> IntArray:
        """Complete rows from uniform candidates, then from ``spare``, dropped candidates."""
        uniform = query.blank(max(self.m, index.shape[1]))
        query.fill(uniform, seed, unique=True)
        pool = Pool(query, uniform, self.memory_mb)
        lacking = _lacking(query, index)
        dropped, banned = self._dropped(pool)
        query.exclude(index, query.xp.where(dropped, -1, uniform), unique=True)
        still = _lacking(query, index)
        query.counts["easier"] += int((lacking - still).sum())
        query.counts["starved"] += int(still.sum())
        fallback = query.xp.concatenate([spare, query.xp.where(banned, -1, uniform)], axis=1)
        query.exclude(index, query.front(fallback, fallback.shape[1]), unique=True)
        if any(guard.strict for guard in self.guards):
            self._search(query, index, seed)
        else:
            query.fill(index, split_seed(seed, 1), unique=True)
        return query.packed(index)

    def _search(self, query: Query, index: IntArray, seed: int) -> None:
        """Search all non-edges of the rows that a strict guard leaves short."""
        random = np.random.Generator(np.random.Philox(split_seed(seed, 2)))
        known = query.known
        targets = np.arange(known.num_dst)[None]
        strict = [guard for guard in self.guards if guard.strict]
        for row in np.flatnonzero(_lacking(query, index)):
            part = query.take(np.array([row]))
            allowed = np.ones(known.num_dst, bool)
            for guard in strict:
                pool = Pool(part, targets, self.memory_mb)
                name, present = type(guard).__name__, np.ones((1, known.num_dst), bool)
                allowed &= ~_checked(guard.drops(pool), name, present)[0]
            candidates = random.permutation(np.flatnonzero(allowed))[None]
            part.exclude(index[row : row + 1], candidates, unique=True)


def _checked(drops: object, name: str, present: BoolArray) -> BoolArray:
    """Return what a guard drops, if that is a mask of the candidates: an array or a tensor."""
    if isinstance(drops, Tensor):
        if isinstance(present, Tensor) and (drops.dtype, drops.shape) == (
            torch.bool,
            present.shape,
        ):
            return drops
        drops = drops.detach().cpu().numpy()
    if not isinstance(drops, np.ndarray) or drops.dtype != bool or drops.shape != present.shape:
        allowed = f"a function that returns a bool array {list(present.shape)}"
        content = f"{getattr(drops, 'dtype', type(drops).__name__)}"
        content += f" of shape {list(drops.shape)}" if isinstance(drops, np.ndarray) else ""
        checks.fail(f"{name}.drops", allowed, content)
    return drops


def _in_order(query: Query, dropped: BoolArray) -> IntArray:
    """Return a key that ranks dropped candidates last, and keeps the order of the pool."""
    width = dropped.shape[1]
    key: IntArray = query.array(np.arange(width, 0, -1)) - (width + 1) * dropped
    return key


def _lacking(query: Query, index: IntArray) -> IntArray:
    """Return the number of slots of each row that are empty though it has more non-edges."""
    wanted = query.num_free.clip(max=index.shape[1])
    lacking: IntArray = (wanted - (index >= 0).sum(axis=1)).clip(min=0)
    return lacking
