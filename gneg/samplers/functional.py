"""PyG's negative sampling functions, exact, with two arguments more: sampler and generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.rng import draw_seed, generator_from, split_seed
from gneg.samplers import Sampler, Uniform, build

__all__ = [
    "batched_negative_sampling",
    "negative_sampling",
    "structured_negative_sampling",
    "structured_negative_sampling_feasible",
]

IntArray = npt.NDArray[np.int64]
Size = int | tuple[int, int] | None


def negative_sampling(
    edge_index: Tensor,
    num_nodes: Size = None,
    num_neg_samples: int | float | None = None,
    method: str = "sparse",
    force_undirected: bool = False,
    *,
    sampler: str | Sampler | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return distinct negative edges ``[2, n]`` of a graph; PyG's function of that name.

    Uniform over all non-edges, by their rank among them: exact on any density, as many as are asked
    for unless the graph has fewer, and parallel edges count once. With a ``sampler``, negatives
    of the edges in turn, an even number of each, which may repeat.

    Args:
        edge_index: ``[2, E]``.
        num_nodes: N, or (num_src, num_dst) of a bipartite graph; the largest id + 1 if None.
        num_neg_samples: How many; a share of E if a float, E if None.
        method: ``"sparse"`` or ``"dense"``, which make no difference here.
        force_undirected: Take edges as undirected and return both directions of each negative.
        sampler: An expression, or a sampler on this graph.
        generator: Source of randomness; the global one is never used.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> edge_index = torch.tensor([[0, 0, 1, 2], [0, 1, 2, 3]])
        >>> negative_sampling(edge_index).shape
        torch.Size([2, 4])
    """
    checks.choice("method", method, ("sparse", "dense"))
    size = _size(edge_index, num_nodes)
    directed = isinstance(size, tuple) or not checks.flag("force_undirected", force_undirected)
    undirected = not directed
    wanted = _wanted(num_neg_samples, edge_index.size(1))
    graph = Graph.from_edge_index(edge_index, size, undirected=undirected)
    seed = draw_seed(generator)
    if undirected:
        wanted //= 2
    if sampler is not None:
        neg = _sampled(graph, edge_index, wanted, sampler, seed)
        neg = torch.stack([neg.min(0).values, neg.max(0).values]) if undirected else neg
    else:
        neg = uniform_non_edges(graph, wanted, seed)
    neg = neg.to(edge_index.device, edge_index.dtype)
    return torch.cat([neg, neg.flip(0)], dim=1) if undirected else neg


def uniform_non_edges(graph: Graph, count: int, seed: int) -> Tensor:
    """Return up to ``count`` distinct non-edges ``[2, n]`` long, uniform, in random order.

    Of an undirected graph each pair once, as (smaller, larger).

    Args:
        graph: The graph.
        count: Number of non-edges; all of them if the graph has fewer.
        seed: Seed of all randomness.
    """
    known = KnownEdges(graph)
    nodes = np.arange(graph.num_src)
    free = known.sizes(nodes)
    below = np.zeros_like(free)
    if graph.undirected:
        source = np.repeat(nodes, np.diff(graph.indptr))
        below = nodes - np.bincount(source[graph.indices < source], minlength=len(nodes))
        free = free - below
    last = np.cumsum(free)
    random = np.random.Generator(np.random.Philox(split_seed(seed, 0)))
    rank = _distinct(int(last[-1]) if len(last) else 0, count, random)
    src = np.searchsorted(last, rank, side="right")
    within = rank - (last[src] - free[src]) + below[src]
    source_ids = torch.from_numpy(src.astype(np.int64))
    return torch.stack([source_ids, known.non_neighbor(source_ids, torch.from_numpy(within))])


def _distinct(total: int, count: int, random: np.random.Generator) -> IntArray:
    """Return ``count`` distinct integers below ``total`` (all if fewer), in random order."""
    if count >= total or count > total // 3:
        return random.permutation(total)[:count].astype(np.int64)
    distinct = np.empty(0, np.int64)
    while len(distinct) < count:
        drawn = random.integers(total, size=int(1.1 * (count - len(distinct))) + 16)
        distinct = np.unique(np.concatenate([distinct, drawn]))
    return random.permutation(distinct)[:count]


def _sampled(
    graph: Graph, edge_index: Tensor, wanted: int, sampler: str | Sampler, seed: int
) -> Tensor:
    """Return ``wanted`` negatives of random edges, as many of each edge."""
    edges = edge_index.cpu().long()
    if not wanted or not edges.size(1):
        return edges.new_empty(2, 0)
    sampler = _built(sampler, graph)
    k = math.ceil(wanted / edges.size(1))
    order = torch.randperm(edges.size(1), generator=generator_from(split_seed(seed, 1)))
    rows = order[: math.ceil(wanted / k)]
    negatives = sampler.sample(edges[:, rows], k, generator=generator_from(split_seed(seed, 2)))
    return negatives.edge_index()[:, :wanted].cpu()


def structured_negative_sampling(
    edge_index: Tensor,
    num_nodes: Size = None,
    contains_neg_self_loops: bool = True,
    *,
    k: int | None = None,
    sampler: str | Sampler | None = None,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return for every edge (i, j) a k that i has no edge to; PyG's function of that name.

    Args:
        edge_index: ``[2, E]``.
        num_nodes: N, or (num_src, num_dst) of a bipartite graph; the largest id + 1 if None.
        contains_neg_self_loops: Whether (i, i) may be a negative where it is not an edge.
        k: Negatives an edge; the third result is then ``[E, k]``, else ``[E]``.
        sampler: An expression, or a sampler on this graph; never returns self-loops.
        generator: Source of randomness; the global one is never used.

    Returns:
        Sources ``[E]``, targets ``[E]``, negative targets.

    Raises:
        ValueError: If a source is joined to all others, so that it has no negative, or an argument
            is out of range.
    """
    size = _size(edge_index, num_nodes)
    loops = checks.flag("contains_neg_self_loops", contains_neg_self_loops)
    loops = loops and not isinstance(size, tuple) and sampler is None
    graph = Graph.from_edge_index(edge_index, (size, size) if loops else size, undirected=False)  # type: ignore[arg-type]
    sampler = Uniform(graph) if sampler is None else _built(sampler, graph)
    count = checks.integer("k", 1 if k is None else k, 1)
    negatives = sampler.sample(edge_index, count, generator=generator)
    if not negatives.mask[:, 0].all():
        lone = int(negatives.src[~negatives.mask[:, 0]][0])
        checks.fail(
            "edge_index",
            "of a graph where every source has a non-edge",
            f"node {lone} with none",
            hint="see structured_negative_sampling_feasible",
        )
    index = negatives.index.to(edge_index.dtype)
    return edge_index[0], edge_index[1], index[:, 0] if k is None else index


def structured_negative_sampling_feasible(
    edge_index: Tensor, num_nodes: Size = None, contains_neg_self_loops: bool = True
) -> bool:
    """Return whether every node has a non-edge; PyG's function of that name."""
    size = _size(edge_index, num_nodes)
    loops = checks.flag("contains_neg_self_loops", contains_neg_self_loops)
    if loops and not isinstance(size, tuple):
        size = size, size
    graph = Graph.from_edge_index(edge_index, size, undirected=False)
    return bool((KnownEdges(graph).sizes(np.arange(graph.num_src)) > 0).all())


def batched_negative_sampling(
    edge_index: Tensor,
    batch: Tensor | tuple[Tensor, Tensor],
    num_neg_samples: int | float | None = None,
    method: str = "sparse",
    force_undirected: bool = False,
    *,
    sampler: str | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return negative edges within each graph of a batch; PyG's function of that name.

    Args:
        edge_index: ``[2, E]`` of all graphs.
        batch: ``[N]``, the graph of each node, ascending; a pair in bipartite graphs.
        num_neg_samples: Per graph: how many; a share of its edges if a float, as many if None.
        method: ``"sparse"`` or ``"dense"``, which make no difference here.
        force_undirected: Take edges as undirected and return both directions of each negative.
        sampler: An expression.
        generator: Source of randomness; the global one is never used.

    Raises:
        ValueError: If an edge joins two graphs, ``batch`` is not ascending, or an argument is out
            of range.
    """
    edge_index = checks.pairs("edge_index", edge_index)
    sides = batch if isinstance(batch, tuple) else (batch, batch)
    if len(sides) != 2:
        checks.fail("batch", "a tensor, or a pair of tensors", checks.shown(batch))
    for side, ends in zip(sides, edge_index, strict=True):
        if checks.index_tensor("batch", side, "[N]").dim() != 1:
            checks.fail("batch", "an integer tensor of shape [N]", list(side.shape))
        if len(side) and side.min() < 0:
            checks.fail("batch", "the numbers of graphs, from 0", int(side.min()))
        checks.node_range("edge_index", ends, len(side))
        if len(side) > 1 and (side.diff() < 0).any():
            checks.fail("batch", "ascending", "a tensor that is not")
    of_edge = sides[0][edge_index[0]]
    if (of_edge != sides[1][edge_index[1]]).any():
        checks.fail("edge_index", "of edges within a graph of the batch", "an edge between two")
    count = max([int(side.max()) + 1 for side in sides if len(side)], default=0)
    sizes = [torch.bincount(side, minlength=count) for side in sides]
    starts = torch.stack([size.cumsum(0) - size for size in sizes], dim=1)
    seed = draw_seed(generator)
    parts = [edge_index[:, :0]]
    for i in range(count):
        edges = edge_index[:, of_edge == i] - starts[i].unsqueeze(1)
        size: Any = int(sizes[0][i])
        if not isinstance(batch, Tensor):
            size = size, int(sizes[1][i])
        negatives = negative_sampling(
            edges,
            size,
            num_neg_samples,
            method,
            force_undirected,
            sampler=sampler,
            generator=generator_from(split_seed(seed, i)),
        )
        parts.append(negatives + starts[i].unsqueeze(1))
    return torch.cat(parts, dim=1)


def _built(sampler: str | Sampler, graph: Graph) -> Sampler:
    """Return a sampler on ``graph``, of an expression or as it is."""
    if isinstance(sampler, str):
        return build(sampler, graph)
    checks.instance("sampler", sampler, (str, Sampler), hint="an expression such as 'walk'")
    return sampler


def _size(edge_index: Tensor, num_nodes: Size) -> int | tuple[int, int]:
    edge_index = checks.pairs("edge_index", edge_index)
    if num_nodes is None:
        return int(edge_index.max()) + 1 if edge_index.numel() else 0
    return num_nodes


def _wanted(num_neg_samples: int | float | None, edges: int) -> int:
    if num_neg_samples is None:
        return edges
    if isinstance(num_neg_samples, float | np.floating):
        return int(checks.number("num_neg_samples", num_neg_samples, 0) * edges)
    return checks.integer("num_neg_samples", num_neg_samples, 0)
