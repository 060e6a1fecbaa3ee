"""Lists of the non-edges that a sampler's density is highest at, of nodes and of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData, TripleData
from gneg.datasets.triple import END_NAMES
from gneg.graph import KnownEdges
from gneg.samplers import Sampler
from gneg.samplers.densities import log_q_of

Side = Literal["dst", "src"]
IntArray = npt.NDArray[Any]
#: Candidates ``[n, count]`` of nodes (queries) ``[n]``, and which of them were chosen at random.
Lists = Callable[[npt.NDArray[np.int64]], tuple[IntArray, IntArray]]

DENSEST = "densest("  # prefix of families that are ordered by a sampler's density
DENSITIES = 2**22  # in memory at once


def of_links(
    data: LinkData, known: KnownEdges, side: Side, count: int, settings: dict[str, Any]
) -> Lists:
    """Return the function that lists candidates for nodes of one side.

    Args:
        data: The dataset.
        known: Edges from these nodes that are not negatives.
        side: The end that is replaced.
        count: Candidates of each node.
        settings: ``family``, ``known`` and ``seed`` of :func:`gneg.hardset`.

    Raises:
        ValueError: If the sampler has no density in closed form.
    """
    text = _inner(settings["family"])
    sampler = data.sampler(text, known=settings["known"], corrupt=side)
    return _lists(sampler, known, side, count, settings)


def of_triples(
    data: TripleData, pos: Tensor, side: Side, count: int, settings: dict[str, Any]
) -> tuple[npt.NDArray[np.int64], Lists]:
    """Return the queries ``[E]`` of triples, and the function that lists candidates for queries.

    Args:
        data: The knowledge graph.
        pos: ``[3, E]``, the triples.
        side: The end that is replaced: ``dst`` is the tail.
        count: Candidates of each query.
        settings: ``family``, ``known`` and ``seed`` of :func:`gneg.hardset`.

    Raises:
        ValueError: If the sampler has no density in closed form.
    """
    end = END_NAMES[side]
    sampler = data.sampler(_inner(settings["family"]), known=settings["known"], corrupt=end)
    view = sampler.views[end]
    entity = pos[0] if side == "dst" else pos[2]
    queries = view.queries.rows(entity.numpy(), pos[1].numpy())
    return queries, _lists(sampler.parts[end], view.known, "dst", count, settings)


def _inner(family: str) -> str:
    """Return the sampler of ``densest(SAMPLER)``."""
    if not family.endswith(")"):
        checks.fail("family", "densest(SAMPLER)", repr(family))
    return family[len(DENSEST) : -1]


def _lists(
    sampler: Sampler, known: KnownEdges, side: Side, count: int, settings: dict[str, Any]
) -> Lists:
    """List non-edges by a sampler's density; equal and zero densities in random order."""
    targets = torch.arange(known.num_dst)
    node = torch.zeros(1, dtype=torch.long)
    if log_q_of(sampler, node, node[None], side=side) is None:
        allowed = "densest() of a sampler with a closed-form log_q"
        checks.fail("family", allowed, repr(settings["family"]))

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
