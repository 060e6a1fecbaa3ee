"""A decoder that sees the embeddings of the neighbours that both ends have in common."""

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
from gneg.nn.decoders import MLP, Cosine


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


class NCN(nn.Module):
    """A cosine plus a perceptron on the product of both ends and on their common neighbours.

    After the Neural Common Neighbor of Wang, Yang and Zhang (ICLR 2024, equation 7): the perceptron
    sees the Hadamard product and the sum over common neighbours, here weighted as by Adamic-Adar
    and normalised (Ba et al. 2016). As in :class:`Hybrid` it corrects a cosine and starts at 0.

    ``forward`` takes embeddings as :meth:`extend` returns them; :class:`LinkPredictor` calls it.

    Args:
        width: Width of the embeddings, D.
        graph: The training graph, homogeneous.
        layers: Number of linear layers of the perceptron, >= 1.
        dropout: Share of hidden values dropped, in [0, 1].

    Raises:
        ValueError: If the graph is bipartite.
    """

    def __init__(self, width: int, graph: Graph, *, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.common = CommonNeighbors(graph)
        self.norm = nn.LayerNorm(width)
        self.cosine = Cosine()
        self.correction = MLP(2 * width, layers=layers, dropout=dropout)
        last: nn.Linear = self.correction.stack[-1]  # type: ignore[assignment]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def extend(self, src: Tensor, dst: Tensor, pairs: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``src`` and ``dst``, ``[B, 2 D]`` each, whose product holds common neighbours.

        Args:
            src: Embeddings of sources, ``[B, D]``.
            dst: Embeddings of targets, ``[B, D]``.
            pairs: Ids of sources and targets, ``[2, B]``.
            z: Embeddings of all nodes, ``[N, D]``.
        """
        sums = self.norm(self.common(z, pairs))
        return torch.cat([src, sums], dim=1), torch.cat([dst, torch.ones_like(sums)], dim=1)

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[B]`` of what :meth:`extend` returned."""
        product, width = src * dst, src.size(-1) // 2
        cosine = self.cosine.of_product(product[..., :width], src[..., :width], dst[..., :width])
        return cosine + self.correction.of_product(product)
