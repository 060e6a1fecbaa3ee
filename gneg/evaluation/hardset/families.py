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
from gneg.samplers.formats.engine import Engine, Local
from gneg.samplers.guard.graph_guards import louvain

Ends = Literal["both", "dst", "src"]
Side = Literal["dst", "src"]
IntArray = npt.NDArray[Any]
#: Candidates ``[n, count]`` of nodes ``[n]``, and which of them were chosen at random.
Lists = Callable[[npt.NDArray[np.int64]], tuple[IntArray, IntArray]]

ORDERED = ("heart", "stratified")
POOLED = ("community", "historical")
DENSEST = "densest("  # prefix of families that are ordered by a sampler's density
DENSITIES = 2**22  # in memory at once
# Nodes between two calls of the progress report; an interruption loses at most these.
BATCH = 1024


class Store(Protocol):
    """A store of finished pieces of long work."""

    def load(self, name: str) -> tuple[Any, Any] | None:
        """Return the piece ``name``, or None if it is not stored."""

    def save(self, name: str, index: Any, unseen: Any) -> None:
        """Store a piece: candidates, and which of them were chosen at random."""


def columns(
    data: LinkData,
    pos: Tensor,
    settings: dict[str, Any],
    store: Store | None,
    report: Callable[[int, int], None] | None,
    engine: Engine | None = None,
) -> tuple[IntArray, int]:
    """Choose the replaced ends of a hard set.

    Args:
        data: The dataset.
        pos: ``[2, E]``, the positives.
        settings: The settings of :func:`gneg.hardset`: ``family``, ``k``, ``ends``, ``known``, ...
        store: Where finished pieces are stored; None: nowhere.
        report: Called with the numbers of finished and of all nodes.
        engine: What makes the pieces; None: this process.

    Returns:
        Replaced ends ``[E, K]``, those that share the source first, and how many were chosen at
        random because every heuristic is 0.

    Raises:
        ValueError: If the family is unknown or needs a model.
    """
    family, known = settings["family"], settings["known"]
    sides: list[Side] = ["dst", "src"] if settings["ends"] == "both" else [settings["ends"]]
    per_side = settings["k"] // len(sides)
    if family in (*ORDERED, *POOLED) or family.startswith(DENSEST):
        return _by_anchor(data, data.known(known), pos, sides, settings, store, report, engine)
    replaced = []
    for i, side in enumerate(sides):
        sampler = data.sampler(family, known=known, corrupt=side, unique=True)
        if sampler.needs & {"score"}:
            allowed = (
                "heart, stratified, community, historical, densest(SAMPLER) or a sampler that "
                "needs no model"
            )
            checks.fail("family", allowed, repr(family))
        seed = split_seed(settings["seed"], i)
        drawn = sampler.sample(pos, per_side + 1, generator=generator_from(seed))
        index = torch.where(drawn.mask, drawn.index, -1).numpy()
        true = pos[1 if side == "dst" else 0].numpy()
        replaced.append(_take(index, true, _first_usable(index, true, [per_side])))
    return np.concatenate(replaced, axis=1), 0


def _by_anchor(
    data: LinkData,
    known: KnownEdges,
    pos: Tensor,
    sides: list[Side],
    settings: dict[str, Any],
    store: Store | None,
    report: Callable[[int, int], None] | None,
    engine: Engine | None,
) -> tuple[IntArray, int]:
    """Choose from one list for each anchor, leaving out the true end of the positive."""
    per_side = settings["k"] // len(sides)
    symmetric = data.undirected and len(sides) == 2
    anchors = [pos[0 if side == "dst" else 1].numpy() for side in sides]
    nodes = [np.unique(pos.numpy())] if symmetric else [np.unique(ids) for ids in anchors]
    views = [known if side == "dst" else known.reversed() for side in sides[: len(nodes)]]
    makers = [_lists(data, view, sides[i], per_side, settings) for i, view in enumerate(views)]
    keys = [(i, start) for i, ids in enumerate(nodes) for start in range(0, len(ids), BATCH)]

    def make(key: tuple[int, int]) -> tuple[IntArray, IntArray]:
        i, start = key
        piece = makers[i](nodes[i][start : start + BATCH])
        if store is not None:
            store.save(_piece_name(key), *piece)
        return piece

    pieces = {} if store is None else {key: store.load(_piece_name(key)) for key in keys}
    missing = [key for key in keys if pieces.get(key) is None]
    finished = sum(len(piece[0]) for piece in pieces.values() if piece is not None)
    for (i, start), piece in (engine or Local()).run(make, missing):
        pieces[i, start] = piece
        finished += len(piece[0])
        if report is not None:
            report(finished, sum(map(len, nodes)))
    lists = []
    for i in range(len(nodes)):
        columns = zip(*(pieces[key] for key in keys if key[0] == i), strict=True)
        lists.append(tuple(np.concatenate(arrays) for arrays in columns))
    replaced, filled = [], 0
    for i, ids in enumerate(anchors):
        table = 0 if symmetric else i
        rows = np.searchsorted(nodes[table], ids)
        true = pos[1 if sides[i] == "dst" else 0].numpy()
        index, at_random = (array[rows] for array in lists[table])
        positions = _first_usable(index, true, _section_sizes(settings["family"], per_side))
        replaced.append(_take(index, true, positions))
        at_random = np.take_along_axis(at_random, positions, axis=1)
        filled += int((at_random & (replaced[-1] >= 0)).sum())
    return np.concatenate(replaced, axis=1), filled


def _piece_name(key: tuple[int, int]) -> str:
    """Return the name of the piece of a side that begins with a node."""
    return "-".join(map(str, key))


def _section_sizes(family: str, per_side: int) -> list[int]:
    """Return how many candidates are taken from each section of a list, which has one to spare."""
    if family != "stratified":
        return [per_side]
    return [per_side // PARTS + (q < per_side % PARTS) for q in range(PARTS)]


def _take(index: IntArray, true: npt.NDArray[np.int64], positions: IntArray) -> IntArray:
    """Return the candidates at ``positions [E, k]``; -1 for a true end that nothing replaces."""
    return np.take_along_axis(np.where(index == true[:, None], -1, index), positions, axis=1)


def _first_usable(index: IntArray, true: npt.NDArray[np.int64], sizes: list[int]) -> IntArray:
    """Return the positions of the first candidates of each section that are not the true end."""
    width = index.shape[1] // len(sizes)
    unusable = (index == true[:, None]) | (index < 0)
    positions = []
    for q, size in enumerate(sizes):
        section = unusable[:, q * width : (q + 1) * width]
        positions.append(q * width + np.argsort(section, axis=1, kind="stable")[:, :size])
    return np.concatenate(positions, axis=1)


def _lists(
    data: LinkData, known: KnownEdges, side: Side, per_side: int, settings: dict[str, Any]
) -> Lists:
    """Return the function that lists candidates of a family for anchors of one side."""
    family, seed = settings["family"], settings["seed"]
    if family in ORDERED:
        names = ("local", "merge", "alpha", "tolerance", "seed")
        order = Order(data.graph, known, x=data.x, **{name: settings[name] for name in names})
        if family == "heart":
            return lambda nodes: order.hardest(nodes, per_side + 1)
        return lambda nodes: order.stratified(nodes, -(-per_side // PARTS) + 1)
    if family.startswith(DENSEST):
        return _densest(data, known, side, per_side + 1, settings)
    if family == "community":
        label = louvain(data.graph).numpy()
        members = np.argsort(label, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(label))])
        return _pooled(
            lambda u: members[bounds[label[u]] : bounds[label[u] + 1]], known, per_side + 1, seed
        )
    if data.history is None:
        checks.fail("family", "'historical' only where edges have times", data.name)
    past = Graph.from_edge_index(data.history, data.size, undirected=data.undirected)
    past = past if side == "dst" else past.reversed()
    return _pooled(
        lambda u: past.indices[past.indptr[u] : past.indptr[u + 1]],
        known,
        per_side + 1,
        seed,
        allow_known=True,
    )


def _densest(
    data: LinkData, known: KnownEdges, side: Side, count: int, settings: dict[str, Any]
) -> Lists:
    """List non-edges by a sampler's density; equal and zero densities in random order."""
    text = settings["family"]
    if not text.endswith(")"):
        checks.fail("family", "densest(SAMPLER)", repr(text))
    sampler = data.sampler(text[len(DENSEST) : -1], known=settings["known"], corrupt=side)
    targets = torch.arange(known.num_dst)
    node = torch.zeros(1, dtype=torch.long)
    if log_q_of(sampler, node, node[None], side=side) is None:
        checks.fail("family", "densest() of a sampler with a closed-form log_q", repr(text))

    def lists(nodes: npt.NDArray[np.int64]) -> tuple[IntArray, IntArray]:
        index = np.full((len(nodes), count), -1, np.int32)
        at_random = np.zeros_like(index, dtype=bool)
        batches = 1 + index.shape[0] * len(targets) // DENSITIES
        for batch in np.array_split(np.arange(len(nodes)), batches):
            anchors = torch.from_numpy(nodes[batch])
            log_q = log_q_of(sampler, anchors, targets.expand(len(anchors), -1), side=side)
            assert log_q is not None
            for i, u, weight in zip(batch, anchors.tolist(), log_q.numpy(), strict=True):
                random = np.random.Generator(np.random.Philox(key=[settings["seed"], u]))
                free = np.setdiff1d(targets, known.indices[known.indptr[u] : known.indptr[u + 1]])
                free = random.permutation(free[free != u] if known.no_self else free)
                best = free[np.argsort(-weight[free], kind="stable")][:count]
                index[i, : len(best)] = best
                at_random[i, : len(best)] = np.isneginf(weight[best])
        return index, at_random

    return lists


def _pooled(
    pool: Callable[[int], IntArray],
    known: KnownEdges,
    count: int,
    seed: int,
    *,
    allow_known: bool = False,
) -> Lists:
    """List random members of each node's pool, then uniform non-edges.

    Args:
        pool: The pool of a node.
        known: Edges that are not negatives.
        count: Candidates of each node.
        seed: Seed for the choice.
        allow_known: Whether members of the pool may be known edges, as edges of earlier times are.
    """

    def lists(nodes: npt.NDArray[np.int64]) -> tuple[IntArray, IntArray]:
        index = np.full((len(nodes), count), -1, np.int32)
        for row, u in enumerate(nodes.tolist()):
            members = pool(u)
            if not allow_known:
                start, stop = known.indptr[u], known.indptr[u + 1]
                members = np.setdiff1d(members, known.indices[start:stop])
            members = members[members != u]
            random = np.random.Generator(np.random.Philox(key=[seed, u]))
            members = random.permutation(members)[:count]
            index[row, : len(members)] = members
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
