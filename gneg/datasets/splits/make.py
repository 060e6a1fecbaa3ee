"""A dataset from a whole graph: its split and the negatives of its evaluation."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.evaluation_negatives import uniform_negatives
from gneg.datasets.link import EvalEdges, LinkData
from gneg.datasets.splits.random import split_edges
from gneg.graph import Graph, KnownEdges, sparse
from gneg.rng import split_seed

# Evaluation pairs of one part at the most: on a large graph K is reduced to fit.
MAX_EVAL_PAIRS = 5_000_000


def make_split(
    name: str,
    graph: Graph,
    x: Tensor | None,
    *,
    seed: int = 0,
    ratios: tuple[float, float] = (0.05, 0.10),
    num_negatives: int = 500,
    metric: str | None = None,
    parts: tuple[Tensor, Tensor, Tensor] | None = None,
    split: str = "given",
    weight: Tensor | None = None,
    allow_empty: bool = False,
) -> LinkData:
    """Make :class:`~gneg.datasets.link.LinkData` from a whole graph.

    In a bipartite graph positives are ranked among all targets, but for those of training (and, in
    the test, validation) edges.

    Args:
        name: The dataset's name.
        graph: The edges of all parts.
        x: ``[N, F]`` features or None.
        seed: Seed of the split and of the evaluation negatives.
        ratios: Shares of validation and test in a random split.
        num_negatives: Evaluation negatives per positive, half of them for each end; fewer on a
            small or a very large graph.
        metric: The metric to select and report by; ``mrr``, in a bipartite graph ``recall@20``, if
            None.
        parts: Edges ``[2, E]`` of train, valid and test; None: a random split of the graph.
        split: How ``parts`` were made, for the record.
        weight: ``[P]`` weights of the training edges of ``parts``; those of the graph if None.
        allow_empty: Whether the validation or the test part may be without edges.

    Raises:
        ValueError: If there are too few edges to split or nodes to draw negatives from.
    """
    train, valid, test = parts or split_edges(graph, ratios, seed)
    for part, edges in zip(("train", "valid", "test"), (train, valid, test), strict=True):
        if not edges.numel() and (part == "train" or not allow_empty):
            checks.fail("graph", f"large enough to leave a {part} edge", graph)
    everything = KnownEdges(graph)
    fitting = MAX_EVAL_PAIRS // max(valid.size(1), test.size(1))
    num_negatives = max(2, min(num_negatives, graph.num_dst // 2, fitting) // 2 * 2)
    percent = f"{100 - 100 * sum(ratios):g}/{100 * ratios[0]:g}/{100 * ratios[1]:g}"
    size = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes
    evaluated: list[EvalEdges] = []
    for i, (pos, earlier) in enumerate([(valid, [train]), (test, [train, valid])], 1):
        ranked = uniform_negatives(pos, everything, graph, num_negatives, split_seed(seed, i))
        if graph.bipartite:
            ranked = replace(ranked, known=KnownEdges(*earlier, num_nodes=size))
        evaluated.append(ranked)
    return LinkData(
        name=name,
        num_nodes=graph.num_nodes,
        x=sparse.if_it_pays(x),
        train=train,
        valid=evaluated[0],
        test=evaluated[1],
        undirected=graph.undirected,
        metric=metric or ("recall@20" if graph.bipartite else "mrr"),
        split=split if parts else f"random {percent}, seed {seed}",
        num_src=graph.num_src if graph.bipartite else None,
        weight=_weights(graph, train) if weight is None else weight,
    )


def _weights(graph: Graph, edges: Tensor) -> Tensor | None:
    """Return the weights ``[E]`` of edges ``[2, E]`` of the graph; None if it is unweighted."""
    if graph.weights is None:
        return None
    src, dst = graph.edge_index
    keys, wanted = src * graph.num_dst + dst, edges[0] * graph.num_dst + edges[1]
    return torch.from_numpy(graph.weights.copy())[torch.searchsorted(keys, wanted)]
