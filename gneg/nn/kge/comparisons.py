"""Comparisons of queries with entities by kernels, on the CPU, where torch would copy every row.

Torch has no sum of absolute values or moduli of differences that it need not write down first:
``[b, N, D]`` for all entities, ``[b, M, D]`` for some, and as much again for gradients.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.kernels import csr, threads, vector_gradients, vectors

#: Sum of absolute differences, Euclidean distance, sum of moduli of complex differences, inner
#: product.
Comparison = Literal["manhattan", "euclidean", "moduli", "dots"]


def without_gradient(query: Tensor) -> bool:
    """Return whether :func:`compare_all` can serve: on the CPU, if no gradient is needed."""
    return query.device.type == "cpu" and not (torch.is_grad_enabled() and query.requires_grad)


def compare_all(kind: Comparison, query: Tensor, entities: Tensor) -> Tensor:
    """Return the comparisons ``[b, N]`` of queries ``[b, D]`` with all entities ``[N, D]``.

    In single precision and without gradients.
    """
    out = np.empty((len(query), len(entities)), np.float32)
    kernel = getattr(vectors, f"all_{kind}")
    threads.run_rows(kernel, len(out), out.size, out, _array(query), _array(entities))
    return torch.from_numpy(out)


def can_compare(query: Tensor, entities: Tensor) -> bool:
    """Return whether :func:`compare_some` can serve: on the CPU, gradients in single precision."""
    single = query.dtype == entities.dtype == torch.float32
    return without_gradient(query) or (query.device.type == "cpu" and single)


def compare_some(kind: Comparison, query: Tensor, entities: Tensor, index: Tensor) -> Tensor:
    """Return the comparisons ``[b, M]`` of queries with some entities, with gradients.

    Args:
        kind: The comparison.
        query: Vectors of queries, ``[b, D]``.
        entities: Vectors of all entities, ``[N, D]``.
        index: Ids of the entities of each query, ``[b, M]``.

    Raises:
        ValueError: If an id is out of range.
    """
    checks.node_range("index", index, len(entities), "entity")  # the kernels do not look
    return _CompareSome.apply(query, entities, index, kind)  # type: ignore[no-any-return, no-untyped-call]


class _CompareSome(torch.autograd.Function):
    """The comparisons, and their gradients by queries and by all entities."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, entities: Tensor, index: Tensor, kind: Comparison
    ) -> Tensor:
        """Return the comparisons."""
        ctx.kind = kind
        ctx.save_for_backward(query, entities, index)
        out = np.empty(tuple(index.shape), np.float32)
        arrays = _array(query), _array(entities), index.contiguous().numpy()
        threads.run_rows(getattr(vectors, f"some_{kind}"), len(out), out.size, out, *arrays)
        return torch.from_numpy(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by queries ``[b, D]`` and by entities ``[N, D]``."""
        query, entities, index = ctx.saved_tensors
        ids, weights = index.numpy().ravel(), _array(gradient).ravel()
        kernel, width = getattr(vector_gradients, ctx.kind), max(index.size(1), 1)
        queries, table = _array(query), _array(entities)

        def by(rows: Any, others: Any, ptr: Any, ids: Any, weights: Any) -> Tensor:
            out = np.empty_like(rows)
            threads.run_rows(kernel, len(out), len(ids), out, rows, others, ptr, ids, weights)
            return torch.from_numpy(out)

        by_query = by(queries, table, np.arange(len(queries) + 1) * index.size(1), ids, weights)
        ptr, positions = csr.group(ids, len(table))
        return (
            by_query,
            by(table, queries, ptr, positions // width, weights[positions]),
            None,
            None,
        )


def _array(rows: Tensor) -> Any:
    """Return the values of a tensor in single precision."""
    return rows.detach().float().contiguous().numpy()
