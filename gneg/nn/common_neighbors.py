"""Sums of the embeddings of the neighbours that both ends of a pair have in common."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse as scipy_sparse
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph, sparse
from gneg.nn.choices import Weighting


class CommonNeighbors(nn.Module):
    """The weighted sum of the embeddings of a pair's common neighbours.

    The pair's own edge makes no node a common neighbour, so that its label is not revealed as long
    as the embeddings do not depend on it: in training those of a graph without the batch's edges.

    Args:
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        weighting: Weight of a common neighbour with degree d: 1 (``"cn"``), 1 / log d (``"aa"``)
            or 1 / d (``"ra"``).

    Raises:
        ValueError: If the graph is bipartite or the weighting unknown.
    """

    def __init__(self, graph: Graph, weighting: Weighting = "aa") -> None:
        super().__init__()
        if graph.bipartite:
            checks.fail(
                "graph", "homogeneous: two kinds of nodes have no neighbour in common", graph
            )
        checks.choice("weighting", weighting, get_args(Weighting))
        steps = graph.to_undirected().steps()
        entries = np.ones(len(steps.indices), np.float32), steps.indices, steps.indptr
        self._adjacency: Any = scipy_sparse.csr_array(entries, shape=(graph.num_nodes,) * 2)
        # A common neighbour has two neighbours, or it would be none.
        degree = np.maximum(np.diff(steps.indptr), 2)
        weights: dict[str, npt.NDArray[Any]] = {
            "cn": np.ones(len(degree)),
            "aa": 1 / np.log(degree),
        }
        weights["ra"] = 1 / degree
        self._weight = weights[weighting].astype(np.float32)

    def forward(self, z: Tensor, pairs: Tensor) -> Tensor:
        """Return the sums ``[B, D]``, 0 for a pair without common neighbours.

        Args:
            z: Embeddings of all nodes, ``[N, D]``.
            pairs: Ids of both ends, ``[2, B]``.
        """
        src, dst = pairs.detach().cpu().numpy()
        common: Any = self._adjacency[src].multiply(self._adjacency[dst]).tocsr()
        common.data = self._weight[common.indices]
        size = len(src), z.size(0)
        matrix = _csr(common, size).to(z.device)
        transposed = _csr(common.T.tocsr(), size[::-1]).to(z.device)
        with torch.autocast(z.device.type, enabled=False):  # bfloat16 has no sparse product
            return sparse.product(matrix, transposed, z.float()).to(z.dtype)


def _csr(matrix: Any, shape: tuple[int, int]) -> Tensor:
    """Return a SciPy CSR matrix as a sparse tensor."""
    crow, col, values = map(torch.from_numpy, (matrix.indptr, matrix.indices, matrix.data))
    return sparse.csr(crow, col, values, shape)
