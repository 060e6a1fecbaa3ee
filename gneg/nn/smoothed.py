"""Cosines of node features that are summed over neighbourhoods."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from torch import Tensor

from gneg.graph import Graph, heuristics
from gneg.graph.cosines import inner_products

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class SmoothedFeatures:
    """Features summed over each node and its neighbours, as in a GCN without parameters.

    Rows have length 1; features without negative values are weighted by inverse document
    frequency. Each step adds the rows of a node and of its neighbours w, each times
    1 / sqrt(deg(w) + 1). The factor at the node that sums, which a GCN has as well, does not change
    a cosine.

    Args:
        graph: The graph, undirected.
        x: ``[N, F]`` features, dense or sparse CSR.
        hops: Largest number of steps, 0 to 2.
    """

    def __init__(self, graph: Graph, x: Tensor, hops: int) -> None:
        size = graph.num_nodes
        src, dst = graph.edge_index.numpy()
        self.weight = 1.0 / np.sqrt(graph.degree().numpy() + 1.0)
        adjacency = sparse.csr_array((np.ones(len(src)), (src, dst)), shape=(size, size))
        near = adjacency + sparse.eye_array(size, format="csr")
        #: The features, their sums over one step, and over two.
        self.sums = [_weighted_by_rarity(heuristics.unit_rows(x))]
        # From the second step on both steps have a factor at the node between them: one power.
        for step in range(1, hops + 1):
            self.sums.append(near @ _scale_rows(self.weight**step, self.sums[-1]))
        for sums in self.sums:
            if not isinstance(sums, np.ndarray):
                sums.sort_indices()
        nodes = np.arange(size)
        #: Squared lengths of the rows of ``sums``.
        self.norms = [inner_products(sums, nodes, nodes) for sums in self.sums]

    def cosines(
        self, rows: IntArray, targets: IntArray, is_edge: npt.NDArray[np.bool_], *, hops: int
    ) -> FloatArray:
        """Return the cosines ``[B]`` of sums over some steps, each without the pair's own edge.

        The weights of nodes stay those with the edge.

        Args:
            rows: Ids of sources, ``[B]``.
            targets: Ids of targets, ``[B]``.
            is_edge: Whether each pair is an edge, ``[B]``.
            hops: Number of steps, 0 to 2.
        """
        sums = self.sums[hops]
        inner = inner_products(sums, rows, targets)
        norms = np.stack([self.norms[hops][rows], self.norms[hops][targets]])
        edges = np.flatnonzero(is_edge & (hops > 0))
        for start in range(0, len(edges), heuristics.CHUNK):
            chunk = edges[start : start + heuristics.CHUNK]
            u, v = rows[chunk], targets[chunk]
            left, right = self._without_edge(u, v, hops), self._without_edge(v, u, hops)
            inner[chunk] = (left * right).sum(axis=1)
            norms[:, chunk] = (left * left).sum(axis=1), (right * right).sum(axis=1)
        length = np.sqrt(np.maximum(norms[0], 0.0) * np.maximum(norms[1], 0.0))
        cosines: FloatArray = np.zeros(len(rows))
        np.divide(inner, length, out=cosines, where=length > 1e-12)
        return cosines

    def _without_edge(self, u: IntArray, v: IntArray, hops: int) -> Any:
        """Return the sums ``[B, F]`` at ``u`` minus what passed along the edge to ``v``."""
        weight_u, weight_v, x = self.weight[u], self.weight[v], self.sums[0][v]
        if hops == 1:
            return self.sums[1][u] - _scale_rows(weight_v, x)
        stay = _scale_rows(weight_u**2 * weight_v, x)  # from v to u, and from u to itself
        return self.sums[2][u] - _scale_rows(weight_v**2, self.sums[1][v]) - stay


def _weighted_by_rarity(x: Any) -> Any:
    """Return rows of length 1, by inverse document frequency unless a value is negative."""
    if x.size and x.min() < 0:
        return x
    frequency = np.asarray((x > 0).sum(axis=0)).ravel()
    weight = np.log((1 + x.shape[0]) / (1 + frequency)) + 1.0
    weighted = x @ sparse.diags_array(weight)
    norm = np.sqrt((weighted * weighted).sum(axis=1))
    return _scale_rows(1.0 / np.where(norm > 0, norm, 1.0), weighted)


def _scale_rows(weight: FloatArray, rows: Any) -> Any:
    """Return ``rows [N, F]`` times ``weight [N]``."""
    return sparse.diags_array(weight) @ rows
