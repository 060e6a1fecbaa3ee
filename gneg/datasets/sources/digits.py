"""The default dataset, a graph of handwritten digits that needs no download."""

from __future__ import annotations

import torch

from gneg.datasets.link import LinkData
from gneg.datasets.splits import make_split
from gneg.graph import Graph

NEIGHBORS = 10


def digits(seed: int = 0) -> LinkData:
    """Return the mutual nearest-neighbour graph of scikit-learn's digits: 1,797 nodes, 64 features.

    Two digits are joined if each is among the 10 nearest of the other in pixel space; those that
    are near but not mutually so are true hard negatives.
    """
    from sklearn.datasets import load_digits
    from sklearn.neighbors import kneighbors_graph

    pixels = load_digits().data / 16.0
    near = kneighbors_graph(pixels, NEIGHBORS)
    graph = Graph.from_scipy(near.multiply(near.T), undirected=True)
    return make_split("digits", graph, torch.from_numpy(pixels).float(), seed=seed)
