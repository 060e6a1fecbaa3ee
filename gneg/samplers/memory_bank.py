"""Negatives with embeddings of the past: a queue as in momentum contrast."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives, Side
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Need, Query, Sampler, Score


class MemoryBank(Sampler):
    """Draws from a queue of the nodes of past batches, with the embeddings they had then.

    Momentum contrast (He et al., CVPR 2020): after each step the nodes of the batch (in a bipartite
    graph those of the replaced side) enter the queue with the embeddings of a slowly moving copy
    of the encoder (``step(z=...)``), and the oldest leave it. A node stands in the queue once, with
    its latest embedding. Negatives are masked by *known edges*, exactly, and not by label. Score
    ``Negatives.embed(z)``: it holds the stored embeddings.

    What the queue cannot supply is drawn uniformly and has its current embedding
    (``Negatives.counts["filled"]``).

    Args:
        graph: See :class:`~gneg.samplers.base.Sampler`.
        size: Nodes in the queue; in a bipartite graph for each side.
        momentum: Decay of the moving average of the encoder, in [0, 1); 0: the encoder itself.
        max_age: Steps after which an entry is no longer used; None: for ever.
        enqueue: Most nodes of a batch that enter, chosen at random; None: all.
        known: See the base.
        corrupt: See the base.
        unique: See the base.

    Raises:
        ValueError: If an argument is out of range.
    """

    name = "memorybank"

    def __init__(
        self,
        graph: Graph,
        size: int = 4096,
        *,
        momentum: float = 0.999,
        max_age: int | None = None,
        enqueue: int | None = None,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        self.size = checks.integer("size", size, 1)
        self._momentum = checks.number("momentum", momentum, 0, 1)
        if momentum == 1:
            checks.fail("momentum", "a number in [0, 1)", momentum)
        self.max_age = None if max_age is None else checks.integer("max_age", max_age, 1)
        self.enqueue = None if enqueue is None else checks.integer("enqueue", enqueue, 1)
        self.clock = 0
        self._ids: dict[str, IntArray] = {}  # oldest first
        self._born: dict[str, IntArray] = {}
        self._keys: dict[str, Tensor] = {}

    @property
    def needs(self) -> frozenset[Need]:
        """Embeddings at each step."""
        return frozenset({"z"})

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder."""
        return self._momentum

    def _queue_of(self, side: Side) -> str:
        return side if self.graph.bipartite else "dst"

    def _usable(self, side: Side) -> IntArray:
        """Places in the queue that are young enough."""
        born = self._born.get(self._queue_of(side), np.empty(0, np.int64))
        age = self.clock - born
        return np.flatnonzero(age <= (self.max_age or self.clock))

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        self._remember(query, seed)
        index, places = query.blank(k), self._usable(query.side)
        if len(places):
            random = np.random.Generator(np.random.Philox(seed))
            ids = self._ids[self._queue_of(query.side)]
            index[:] = ids[places[random.integers(len(places), size=index.shape)]]
        return index

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Add the stored embeddings of all negatives that are in the queue."""
        sides: list[Side] = ["dst", "src"] if self.graph.bipartite else ["dst"]
        tables = [self._keys[side] for side in sides if side in self._keys]
        if not tables:
            return negatives
        slot = torch.full_like(negatives.index, -1)
        start = 0
        for side in sides:
            places = self._usable(side)
            if side not in self._ids:
                continue
            where = np.full(self.view(side).num_dst, -1, np.int64)
            where[self._ids[side][places]] = places + start
            start += len(self._ids[side])
            found = torch.from_numpy(where).to(slot.device)[negatives.index]
            slot = torch.where(self._replaced(negatives, side), found, slot)
        slot = torch.where(negatives.mask, slot, -1)
        return negatives.changed(stored=(torch.cat(tables).to(slot.device), slot))

    def _replaced(self, negatives: Negatives, side: Side) -> Tensor:
        """Rows ``[B, 1]`` whose replaced ends come from this queue."""
        if not self.graph.bipartite:
            return torch.ones(len(negatives.src), 1, dtype=torch.bool, device=negatives.src.device)
        if isinstance(negatives.side, Tensor):
            return (negatives.side == (side == "src")).unsqueeze(1)
        same = torch.full((len(negatives.src), 1), negatives.side == side)
        return same.to(negatives.src.device)

    def step(self, *, z: Tensor | None = None, score: Score | None = None) -> None:
        """Let the last batch enter the queue with its embeddings in ``z [N, D]``.

        Raises:
            ValueError: If there is a batch to enter and ``z`` is missing or does not fit.
        """
        self.clock += 1
        entered: set[str] = set()
        for query, seed in self._remembered():
            queue = self._queue_of(query.side)
            if queue in entered:
                continue  # a second part of the same call: the batch is the same
            entered.add(queue)
            ids = np.unique(query.batch if self.graph.bipartite else _both_ends(query))
            if self.enqueue is not None and len(ids) > self.enqueue:
                random = np.random.Generator(np.random.Philox(split_seed(seed, 0)))
                ids = np.sort(random.choice(ids, self.enqueue, replace=False))
            if z is None:
                checks.fail("z", "embeddings of shape [N, D], for MemoryBank.step", None)
            self.enter(ids, z[torch.from_numpy(ids).to(z.device)], query.side)

    def enter(self, ids: IntArray, keys: Tensor, side: Side = "dst") -> None:
        """Put nodes ``ids [n]``, each once, and their embeddings ``keys [n, D]`` into the queue.

        Raises:
            ValueError: If the two do not match.
        """
        if keys.dim() != 2 or len(keys) != len(ids):
            checks.fail("keys", f"of shape [{len(ids)}, D]", list(keys.shape))
        queue, keys = self._queue_of(side), keys.detach()
        old = self._ids.get(queue, np.empty(0, np.int64))
        stays = np.flatnonzero(~np.isin(old, ids))
        stays = (
            stays[max(0, len(stays) + len(ids) - self.size) :]
            if len(ids) < self.size
            else stays[:0]
        )
        ids, keys = ids[-self.size :], keys[-self.size :]
        before = self._keys.get(queue, keys[:0])
        born = self._born.get(queue, np.empty(0, np.int64))
        self._ids[queue] = np.concatenate([old[stays], ids])
        self._born[queue] = np.concatenate([born[stays], np.full(len(ids), self.clock)])
        kept = before[torch.from_numpy(stays).to(before.device)].to(keys.device)
        self._keys[queue] = torch.cat([kept, keys])

    def report(self) -> dict[str, Any]:
        """Return how full the queue is and what it takes."""
        size = sum(one.numel() * one.element_size() for one in self._keys.values())
        held = sum(len(ids) for ids in self._ids.values())
        return {"queued_nodes": held, "queue_mb": round(size / 2**20, 3)}

    def state_dict(self) -> dict[str, Any]:
        """Return the queue and the clock."""
        queues = {
            side: [torch.from_numpy(self._ids[side]), torch.from_numpy(self._born[side]), keys]
            for side, keys in self._keys.items()
        }
        return {"clock": self.clock, "queues": queues}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``.

        Raises:
            ValueError: If a key is missing or unknown.
        """
        if set(state) != {"clock", "queues"}:
            checks.fail("state", "with the keys 'clock' and 'queues'", sorted(state))
        self.clock = state["clock"]
        self._ids = {side: one[0].numpy().copy() for side, one in state["queues"].items()}
        self._born = {side: one[1].numpy().copy() for side, one in state["queues"].items()}
        self._keys = {side: one[2] for side, one in state["queues"].items()}


def _both_ends(query: Query) -> IntArray:
    """The batch's replaced ends of a homogeneous graph: with ``corrupt="both"`` either end."""
    return np.concatenate([query.batch, query.rows])
