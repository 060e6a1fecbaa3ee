"""The message-passing graph as one sparse matrix, from which target edges can be masked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, sparse
from gneg.graph.csr import Steps
from gneg.graph.lazy import cached_property

# Of graphs whose sums are products of dense matrices in half precision: 800 MB, and where these are
# faster than sparse ones.
MOST_NODES, LEAST_DENSITY = 20_000, 0.02


class Adjacency:
    """The symmetric adjacency matrix of a graph's edges, for message passing.

    Entries are 1, or the weights of a weighted graph. Messages pass along an edge of a directed
    graph in both directions, as in OGB's baselines. In a bipartite graph nodes are sources, then
    targets. The matrix is its own transpose, so that gradients cost what the forward pass costs.

    Args:
        graph: The graph, of any kind.
        device: The device of the matrix.
        half: Whether sums over a dense graph that have a gradient are products of dense matrices in
            bfloat16.
    """

    def __init__(
        self, graph: Graph, device: torch.device | str = "cpu", *, half: bool = False
    ) -> None:
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
        self.weighted = steps.weights is not None
        self._unmasked = self
        self._masked: Tensor | None = None
        size = self.num_nodes
        self.dense = half and size <= MOST_NODES and len(self._col) > LEAST_DENSITY * size * size

    @cached_property
    def matrix(self) -> Tensor:
        """The matrix, ``[N, N]`` sparse CSR; masked edges have the value 0."""
        size = (self.num_nodes, self.num_nodes)
        return sparse.csr(self._crow, self._col, self._values, size)

    @cached_property
    def degree(self) -> Tensor:
        """The number (or weight) of each node's neighbours, masked edges left out, ``[N, 1]``."""
        column = torch.ones(self.num_nodes, 1, device=self._values.device)
        return sparse.product(self.matrix, self.matrix, column)

    @cached_property
    def _half(self) -> Tensor:
        """The matrix, dense in bfloat16; masked edges have the value 0."""
        if self._masked is None:
            shape = self.num_nodes, self.num_nodes
            whole = torch.zeros(shape, dtype=torch.bfloat16, device=self._values.device)
            whole.view(-1)[self._places[:-1]] = self._values.bfloat16()
            return whole
        half: Tensor = self._unmasked._half.clone()
        half.view(-1)[self._unmasked._places[self._masked]] = 0.0
        return half

    @cached_property
    def _places(self) -> Tensor:
        """The positions of the entries in the dense matrix, and one that is always 0, ``[E + 1]``.

        The latter, on its diagonal, is that of a self-loop.
        """
        columns, rows = self._edges
        return torch.nn.functional.pad(rows * self.num_nodes + columns, (0, 1))

    @cached_property
    def _edges(self) -> Tensor:
        """All edges, ``[2, E]``, from the neighbour to the row."""
        row = torch.arange(self.num_nodes, device=self._col.device)
        target = torch.repeat_interleave(row, self._crow.long().diff())
        return torch.stack([self._col.long(), target])

    @cached_property
    def edge_index(self) -> Tensor:
        """The edges that messages pass along as PyG's layers take them, ``[2, E]``.

        Both directions of each; masked edges are left out.
        """
        return self._unmasked._edges[:, self._values != 0]

    @cached_property
    def edge_weight(self) -> Tensor:
        """The weights ``[E]`` of :attr:`edge_index`; 1 without weights."""
        return self._values[self._values != 0]

    def sum(self, h: Tensor) -> Tensor:
        """Return the weighted sum ``[N, D]`` of the neighbours' rows of ``h [N, D]``."""
        if self.dense and torch.is_grad_enabled():
            return sparse.half_product(self._half, h)
        return sparse.product(self.matrix, self.matrix, h)

    def mean(self, h: Tensor) -> Tensor:
        """Return the weighted mean of the neighbours' rows of ``h``; 0 for an isolated node."""
        return self.sum(h) / torch.where(self.degree > 0, self.degree, 1.0)

    def normalized(self, h: Tensor) -> Tensor:
        """Return the normalised sum with self-loops (Kipf and Welling, ICLR 2017, eq. 2)."""
        scale = (self.degree + 1).rsqrt()
        scaled = scale * h
        return scale * (self.sum(scaled) + scaled)

    def symmetric(self, h: Tensor) -> Tensor:
        """Return the normalised sum without self-loops (He et al., SIGIR 2020, eq. 3)."""
        scale = torch.where(self.degree > 0, self.degree, 1.0).rsqrt()
        return scale * self.sum(scale * h)

    def positions(self, edges: Tensor) -> Tensor:
        """Return the positions of edges among the entries of the matrix, for :meth:`without`.

        Args:
            edges: Edges of the graph, ``[2, E]``.

        Returns:
            ``[2, E]``: the entry of each edge, and of its reverse; -1 for a self-loop, which is
            not in the matrix.

        Raises:
            ValueError: If one of them is not an edge of the graph.
        """
        steps = self._steps
        assert steps is not None
        sources = np.repeat(np.arange(self.num_nodes), np.diff(steps.indptr))
        keys = torch.from_numpy(sources * self.num_nodes + steps.indices)
        src, dst = edges[0].cpu(), edges[1].cpu() + steps.target_shift
        edge_keys = torch.stack([src * self.num_nodes + dst, dst * self.num_nodes + src])
        position = torch.searchsorted(keys, edge_keys)
        present = keys[position.clamp(max=max(len(keys) - 1, 0))] == edge_keys
        loops = src == dst
        if not (present | loops).all():
            checks.fail("edges", "edges of the graph", f"{int((~present).any(0).sum())} others")
        return torch.where(present, position, -1).to(self._values.device)

    def without(self, positions: Tensor) -> Adjacency:
        """Return the adjacency with some edges masked; it shares all arrays but the values.

        Args:
            positions: Entries of the matrix, of any shape, as :meth:`positions` returns them.
        """
        masked = object.__new__(Adjacency)
        masked._steps, masked._unmasked, masked.weighted = None, self._unmasked, self.weighted
        masked.num_nodes, masked._crow, masked._col = self.num_nodes, self._crow, self._col
        masked._masked, masked.dense = positions.reshape(-1), self.dense
        # One more value, for the -1 of self-loops: a look for them would wait for the device.
        values = torch.nn.functional.pad(self._values, (0, 1))
        values[masked._masked] = 0.0
        masked._values = values[:-1]
        return masked
