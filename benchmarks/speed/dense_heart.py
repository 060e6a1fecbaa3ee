"""HeaRT's procedure implemented directly: dense rows of N scores, one edge at a time.

The same negatives as :mod:`gneg.evaluation.hardset.heart`, with PageRank by power iteration.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import rankdata

from gneg.datasets import LinkData

ALPHA, STEPS = 0.15, 60  # of PageRank; all further steps together add less than 1e-4


class Dense:
    """Hard negatives of a dataset; matrices that all nodes share are made once."""

    def __init__(self, data: LinkData) -> None:
        graph, self.size = data.graph, data.num_nodes
        values = np.ones(graph.num_edges)
        self.adjacency = sparse.csr_array((values, graph.indices, graph.indptr), (self.size,) * 2)
        degree = np.maximum(np.diff(graph.indptr), 1)
        self.through = (sparse.diags_array(1.0 / degree) @ self.adjacency).tocsr()
        self.back = self.through.T.tocsr()
        self.known = data.known("all")
        self.unit = None
        if data.x is not None:
            x = data.x.to_dense() if data.x.layout != data.train.layout else data.x
            self.unit = x.double().numpy()
            self.unit /= np.maximum(np.linalg.norm(self.unit, axis=1, keepdims=True), 1e-12)

    def scores(self, u: int) -> list[npt.NDArray[np.float64]]:
        """Return resource allocation, PageRank and cosine of ``u`` to all nodes, ``[N]`` each."""
        ra = (self.adjacency[[u]] @ self.through).toarray()[0]
        walk = np.zeros(self.size)
        walk[u] = 1.0
        ppr = ALPHA * walk
        for _ in range(STEPS):
            walk = (1 - ALPHA) * (self.back @ walk)
            ppr += ALPHA * walk
        return [ra, ppr] + ([] if self.unit is None else [self.unit @ self.unit[u]])

    def hardest(self, u: int, target: int, count: int) -> npt.NDArray[np.int64]:
        """Return the ``count`` best-ranked non-edges of ``u``, without the positive's target."""
        known = self.known.indices[self.known.indptr[u] : self.known.indptr[u + 1]]
        free = np.ones(self.size, bool)
        free[known] = free[u] = free[target] = False
        best = np.full(self.size, np.inf)
        for score in self.scores(u):
            rank = rankdata(-score[free])
            rank[score[free] == 0] = (score[free] >= 0).sum()
            best[free] = np.minimum(best[free], rank)
        return np.argsort(best, kind="stable")[:count]

    def negatives(self, u: int, v: int, k: int) -> tuple[npt.NDArray[np.int64], ...]:
        """Return the ``k / 2`` negatives of either end of a positive."""
        return self.hardest(u, v, k // 2), self.hardest(v, u, k // 2)
