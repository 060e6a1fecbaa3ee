"""Cosines of features that are summed over neighbourhoods."""

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


class Smoothed:
    """Features summed over each node and its neighbours, as a GCN without weights does it.

    Rows of length 1; features that are never negative are weighed by inverse document frequency.
    A step sums over a node w with weight 1 / sqrt(deg(w) + 1) (and by the same at its end: a
    cosine does not see the last of those).

    Args:
        graph: Undirected.
        x: ``[N, F]`` features, dense or sparse CSR.
        hops: Steps at the most, 0 to 2.
    """

    def __init__(self, graph: Graph, x: Tensor, hops: int) -> None:
        size = graph.num_nodes
        src, dst = graph.edge_index.numpy()
        self.weight = 1.0 / np.sqrt(graph.degree().numpy() + 1.0)
        ones = sparse.csr_array((np.ones(len(src)), (src, dst)), shape=(size, size))
        near = ones + sparse.eye_array(size, format="csr")
        #: Features, their sums over one step, over two.
        self.sums = [_weighed(heuristics.unit_rows(x))]
        for step in range(1, hops + 1):  # the weight of an end and of the next start is one factor
            self.sums.append(near @ _scaled(self.weight**step, self.sums[-1]))
        for one in self.sums:
            if not isinstance(one, np.ndarray):
                one.sort_indices()
        every = np.arange(size)
        self.norms = [inner_products(one, every, every) for one in self.sums]

    def cosines(
        self, rows: IntArray, targets: IntArray, own: npt.NDArray[np.bool_], *, hops: int
    ) -> FloatArray:
        """Cosines ``[B]`` of sums over ``hops`` steps, where ``own`` as if the pair were no edge.

        The weights of nodes stay those with the edge.
        """
        sums = self.sums[hops]
        inner = inner_products(sums, rows, targets)
        norms = np.stack([self.norms[hops][rows], self.norms[hops][targets]])
        edges = np.flatnonzero(own & (hops > 0))
        for start in range(0, len(edges), heuristics.CHUNK):
            some = edges[start : start + heuristics.CHUNK]
            u, v = rows[some], targets[some]
            left, right = self._without(u, v, hops), self._without(v, u, hops)
            inner[some] = (left * right).sum(axis=1)
            norms[:, some] = (left * left).sum(axis=1), (right * right).sum(axis=1)
        length = np.sqrt(np.maximum(norms[0], 0.0) * np.maximum(norms[1], 0.0))
        found: FloatArray = np.zeros(len(rows))
        np.divide(inner, length, out=found, where=length > 1e-12)
        return found

    def _without(self, u: IntArray, v: IntArray, hops: int) -> Any:
        """Sums ``[B, F]`` of ``u`` without the edge to ``v``: less what came over it."""
        of_u, of_v, x = self.weight[u], self.weight[v], self.sums[0][v]
        if hops == 1:
            return self.sums[1][u] - _scaled(of_v, x)
        back = _scaled(of_u**2 * of_v, x)  # v by u itself, which is one of its own neighbours
        return self.sums[2][u] - _scaled(of_v**2, self.sums[1][v]) - back


def _weighed(x: Any) -> Any:
    """Rows of length 1, by inverse document frequency if nothing is negative."""
    if x.size and x.min() < 0:
        return x
    seen = np.asarray((x > 0).sum(axis=0)).ravel()
    weight = np.log((1 + x.shape[0]) / (1 + seen)) + 1.0
    weighed = x @ sparse.diags_array(weight)
    norm = np.sqrt((weighed * weighed).sum(axis=1))
    return _scaled(1.0 / np.where(norm > 0, norm, 1.0), weighed)


def _scaled(weight: FloatArray, rows: Any) -> Any:
    return sparse.diags_array(weight) @ rows
