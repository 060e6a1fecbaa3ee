"""A cache of hard negatives for each query, renewed a little at a time."""

from __future__ import annotations

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
from gneg.samplers.wrapper import TUNABLE_M, Wrapper

Refresh = Literal["is", "top", "unif"]


class Cached(Wrapper):
    """Draws from a cache of hard negatives that each query keeps.

    NSCaching (Zhang et al., ICDE 2019): negatives are drawn uniformly from the query's cache (by
    their law, not the hardest: that exploits less and explores more). After a step, the cache is
    joined with ``m`` fresh candidates and cut down again: by importance, in proportion to
    exp(score), (``"is"``), to the highest scores (``"top"``), or at random (``"unif"``). Only the
    rows of the last call are renewed, and only in every ``every``-th step (lazily).

    A query that has no cache yet draws from the wrapped sampler. Where memory does not suffice for
    all queries, they share slots and the last one keeps it. `report` tells what is held.

    Args:
        sampler: Where fresh candidates come from.
        size: Negatives that a query keeps.
        m: Fresh candidates at a renewal.
        refresh: How the cache is cut down.
        every: Steps between renewals.
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
        every: int = 1,
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
        self.every = checks.integer("every", every, 1)
        self.cache_mb = checks.integer("cache_mb", cache_mb, 1)
        self.steps = 0
        self._items: dict[str, npt.NDArray[np.int32]] = {}
        self._owner: dict[str, npt.NDArray[np.int64]] = {}

    @property
    def needs(self) -> frozenset[Need]:
        """The current model, and what the wrapped sampler needs."""
        return self.sampler.needs | {"score"}

    def _slots(self, side: str, rows: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Slot of each row and whether it is its own."""
        if side not in self._items:
            queries = self.graph.num_src if side == "dst" else self.graph.num_dst
            room = max(1, self.cache_mb * 2**20 // (4 * self.size + 8))
            self._items[side] = np.full((min(queries, room), self.size), -1, np.int32)
            self._owner[side] = np.full(min(queries, room), -1, np.int64)
        slot = rows % max(len(self._owner[side]), 1)
        return slot, self._owner[side][slot] == rows

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw from each query's cache, or from the wrapped sampler if it has none."""
        if query.score is None:
            query.scores(query.blank(0))  # says what is missing
        slot, own = self._slots(query.side, query.rows)
        self.remember(query, seed)
        noise = gumbel((len(query.rows), self.size), split_seed(seed, 1))
        pool = Pool(query, self._items[query.side][slot].astype(np.int64))
        drawn = pool.top(noise, min(k, self.size))
        index = query.blank(k)
        index[:, : drawn.shape[1]] = drawn
        new = np.flatnonzero(~own)
        if len(new):
            index[new] = self.sampler.draw(query.take(new), k, split_seed(seed, 0))
        return index

    def step(self, *, score: Score | None = None) -> None:
        """Renew the caches of the rows that were drawn for."""
        super().step(score=score)
        self.steps += 1
        for query, seed in self.recall():
            if self.steps % self.every == 0:
                first = np.unique(query.rows, return_index=True)[1]
                part = replace(query.take(first), score=score or query.score)
                self._renew(part, split_seed(seed, 2))

    def _renew(self, query: Query, seed: int) -> None:
        slot, own = self._slots(query.side, query.rows)
        held = np.where(own[:, None], self._items[query.side][slot], -1)
        fresh = self.draw_pool(query, self.size, seed)
        both = query.blank(held.shape[1] + fresh.index.shape[1])
        query.exclude(both, np.concatenate([held, fresh.index], axis=1), unique=True)
        pool = Pool(query, both, self.memory_mb)
        noise = gumbel(both.shape, split_seed(seed, 1))
        key = noise if self.refresh == "unif" else pool.scores
        if self.refresh == "is":
            key = key + noise
        self._items[query.side][slot] = pool.top(key, self.size)
        self._owner[query.side][slot] = query.rows

    def report(self) -> dict[str, Any]:
        """Return how many queries have a cache and what it takes."""
        held: list[npt.NDArray[Any]] = [*self._items.values(), *self._owner.values()]
        size = sum(one.nbytes for one in held)
        queries = sum(int((owner >= 0).sum()) for owner in self._owner.values())
        own = {"cached_queries": queries, "cache_mb": round(size / 2**20, 3)}
        return {**self.sampler.report(), **own}

    def _state(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "items": {side: torch.from_numpy(one.copy()) for side, one in self._items.items()},
            "owner": {side: torch.from_numpy(one.copy()) for side, one in self._owner.items()},
        }

    def _load(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        self._items = {side: one.numpy().copy() for side, one in state["items"].items()}
        self._owner = {side: one.numpy().copy() for side, one in state["owner"].items()}
