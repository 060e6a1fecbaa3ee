"""The default dataset, a generated scale-free graph that needs no download."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from gneg.datasets.link import LinkData
from gneg.datasets.splits import make_split
from gneg.graph import Graph

NODES = 1_000
#: Decay of the probability of a link with distance, exponent of the degrees, mean degree: values
#: of social networks, where links are neither random nor decided by distance alone.
BETA, GAMMA, DEGREE = 1.8, 2.7, 12.0


def hyperbolic(seed: int = 0) -> LinkData:
    """Return a geometric random graph of 1,000 nodes without features: popularity and similarity.

    Each node has a place on a circle and a popularity, both hidden; two nodes are linked with
    probability 1 / (1 + (distance / product of popularities)^beta) (the S1 model: Serrano, Krioukov
    and Boguna, PRL 2008, as networkx generates it). It has the heavy-tailed degrees and the
    triangles of real networks, and nothing but the links tells about places. A model that learns
    from the negatives that a walk finds ranks better against hard ones (``benchmarks/README.md``).

    Args:
        seed: Seed of the split; the graph is always the same.
    """
    graph = Graph.from_edge_index(_edges(), NODES, undirected=True)
    return make_split("hyperbolic", graph, None, seed=seed)


@functools.cache  # two seconds, for pairs of nodes in Python
def _edges() -> Tensor:
    """Return the edges, one direction of each [2, E]."""
    from networkx import geometric_soft_configuration_graph

    links = geometric_soft_configuration_graph(
        beta=BETA, n=NODES, gamma=GAMMA, mean_degree=DEGREE, seed=0
    ).edges
    return torch.tensor(sorted(links)).t()
