"""Negatives that look like the positive: nearest non-edges in an embedding or feature space."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Need, Query, Sampler, Vectors
from gneg.samplers.negatives import Side
from gneg.samplers.propose.approximate import Approximate, Backend, import_faiss
from gneg.samplers.propose.nearest import Metric, Nearest
from gneg.samplers.state import by_side, count, entries, floats, integers, sequence


class Similar(Sampler):
    """Draws uniformly from a band of the non-edges nearest to the query.

    The non-edges of a query are ranked by similarity to it; the band ``(lo, hi)`` keeps ranks lo
    to hi - 1. Skipping the very nearest (``lo > 0``) avoids the likeliest false negatives. Lists
    are computed when a query first occurs and stored until the next :meth:`refresh`.

    ``backend="exact"`` is a chunked matrix product in torch, on the vectors' device and within
    ``memory_mb``, whose best are ranked by sums that are the same on any machine, equal ones by
    id (:class:`gneg.samplers.propose.nearest.Nearest`). ``"hnsw"`` and ``"ivf"`` search a FAISS
    index instead (``pip install gneg[ann]``), for graphs on which N x N products are too many;
    their lists may miss some true neighbours, but never hold a known edge.

    The lists take 4 bytes for each node and rank of the band.

    Vectors come from the constructor or ``refresh(z)``; ``sample(z=...)`` uses its own for
    that call only. ``log_q`` is exact for the band, -inf outside it.

    Args:
        graph: The graph whose structure guides the proposals.
        z: ``[N, D]`` float vectors (a pair, sources and targets, in a bipartite graph).
        band: Ranks to keep, ``0 <= lo < hi``.
        metric: ``"cosine"``, ``"dot"`` or ``"euclidean"``.
        backend: ``"exact"``, or the FAISS index ``"hnsw"`` or ``"ivf"``.
        memory_mb: Memory for the scores of a chunk, in megabytes.
        refresh_every: Epochs between refreshes during training; 0: never.
        refresh_share: Share of the lists that such a refresh computes again, oldest first, in
            (0, 1].
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range or the vectors do not fit the graph.
        ImportError: If a FAISS backend is asked for and FAISS is not installed.
    """

    name = "similar"

    def __init__(
        self,
        graph: Graph,
        z: Vectors | None = None,
        *,
        band: tuple[int, int] = (0, 100),
        metric: Metric = "cosine",
        backend: Backend = "exact",
        memory_mb: int = 256,
        refresh_every: int = 0,
        refresh_share: float = 1.0,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        ranks = checks.items("band", band, "a pair of ranks (lo, hi)")
        if len(ranks) != 2:
            checks.fail("band", "a pair of ranks (lo, hi)", checks.shown(band))
        low = checks.integer("band[0]", ranks[0], 0)
        self.band = low, checks.integer("band[1]", ranks[1], low + 1)
        self._check_memory()
        self.metric: Metric = checks.choice("metric", metric, ("cosine", "dot", "euclidean"))
        self.backend: Backend = checks.choice("backend", backend, ("exact", "hnsw", "ivf"))
        if backend != "exact":
            import_faiss()
        self.memory_mb = checks.integer("memory_mb", memory_mb, 1)
        self.refresh_every = checks.integer("refresh_every", refresh_every, 0)
        self.refresh_share = checks.number("refresh_share", refresh_share, 0, 1, open_low=True)
        self.epoch = 0
        self._z: tuple[Tensor, Tensor] | None = None
        self._lists: dict[Side, npt.NDArray[np.int32]] = {}
        self._list_epoch: dict[Side, npt.NDArray[np.int32]] = {}  # -1: no list
        if z is not None:
            self.refresh(z)

    def _check_memory(self) -> None:
        """Refuse a band whose lists do not fit in memory."""
        sizes = {"dst": self.graph.num_src, "src": self.graph.num_dst}
        entries = sum(
            num_queries * max(min(self.band[1], num_targets) - self.band[0], 0)
            for (side, num_queries), num_targets in zip(
                sizes.items(), reversed(sizes.values()), strict=True
            )
            if self.corrupt in (side, "both")
        )
        checks.memory("band", 4 * entries, f"{self.band} for {self.graph}")

    def refresh(self, z: Vectors) -> None:
        """Use a copy of new vectors from now on and forget the lists made from the old ones.

        Raises:
            ValueError: If the vectors do not fit the graph or hold NaN.
        """
        sources, targets = self._vectors(z)
        copied = sources.clone()  # a model may go on to change its embeddings in place
        self._z = copied, copied if targets is sources else targets.clone()
        self._lists, self._list_epoch = {}, {}
        self._cache = {}

    @property
    def needs(self) -> frozenset[Need]:
        """The embeddings at the end of an epoch, if the lists are to follow them."""
        return frozenset({"z"} if self.refresh_every else ())

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Count an epoch and, when it is time, refresh from the model's embeddings."""
        self.epoch += 1
        if z is None or not self.refresh_every or self.epoch % self.refresh_every:
            return
        survivors = {side: self._survivors(side) for side in self._lists}
        lists = self._lists
        self.refresh(z)
        for side, (rows, epochs) in survivors.items():
            blank = np.full_like(lists[side], -2)
            blank[rows] = lists[side][rows]
            self._lists[side], self._list_epoch[side] = blank, epochs

    def _survivors(self, side: Side) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
        """Return the rows whose lists outlive a refresh: all but the oldest ``refresh_share``."""
        epochs = self._list_epoch[side]
        rows = np.flatnonzero(epochs >= 0)
        oldest = np.argsort(epochs[rows], kind="stable")
        dropped = rows[oldest[: int(np.ceil(self.refresh_share * len(rows)))]]
        epochs[dropped] = -1
        return np.setdiff1d(rows, dropped), epochs

    def state_dict(self) -> dict[str, Any]:
        """Return the vectors in use and the epoch, and lists that are made from older vectors."""
        lists = {} if self.refresh_share == 1 else self._lists
        tensors = {
            side: (torch.from_numpy(targets), torch.from_numpy(self._list_epoch[side]))
            for side, targets in lists.items()
        }
        return {"graph": self.fingerprint, "z": self._z, "epoch": self.epoch, "lists": tensors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is that of another sampler or graph, or an entry is out of range.
        """
        state = entries(state, ("z", "epoch", "lists"), self.fingerprint)
        epoch, z = count("epoch", state["epoch"]), state["z"]
        sizes = self.graph.num_src, self.graph.num_dst
        if z is not None:
            pair = zip(sequence("z", z, 2), sizes, strict=True)
            sources, targets = (floats("z", end, (size, None)) for end, size in pair)
            z = sources, targets if self.graph.bipartite else sources
        lists: dict[Side, npt.NDArray[Any]] = {}
        epochs: dict[Side, npt.NDArray[Any]] = {}
        for side, value in by_side("lists", state["lists"]).items():
            num_queries, num_targets = sizes if side == "dst" else sizes[::-1]
            parts = sequence("lists", value, 2)
            width = max(min(self.band[1], num_targets) - self.band[0], 0)
            lists[side] = integers("lists", parts[0], (num_queries, width), -2, num_targets)
            epochs[side] = integers("lists", parts[1], (num_queries,), -1, epoch + 1)
        self._cache = {}
        self.epoch, self._z, self._lists, self._list_epoch = epoch, z, lists, epochs

    def _vectors(self, z: Vectors) -> tuple[Tensor, Tensor]:
        if self.graph.bipartite != isinstance(z, tuple):
            allowed = "a pair of tensors (sources, targets)" if self.graph.bipartite else "a tensor"
            checks.fail("z", allowed, type(z).__name__)
        ends = z if isinstance(z, tuple) else (z, z)
        if len(ends) != 2:
            checks.fail("z", "a pair of tensors (sources, targets)", checks.shown(z))
        for name, end, size in zip(
            ("sources", "targets"), ends, (self.graph.num_src, self.graph.num_dst), strict=True
        ):
            allowed = f"of shape [{size}, D] for the {name}"
            vectors = checks.real_tensor("z", end, allowed)
            if vectors.dim() != 2 or vectors.size(0) != size:
                checks.fail("z", allowed, list(vectors.shape))
            if not torch.isfinite(end).all():
                checks.fail("z", "finite", "NaN or infinite values")
        sources = ends[0].detach().float()
        return sources, ends[1].detach().float() if isinstance(z, tuple) else sources

    def _ends(self, side: Side, z: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Return the vectors of queries and targets."""
        if z is None:
            checks.fail(
                "z", "embeddings of shape [N, D], given to Similar, refresh() or sample()", None
            )
        return z if side == "dst" else (z[1], z[0])

    def _lists_for(self, query: Query) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Return lists ``[.., hi - lo]`` (-1 padded), and the list of each row."""
        rows, where = np.unique(query.rows, return_inverse=True)
        if query.z is not None:
            return self._nearest(query, rows), where
        if query.side not in self._lists:
            width = min(self.band[1], query.known.num_dst) - self.band[0]
            self._lists[query.side] = np.full(
                (query.known.num_src, max(width, 0)),
                -2,
                np.int32,  # -2: not computed yet
            )
            self._list_epoch[query.side] = np.full(query.known.num_src, -1, np.int32)
        lists = self._lists[query.side]
        if lists.shape[1]:
            lacking = rows[lists[rows, 0] == -2]
            if len(lacking):
                lists[lacking] = self._nearest(query, lacking)
                self._list_epoch[query.side][lacking] = self.epoch
        return lists, query.rows

    def _chunks(self, count: int) -> list[slice]:
        """Return slices of ``count`` rows whose lists of ranks up to the band's end fit memory."""
        width = min(self.band[1], max(self.graph.num_src, self.graph.num_dst))
        size = max(1, self.memory_mb * 2**20 // (8 * max(width, 1)))
        return [slice(first, first + size) for first in range(0, count, size)]

    def _nearest(self, query: Query, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the targets of the band of each of ``rows``, -1 where it has fewer."""
        low, high = self.band
        take = min(high, query.known.num_dst)
        out = np.full((len(rows), max(take - low, 0)), -1, np.int32)
        ranking = self._ranking(query)
        for part in self._chunks(len(rows)):
            lists = ranking.lists(rows[part], take, query.known, self.memory_mb)
            out[part] = lists[:, low:take]
        return out

    def _ranking(self, query: Query) -> Nearest | Approximate:
        if query.z is not None:
            return self._make_ranking(query.side, self._vectors(query.z))
        return self._stored_ranking(query.side)

    def _stored_ranking(self, side: Side) -> Nearest | Approximate:
        """Return the ranking by the stored vectors, made once."""
        return self.cached(("nearest", side), lambda: self._make_ranking(side, self._z))  # type: ignore[no-any-return]

    def _make_ranking(self, side: Side, z: tuple[Tensor, Tensor] | None) -> Nearest | Approximate:
        if self.backend == "exact":
            return Nearest(*self._ends(side, z), self.metric)
        return Approximate(*self._ends(side, z), self.metric, self.backend, self.band[1])

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the FAISS index too: it is built once, not by each process that draws from it."""
        state = super().__getstate__()
        if self.backend != "exact" and self._z is not None:
            sides: tuple[Side, ...] = ("dst", "src") if self.corrupt == "both" else (self.corrupt,)
            state["_cache"] = {("nearest", side): self._stored_ranking(side) for side in sides}
        return state

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw uniformly from the band of each query's nearest non-edges."""
        pool, where = self._lists_for(query)
        index = query.blank(k)
        kernels.threads.run_rows(
            kernels.pools.pick, len(index), index.size, index, pool, where, seed
        )
        return index

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log density, uniform over the band."""
        pool, where = self._lists_for(query)
        size = np.empty((len(where), 1), np.int64)
        inside = np.zeros(index.shape, bool)
        for part in self._chunks(len(where)):
            lists = pool[where[part]]
            size[part] = (lists >= 0).sum(axis=1, keepdims=True)
            for i, column in enumerate(index[part].T):
                inside[part, i] = (lists == column[:, None]).any(axis=1)
        banded = np.where(inside & (index >= 0), -np.log(np.maximum(size, 1)), -np.inf)
        return np.where(size > 0, banded, query.log_uniform)
