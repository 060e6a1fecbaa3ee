"""Messages from some nodes to others: what a layer needs of a mini-batch, or of a few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import kernels
from gneg.graph import sparse
from gneg.graph.lazy import cached_property
from gneg.loader.blocks import Blocks, MessageGraph, Transposed

Array = npt.NDArray[Any]


class _SumsAndRoots(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, h: Tensor, matrix: Tensor, transposed: Tensor | None, targets: slice
    ) -> tuple[Tensor, Tensor]:
        ctx.transposed, ctx.targets = transposed, targets
        with torch.autocast(h.device.type, enabled=False):  # sparse ones have no half precision
            return matrix @ h.to(matrix.dtype), h[targets].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        gradient = ctx.transposed @ grads[0].contiguous()
        gradient[ctx.targets] += grads[1]
        return gradient, None, None, None


class Gathered:
    """Sums of neighbours' features and features of the targets, ``[m, F]`` each, made ahead.

    Args:
        sums: The sums, by the weights of the first layer.
        roots: The rows of the targets.
    """

    def __init__(self, sums: Tensor, roots: Tensor) -> None:
        self.sums, self.roots = sums, roots

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Gathered:
        """Return both on a device; a copy from pinned memory need not be waited for."""
        sums, roots = (
            part.to(device, non_blocking=non_blocking) for part in (self.sums, self.roots)
        )
        return Gathered(sums, roots)

    def pin_memory(self) -> Gathered:
        """Return both in pinned memory."""
        return Gathered(self.sums.pin_memory(), self.roots.pin_memory())


class Messages:
    """The messages of one layer, from n sources to m targets, in place of an ``Adjacency``.

    The same sums as those of :class:`~gneg.nn.Adjacency`; only the targets' rows are returned.

    Args:
        crow: ``[m + 1]``, offsets of each target's sources.
        col: Sources, as rows of what is passed on.
        weights: Weights of the messages; None: 1.
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
        weights: Array | None,
        targets: slice,
        strength: Array,
        *,
        drawn: Array | None = None,
        transposed: Transposed | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._crow, self._col, self._weights = crow, col, weights
        self._strength, self._drawn, self._transposed = strength, drawn, transposed
        self._targets, self._device = targets, device

    def _matrix(self, crow: Array, col: Array, values: Array, size: int) -> Tensor:
        parts = (crow.astype(np.int32), col, values)
        offsets, columns, entries = (torch.from_numpy(part).to(self._device) for part in parts)
        return sparse.csr(offsets, columns, entries, (len(crow) - 1, size))

    def sums(self, h: Tensor | Gathered, values: Array) -> tuple[Tensor, Tensor]:
        """Return sums of rows of ``h [n, D]`` by these weights, and the rows of the targets."""
        if isinstance(h, Gathered):
            return h.sums, h.roots
        matrix = self._matrix(self._crow, self._col, values, len(self._strength))
        backward = None
        if self._transposed is not None and h.requires_grad:
            indptr, indices, origin = self._transposed
            backward = self._matrix(indptr, indices, values[origin], len(self._crow) - 1)
        return _SumsAndRoots.apply(h, matrix, backward, self._targets)  # type: ignore[no-any-return, no-untyped-call]

    @cached_property
    def mean_weights(self) -> Array:
        """Weights of the messages in a mean over each target's neighbours."""
        counts = np.diff(self._crow)
        if self._weights is None:
            return np.repeat(_inverse(counts), counts)
        sums = np.concatenate([[0.0], np.cumsum(self._weights, dtype=np.float64)])
        means: Array = self._weights * np.repeat(_inverse(np.diff(sums[self._crow])), counts)
        return means

    @cached_property
    def normalized_weights(self) -> Array:
        """Weights of the messages of GCN (Kipf and Welling, ICLR 2017, eq. 2).

        Degrees are those of the graph, and a sampled sum is scaled up to all neighbours, so that
        its expectation is that of the whole graph.
        """
        scale = 1 / np.sqrt(self._strength + 1)
        by_row = scale[self._targets]
        by_row = by_row if self._drawn is None else by_row / self._drawn
        values: Array = np.repeat(by_row, np.diff(self._crow)) * scale[self._col]
        return values if self._weights is None else values * self._weights

    def mean_and_roots(self, h: Tensor | Gathered) -> tuple[Tensor, Tensor]:
        """Return the weighted means of neighbours' rows of ``h [n, D]``, and the targets' rows.

        Both are ``[m, D]``; the mean without neighbours is 0.
        """
        return self.sums(h, self.mean_weights)

    def normalized(self, h: Tensor | Gathered) -> Tensor:
        """Return the normalised sums ``[m, D]`` of GCN, with self-loops."""
        sums, rows = self.sums(h, self.normalized_weights)
        loops = torch.from_numpy(1 / (self._strength[self._targets] + 1)).to(self._device)
        return sums + loops.unsqueeze(1) * rows


def _inverse(totals: Array) -> Array:
    """Return 1 / x in single precision; 1 for 0."""
    inverse: Array = (1 / np.where(totals > 0, totals, 1)).astype(np.float32)
    return inverse


def gather(blocks: Blocks, values: Array, x: Tensor) -> Gathered:
    """Return what the first layer of a mini-batch makes of features, by weights of its messages.

    In one pass over the rows of ``x``, instead of a copy of all rows that the batch reads.

    Args:
        blocks: The sampled neighbourhoods.
        values: Weights of the messages of the first layer.
        x: ``[N, F]`` features of all nodes, in single precision, on the CPU.
    """
    rows, table = blocks.sizes[-2], x.numpy()
    sums, roots = (np.empty((rows, x.size(1)), np.float32) for _ in range(2))
    arrays = (sums, roots, blocks.nodes, blocks.indptr, blocks.indices, values, table)
    run = kernels.threads.run_rows
    run(kernels.blocks.weighted_sums, rows, len(blocks.indices) * 16, *arrays)
    return Gathered(torch.from_numpy(sums), torch.from_numpy(roots))


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
