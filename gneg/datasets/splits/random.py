"""Random splits: of whole node pairs, or such that every node keeps a training edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph
from gneg.rng import generator_from, split_seed


def split_edges(
    graph: Graph, ratios: tuple[float, float] = (0.05, 0.10), seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Split a graph's edges into train, valid and test, each ``[2, E]`` long.

    Whole node pairs are split: both directions of an undirected edge, and reciprocal arcs of a
    directed graph, always fall together, so that no edge is given away by its reverse. Undirected
    edges are returned once, as (smaller, larger).

    Args:
        graph: The graph whose edges are split, homogeneous or bipartite.
        ratios: Shares of validation and test, each in [0, 1), together below 1.
        seed: Seed of the random order.

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
    rank = torch.randperm(len(pairs), generator=generator_from(split_seed(seed, 0)))[pair_of]
    num_valid, num_test = (round(ratio * len(pairs)) for ratio in ratios)
    valid = rank < num_valid
    test = (rank >= num_valid) & (rank < num_valid + num_test)
    return edges[:, ~(valid | test)], edges[:, valid], edges[:, test]


def hold_out(
    graph: Graph,
    ratios: tuple[float, float],
    *,
    keep: Literal["nodes", "connected"],
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Split a graph's edges so that training keeps every node, or whatever is connected.

    Args:
        graph: The graph whose edges are split, homogeneous or bipartite.
        ratios: Shares of validation and test; the parts are smaller where edges cannot be spared.
        keep: ``"nodes"``: every node that has an edge keeps one; ``"connected"``: nodes that are
            connected stay so (a random spanning forest stays in training).
        seed: Seed of the random order.

    Returns:
        Train, valid and test, ``[2, E]`` long each; undirected edges once.
    """
    edges = graph.edge_index
    if graph.undirected:
        edges = edges[:, edges[0] < edges[1]]
    if keep == "nodes":
        spaces = (0, 1) if graph.bipartite else (0, 0)
        return hold_out_covered(edges, ratios, id_spaces=spaces, seed=seed)
    forest = _spanning_forest(graph, edges, seed)
    place = torch.rand(edges.size(1), generator=generator_from(split_seed(seed, 0)))
    spare = torch.sort(torch.where(forest, 2.0, place), stable=True).indices
    num_valid, num_test = (round(ratio * edges.size(1)) for ratio in ratios)
    free = int((~forest).sum())
    num_valid, num_test = min(num_valid, free // 3), min(num_test, free - free // 3)
    part = torch.zeros(edges.size(1), dtype=torch.long)
    part[spare[:num_valid]] = 1
    part[spare[num_valid : num_valid + num_test]] = 2
    return edges[:, part == 0], edges[:, part == 1], edges[:, part == 2]


def _spanning_forest(graph: Graph, edges: Tensor, seed: int) -> Tensor:
    """Return the mask ``[E]`` of the edges of a random spanning forest."""
    import scipy.sparse.csgraph  # slow to import

    shift = graph.num_src if graph.bipartite else 0
    src, dst = edges[0].numpy(), edges[1].numpy() + shift
    weight = np.random.Generator(np.random.Philox(split_seed(seed, 1))).random(len(src)) + 1.0
    size = graph.num_nodes
    low, high = np.minimum(src, dst), np.maximum(src, dst)
    key, first = np.unique(low * size + high, return_index=True)
    matrix = scipy.sparse.coo_matrix((weight[first], (low[first], high[first])), (size, size))
    tree = scipy.sparse.csgraph.minimum_spanning_tree(matrix.tocsr()).tocoo()
    chosen = np.minimum(tree.row, tree.col).astype(np.int64) * size + np.maximum(tree.row, tree.col)
    forest = np.zeros(len(src), bool)
    forest[first[np.isin(key, chosen)]] = True
    # Of a pair of arcs both stay: its reverse would give a held-out arc away.
    return torch.from_numpy(np.isin(low * size + high, (low * size + high)[forest]))


def hold_out_covered(
    edges: Tensor, shares: tuple[float, float], *, id_spaces: Sequence[int], seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Hold out a random share of edges or triples such that every id keeps a training edge.

    A user or an entity without any training edge could not be ranked, so edges that hold the last
    training occurrence of an id go back to training; the parts may be smaller than their shares.

    Args:
        edges: ``[2, E]`` edges or ``[3, E]`` triples.
        shares: Shares of validation and test, each in [0, 1).
        id_spaces: For each row of ``edges`` the number of its id space: rows of one id space (head
            and tail) cover for each other.
        seed: Seed of the draws.

    Returns:
        Train, valid and test, with as many rows as ``edges``.
    """
    place = torch.rand(edges.size(1), generator=generator_from(split_seed(seed, 0)))
    held_out = place < sum(shares)
    for space, ids in zip(id_spaces, edges, strict=True):
        rows = [i for i, row_space in enumerate(id_spaces) if row_space == space]
        held_out &= torch.isin(ids, edges[rows][:, ~held_out])
    test = held_out & (place < shares[1])
    return edges[:, ~held_out], edges[:, held_out & ~test], edges[:, test]
