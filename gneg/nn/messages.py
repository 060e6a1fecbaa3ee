"""Messages from some nodes to others: what a layer needs of a mini-batch, or of a few rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.graph import sparse
from gneg.loader.blocks import Blocks, MessageGraph, Transposed

Array = npt.NDArray[Any]


class Messages:
    """The messages of one layer, from n sources to m targets, in place of an ``Adjacency``.

    The same sums as those of :class:`~gneg.nn.Adjacency`; only the targets' rows are returned.

    Args:
        crow: ``[m + 1]``, offsets of each target's sources.
        col: Sources, as rows of what is passed on.
        values: Weights of the messages; None: 1.
        targets: The rows of the targets among the sources.
        strength: ``[n]``, number or weight of each source's neighbours in the graph.
        drawn: ``[m]``, share of each target's neighbours that are among its sources, in (0, 1];
            None: all of them.
        transposed: The transpose, for gradients; None: there are none.
        device: The device of the messages.
    """

    def __init__(
        self,
        crow: Array,
        col: Array,
        values: Array | None,
        targets: slice,
        strength: Array,
        *,
        drawn: Array | None = None,
        transposed: Transposed | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._arrays, self._values, self.targets = (crow, col), values, targets
        self._transposed, self.device = transposed, device
        self.num_sources = len(strength)
        self._strength = torch.from_numpy(strength).to(device).unsqueeze(1)
        self._drawn = None if drawn is None else torch.from_numpy(drawn).to(device).unsqueeze(1)

    def _matrix(self, crow: Array, col: Array, values: Array | None, size: int) -> Tensor:
        weights = np.ones(len(col), np.float32) if values is None else values
        parts = (crow.astype(np.int32), col, weights)
        offsets, columns, entries = (torch.from_numpy(part).to(self.device) for part in parts)
        return sparse.csr(offsets, columns, entries, (len(crow) - 1, size))

    @cached_property
    def matrix(self) -> Tensor:
        """The matrix, ``[m, n]`` sparse CSR."""
        return self._matrix(*self._arrays, self._values, self.num_sources)

    @cached_property
    def _backward(self) -> Tensor:
        if self._transposed is None:
            return self.matrix  # which no gradient passes
        indptr, indices, origin = self._transposed
        values = None if self._values is None else self._values[origin]
        return self._matrix(indptr, indices, values, len(self._arrays[0]) - 1)

    def sum(self, h: Tensor) -> Tensor:
        """Return the weighted sums ``[m, D]`` of rows of ``h [n, D]``."""
        return sparse.product(self.matrix, self._backward, h)

    def mean(self, h: Tensor) -> Tensor:
        """Return the weighted means ``[m, D]`` of rows of ``h [n, D]``; 0 without neighbours."""
        crow, _ = self._arrays
        if self._values is None:
            total = np.diff(crow).astype(np.float32)
        else:
            sums = np.concatenate([[0.0], np.cumsum(self._values, dtype=np.float64)])
            total = np.diff(sums[crow]).astype(np.float32)
        scale = torch.from_numpy(np.where(total > 0, total, 1)).to(self.device)
        return self.sum(h) / scale.unsqueeze(1)

    def normalized(self, h: Tensor) -> Tensor:
        """Return the normalised sums with self-loops (Kipf and Welling, ICLR 2017, eq. 2).

        Degrees are those of the graph, and a sampled sum is scaled up to all neighbours, so that
        its expectation is that of the whole graph.
        """
        scale = (self._strength + 1).rsqrt()
        scaled = scale * h
        sums = self.sum(scaled)
        sums = sums if self._drawn is None else sums / self._drawn
        return scale[self.targets] * (sums + scaled[self.targets])


def of_blocks(blocks: Blocks, layer: int, device: torch.device | str = "cpu") -> Messages:
    """Return the messages of a layer of a mini-batch.

    Args:
        blocks: The sampled neighbourhoods.
        layer: The layer, from 0: the one that reads the features.
        device: The device of the messages.
    """
    rows, columns = blocks.sizes[-2 - layer], blocks.sizes[-1 - layer]
    crow = blocks.indptr[: rows + 1]
    size = int(crow[-1])
    drawn = np.diff(crow) / np.maximum(blocks.degree[:rows], 1)
    return Messages(
        crow,
        blocks.indices[:size],
        None if blocks.weights is None else blocks.weights[:size],
        slice(0, rows),
        blocks.strength[:columns],
        drawn=np.where(drawn > 0, drawn, 1).astype(np.float32),
        transposed=blocks.transposed[layer],
        device=device,
    )


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, nodes: Tensor) -> Tensor:
        ctx.shape = table.shape
        ctx.save_for_backward(nodes)
        return table.index_select(0, nodes)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (nodes,) = ctx.saved_tensors
        gradient = torch.sparse_coo_tensor(
            nodes.unsqueeze(0), grads[0], ctx.shape, is_coalesced=True, check_invariants=False
        )
        return gradient, None


def rows_of(table: Tensor, nodes: Tensor) -> Tensor:
    """Return rows of a table of parameters, whose gradient is sparse: of these rows alone.

    Args:
        table: ``[N, D]``, parameters.
        nodes: ``[n]``, different rows, in any order.
    """
    return _Rows.apply(table, nodes)  # type: ignore[no-any-return, no-untyped-call]


def of_rows(
    graph: MessageGraph, strength: Array, low: int, high: int, device: torch.device | str
) -> Messages:
    """Return all messages to the nodes from ``low`` to ``high``, from all nodes.

    Args:
        graph: The edges that messages pass along.
        strength: ``[N]``, of all nodes, as :meth:`MessageGraph.strengths` returns it.
        low: The first target.
        high: The target after the last one.
        device: The device of the messages.
    """
    start, stop = graph.indptr[low], graph.indptr[high]
    values = None
    if graph.weights is not None:
        values = graph.weights[start:stop].astype(np.float32)
    crow, col = graph.indptr[low : high + 1] - start, graph.indices[start:stop].copy()
    return Messages(crow, col, values, slice(low, high), strength, device=device)
