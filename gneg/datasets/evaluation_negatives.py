"""Negatives that the positives of validation and test are ranked against."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import EvalEdges
from gneg.graph import Graph, KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers import Guarded, NodeTime, Uniform
from gneg.samplers.negatives import Side


def uniform_negatives(pos: Tensor, known: KnownEdges, graph: Graph, k: int, seed: int) -> EvalEdges:
    """Pair each positive with ``k`` uniform non-edges, half of them for each end.

    In a bipartite graph all of them are targets. Where an end has fewer than k / 2 non-edges (a hub
    that is linked to nearly all nodes), all positives share one set of uniform non-edges instead.

    Args:
        pos: ``[2, E]`` positives.
        known: Edges that are never negatives: those of all parts, so that a positive of one part is
            never a negative of another.
        graph: The graph of all edges.
        k: Negatives per positive, K, even.
        seed: Seed of the draws.

    Raises:
        ValueError: If the graph is complete.
    """
    ends: tuple[Side, ...] = ("dst",) if graph.bipartite else ("dst", "src")
    sides = [
        Uniform(graph, known=known, corrupt=side).sample(
            pos, k // len(ends), generator=generator_from(split_seed(seed, i))
        )
        for i, side in enumerate(ends)
    ]
    if not all(side.mask.all() for side in sides):
        return EvalEdges(pos, _shared_negatives(known, graph, max(k, pos.size(1)), seed))
    src, dst = zip(*(side.pairs() for side in sides), strict=True)
    return EvalEdges(pos, (torch.cat(src, dim=1), torch.cat(dst, dim=1)))


def _shared_negatives(
    known: KnownEdges, graph: Graph, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Draw uniformly from all non-edges: a source by its number of them, then a target of it."""
    counts = known.complement_size(torch.arange(graph.num_src))
    if not counts.any():
        checks.fail("graph", "a graph with non-edges to evaluate against", f"the complete {graph}")
    generator = generator_from(split_seed(seed, 2))
    total = counts.cumsum(0)
    rank = (torch.rand(size, generator=generator, dtype=torch.double) * total[-1]).long()
    src = torch.searchsorted(total, rank, right=True)
    pos = torch.stack([src, torch.zeros_like(src)])
    targets = Uniform(graph, known=known).sample(pos, 1, generator=generator)
    return src, targets.index[:, 0]


def earlier_negatives(
    pos: Tensor, known: KnownEdges, graph: Graph, time: Tensor, k: int, seed: int
) -> EvalEdges:
    """Pair each positive with up to ``k`` different non-edges to nodes no later than its source.

    Args:
        pos: ``[2, E]`` positives.
        known: Edges that are never negatives.
        graph: The graph of all edges.
        time: ``[N]``, when each node came to be.
        k: Negatives per positive, K.
        seed: Seed of the draws.
    """
    guards = [NodeTime(time, direction="backward")]
    sampler = Guarded(Uniform(graph, known=known), guards, k, known=known, unique=True)
    negatives = sampler.sample(pos, k, generator=generator_from(seed))
    src, dst = negatives.pairs()
    mask = None if negatives.mask.all() else negatives.mask
    return EvalEdges(pos, (src.contiguous(), dst), mask)
