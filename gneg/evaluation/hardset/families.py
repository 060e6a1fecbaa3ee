"""How the negatives of an evaluation set are chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.datasets import LinkData
from gneg.evaluation.hardset.heart import PARTS, Order
from gneg.graph import Graph, KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers.densities import log_q_of
from gneg.samplers.guard.graph_guards import louvain

Ends = Literal["both", "dst", "src"]
Side = Literal["dst", "src"]
IntArray = npt.NDArray[Any]
#: Nodes to lists of candidates ``[n, count]`` and which of those are there by chance.
Lists = Callable[[npt.NDArray[np.int64]], tuple[IntArray, IntArray]]

ORDERED = ("heart", "stratified")
POOLED = ("community", "historical")
DENSEST = "densest("  # what a family starts with that is ordered by a sampler's density
DENSITIES = 2**22  # held at once
# Nodes between two calls of the progress report, and what is lost by an interruption.
BATCH = 1024


class Store(Protocol):
    """Keeps finished pieces of long work."""

    def load(self, name: str) -> tuple[Any, Any] | None:
        """What was kept under ``name``."""

    def save(self, name: str, index: Any, unseen: Any) -> None:
        """Keep a piece."""


def columns(
    data: LinkData,
    pos: Tensor,
    settings: dict[str, Any],
    store: Store | None,
    report: Callable[[int, int], None] | None,
) -> tuple[IntArray, int]:
    """Replaced ends ``[E, K]``, those that keep the source first; how many are there by chance."""
    ends, k = settings["ends"], settings["k"]
    sides: list[Side] = ["dst", "src"] if ends == "both" else [ends]
    known = data.known(settings["known"])
    if settings["family"] in (*ORDERED, *POOLED) or settings["family"].startswith(DENSEST):
        return _by_node(data, known, pos, sides, settings, store, report)
    found = []
    for i, side in enumerate(sides):
        sampler = data.sampler(
            settings["family"], known=settings["known"], corrupt=side, unique=True
        )
        if sampler.needs & {"score"}:
            needed = (
                "heart, stratified, community, historical, densest(SAMPLER) or a sampler that "
                "needs no model"
            )
            checks.fail("family", needed, repr(settings["family"]))
        seed = split_seed(settings["seed"], i)
        drawn = sampler.sample(pos, k // len(sides) + 1, generator=generator_from(seed))
        index = torch.where(drawn.mask, drawn.index, -1).numpy()
        own = pos[1 if side == "dst" else 0].numpy()
        found.append(_taken(index, own, _without(index, own, [k // len(sides)])))
    return np.concatenate(found, axis=1), 0


def _by_node(
    data: LinkData,
    known: KnownEdges,
    pos: Tensor,
    sides: list[Side],
    settings: dict[str, Any],
    store: Store | None,
    report: Callable[[int, int], None] | None,
) -> tuple[IntArray, int]:
    """From lists of the kept nodes, each without the positive's own other end."""
    per_end = settings["k"] // len(sides)
    symmetric = data.undirected and len(sides) == 2
    kept = [pos[0 if side == "dst" else 1].numpy() for side in sides]
    nodes = [np.unique(pos.numpy())] if symmetric else [np.unique(one) for one in kept]
    done, total = 0, sum(len(one) for one in nodes)
    lists = []
    for i, one in enumerate(nodes):
        view = known if sides[i] == "dst" else known.reversed()
        make = _lists(data, view, sides[i], per_end, settings)
        parts = []
        for start in range(0, len(one), BATCH):
            name = f"{i}-{start}"
            part = None if store is None else store.load(name)
            if part is None:
                part = make(one[start : start + BATCH])
                if store is not None:
                    store.save(name, *part)
            parts.append(part)
            done += len(part[0])
            if report is not None:
                report(done, total)
        lists.append(tuple(np.concatenate(piece) for piece in zip(*parts, strict=True)))
    found, filled = [], 0
    for i, one in enumerate(kept):
        which = 0 if symmetric else i
        rows = np.searchsorted(nodes[which], one)
        own = pos[1 if sides[i] == "dst" else 0].numpy()
        index, chance = (table[rows] for table in lists[which])
        picked = _without(index, own, _shares(settings["family"], per_end))
        found.append(_taken(index, own, picked))
        filled += int((np.take_along_axis(chance, picked, axis=1) & (found[-1] >= 0)).sum())
    return np.concatenate(found, axis=1), filled


def _shares(family: str, per_end: int) -> list[int]:
    """How many of a list are taken from each of its sections, of which each has one to spare."""
    if family != "stratified":
        return [per_end]
    return [per_end // PARTS + (q < per_end % PARTS) for q in range(PARTS)]


def _taken(index: IntArray, own: npt.NDArray[np.int64], picked: IntArray) -> IntArray:
    """What stands at the positions ``picked``; -1 for the own end, which nothing could replace."""
    return np.take_along_axis(np.where(index == own[:, None], -1, index), picked, axis=1)


def _without(index: IntArray, own: npt.NDArray[np.int64], shares: list[int]) -> IntArray:
    """Positions of what is taken from each section: its first ones but the own end."""
    width = index.shape[1] // len(shares)
    late = (index == own[:, None]) | (index < 0)
    picked = []
    for q, share in enumerate(shares):
        section = late[:, q * width : (q + 1) * width]
        picked.append(q * width + np.argsort(section, axis=1, kind="stable")[:, :share])
    return np.concatenate(picked, axis=1)


def _lists(
    data: LinkData, known: KnownEdges, side: Side, per_end: int, settings: dict[str, Any]
) -> Lists:
    family, seed = settings["family"], settings["seed"]
    if family in ORDERED:
        names = ("local", "merge", "alpha", "tolerance", "seed")
        order = Order(data.graph, known, x=data.x, **{name: settings[name] for name in names})
        if family == "heart":
            return lambda nodes: order.hardest(nodes, per_end + 1)
        return lambda nodes: order.stratified(nodes, -(-per_end // PARTS) + 1)
    if family.startswith(DENSEST):
        return _densest(data, known, side, per_end + 1, settings)
    if family == "community":
        label = louvain(data.graph).numpy()
        members = np.argsort(label, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(label))])
        return _pooled(
            lambda u: members[bounds[label[u]] : bounds[label[u] + 1]], known, per_end + 1, seed
        )
    if data.history is None:
        checks.fail("family", "'historical' only where edges have times", data.name)
    past = Graph.from_edge_index(data.history, data.size, undirected=data.undirected)
    past = past if side == "dst" else past.reversed()
    return _pooled(
        lambda u: past.indices[past.indptr[u] : past.indptr[u + 1]],
        known,
        per_end + 1,
        seed,
        allowed=past,
    )


def _densest(
    data: LinkData, known: KnownEdges, side: Side, count: int, settings: dict[str, Any]
) -> Lists:
    """Non-edges by a sampler's density, equals and what it never draws in random order."""
    text = settings["family"]
    if not text.endswith(")"):
        checks.fail("family", "densest(SAMPLER)", repr(text))
    sampler = data.sampler(text[len(DENSEST) : -1], known=settings["known"], corrupt=side)
    targets = torch.arange(known.num_dst)
    one = torch.zeros(1, dtype=torch.long)
    if log_q_of(sampler, one, one[None], side=side) is None:
        checks.fail("family", "densest() of a sampler with a closed-form log_q", repr(text))

    def lists(nodes: npt.NDArray[np.int64]) -> tuple[IntArray, IntArray]:
        index = np.full((len(nodes), count), -1, np.int32)
        chance = np.zeros_like(index, dtype=bool)
        for some in np.array_split(
            np.arange(len(nodes)), 1 + index.shape[0] * len(targets) // DENSITIES
        ):
            rows = torch.from_numpy(nodes[some])
            log_q = log_q_of(sampler, rows, targets.expand(len(rows), -1), side=side)
            assert log_q is not None
            for i, u, weight in zip(some, nodes[some].tolist(), log_q.numpy(), strict=True):
                random = np.random.Generator(np.random.Philox(key=[settings["seed"], u]))
                free = np.setdiff1d(targets, known.indices[known.indptr[u] : known.indptr[u + 1]])
                free = random.permutation(free[free != u] if known.no_self else free)
                best = free[np.argsort(-weight[free], kind="stable")][:count]
                index[i, : len(best)] = best
                chance[i, : len(best)] = np.isneginf(weight[best])
        return index, chance

    return lists


def _pooled(
    pool: Callable[[int], IntArray],
    known: KnownEdges,
    count: int,
    seed: int,
    *,
    allowed: Graph | None = None,
) -> Lists:
    """Random members of each node's pool that it does not know, then uniform non-edges.

    ``allowed`` are known edges that may be negatives all the same: those of earlier times.
    """

    def lists(nodes: npt.NDArray[np.int64]) -> tuple[IntArray, IntArray]:
        index = np.full((len(nodes), count), -1, np.int32)
        for row, u in enumerate(nodes.tolist()):
            some = pool(u)
            start, stop = known.indptr[u], known.indptr[u + 1]
            if allowed is None:
                some = np.setdiff1d(some, known.indices[start:stop])
            some = some[some != u]
            random = np.random.Generator(np.random.Philox(key=[seed, u]))
            some = random.permutation(some)[:count]
            index[row, : len(some)] = some
        before = index.copy()
        kernels.threads.run_rows(
            kernels.pools.fill,
            len(nodes),
            index.size,
            index,
            nodes,
            *(known.indptr, known.indices),
            known.num_dst,
            known.no_self,
            True,
            split_seed(seed, int(nodes[0])),
        )
        return index, index != before

    return lists
