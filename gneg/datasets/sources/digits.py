"""A graph of handwritten digits that needs no download."""

from __future__ import annotations

import numpy as np
import torch

from gneg.datasets.link import LinkData
from gneg.datasets.splits import make_split
from gneg.graph import Graph

NEIGHBORS = 10


def digits(seed: int = 0) -> LinkData:
    """Return the mutual nearest-neighbour graph of scikit-learn's digits: 1,797 nodes, 64 features.

    Two digits are joined if each is among the 10 nearest of the other in pixel space (of equally
    near ones, those with the smallest ids); those that are near but not mutually so are true hard
    negatives.
    """
    from sklearn.datasets import load_digits

    pixels = load_digits().data  # integers from 0 to 16: all distances are exact
    norms = (pixels**2).sum(axis=1)
    distances = norms[:, None] + norms - 2 * pixels @ pixels.T
    np.fill_diagonal(distances, distances.max() + 1)
    keys = distances * len(pixels) + np.arange(len(pixels))  # ties by id
    nearest = np.argpartition(keys, NEIGHBORS, axis=1)[:, :NEIGHBORS]
    near = np.zeros(distances.shape, dtype=bool)
    np.put_along_axis(near, nearest, True, axis=1)
    edges = torch.from_numpy(np.stack(np.nonzero(near & near.T)))
    graph = Graph.from_edge_index(edges, len(pixels), undirected=True)
    return make_split("digits", graph, torch.from_numpy(pixels / 16.0).float(), seed=seed)
