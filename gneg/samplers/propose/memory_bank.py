"""Negatives with embeddings of the past: a queue as in momentum contrast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, IntArray, Need, Query, Sampler, Score
from gneg.samplers.negatives import Negatives, Side
from gneg.samplers.state import by_side, count, entries, floats, integers, refuse, sequence


class MemoryBank(Sampler):
    """Draws from a queue of the nodes of past batches, with the embeddings they had then.

    Momentum contrast (He et al., CVPR 2020): ``sample(z=...)`` is given the keys, embeddings of a
    slowly moving copy of the encoder. After each step the nodes of the batch (in a bipartite
    graph those of the replaced side) enter the queue with their keys, and the oldest leave it. A
    node stands in the queue once, with its latest key. Negatives are masked by *known edges*,
    exactly, and not by label.

    Score ``embed(negatives, z)`` and ``embed_positives(negatives, z)`` of
    :mod:`gneg.nn.synthetic`, z of the encoder itself: the replaced ends have keys, of positives
    and negatives alike. (Were positives scored without keys, the encoder would only learn to tell
    itself from its past; for the same reason use normalised embeddings or the ``cosine`` decoder.)
    What the queue cannot supply is drawn uniformly and has its current key
    (``Negatives.counts["filled"]``).

    Args:
        graph: The graph whose structure guides the proposals.
        size: Nodes in the queue; in a bipartite graph for each side.
        momentum: Decay of the moving average of the encoder, in [0, 1); 0: the encoder itself.
        max_age: Number of steps that an entry is used for, >= 1; None: no limit.
        enqueue: Highest number of nodes of a batch that enter, chosen at random; None: all.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range.
    """

    name = "memorybank"
    of_positives = True

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
        """Keys, in each call of `sample`."""
        return frozenset({"keys"})

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder."""
        return self._momentum

    def _queue_of(self, side: Side) -> str:
        return side if self.graph.bipartite else "dst"

    def _usable(self, side: Side) -> IntArray:
        """Return the places in the queue that are young enough."""
        born = self._born.get(self._queue_of(side), np.empty(0, np.int64))
        age = self.clock - born
        return np.flatnonzero(age <= (self.max_age or self.clock))

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw uniformly from the queue."""
        self._keys_of(query)
        self.remember(query, seed)
        index, places = query.blank(k), self._usable(query.side)
        if len(places):
            random = np.random.Generator(np.random.Philox(seed))
            ids = self._ids[self._queue_of(query.side)]
            index[:] = ids[places[random.integers(len(places), size=index.shape)]]
        return index

    def _keys_of(self, query: Query) -> Tensor:
        """Return the current keys of all candidates, ``[num_dst, D]``."""
        z, size = query.z, query.known.num_dst
        if isinstance(z, tuple):
            z = z[1] if query.side == "dst" else z[0]
        if z is None or z.dim() != 2 or len(z) != size:
            shape = None if z is None else list(z.shape)
            checks.fail("z", f"embeddings of shape [{size}, D], given to sample()", shape)
        return z.detach()

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Add the keys: those of the queue, and current keys of nodes that are not in it."""
        if self._pending is None:
            return negatives
        # NumPy, and nothing gathered yet: torch's thread pool hangs in a forked process.
        index = np.where(negatives.mask.cpu().numpy(), negatives.index.cpu().numpy(), 0)
        assert negatives.replaced is not None
        replaced = negatives.replaced.cpu().numpy()
        slot, pos_slot = np.zeros_like(index), np.zeros_like(replaced)
        tables: list[Tensor] = []
        start = 0
        for side, query in {query.side: query for query, _ in self._pending[1]}.items():
            keys = self._keys_of(query)
            queue, places = self._queue_of(side), self._usable(side)
            where = start + np.arange(len(keys))
            tables.append(keys)
            if len(places):
                where[self._ids[queue][places]] = start + len(keys) + places
                tables.append(self._keys[queue].to(keys))
            rows = _rows(negatives, side)
            slot[rows] = where[index[rows]]
            pos_slot[rows] = start + replaced[rows]
            start = sum(map(len, tables))
        device = negatives.index.device
        slots = torch.from_numpy(slot).to(device), torch.from_numpy(pos_slot).to(device)
        return replace(negatives, stored=(tuple(tables), *slots))

    def step(self, *, score: Score | None = None) -> None:
        """Let the last batch enter the queue with its keys."""
        self.clock += 1
        entered: set[str] = set()
        for query, seed in self.recall():
            queue = self._queue_of(query.side)
            if queue in entered:
                continue  # the other side of the same call, whose batch is the same
            entered.add(queue)
            ids = np.unique(
                query.batch if self.graph.bipartite else np.concatenate([query.batch, query.rows])
            )
            if self.enqueue is not None and len(ids) > self.enqueue:
                random = np.random.Generator(np.random.Philox(split_seed(seed, 0)))
                ids = np.sort(random.choice(ids, self.enqueue, replace=False))
            keys = self._keys_of(query)
            self.enter(ids, keys[torch.from_numpy(ids).to(keys.device)], query.side)

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
        older = before[torch.from_numpy(stays).to(before.device)].to(keys.device)
        self._keys[queue] = torch.cat([older, keys])

    def report(self) -> dict[str, Any]:
        """Return the number of nodes in the queue, and its memory in megabytes."""
        size = sum(keys.numel() * keys.element_size() for keys in self._keys.values())
        nodes = sum(len(ids) for ids in self._ids.values())
        return {"queued_nodes": nodes, "queue_mb": round(size / 2**20, 3)}

    def state_dict(self) -> dict[str, Any]:
        """Return the queue and the clock."""
        queues = {
            side: [torch.from_numpy(self._ids[side]), torch.from_numpy(self._born[side]), keys]
            for side, keys in self._keys.items()
        }
        return {"graph": self.fingerprint, "clock": self.clock, "queues": queues}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is that of another sampler or graph, or an entry is out of range.
        """
        state = entries(state, ("clock", "queues"), self.fingerprint)
        clock = count("clock", state["clock"])
        queues = by_side("queues", state["queues"], sorted({"dst", self._queue_of("src")}))
        sizes = {"dst": self.graph.num_dst, "src": self.graph.num_src}
        ids, born, keys = {}, {}, {}
        for side, queue in queues.items():
            parts = sequence("queues", queue, 3)
            ids[side] = integers("queues", parts[0], (None,), 0, sizes[side])
            length = len(ids[side])
            if length > self.size or len(np.unique(ids[side])) < length:
                refuse("queues", f"at most {self.size} nodes, each once", f"{length} nodes")
            born[side] = integers("queues", parts[1], (length,), 0, clock + 1)
            keys[side] = floats("queues", parts[2], (length, None))
        self.clock, self._ids, self._born, self._keys = clock, ids, born, keys


def _rows(negatives: Negatives, side: Side) -> npt.NDArray[np.bool_]:
    """Return the rows in which this side is replaced."""
    if isinstance(negatives.side, Tensor):
        swapped: npt.NDArray[np.bool_] = negatives.side.cpu().numpy()
        return swapped if side == "src" else ~swapped
    return np.full(len(negatives.src), negatives.side == side)
