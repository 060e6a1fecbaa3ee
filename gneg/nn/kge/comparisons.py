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
LEAST_SHARE = np.float32(2**-24)  # by which a vector is divided


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


def compare_some(
    kind: Comparison, query: Tensor, entities: Tensor, index: Tensor, mix: Tensor | None = None
) -> Tensor:
    """Return the comparisons ``[b, M]`` of queries with some entities, with gradients.

    Args:
        kind: The comparison.
        query: Vectors of queries, ``[b, D]``.
        entities: Vectors of all entities, ``[N, D]``.
        index: Ids of the entities of each query, ``[b, M]``.
        mix: ``[b, M]``, in [0, 1], the share of a query's first entity in each vector; None: none.

    Raises:
        ValueError: If an id is out of range.
    """
    checks.node_range("index", index, len(entities), "entity")  # the kernels do not look
    if mix is not None and kind == "dots":  # linear in the entities
        scores = compare_some(kind, query, entities, index)
        return torch.lerp(scores, scores[:, :1], mix.to(scores))
    if mix is not None and not mix.numel():
        mix = None
    return _CompareSome.apply(query, entities, index, mix, kind)  # type: ignore[no-any-return, no-untyped-call]


class _CompareSome(torch.autograd.Function):
    """The comparisons, and their gradients by queries and by all entities."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        entities: Tensor,
        index: Tensor,
        mix: Tensor | None,
        kind: Comparison,
    ) -> Tensor:
        """Return the comparisons."""
        ctx.kind = kind
        ctx.save_for_backward(query, entities, index, mix)
        out = np.empty(tuple(index.shape), np.float32)
        arrays = [_array(query), _array(entities), index.contiguous().numpy()]
        if mix is not None:
            arrays.append(_array(mix))
        threads.run_rows(getattr(vectors, f"some_{kind}"), len(out), out.size, out, *arrays)
        return torch.from_numpy(out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by queries ``[b, D]`` and by entities ``[N, D]``."""
        query, entities, index, mix = ctx.saved_tensors
        kernel, width = getattr(vector_gradients, ctx.kind), index.size(1)
        queries, table = _array(query), _array(entities)
        weights, ids = _array(gradient).ravel(), index.numpy().ravel()
        row = np.repeat(np.arange(len(queries)), width)

        def by(rows: Any, partners: Any, ptr: Any, ids: Any, weights: Any, *mixed: Any) -> Tensor:
            out = np.empty_like(rows)
            arrays = rows, partners, ptr, ids, weights, *mixed
            threads.run_rows(kernel, len(out), len(ids), out, *arrays)
            return torch.from_numpy(out)

        by_row = np.arange(len(queries) + 1) * width
        by_id, order = csr.group(ids, len(table))
        if mix is None:
            by_query = by(queries, table, by_row, ids, weights)
            return by_query, by(table, queries, by_id, row[order], weights[order]), None, None, None

        # Gradients of the length of q - s p - (1 - s) v, where p is mixed into v, have its
        # direction: that of v - (q - s p) / (1 - s), and that of p - (q - (1 - s) v) / s.
        share, first = _array(mix).ravel(), index[:, 0].numpy()
        of_entity = np.maximum(1 - share, LEAST_SHARE)
        by_query = by(queries, table, by_row, ids, weights, table, first[row], share)
        by_entity = by(
            table,
            queries,
            by_id,
            row[order],
            (weights * of_entity)[order],
            table,
            first[row[order]],
            (-share / of_entity)[order],
        )
        by_first = by(
            table[first],
            queries,
            by_row,
            row,
            weights * share,
            table,
            ids,
            (share - 1) / np.maximum(share, LEAST_SHARE),
        )
        by_entity.index_add_(0, index[:, 0], by_first)
        return by_query, by_entity, None, None, None


def _array(rows: Tensor) -> Any:
    """Return the values of a tensor in single precision."""
    return rows.detach().float().contiguous().numpy()
