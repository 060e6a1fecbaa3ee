"""The message-passing graph as one sparse matrix, from which target edges can be masked."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, sparse
from gneg.graph.csr import Steps


class Adjacency:
    """The symmetric adjacency matrix of a graph's edges, for message passing.

    Entries are 1, or the weights of a weighted graph. A directed graph is passed along in both
    directions, as in OGB's baselines; a bipartite one too, targets after sources. Being symmetric,
    the matrix is its own transpose, so gradients cost what the forward pass costs.

    Args:
        graph: Any graph.
        device: Where the matrix lives.
    """

    def __init__(self, graph: Graph, device: torch.device | str = "cpu") -> None:
        steps = (graph if graph.bipartite else graph.to_undirected()).steps()
        self._steps: Steps | None = steps
        self.num_nodes = graph.num_nodes
        self._crow = torch.from_numpy(steps.indptr.copy()).to(device)
        self._col = torch.from_numpy(steps.indices.copy()).to(device)
        if len(steps.indices) < 2**31:
            self._crow = self._crow.int()
        self._values = torch.ones(len(steps.indices), device=device)
        if steps.weights is not None:
            self._values = torch.from_numpy(steps.weights.copy()).float().to(device)

    @cached_property
    def matrix(self) -> Tensor:
        """``[N, N]`` sparse CSR; masked edges stand in it with the value 0."""
        size = (self.num_nodes, self.num_nodes)
        return sparse.csr(self._crow, self._col, self._values, size)

    @cached_property
    def degree(self) -> Tensor:
        """``[N, 1]`` number, or weight, of unmasked neighbours."""
        ones = torch.ones(self.num_nodes, 1, device=self._values.device)
        return self.matrix @ ones

    def sum(self, h: Tensor) -> Tensor:
        """Sum of the neighbours' rows of ``h [N, D]``, times the weights."""
        return sparse.product(self.matrix, self.matrix, h)

    def mean(self, h: Tensor) -> Tensor:
        """Mean of the neighbours' rows; 0 for an isolated node."""
        return self.sum(h) / torch.where(self.degree > 0, self.degree, 1.0)

    def normalized(self, h: Tensor) -> Tensor:
        """Symmetrically normalised sum with self-loops (Kipf and Welling, ICLR 2017, eq. 2)."""
        scale = (self.degree + 1).rsqrt()
        scaled = scale * h
        return scale * (self.sum(scaled) + scaled)

    def symmetric(self, h: Tensor) -> Tensor:
        """Symmetrically normalised sum without self-loops (He et al., SIGIR 2020, eq. 3)."""
        scale = torch.where(self.degree > 0, self.degree, 1.0).rsqrt()
        return scale * self.sum(scale * h)

    def positions(self, edges: Tensor) -> Tensor:
        """Places of ``edges [2, E]`` in the matrix, both directions, ``[2, E]``, for ``without``.

        Raises:
            ValueError: If one of them is not an edge of the graph.
        """
        steps = self._steps
        assert steps is not None
        sources = np.repeat(np.arange(self.num_nodes), np.diff(steps.indptr))
        keys = torch.from_numpy(sources * self.num_nodes + steps.indices)
        src, dst = edges[0].cpu(), edges[1].cpu() + steps.target_shift
        asked = torch.stack([src * self.num_nodes + dst, dst * self.num_nodes + src])
        place = torch.searchsorted(keys, asked)
        found = keys[place.clamp(max=max(len(keys) - 1, 0))] == asked
        loops = src == dst
        if not (found | loops).all():
            checks.fail("edges", "edges of the graph", f"{int((~found).any(0).sum())} others")
        # A self-loop is not in the matrix: point it at nothing.
        return torch.where(found, place, -1).to(self._values.device)

    def without(self, positions: Tensor) -> Adjacency:
        """The same matrix with the edges at ``positions`` masked; shares everything else."""
        other = object.__new__(Adjacency)
        other._steps = None
        other.num_nodes, other._crow, other._col = self.num_nodes, self._crow, self._col
        other._values = self._values.clone()
        flat = positions.reshape(-1)
        other._values[flat[flat >= 0]] = 0.0
        return other
