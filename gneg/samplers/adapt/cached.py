"""A cache of hard negatives for each query, renewed a little at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Need, Query, Sampler, Score
from gneg.samplers.pool import Pool, gumbel
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.state import by_side, count, integers, refuse
from gneg.samplers.wrapper import TUNABLE_M, Wrapper, add_counts

Refresh = Literal["is", "top", "unif"]


class Cached(Wrapper):
    """Draws from a cache of hard negatives that each query keeps.

    NSCaching (Zhang et al., ICDE 2019): negatives are drawn uniformly from the query's cache, not
    the hardest of them: that exploits less and explores more. After a step, the cache is joined
    with ``m`` fresh candidates and reduced to its size again: by importance, in proportion to
    exp(score), (``"is"``), to the highest scores (``"top"``), or at random (``"unif"``). Only the
    queries of the last call are refreshed, and only in every ``refresh_every``-th step (lazily).

    A query that has no cache yet draws from the wrapped sampler. Where memory does not suffice for
    all queries, they share slots, which the latest query takes. `report` has the number of queries
    with a cache and its memory.

    Args:
        sampler: Where fresh candidates come from.
        size: Negatives in the cache of a query.
        m: Fresh candidates at a refresh.
        refresh: How the cache is reduced: ``"is"``, ``"top"`` or ``"unif"``.
        refresh_every: Steps between refreshes.
        cache_mb: Memory for the cache, in megabytes, for each side.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "cached"
    # Another `known` may have come to use the cache since it was filled.
    proposes = "anything"
    tunable: ClassVar = TUNABLE_M

    def __init__(
        self,
        sampler: Sampler,
        size: int = 32,
        m: int = 32,
        *,
        refresh: Refresh = "is",
        refresh_every: int = 1,
        cache_mb: int = 256,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.size = checks.integer("size", size, 1)
        self.refresh: Refresh = checks.choice("refresh", refresh, ("is", "top", "unif"))
        self.refresh_every = checks.integer("refresh_every", refresh_every, 1)
        self.cache_mb = checks.integer("cache_mb", cache_mb, 1)
        self.steps = 0
        self._items: dict[str, npt.NDArray[np.int32]] = {}
        self._owner: dict[str, npt.NDArray[np.int64]] = {}

    @property
    def needs(self) -> frozenset[Need]:
        """The current model, and what the wrapped sampler needs."""
        return self.sampler.needs | {"score"}

    def _sizes(self, side: str) -> tuple[int, int]:
        """Return the numbers of queries and of targets of a side."""
        sizes = self.graph.num_src, self.graph.num_dst
        return sizes if side == "dst" else sizes[::-1]

    def _num_slots(self, queries: int) -> int:
        """Return for how many queries at once there is memory."""
        return min(queries, max(1, self.cache_mb * 2**20 // (4 * self.size + 8)))

    def _slots(self, side: str, rows: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Return the slot of each row, and whether the row owns it."""
        if side not in self._items:
            slots = self._num_slots(self._sizes(side)[0])
            self._items[side] = np.full((slots, self.size), -1, np.int32)
            self._owner[side] = np.full(slots, -1, np.int64)
        slot = rows % max(len(self._owner[side]), 1)
        return slot, self._owner[side][slot] == rows

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw from each query's cache, or from the wrapped sampler if it has none."""
        if query.score is None:
            query.scores(query.blank(0))  # raises: a score is needed
        slot, owned = self._slots(query.side, query.rows)
        self.remember(query, seed)
        noise = gumbel((len(query.rows), self.size), split_seed(seed, 1))
        pool = Pool(query, self._items[query.side][slot].astype(np.int64))
        drawn = pool.top(noise, min(k, self.size))
        index = query.blank(k)
        index[:, : drawn.shape[1]] = drawn
        new = np.flatnonzero(~owned)
        if len(new):
            part = replace(query.take(new), counts=Counter())
            index[new] = self.sampler.draw(part, k, split_seed(seed, 0))
            add_counts(query, part)
        return index

    def step(self, *, score: Score | None = None) -> None:
        """Refresh the caches of the last call's queries."""
        super().step(score=score)
        self.steps += 1
        for query, seed in self.recall():
            if self.steps % self.refresh_every == 0:
                first = np.unique(query.rows, return_index=True)[1]
                part = replace(query.take(first), score=score or query.score)
                self._refresh(part, split_seed(seed, 2))

    def _refresh(self, query: Query, seed: int) -> None:
        slot, owned = self._slots(query.side, query.rows)
        cached = np.where(owned[:, None], self._items[query.side][slot], -1)
        fresh = self.draw_pool(query, self.size, seed)
        joined = query.blank(cached.shape[1] + fresh.index.shape[1])
        query.exclude(joined, np.concatenate([cached, fresh.index], axis=1), unique=True)
        pool = Pool(query, joined, self.memory_mb)
        noise = gumbel(joined.shape, split_seed(seed, 1))
        key = noise if self.refresh == "unif" else pool.scores
        if self.refresh == "is":
            key = key + noise
        self._items[query.side][slot] = pool.top(key, self.size)
        self._owner[query.side][slot] = query.rows

    def report(self) -> dict[str, Any]:
        """Return the number of queries with a cache, and its memory in megabytes."""
        arrays: list[npt.NDArray[Any]] = [*self._items.values(), *self._owner.values()]
        size = sum(array.nbytes for array in arrays)
        queries = sum(int((owner >= 0).sum()) for owner in self._owner.values())
        return {
            **self.sampler.report(),
            "cached_queries": queries,
            "cache_mb": round(size / 2**20, 3),
        }

    def _state(self) -> dict[str, Any]:
        return {
            "graph": self.fingerprint,
            "steps": self.steps,
            "items": {side: torch.from_numpy(array.copy()) for side, array in self._items.items()},
            "owner": {side: torch.from_numpy(array.copy()) for side, array in self._owner.items()},
        }

    def _load(self, state: dict[str, Any]) -> None:
        steps = count("steps", state["steps"])
        items, owner = (by_side(name, state[name]) for name in ("items", "owner"))
        if set(items) != set(owner):
            refuse("owner", f"of the sides {sorted(items)}", sorted(owner))
        for side in items:
            queries, targets = self._sizes(side)
            slots = self._num_slots(queries)
            items[side] = integers("items", items[side], (slots, self.size), -1, targets)
            owner[side] = integers("owner", owner[side], (slots,), -1, queries)
        self.steps, self._items, self._owner = steps, items, owner
