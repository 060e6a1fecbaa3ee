"""The message-passing graph as one sparse matrix, from which target edges can be masked."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from gneg import checks, sparse
from gneg.graph import Graph


class Adjacency:
    """The symmetric 0/1 adjacency matrix of a graph's edges, for message passing.

    A directed graph is passed along in both directions, as in OGB's baselines. Being symmetric, the
    matrix is its own transpose, so gradients cost what the forward pass costs.

    Args:
        graph: A homogeneous graph.
        device: Where the matrix lives.

    Raises:
        ValueError: If the graph is bipartite.
    """

    def __init__(self, graph: Graph, device: torch.device | str = "cpu") -> None:
        if graph.bipartite:
            checks.fail("graph", "homogeneous", graph)
        both = graph.to_undirected()
        self._graph: Graph | None = both
        self.num_nodes = both.num_nodes
        self._crow = torch.from_numpy(both.indptr.copy()).to(device)
        self._col = torch.from_numpy(both.indices.copy()).to(device)
        if both.num_edges < 2**31:
            self._crow = self._crow.int()
        self._values = torch.ones(both.num_edges, device=device)

    @cached_property
    def matrix(self) -> Tensor:
        """``[N, N]`` sparse CSR; masked edges stand in it with the value 0."""
        size = (self.num_nodes, self.num_nodes)
        return sparse.csr(self._crow, self._col, self._values, size)

    @cached_property
    def degree(self) -> Tensor:
        """``[N, 1]`` number of unmasked neighbours."""
        ones = torch.ones(self.num_nodes, 1, device=self._values.device)
        return self.matrix @ ones

    def sum(self, h: Tensor) -> Tensor:
        """Sum of the neighbours' rows of ``h [N, D]``."""
        return sparse.product(self.matrix, self.matrix, h)

    def mean(self, h: Tensor) -> Tensor:
        """Mean of the neighbours' rows; 0 for an isolated node."""
        return self.sum(h) / self.degree.clamp(min=1)

    def normalized(self, h: Tensor) -> Tensor:
        """Symmetrically normalised sum with self-loops (Kipf and Welling, ICLR 2017, eq. 2)."""
        scale = (self.degree + 1).rsqrt()
        scaled = scale * h
        return scale * (self.sum(scaled) + scaled)

    def positions(self, edges: Tensor) -> Tensor:
        """Places of ``edges [2, E]`` in the matrix, both directions, ``[2, E]``, for ``without``.

        Raises:
            ValueError: If one of them is not an edge of the graph.
        """
        assert self._graph is not None
        sources, targets = self._graph.edge_index
        keys = sources * self.num_nodes + targets
        asked = torch.stack(
            [edges[0] * self.num_nodes + edges[1], edges[1] * self.num_nodes + edges[0]]
        ).cpu()
        place = torch.searchsorted(keys, asked)
        found = keys[place.clamp(max=max(len(keys) - 1, 0))] == asked
        loops = (edges[0] == edges[1]).cpu()
        if not (found | loops).all():
            checks.fail("edges", "edges of the graph", f"{int((~found).any(0).sum())} others")
        # A self-loop is not in the matrix: point it at nothing.
        return torch.where(found, place, -1).to(self._values.device)

    def without(self, positions: Tensor) -> Adjacency:
        """The same matrix with the edges at ``positions`` masked; shares everything else."""
        other = object.__new__(Adjacency)
        other._graph = None
        other.num_nodes, other._crow, other._col = self.num_nodes, self._crow, self._col
        other._values = self._values.clone()
        flat = positions.reshape(-1)
        other._values[flat[flat >= 0]] = 0.0
        return other
