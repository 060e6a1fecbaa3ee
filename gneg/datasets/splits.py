"""A seeded split that cannot leak, with uniform evaluation negatives."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import EvalEdges, LinkData, sparse_if_it_pays
from gneg.graph import Graph, KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers import Uniform
from gneg.samplers.negatives import Side

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
        graph: Any graph.
        ratios: Shares of validation and test, each in [0, 1), together below 1.
        seed: Seed of the split.

    Raises:
        ValueError: If ``ratios`` is out of range.
    """
    for ratio in ratios:
        checks.number("ratios", ratio, 0, 1)
    if sum(ratios) >= 1:
        checks.fail("ratios", "of a sum below 1", ratios)
    edges = graph.edge_index
    if graph.undirected:
        edges = edges[:, edges[0] < edges[1]]
    low, high = edges
    if not graph.bipartite:
        low, high = torch.minimum(low, high), torch.maximum(low, high)
    pairs, pair_of = torch.unique(low * graph.num_nodes + high, return_inverse=True)
    place = torch.randperm(len(pairs), generator=generator_from(split_seed(seed, 0)))[pair_of]
    num_valid, num_test = (round(ratio * len(pairs)) for ratio in ratios)
    valid = place < num_valid
    test = (place >= num_valid) & (place < num_valid + num_test)
    return edges[:, ~(valid | test)], edges[:, valid], edges[:, test]


def uniform_negatives(pos: Tensor, known: KnownEdges, graph: Graph, k: int, seed: int) -> EvalEdges:
    """Pair each positive with ``k`` uniform non-edges, half of them for each end.

    In a bipartite graph all of them are targets.

    Every known edge is excluded, so that a positive of one split is never a negative of another.
    Where some end has fewer than k / 2 non-edges (a hub that knows nearly everyone), all positives
    share one set of uniform non-edges instead.

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
    """Uniform over all non-edges: a source by its number of them, then one of its targets."""
    free = known.complement_size(torch.arange(graph.num_src))
    if not free.any():
        checks.fail("graph", "one with non-edges to evaluate against", f"the complete {graph}")
    generator = generator_from(split_seed(seed, 2))
    total = free.cumsum(0)
    rank = (torch.rand(size, generator=generator, dtype=torch.double) * total[-1]).long()
    src = torch.searchsorted(total, rank, right=True)
    pos = torch.stack([src, torch.zeros_like(src)])
    targets = Uniform(graph, known=known).sample(pos, 1, generator=generator)
    return src, targets.index[:, 0]


def make_split(
    name: str,
    graph: Graph,
    x: Tensor | None,
    *,
    seed: int = 0,
    ratios: tuple[float, float] = (0.05, 0.10),
    num_negatives: int = 500,
    metric: str | None = None,
    given: tuple[Tensor, Tensor, Tensor] | None = None,
    weight: Tensor | None = None,
) -> LinkData:
    """Make :class:`~gneg.datasets.link.LinkData` from a whole graph.

    In a bipartite graph positives are ranked among all targets, but for those of training (and, in
    the test, validation) edges.

    Args:
        name: The dataset's name.
        graph: All edges.
        x: ``[N, F]`` features or None.
        seed: Seed of the split and of the evaluation negatives.
        ratios: Shares of validation and test.
        num_negatives: Evaluation negatives per positive, half of them for each end; fewer on a
            small or a very large graph.
        metric: What to select and report by; ``mrr``, in a bipartite graph ``recall@20``, if None.
        given: An own split (train, valid, test) instead of a random one.
        weight: Of its training edges; those of the graph if None.

    Raises:
        ValueError: If there are too few edges to split or nodes to draw negatives from.
    """
    train, valid, test = given or split_edges(graph, ratios, seed)
    for part, edges in zip(("train", "valid", "test"), (train, valid, test), strict=True):
        if not edges.numel():
            checks.fail("graph", f"large enough to leave a {part} edge", graph)
    everything = KnownEdges(graph)
    fitting = MAX_EVAL_PAIRS // max(valid.size(1), test.size(1))
    num_negatives = max(2, min(num_negatives, graph.num_dst // 2, fitting) // 2 * 2)
    percent = f"{100 - 100 * sum(ratios):g}/{100 * ratios[0]:g}/{100 * ratios[1]:g}"
    size = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes
    parts: list[EvalEdges] = []
    for i, (pos, earlier) in enumerate([(valid, [train]), (test, [train, valid])], 1):
        sample = uniform_negatives(pos, everything, graph, num_negatives, split_seed(seed, i))
        if graph.bipartite:
            sample = replace(sample, known=KnownEdges(*earlier, num_nodes=size))
        parts.append(sample)
    return LinkData(
        name=name,
        num_nodes=graph.num_nodes,
        x=sparse_if_it_pays(x),
        train=train,
        valid=parts[0],
        test=parts[1],
        undirected=graph.undirected,
        metric=metric or ("recall@20" if graph.bipartite else "mrr"),
        split="given" if given else f"random {percent}, seed {seed}",
        num_src=graph.num_src if graph.bipartite else None,
        weight=_weights(graph, train) if weight is None else weight,
    )


def _weights(graph: Graph, edges: Tensor) -> Tensor | None:
    """Of edges of the graph."""
    if graph.weights is None:
        return None
    src, dst = graph.edge_index
    keys, asked = src * graph.num_dst + dst, edges[0] * graph.num_dst + edges[1]
    return torch.from_numpy(graph.weights.copy())[torch.searchsorted(keys, asked)]
