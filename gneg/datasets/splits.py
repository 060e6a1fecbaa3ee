"""A seeded split that cannot leak, with uniform evaluation negatives."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.base import EvalEdges, LinkData, sparse_if_it_pays
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers import Uniform

# Evaluation pairs of one part at the most: on a large graph K is reduced to fit.
MAX_EVAL_PAIRS = 5_000_000


def split_edges(
    graph: Graph, ratios: tuple[float, float] = (0.05, 0.10), seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Split a graph's edges into train, valid and test, each ``[2, E]`` long.

    Whole node pairs are split: both directions of an undirected edge, and reciprocal arcs of a
    directed graph, always fall together, so that no edge is given away by its reverse. Undirected
    edges are returned once, as (smaller, larger).

    Args:
        graph: A homogeneous graph.
        ratios: Shares of validation and test, each in [0, 1), together below 1.
        seed: Seed of the split.

    Raises:
        ValueError: If the graph is bipartite or ``ratios`` is out of range.
    """
    if graph.bipartite:
        checks.fail("graph", "homogeneous", graph)
    for ratio in ratios:
        checks.number("ratios", ratio, 0, 1)
    if sum(ratios) >= 1:
        checks.fail("ratios", "of a sum below 1", ratios)
    edges = graph.edge_index
    if graph.undirected:
        edges = edges[:, edges[0] < edges[1]]
    low, high = torch.minimum(edges[0], edges[1]), torch.maximum(edges[0], edges[1])
    pairs, pair_of = torch.unique(low * graph.num_nodes + high, return_inverse=True)
    place = torch.randperm(len(pairs), generator=generator_from(split_seed(seed, 0)))[pair_of]
    num_valid, num_test = (round(ratio * len(pairs)) for ratio in ratios)
    valid = place < num_valid
    test = (place >= num_valid) & (place < num_valid + num_test)
    return edges[:, ~(valid | test)], edges[:, valid], edges[:, test]


def uniform_negatives(pos: Tensor, known: KnownEdges, graph: Graph, k: int, seed: int) -> EvalEdges:
    """Pair each positive with ``k`` uniform non-edges, half of them for each end.

    Every known edge is excluded, so that a positive of one split is never a negative of another.
    Where some end has fewer than k / 2 non-edges (a hub that knows nearly everyone), all positives
    share one set of uniform non-edges instead.

    Raises:
        ValueError: If the graph is complete.
    """
    sides = [
        Uniform(graph, known=known, corrupt=side).sample(  # type: ignore[arg-type]
            pos, k // 2, generator=generator_from(split_seed(seed, i))
        )
        for i, side in enumerate(("dst", "src"))
    ]
    if not all(side.mask.all() for side in sides):
        return EvalEdges(pos, _shared_negatives(known, graph, max(k, pos.size(1)), seed))
    src, dst = zip(*(side.pairs() for side in sides), strict=True)
    return EvalEdges(pos, (torch.cat(src, dim=1), torch.cat(dst, dim=1)))


def _shared_negatives(
    known: KnownEdges, graph: Graph, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Uniform over all non-edges: a source by its number of them, then one of its targets."""
    free = known.complement_size(torch.arange(graph.num_src))
    if not free.any():
        checks.fail("graph", "one with non-edges to evaluate against", f"the complete {graph}")
    generator = generator_from(split_seed(seed, 2))
    total = free.cumsum(0)
    rank = (torch.rand(size, generator=generator, dtype=torch.double) * total[-1]).long()
    src = torch.searchsorted(total, rank, right=True)
    targets = Uniform(graph, known=known).sample(torch.stack([src, src]), 1, generator=generator)
    return src, targets.index[:, 0]


def make_split(
    name: str,
    graph: Graph,
    x: Tensor | None,
    *,
    seed: int = 0,
    ratios: tuple[float, float] = (0.05, 0.10),
    num_negatives: int = 500,
    metric: str = "mrr",
    given: tuple[Tensor, Tensor, Tensor] | None = None,
) -> LinkData:
    """Make :class:`~gneg.datasets.base.LinkData` from a whole graph.

    Args:
        name: The dataset's name.
        graph: All edges.
        x: ``[N, F]`` features or None.
        seed: Seed of the split and of the evaluation negatives.
        ratios: Shares of validation and test.
        num_negatives: Evaluation negatives per positive, half of them for each end; fewer on a
            small or a very large graph.
        metric: What to select and report by.
        given: An own split (train, valid, test) instead of a random one.

    Raises:
        ValueError: If there are too few edges to split or nodes to draw negatives from.
    """
    train, valid, test = given or split_edges(graph, ratios, seed)
    for part, edges in zip(("train", "valid", "test"), (train, valid, test), strict=True):
        if not edges.numel():
            checks.fail("graph", f"large enough to leave a {part} edge", graph)
    everything = KnownEdges(graph)
    fitting = MAX_EVAL_PAIRS // max(valid.size(1), test.size(1))
    num_negatives = max(2, min(num_negatives, graph.num_nodes // 2, fitting) // 2 * 2)
    percent = f"{100 - 100 * sum(ratios):g}/{100 * ratios[0]:g}/{100 * ratios[1]:g}"
    return LinkData(
        name=name,
        num_nodes=graph.num_nodes,
        x=sparse_if_it_pays(x),
        train=train,
        valid=uniform_negatives(valid, everything, graph, num_negatives, split_seed(seed, 1)),
        test=uniform_negatives(test, everything, graph, num_negatives, split_seed(seed, 2)),
        undirected=graph.undirected,
        metric=metric,
        split="given" if given else f"random {percent}, seed {seed}",
    )
