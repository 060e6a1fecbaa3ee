"""How the negatives of an evaluation set are chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.datasets import LinkData, TripleData
from gneg.datasets.triple import END_NAMES
from gneg.evaluation.hardset import densest
from gneg.evaluation.hardset.densest import DENSEST, IntArray, Lists, Side
from gneg.evaluation.hardset.heart import PARTS, Order
from gneg.graph import Graph, KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers.formats.engine import Engine, Local
from gneg.samplers.guard.graph_guards import louvain

BoolArray = npt.NDArray[np.bool_]
#: The ends that are replaced: ``dst`` or ``src`` of edges, ``tail`` or ``head`` of triples.
Ends = Literal["both", "dst", "src", "tail", "head"]

ORDERED = ("heart", "stratified")
POOLED = ("community", "historical")
# Nodes between two calls of the progress report; an interruption loses at most these.
BATCH = 1024


class Store(Protocol):
    """A store of finished pieces of long work."""

    def load(self, name: str) -> tuple[Any, Any] | None:
        """Return the piece ``name``, or None if it is not stored."""

    def save(self, name: str, index: Any, unseen: Any) -> None:
        """Store a piece: candidates, and which of them were chosen at random."""


def columns(
    data: LinkData | TripleData,
    pos: Tensor,
    settings: dict[str, Any],
    store: Store | None,
    report: Callable[[int, int], None] | None,
    engine: Engine | None = None,
) -> tuple[IntArray, int]:
    """Choose the replaced ends of a hard set.

    Args:
        data: The dataset.
        pos: ``[2, E]`` edges or ``[3, E]`` triples, the positives.
        settings: The settings of :func:`gneg.hardset`: ``family``, ``k``, ``ends``, ``known``, ...
        store: Where finished pieces are stored; None: nowhere.
        report: Called with the numbers of finished and of all nodes (queries).
        engine: What makes the pieces; None: this process.

    Returns:
        Replaced ends ``[E, K]``, those that share the source first, and how many were chosen at
        random because every heuristic is 0. Of triples at both ends ``[E, 2 K]``.

    Raises:
        ValueError: If the family is unknown or needs a model.
    """
    family, known = settings["family"], settings["known"]
    sides = sides_of(settings["ends"])
    of_triples = isinstance(data, TripleData)
    per_side = settings["k"] if of_triples else settings["k"] // len(sides)
    true = [pos[-1 if side == "dst" else 0].numpy() for side in sides]
    if family in (*ORDERED, *POOLED) or family.startswith(DENSEST):
        anchors, makers = _anchors(data, pos, sides, per_side, settings)
        sizes = _section_sizes(family, per_side)
        return _by_anchor(anchors, true, makers, sizes, store, report, engine)
    replaced = []
    for i, side in enumerate(sides):
        corrupt: Any = END_NAMES[side] if of_triples else side
        sampler = data.sampler(family, known=known, corrupt=corrupt, unique=True)
        if sampler.needs & {"score"}:
            names = "" if of_triples else "heart, stratified, community, historical, "
            allowed = f"{names}densest(SAMPLER) or a sampler that needs no model"
            checks.fail("family", allowed, repr(family))
        seed = split_seed(settings["seed"], i)
        drawn = sampler.sample(pos, per_side + 1, generator=generator_from(seed))
        index = torch.where(drawn.mask, drawn.index, -1).numpy()
        replaced.append(_without(index, _behind(index, true[i], [per_side]), [per_side]))
    return np.concatenate(replaced, axis=1), 0


def sides_of(ends: str) -> list[Side]:
    """Return the sides of ``ends``, in the order of a set's columns."""
    named: dict[str, list[Side]] = {"both": ["dst", "src"], "tail": ["dst"], "head": ["src"]}
    return named.get(ends) or [ends]  # type: ignore[list-item]


def _anchors(
    data: LinkData | TripleData,
    pos: Tensor,
    sides: list[Side],
    per_side: int,
    settings: dict[str, Any],
) -> tuple[list[npt.NDArray[np.int64]], list[Lists]]:
    """Return for each side the anchors ``[E]``, and the functions that list candidates for them.

    The anchor is the end that is not replaced, of a triple with the relation. Where both sides have
    the same lists there is one function.
    """
    if isinstance(data, TripleData):
        parts = [densest.of_triples(data, pos, side, per_side + 1, settings) for side in sides]
        return [queries for queries, _ in parts], [lists for _, lists in parts]
    known = data.known(settings["known"])
    symmetric = data.undirected and len(sides) > 1
    makers = [
        _lists(data, known if side == "dst" else known.reversed(), side, per_side, settings)
        for side in (sides[:1] if symmetric else sides)
    ]
    return [pos[0 if side == "dst" else 1].numpy() for side in sides], makers


def _by_anchor(
    anchors: list[npt.NDArray[np.int64]],
    true: list[npt.NDArray[np.int64]],
    makers: list[Lists],
    sizes: list[int],
    store: Store | None,
    report: Callable[[int, int], None] | None,
    engine: Engine | None,
) -> tuple[IntArray, int]:
    """Choose from one list for each anchor, leaving out the true end of the positive.

    Args:
        anchors: For each side the anchors ``[E]``.
        true: For each side the ends ``[E]`` that are replaced.
        makers: For each side what lists candidates; one for both sides where they are the same.
        sizes: How many candidates are taken from each section of a list.
        store: As in :func:`columns`.
        report: As in :func:`columns`.
        engine: As in :func:`columns`.
    """
    symmetric = len(makers) < len(anchors)
    nodes = [np.unique(ids) for ids in ([np.concatenate(anchors)] if symmetric else anchors)]
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
        index, at_random = (array[rows] for array in lists[table])
        behind = _behind(index, true[i], sizes)
        replaced.append(_without(index, behind, sizes))
        filled += int((_without(at_random, behind, sizes) & (replaced[-1] >= 0)).sum())
    return np.concatenate(replaced, axis=1), filled


def _piece_name(key: tuple[int, int]) -> str:
    """Return the name of the piece of a side that begins with a node."""
    return "-".join(map(str, key))


def _section_sizes(family: str, per_side: int) -> list[int]:
    """Return how many candidates are taken from each section of a list, which has one to spare."""
    if family != "stratified":
        return [per_side]
    return [per_side // PARTS + (q < per_side % PARTS) for q in range(PARTS)]


def _behind(index: IntArray, true: npt.NDArray[np.int64], sizes: list[int]) -> BoolArray:
    """Return for each place ``[E, k]`` of a row whether the true end stands there or before it.

    Only within the place's section of the list: one candidate to spare follows each of them.

    Args:
        index: ``[E, k + S]``, lists of S sections.
        true: ``[E]``, the true ends, each at most once in a list.
        sizes: How many candidates are taken from each section.
    """
    at = index == true[:, None]
    sections = np.split(at, len(sizes), axis=1)
    place = [np.where(at.any(axis=1), at.argmax(axis=1), at.shape[1]) for at in sections]
    each = [np.arange(size) >= first[:, None] for size, first in zip(sizes, place, strict=True)]
    return np.concatenate(each, axis=1)


def _without(array: npt.NDArray[Any], behind: BoolArray, sizes: list[int]) -> npt.NDArray[Any]:
    """Return a list ``[E, k + S]``, or what belongs to it, without the true ends, ``[E, k]``."""
    width = array.shape[1] // len(sizes)
    columns = np.concatenate([q * width + np.arange(size) for q, size in enumerate(sizes)])
    return np.where(behind, array[:, columns + 1], array[:, columns])


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
        return densest.of_links(data, known, side, per_side + 1, settings)
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
