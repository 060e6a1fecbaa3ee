"""Bitmaps of the nodes at distance two from each node, for graphs small enough to keep them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gneg import kernels
from gneg.graph.csr import IntArray, frozen
from gneg.graph.graph import Graph

MOST_PAIRS = 2**29  # of nodes: 64 megabytes
MOST_WORK = 2**31  # words that are united: half a second


class SecondNeighbors(NamedTuple):
    """Bitmaps of second neighbours; without rows where none are kept.

    Attributes:
        bits: ``[N, words]`` uint64, read-only; bit v of row u: whether v is at distance two from u.
        sizes: ``[N]`` int64, number of second neighbours.
    """

    bits: IntArray
    sizes: IntArray


#: Those of a graph that keeps none.
NONE = SecondNeighbors(frozen(np.zeros((0, 0), np.uint64)), frozen(np.empty(0, np.int64)))


def keeps_second_neighbors(graph: Graph) -> bool:
    """Return whether a graph is small enough; by its sizes alone, the same on any device."""
    pairs = graph.num_src * graph.num_dst
    work = graph.num_edges * _num_words(graph)
    return not graph.bipartite and pairs <= MOST_PAIRS and work <= MOST_WORK


def second_neighbors(graph: Graph) -> SecondNeighbors:
    """Return the second neighbours of each node, along edges; computed once for a graph."""
    if graph._second_neighbors is None:
        graph._second_neighbors = _find(graph)
    return graph._second_neighbors


def _num_words(graph: Graph) -> int:
    return -(-graph.num_dst // 64)


def _find(graph: Graph) -> SecondNeighbors:
    if not keeps_second_neighbors(graph):
        return NONE
    size, words = graph.num_src, _num_words(graph)
    bitmaps = SecondNeighbors(np.zeros((size, words), np.uint64), np.empty(size, np.int64))
    edges, neighbors = (graph.indptr, graph.indices), np.zeros_like(bitmaps.bits)
    run, second = kernels.threads.run_rows, kernels.second_neighbors
    run(second.mark, size, graph.num_edges, neighbors, *edges)
    run(second.unite, size, graph.num_edges * words, *bitmaps, neighbors, *edges)
    return SecondNeighbors(*map(frozen, bitmaps))
